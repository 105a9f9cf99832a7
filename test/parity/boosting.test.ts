import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { convertArtefact } from '../../src/convert/index.js';
import { openSession } from '../../src/runtime/index.js';
import { type Conversion, missingTexts, type TensorSpec } from '../../src/signature.js';
import type { Tensor } from '../../src/tensor.js';

interface Case {
  readonly id: string;
  readonly family: string;
  readonly dir: string;
  readonly artefact: string;
  readonly library: string;
}

interface FixtureTensor {
  readonly name: string;
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly data: unknown;
  readonly tolerance: { readonly abs: number; readonly rel: number };
}

type Cell = number | string | boolean | null;

/** Nested lists in one; NaN and infinities come as texts. */
const flatten = (data: unknown, dtype: string): Cell[] =>
  Array.isArray(data)
    ? data.flatMap((item) => flatten(item, dtype))
    : [dtype === 'string' ? (data as Cell) : Number(data)];

/** The inputs of the signature from those of the fixture: one matrix, or one column each. */
function feed(specs: readonly TensorSpec[], inputs: readonly FixtureTensor[]): Record<string, Tensor> {
  const isMatrix = inputs.length === 1 && inputs[0]!.shape.length === 2;
  const rows = inputs[0]!.shape[0]!;
  const columns = isMatrix ? [] : inputs.map(({ data, dtype }) => flatten(data, dtype));
  const [only] = specs;
  if (specs.length === 1 && only!.shape.length === 2) {
    if (!isMatrix) expect(only!.columns).toEqual(inputs.map(({ name }) => name));
    const width = only!.shape[1]!;
    const cells = isMatrix
      ? flatten(inputs[0]!.data, inputs[0]!.dtype)
      : Array.from({ length: rows * width }, (_, i) => columns[i % width]![Math.floor(i / width)]!);
    return { [only!.name]: { dtype: 'float64', shape: [rows, width], data: Float64Array.from(cells as number[]) } };
  }
  return Object.fromEntries(
    specs.map(({ name, dtype }): [string, Tensor] => {
      const at = inputs.findIndex((input) => input.name === name);
      const cells = columns[at]!;
      return dtype === 'string'
        ? [name, { dtype, shape: [rows], data: cells.map((cell) => (cell === null ? missingTexts.NaN : String(cell))) }]
        : [name, { dtype: 'float64', shape: [rows], data: Float64Array.from(cells as number[]) }];
    }),
  );
}

async function run(conversion: Conversion, inputs: readonly FixtureTensor[]): Promise<Record<string, Tensor>> {
  const session = await openSession(conversion.graph, 'inline');
  const results = await session.run(feed(conversion.signature.inputs, inputs));
  await session.close();
  return results;
}

/** Every case of a manifest gives the library's own numbers within the case's tolerance, labels and integers exactly. */
function replay(root: string): void {
  const { cases } = JSON.parse(readFileSync(join(root, 'manifest.json'), 'utf8')) as { cases: Case[] };
  for (const { id, dir, artefact, library } of cases.filter(({ family }) => family === 'boosting')) {
    it(`${id} is equal`, async () => {
      const conversion = await convertArtefact(readFileSync(join(root, artefact)), artefact);
      const read = (file: string) => JSON.parse(readFileSync(join(root, dir, file), 'utf8'));
      const { inputs } = read('inputs.json') as { inputs: FixtureTensor[] };
      const { outputs } = read('expected.json') as { outputs: FixtureTensor[] };
      const results = await run(conversion, inputs);
      if (!conversion.provenance.components.includes('Pipeline')) {
        expect(conversion.provenance.library).toBe(library);
      }
      for (const { output } of conversion.guards ?? []) {
        expect(Array.from(results[output]!.data as Uint8Array)).not.toContain(0);
      }
      for (const { name, dtype, shape, data, tolerance } of outputs) {
        expect(results[name]!.shape, name).toEqual(shape);
        const expected = flatten(data, dtype);
        const got = Array.from(results[name]!.data as ArrayLike<number | bigint | string>);
        const wrong = expected.flatMap((value, i) => {
          if (typeof value === 'string') return got[i] === value ? [] : [`${i}: ${got[i]} for ${value}`];
          const distance = Math.abs(Number(got[i]) - Number(value));
          const near = distance <= tolerance.abs + tolerance.rel * Math.abs(Number(value));
          return near || Object.is(Number(got[i]), Number(value)) ? [] : [`${i}: ${got[i]} for ${value}`];
        });
        expect(wrong, name).toEqual([]);
      }
    });
  }
}

describe('boosters of XGBoost 0.90 to 3.4 and LightGBM 2.3 to 4.6', () => {
  replay(join(import.meta.dirname, '../fixtures/boosting'));
});

const shared = join(import.meta.dirname, '../../../shared/fixtures/boosting');
describe.runIf(existsSync(shared))('boosters of the shared fixtures', () => {
  if (existsSync(shared)) replay(shared);
});
