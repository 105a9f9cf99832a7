/** Replays a manifest of golden cases: artefact, inputs, expected outputs of the library that made it. */
import { readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { convertArtefact, convertParts } from '../../convert/index.js';
import { VitrinaError } from '../../errors.js';
import { openSession } from '../../runtime/index.js';
import { type Conversion, missingTexts, type Signature, type TensorSpec } from '../../signature.js';
import { allocate, float16ToNumber, numberToFloat16, sizeOf, type Tensor } from '../../tensor.js';
import { checkGuards } from '../predictions/prediction-service.js';
import { readModelYaml } from '../repository/model-yaml.js';
import { findPipeline, openArtefact, readArtefact } from '../repository/repository-scan.js';
import { type ClusteringInputs, type ExpectedClustering, judgeClustering } from './clustering-case.js';

export interface ManifestCase {
  readonly id: string;
  readonly family: string;
  readonly dir: string;
  /** Of a clustering there is none. */
  readonly artefact: string;
  readonly kind: string;
  readonly conclude?: string;
  /** Of a clustering: the reference's answer depends on the order of its points, or on its algorithm. */
  readonly ambiguous?: boolean;
}

export interface CaseResult {
  readonly id: string;
  readonly verdict: 'equal' | 'differs' | 'ambiguous' | 'refused' | 'error';
  /** Largest absolute difference; null when nothing was computed. */
  readonly maxAbs: number | null;
  /** Largest difference relative to the expected value. */
  readonly maxRel: number | null;
  /** Largest of the smaller of both, element by element: how far a number is off, be it large or near zero. */
  readonly maxOff: number | null;
  readonly message: string;
}

interface StoredTensor {
  readonly name: string;
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly data: unknown;
  readonly tolerance?: Tolerance;
}

export interface StoredInputs {
  readonly kind: string;
  readonly inputs: readonly StoredTensor[];
}

interface Tolerance {
  readonly abs: number;
  readonly rel: number;
}

interface Expected {
  readonly outputs: readonly StoredTensor[];
  readonly tolerance?: Tolerance;
  /** The two best scores are closer than 1e-6: the label may be the other one. */
  readonly near_tie_rows?: readonly number[];
  /** Which of two equally near neighbours comes first is not defined. */
  readonly ambiguous_rows?: readonly number[];
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
    return { id: entry.id, verdict: refused ? 'refused' : 'error', maxAbs: null, maxRel: null, maxOff: null, message };
  }
}

async function replay(root: string, entry: ManifestCase): Promise<CaseResult> {
  const { id, dir, artefact, kind, conclude } = entry;
  if (kind === 'clustering') return replayClustering(root, entry);
  const file = join(root, artefact);
  if (kind === 'container') return replayMembers(root, entry);
  const conversion = await convertFound(file);
  if (kind === 'refuse' || kind === 'not-a-model') {
    const message = `was converted, and should be refused: ${conclude ?? ''}`;
    return { id, verdict: 'differs', maxAbs: null, maxRel: null, maxOff: null, message };
  }
  const stored = readJson<StoredInputs>(join(root, dir, 'inputs.json'));
  const expected = readJson<Expected>(join(root, dir, 'expected.json'));
  return judge(id, await run(conversion, stored), expected);
}

function replayClustering(root: string, { id, dir, ambiguous = false }: ManifestCase): CaseResult {
  const stored = readJson<ClusteringInputs>(join(root, dir, 'inputs.json'));
  const expected = readJson<ExpectedClustering>(join(root, dir, 'expected.json'));
  return judgeClustering(id, stored, expected, ambiguous);
}

