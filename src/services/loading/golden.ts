import { readFileSync } from 'node:fs';
import { VitrinaError } from '../../errors.js';
import type { Session } from '../../runtime/index.js';
import type { Guard, Signature } from '../../signature.js';
import { float16ToNumber, type Tensor } from '../../tensor.js';
import { readTensor } from '../predictions/json-tensors.js';
import { checkGuards } from '../predictions/prediction-service.js';
import { type FoundVersion, findCompanion } from '../repository/repository-scan.js';

interface GoldenFile {
  readonly inputs: Readonly<Record<string, unknown>>;
  readonly expected: Readonly<Record<string, unknown>>;
  readonly tolerance: number;
}

/** A golden file that was met. */
export interface GoldenReplay {
  /** Its first row, as tensors in JSON: an example that makes sense to the model's users. */
  readonly firstRow: Readonly<Record<string, unknown>>;
}

/**
 * Replays the golden file that `model.yaml` names, else a `golden.json` beside the artefact:
 * `{"inputs": {…}, "expected": {…}, "tolerance": 1e-5}`, an output being met when
 * `|got − expected| ≤ tolerance + tolerance · |expected|` in every element, strings being equal.
 * `undefined` when there is no such file. Errors: `golden-differs`, `path-unusable`.
 */
export async function replayGolden(
  found: FoundVersion,
  signature: Signature,
  session: Session,
  guards: readonly Guard[] = [],
): Promise<GoldenReplay | undefined> {
  const name = found.yaml.golden ?? 'golden.json';
  const file = findCompanion(found.folders, name);
  if (file === undefined) {
    if (found.yaml.golden === undefined) return undefined;
    throw new VitrinaError('path-unusable', {
      path: name,
      problem: 'model.yaml names this golden file, but it is not there',
    });
  }
  // Where an upload lies is nobody's business.
  const shown = found.uploaded === true ? name : file;
  const golden = readGolden(file, shown);
  const inputs: Record<string, Tensor> = {};
  for (const spec of signature.inputs)
    inputs[spec.name] = readTensor(spec, golden.inputs[spec.name], `inputs.${spec.name}`);
  const outputs = checkGuards(guards, await session.run(inputs));
  for (const [output, expected] of Object.entries(golden.expected)) {
    const got = outputs[output];
    if (got === undefined) {
      const problem = `there is no output "${output}"; the outputs are ${Object.keys(outputs).join(', ')}`;
      throw new VitrinaError('path-unusable', { path: shown, problem });
    }
    compare(found.model, output, got, (expected as unknown[]).flat(Number.POSITIVE_INFINITY), golden.tolerance);
  }
  return { firstRow: firstRow(signature, golden.inputs) };
}

function firstRow(signature: Signature, inputs: GoldenFile['inputs']): Record<string, unknown> {
  return Object.fromEntries(
    signature.inputs.map(({ name, shape }) => {
      const value = inputs[name];
      return [name, shape[0] === null && Array.isArray(value) ? value.slice(0, 1) : value];
    }),
  );
}

function readGolden(file: string, shown: string): GoldenFile {
  const bad = (problem: string, cause?: unknown) =>
    new VitrinaError('path-unusable', { path: shown, problem }, { cause });
  let parsed: Partial<GoldenFile> | null;
  try {
    parsed = JSON.parse(readFileSync(file, 'utf8')) as Partial<GoldenFile> | null;
  } catch (cause) {
    throw bad('the golden file is not JSON', cause);
  }
  const { inputs, expected, tolerance = 1e-5 } = parsed ?? {};
  if (!isMapping(inputs) || !isMapping(expected) || typeof tolerance !== 'number') {
    throw bad(
      'a golden file has "inputs" and "expected" (mappings from name to nested lists) and a number "tolerance"',
    );
  }
  if (Object.keys(expected).length === 0 || !Object.values(expected).every(Array.isArray)) {
    throw bad('"expected" must map at least one output to a nested list');
  }
  return { inputs, expected, tolerance };
}

function isMapping(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function compare(model: string, output: string, got: Tensor, expected: readonly unknown[], tolerance: number): void {
  const differs = (shownGot: unknown, shownExpected: unknown) =>
    new VitrinaError('golden-differs', {
      model,
      output,
      got: String(shownGot),
      expected: String(shownExpected),
      tolerance,
    });
  if (got.data.length !== expected.length) throw differs(`${got.data.length} values`, `${expected.length}`);
  for (let i = 0; i < expected.length; i++) {
    const raw = got.data[i]!;
    const value =
      got.dtype === 'float16' ? float16ToNumber(raw as number) : typeof raw === 'bigint' ? Number(raw) : raw;
    const wanted = expected[i];
    const met =
      typeof wanted === 'number'
        ? Math.abs((value as number) - wanted) <= tolerance + tolerance * Math.abs(wanted)
        : typeof wanted === 'boolean'
          ? value === Number(wanted)
          : String(value) === wanted;
    if (!met) throw differs(value, wanted);
  }
}
