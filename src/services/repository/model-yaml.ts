import { readFileSync } from 'node:fs';
import { parse as parseYaml } from 'yaml';
import { nearest } from '../../config.js';
import { VitrinaError } from '../../errors.js';
import type { Placement } from '../../runtime/index.js';

/** What `model.yaml` may say about a model; everything is optional. */
export interface ModelYaml {
  readonly name?: string;
  readonly description?: string;
  /** File name of the artefact, when a version's folder holds more than one. */
  readonly artefact?: string;
  /** Artefacts that are one model, in the order in which each gives what the next takes; `file#member` for one object. */
  readonly pipeline?: readonly string[];
  /** Which object of a pickle that holds several: a key of its dictionary, or a position. */
  readonly member?: string | number;
  /** Names of the classes, in the order of the model's last dimension. */
  readonly labels?: readonly string[];
  readonly batching?: { readonly maxBatchRows?: number; readonly maxDelayMs?: number };
  readonly placement?: Placement | 'auto';
  /** Golden file, in the version's folder or beside `model.yaml`. */
  readonly golden?: string;
  /** Loaded when the server starts, and never unloaded to make room. */
  readonly pin?: boolean;
}

type Check = readonly [expected: string, fits: (value: unknown) => boolean];

const isText = (value: unknown) => typeof value === 'string' && value !== '';
/** A plain file name: a golden file or an artefact is never fetched from another folder. */
const isFileName = (value: unknown) => isText(value) && !/[/\\]|^\.\.?$/.test(value as string);
const isMapping = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const checks: Readonly<Record<string, Check>> = {
  name: ['a name of letters, digits, "_", "-" and "."', isModelName],
  description: ['a text', isText],
  artefact: ['a file name', isFileName],
  pipeline: [
    'a list of at least two file names, in their order',
    (value) => Array.isArray(value) && value.length >= 2 && value.every(isFileName),
  ],
  member: ['a key or a position', (value) => isText(value) || (Number.isInteger(value) && (value as number) >= 0)],
  labels: ['a list of texts', (value) => Array.isArray(value) && value.length > 0 && value.every(isText)],
  batching: ['a mapping with maxBatchRows and maxDelayMs', isMapping],
  placement: [
    'auto, inline, worker or process',
    (value) => ['auto', 'inline', 'worker', 'process'].includes(value as string),
  ],
  golden: ['a file name', isFileName],
  pin: ['true or false', (value) => typeof value === 'boolean'],
};

/** What has no place in settings that are sent with an artefact: the URL names the model, and the parts are one each. */
const unsent = ['name', 'artefact', 'pipeline', 'golden'] as const;

const batchingChecks: Readonly<Record<string, Check>> = {
  maxBatchRows: [
    'a whole number from 1 to 65536',
    (v) => Number.isInteger(v) && (v as number) >= 1 && (v as number) <= 65_536,
  ],
  maxDelayMs: ['a number from 0 to 10000', (v) => typeof v === 'number' && v >= 0 && v <= 10_000],
};

/** Names appear in URLs and file names. */
export function isModelName(value: unknown): boolean {
  return typeof value === 'string' && /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$/.test(value);
}

/**
 * Reads and checks a `model.yaml`; one that was `sent` with an artefact names no other files, and errors do not tell
 * where it lies. Errors: `model-yaml-invalid`, which names the file and the entry.
 */
export function readModelYaml(path: string, origin: 'found' | 'sent' = 'found'): ModelYaml {
  const file = origin === 'sent' ? 'model.yaml' : path;
  let parsed: unknown;
  try {
    parsed = parseYaml(readFileSync(path, 'utf8'), { maxAliasCount: 20 });
  } catch (cause) {
    const problem = cause instanceof Error ? cause.message.split('\n')[0]! : String(cause);
    throw new VitrinaError('model-yaml-invalid', { file, problem }, { cause });
  }
  if (parsed === null || parsed === undefined) return {};
  if (!isMapping(parsed)) throw new VitrinaError('model-yaml-invalid', { file, problem: 'expected a mapping' });
  check(file, '', parsed, checks);
  const foreign = origin === 'sent' ? unsent.find((name) => Object.hasOwn(parsed as object, name)) : undefined;
  if (foreign !== undefined) {
    throw new VitrinaError('model-yaml-invalid', {
      file,
      problem: `"${foreign}" has no place in settings that are sent`,
    });
  }
  if (isMapping(parsed.batching)) check(file, 'batching.', parsed.batching, batchingChecks);
  if (parsed.pipeline !== undefined && (parsed.artefact !== undefined || parsed.member !== undefined)) {
    const problem = '"pipeline" names all artefacts, so that "artefact" and "member" have no place beside it';
    throw new VitrinaError('model-yaml-invalid', { file, problem });
  }
  return parsed as ModelYaml;
}

function check(
  file: string,
  prefix: string,
  mapping: Record<string, unknown>,
  known: Readonly<Record<string, Check>>,
): void {
  for (const [name, value] of Object.entries(mapping)) {
    if (!Object.hasOwn(known, name)) {
      const near = nearest(name, Object.keys(known));
      const hint = near === undefined ? `the entries are ${Object.keys(known).join(', ')}` : `did you mean "${near}"?`;
      throw new VitrinaError('model-yaml-invalid', { file, problem: `there is no entry "${prefix}${name}"; ${hint}` });
    }
    const [expected, fits] = known[name]!;
    if (!fits(value)) {
      const problem = `${prefix}${name} is ${JSON.stringify(value)}; expected ${expected}`;
      throw new VitrinaError('model-yaml-invalid', { file, problem });
    }
  }
}