/** Objects of a dictionary, list or tuple, one after the other; their outputs are called `['key'].method`. */
async function replayMembers(root: string, { id, dir, artefact }: ManifestCase): Promise<CaseResult> {
  const file = join(root, artefact);
  const stored = readJson<StoredInputs>(join(root, dir, 'inputs.json'));
  const expected = readJson<Expected>(join(root, dir, 'expected.json'));
  const outputs: Record<string, Tensor> = {};
  const prefixes = new Set(expected.outputs.map(({ name }) => name.slice(0, name.indexOf(']') + 1)));
  for (const prefix of prefixes) {
    const member = prefix.slice(1, -1).replace(/^(['"])(.*)\1$/, '$2');
    const conversion = await convertArtefact(readArtefact(file), file, { member });
    for (const [name, tensor] of Object.entries(await run(conversion, stored))) outputs[`${prefix}.${name}`] = tensor;
  }
  return judge(id, outputs, expected);
}

/** An artefact, or the folder of one whose `model.yaml` says how its files follow one another. */
async function convertFound(path: string): Promise<Conversion> {
  if (!statSync(path).isDirectory()) return convertArtefact(readArtefact(path), path);
  const { pipeline = [] } = readModelYaml(join(path, 'model.yaml'));
  const found = findPipeline(path, pipeline);
  if (found instanceof VitrinaError) throw found;
  return convertParts(found.parts?.files.map(openArtefact) ?? [], 'given');
}

async function run(conversion: Conversion, stored: StoredInputs): Promise<Record<string, Tensor>> {
  const { graph, signature, featurizers = [], guards = [] } = conversion;
  const session = await openSession(graph, 'inline', { featurizers });
  try {
    return checkGuards(guards, await session.run(feed(signature, stored)));
  } finally {
    await session.close();
  }
}

const readJson = <T>(file: string) => JSON.parse(readFileSync(file, 'utf8')) as T;

/**
 * Stored inputs as those of the signature: a table is given column by column or as a matrix, whichever way it was
 * stored; everything else comes in the order of the model's inputs.
 */
export function feed({ inputs: specs }: Signature, { kind, inputs: stored }: StoredInputs): Record<string, Tensor> {
  if (kind === 'dicts' || kind === 'labelsets') {
    const rows = (stored[0]!.data as unknown[]).map((row) => JSON.stringify(row));
    return { [specs[0]!.name]: { dtype: 'string', shape: [rows.length], data: rows } };
  }
  if (kind !== 'dataframe' && kind !== 'ndarray' && kind !== 'object') {
    if (stored.length !== specs.length) {
      throw new Error(`the case has ${stored.length} inputs, the model ${specs.length}`);
    }
    return Object.fromEntries(specs.map((spec, i) => [spec.name, tensorOf(spec, stored[i]!)]));
  }
  const columns = kind === 'dataframe' ? stored : splitColumns(stored[0]!);
  return Object.fromEntries(
    specs.map((spec, i) => {
      if (spec.shape.length === 1) {
        const position = /^x\d+$/.test(spec.name) ? Number(spec.name.slice(1)) : i;
        const column = columns.find(({ name }) => name === spec.name) ?? columns[position]!;
        return [spec.name, tensorOf(spec, column)];
      }
      const named = spec.columns?.map((name) => columns.find((column) => column.name === name));
      const own = named?.every((column) => column !== undefined) ? (named as StoredTensor[]) : columns;
      const rows = own[0]!.shape[0]!;
      const data = Array.from({ length: rows }, (_, row) =>
        own.map((column) => (column.data as unknown[])[row]),
      ).flat();
      return [spec.name, tensorOf(spec, { name: spec.name, dtype: spec.dtype, shape: [rows, own.length], data })];
    }),
  );
}

function splitColumns({ dtype, shape, data }: StoredTensor): StoredTensor[] {
  const rows = data as unknown[][];
  return Array.from({ length: shape[1] ?? 0 }, (_, j) => ({
    name: `x${j}`,
    dtype,
    shape: [shape[0]!],
    data: rows.map((row) => row[j]),
  }));
}

function tensorOf({ dtype, missing }: TensorSpec, { shape, data }: StoredTensor): Tensor {
  const values = (data as unknown[]).flat(Number.POSITIVE_INFINITY);
  const target = allocate(dtype, sizeOf(shape));
  for (let i = 0; i < values.length; i++) {
    const value = values[i];
    if (Array.isArray(target)) target[i] = value === null ? missingTexts[missing ?? 'NaN'] : String(value);
    else if (target instanceof BigInt64Array || target instanceof BigUint64Array) target[i] = BigInt(value as number);
    else target[i] = dtype === 'float16' ? numberToFloat16(Number(value)) : value === null ? Number.NaN : Number(value);
  }
  return { dtype, shape, data: target };
}

function judge(id: string, got: Readonly<Record<string, Tensor>>, expected: Expected): CaseResult {
  const { outputs, tolerance, near_tie_rows: ties = [], ambiguous_rows: ambiguous = [] } = expected;
  let maxAbs = 0;
  let maxRel = 0;
  let maxOff = 0;
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
    const width = values.length / (wanted.shape[0] ?? 1);
    for (let i = 0; i < values.length; i++) {
      const row = Math.floor(i / width);
      if (ambiguous.includes(row) || (wanted.name.endsWith('predict') && ties.includes(row))) continue;
      const value = numberOf(tensor, i);
      const target = typeof value === 'number' ? Number(values[i]) : values[i];
      if (Object.is(value, target) || value === target) continue;
      const difference = typeof value === 'number' ? Math.abs(value - (target as number)) : Number.NaN;
      const limit = typeof value === 'number' ? abs + rel * Math.abs(target as number) : 0;
      if (difference > maxAbs) maxAbs = difference;
      const relative = difference / Math.abs(target as number);
      if (Number.isFinite(relative) && relative > maxRel) maxRel = relative;
      const off = Number.isFinite(relative) ? Math.min(difference, relative) : difference;
      if (off > maxOff) maxOff = off;
      if (!(difference <= limit)) message ||= `output "${wanted.name}"[${i}] is ${value}, expected ${values[i]}`;
    }
  }
  return { id, verdict: message === '' ? 'equal' : 'differs', maxAbs, maxRel, maxOff, message };
}

function numberOf({ dtype, data }: Tensor, at: number): number | string | null {
  const value = data[at]!;
  if (value === missingTexts.NaN || value === missingTexts.None) return null;
  if (typeof value === 'bigint') return Number(value);
  return dtype === 'float16' && typeof value === 'number' ? float16ToNumber(value) : value;
}
