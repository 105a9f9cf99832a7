/** Replays a manifest of golden cases: artefact, inputs, expected outputs of the library that made it. */
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { convertArtefact } from '../convert/index.js';
import { VitrinaError } from '../errors.js';
import { openSession } from '../runtime/index.js';
import type { Signature } from '../signature.js';
import { allocate, type DataType, float16ToNumber, numberToFloat16, sizeOf, type Tensor } from '../tensor.js';
import { readArtefact } from './repository-scan.js';

export interface ManifestCase {
  readonly id: string;
  readonly family: string;
  readonly dir: string;
  readonly artefact: string;
  readonly kind: string;
  readonly conclude?: string;
}

export interface CaseResult {
  readonly id: string;
  readonly verdict: 'equal' | 'differs' | 'refused' | 'error';
  /** Largest absolute difference; null when nothing was computed. */
  readonly maxAbs: number | null;
  /** Largest difference relative to the expected value. */
  readonly maxRel: number | null;
  readonly message: string;
}

interface StoredTensor {
  readonly name: string;
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly data: unknown;
  readonly tolerance?: Tolerance;
}

interface Tolerance {
  readonly abs: number;
  readonly rel: number;
}

interface Expected {
  readonly outputs: readonly StoredTensor[];
  readonly tolerance?: Tolerance;
  readonly near_tie_rows?: readonly number[];
}

export function readManifest(file: string): ManifestCase[] {
  try {
    return (JSON.parse(readFileSync(file, 'utf8')) as { cases: ManifestCase[] }).cases;
  } catch (cause) {
    throw new VitrinaError(
      'path-unusable',
      { path: file, problem: 'it is not a manifest (JSON with "cases")' },
      { cause },
    );
  }
}

/** Runs one case; whatever happens becomes its verdict. `manifest` is the file that lists it. */
export async function runCase(manifest: string, entry: ManifestCase): Promise<CaseResult> {
  try {
    return await replay(dirname(manifest), entry);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    const refused = error instanceof VitrinaError && error.status < 500;
    return { id: entry.id, verdict: refused ? 'refused' : 'error', maxAbs: null, maxRel: null, message };
  }
}

async function replay(root: string, { id, dir, artefact, kind, conclude }: ManifestCase): Promise<CaseResult> {
  const file = join(root, artefact);
  const { graph, signature } = await convertArtefact(readArtefact(file), file);
  if (kind === 'refuse' || kind === 'not-a-model') {
    const message = `was converted, and should be refused: ${conclude ?? ''}`;
    return { id, verdict: 'differs', maxAbs: null, maxRel: null, message };
  }
  const { inputs } = readJson<{ inputs: StoredTensor[] }>(join(root, dir, 'inputs.json'));
  const expected = readJson<Expected>(join(root, dir, 'expected.json'));
  const session = await openSession(graph, 'inline');
  try {
    const outputs = await session.run(feed(signature, inputs));
    return judge(id, outputs, expected);
  } finally {
    await session.close();
  }
}

const readJson = <T>(file: string) => JSON.parse(readFileSync(file, 'utf8')) as T;

/** Stored inputs are in the order of the model's; the columns of a data frame are stored one by one. */
function feed(signature: Signature, stored: readonly StoredTensor[]): Record<string, Tensor> {
  const [only] = signature.inputs;
  if (signature.inputs.length === 1 && stored.length > 1 && stored.length === only!.shape[1]) {
    const columns = stored.map((column) => tensorOf(only!.dtype, column).data as Float64Array);
    const rows = columns[0]!.length;
    const data = allocate(only!.dtype, rows * columns.length) as Float64Array;
    for (let row = 0; row < rows; row++)
      for (const [j, column] of columns.entries()) data[row * columns.length + j] = column[row]!;
    return { [only!.name]: { dtype: only!.dtype, shape: [rows, columns.length], data } };
  }
  if (stored.length !== signature.inputs.length) {
    throw new Error(`the case has ${stored.length} inputs, the model ${signature.inputs.length}`);
  }
  return Object.fromEntries(signature.inputs.map((spec, i) => [spec.name, tensorOf(spec.dtype, stored[i]!)]));
}

function tensorOf(dtype: DataType, { shape, data }: StoredTensor): Tensor {
  const values = (data as unknown[]).flat(Number.POSITIVE_INFINITY);
  const target = allocate(dtype, sizeOf(shape));
  for (let i = 0; i < values.length; i++) {
    const value = values[i];
    if (Array.isArray(target)) target[i] = String(value);
    else if (target instanceof BigInt64Array || target instanceof BigUint64Array) target[i] = BigInt(value as number);
    else target[i] = dtype === 'float16' ? numberToFloat16(Number(value)) : Number(value);
  }
  return { dtype, shape, data: target };
}

function judge(id: string, got: Readonly<Record<string, Tensor>>, { outputs, tolerance }: Expected): CaseResult {
  let maxAbs = 0;
  let maxRel = 0;
  let message = '';
  const names = Object.keys(got);
  for (const [index, wanted] of outputs.entries()) {
    const tensor = got[wanted.name] ?? got[names[index] ?? ''];
    if (tensor === undefined) {
      message ||= `output "${wanted.name}" is missing; the outputs are ${names.join(', ')}`;
      continue;
    }
    if (got[wanted.name] === undefined)
      message ||= `output ${index} is called "${names[index]}", expected "${wanted.name}"`;
    const values = [wanted.data].flat(Number.POSITIVE_INFINITY);
    if (String(tensor.shape) !== String(wanted.shape)) {
      message ||= `output "${wanted.name}" has shape [${tensor.shape}], expected [${wanted.shape}]`;
      continue;
    }
    const { abs, rel } = wanted.tolerance ?? tolerance ?? { abs: 0, rel: 0 };
    for (let i = 0; i < values.length; i++) {
      const value = numberOf(tensor, i);
      const target = typeof value === 'number' ? Number(values[i]) : values[i];
      if (Object.is(value, target) || value === target) continue;
      const difference = typeof value === 'number' ? Math.abs(value - (target as number)) : Number.NaN;
      const limit = typeof value === 'number' ? abs + rel * Math.abs(target as number) : 0;
      if (difference > maxAbs) maxAbs = difference;
      const relative = difference / Math.abs(target as number);
      if (Number.isFinite(relative) && relative > maxRel) maxRel = relative;
      if (!(difference <= limit)) message ||= `output "${wanted.name}"[${i}] is ${value}, expected ${values[i]}`;
    }
  }
  return { id, verdict: message === '' ? 'equal' : 'differs', maxAbs, maxRel, message };
}

function numberOf({ dtype, data }: Tensor, at: number): number | string {
  const value = data[at]!;
  if (typeof value === 'bigint') return Number(value);
  return dtype === 'float16' && typeof value === 'number' ? float16ToNumber(value) : value;
}
