import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { InferenceSession, Tensor as OrtTensor } from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import { convertPickle } from '../../src/convert/index.js';
import { estimatorRegistry } from '../../src/convert/sklearn/registry.js';
import { VitrinaError } from '../../src/errors.js';
import { readJoblib } from '../../src/formats/joblib/index.js';
import { PythonObject } from '../../src/formats/pickle/index.js';
import type { Conversion } from '../../src/signature.js';

interface Case {
  readonly id: string;
  readonly family: string;
  readonly dir: string;
  readonly artefact: string;
  readonly kind: string;
  readonly version?: string;
  readonly chain?: boolean;
  readonly globals?: readonly string[];
}

interface FixtureTensor {
  readonly name: string;
  readonly shape: readonly number[];
  readonly data: unknown;
}

/** Globals of real files that are refused on purpose. */
const refusedGlobals = /^(__main__\.|functools\.partial$|posix\.system$)/;

const numbers = (data: unknown): number[] => (Array.isArray(data) ? data.flatMap(numbers) : [Number(data)]);

/** The rows of a case, row-major: a table comes column by column. */
function readRows(folder: string): { rows: number; values: Float64Array } {
  const { kind, inputs } = JSON.parse(readFileSync(join(folder, 'inputs.json'), 'utf8')) as {
    kind: string;
    inputs: FixtureTensor[];
  };
  const rows = inputs[0]!.shape[0]!;
  if (kind !== 'dataframe') return { rows, values: Float64Array.from(numbers(inputs[0]!.data)) };
  const columns = inputs.map(({ data }) => numbers(data));
  return {
    rows,
    values: Float64Array.from(
      { length: rows * columns.length },
      (_, i) => columns[i % columns.length]![Math.floor(i / columns.length)]!,
    ),
  };
}

/** Runs a conversion on the rows of a case; the results of its methods by name. */
async function run(conversion: Conversion, folder: string): Promise<Map<string, ArrayLike<number>>> {
  const session = await InferenceSession.create(conversion.graph, { logSeverityLevel: 3 });
  const { rows, values } = readRows(folder);
  const results = await session.run({ X: new OrtTensor('float64', values, [rows, values.length / rows]) });
  await session.release();
  return new Map(Object.entries(results).map(([name, tensor]) => [name, tensor.data as Float64Array]));
}

/**
 * The cases of a manifest: estimators with a converter give scikit-learn's own numbers, bit for bit where nothing but
 * arithmetic on each value is done; all others are read, or refused by a name that is refused on purpose.
 */
function replay(root: string): void {
  const { cases } = JSON.parse(readFileSync(join(root, 'manifest.json'), 'utf8')) as { cases: Case[] };
  for (const { id, dir, artefact, kind, version, globals, chain } of cases.filter(
    ({ family }) => family === 'sklearn',
  )) {
    if (chain === true) continue;
    const bytes = readFileSync(join(root, artefact));
    it(`${id} is equal, read, or refused by name`, async () => {
      let value: ReturnType<typeof readJoblib>['value'];
      try {
        value = readJoblib(bytes).value;
      } catch (error) {
        expect(error).toBeInstanceOf(VitrinaError);
        const { code, fields } = error as VitrinaError;
        if (code === 'pickle-global-refused') expect((fields as { global: string }).global).toMatch(refusedGlobals);
        else expect(kind).toBe('refuse');
        expect(() => convertPickle(bytes)).toThrow();
        return;
      }
      expect((globals ?? []).filter((name) => refusedGlobals.test(name))).toEqual([]);
      if (
        kind === 'refuse' ||
        kind === 'not-a-model' ||
        !(value instanceof PythonObject) ||
        !estimatorRegistry.has(value.global.id)
      ) {
        expect(() => convertPickle(bytes)).toThrow(VitrinaError);
        return;
      }
      const conversion = convertPickle(bytes);
      if (version !== undefined) expect(conversion.provenance.libraryVersion).toBe(version);
      const got = await run(conversion, join(root, dir));
      const { outputs } = JSON.parse(readFileSync(join(root, dir, 'expected.json'), 'utf8')) as {
        outputs: FixtureTensor[];
      };
      expect([...got.keys()]).toEqual(outputs.map(({ name }) => name));
      for (const { name, data } of outputs) expect(Array.from(got.get(name)!)).toEqual(numbers(data));
    });
  }
}

describe('scikit-learn fixtures', () => {
  replay(join(import.meta.dirname, '../fixtures/sklearn'));

  it('leave no trace of their payloads', () => {
    expect(existsSync('PWNED_BY_FIXTURE')).toBe(false);
  });
});

const shared = join(import.meta.dirname, '../../../shared/fixtures');
for (const set of ['dev', 'wild']) {
  describe.runIf(existsSync(join(shared, set)))(`scikit-learn fixtures, ${set}`, () => {
    if (existsSync(join(shared, set))) replay(join(shared, set));
  });
}
