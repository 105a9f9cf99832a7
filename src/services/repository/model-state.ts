import { VitrinaError } from '../../errors.js';
import { isVersion } from './repository-scan.js';

/** What is known of a model beside its artefacts: the text of its `state.json`. */
export interface ModelState {
  /** Counts the changes. */
  readonly revision: number;
  /** The highest number that a version of the model has or had; numbers that went are not given again. */
  readonly last: number;
  /** Versions of the repository's own folders that are not served: they were deleted, but their files are the owner's. */
  readonly hidden: { readonly upTo: number; readonly also: readonly number[] };
  /** The version that answers where none is named, until a version beyond `of` appears. */
  readonly chosen?: { readonly version: string; readonly of: number };
  /** What callers sent, by version. A folder that is not listed here is left from a change that was cut off. */
  readonly uploads: Readonly<Record<string, Upload>>;
}

export interface Upload {
  /** Of the artefact; missing where an older release kept it. */
  readonly sha256?: string;
  /** Digest of the golden file and the settings that came with the artefact; missing where none did. */
  readonly settings?: string;
}

export const newState: ModelState = { revision: 0, last: 0, hidden: { upTo: 0, also: [] }, uploads: {} };

/** Bytes that no honest state reaches. */
const largestState = 4 * 2 ** 20;

/**
 * Reads the text of a `state.json` at `path`. `found` are the versions that lie in the store: an older release listed
 * none of them, and wrote only how far they were retired. Errors: `path-unusable`, since a state that cannot be read
 * must not bring deleted models back.
 */
export function readState(path: string, text: string, found: () => readonly string[]): ModelState {
  try {
    if (text.length > largestState) throw new Error('it is too large');
    const parsed: unknown = JSON.parse(text);
    if (!isMapping(parsed)) throw new Error('expected a mapping');
    if (Object.hasOwn(parsed, 'retired')) return readRetired(parsed.retired, found());
    return checkState(parsed);
  } catch (cause) {
    const problem = `it is no state of a model (${(cause as Error).message.slice(0, 100)}); restore it from a backup, or delete it to serve every version in its folder`;
    throw new VitrinaError('path-unusable', { path, problem }, { cause });
  }
}

/** Every version that lies there: the state of a model whose `state.json` is missing. */
export function stateOfFolder(found: readonly string[], retired = 0): ModelState {
  const kept = found.filter((version) => Number(version) > retired);
  const last = Math.max(retired, ...kept.map(Number));
  const uploads = Object.fromEntries(kept.map((version) => [version, {}]));
  return { ...newState, last, hidden: { upTo: retired, also: [] }, uploads };
}

function readRetired(retired: unknown, found: readonly string[]): ModelState {
  return stateOfFolder(found, numberOf(retired, 'retired'));
}

function checkState(parsed: Record<string, unknown>): ModelState {
  const { revision, last, hidden, chosen, uploads } = parsed;
  if (!isMapping(hidden) || !Array.isArray(hidden.also)) throw new Error('expected "hidden"');
  if (!isMapping(uploads)) throw new Error('expected "uploads"');
  return {
    revision: numberOf(revision, 'revision'),
    last: numberOf(last, 'last'),
    hidden: {
      upTo: numberOf(hidden.upTo, 'hidden.upTo'),
      also: hidden.also.map((version) => numberOf(version, 'hidden.also')),
    },
    ...(chosen === undefined ? {} : { chosen: readChosen(chosen) }),
    uploads: Object.fromEntries(
      Object.entries(uploads).map(([version, upload]) => [versionOf(version), readUpload(upload)]),
    ),
  };
}

function readChosen(chosen: unknown): NonNullable<ModelState['chosen']> {
  if (!isMapping(chosen)) throw new Error('expected "chosen" to be a mapping');
  return { version: versionOf(chosen.version), of: numberOf(chosen.of, 'chosen.of') };
}

function readUpload(upload: unknown): Upload {
  if (!isMapping(upload)) throw new Error('expected an upload to be a mapping');
  return { ...digestOf(upload, 'sha256'), ...digestOf(upload, 'settings') };
}

function digestOf(upload: Record<string, unknown>, name: 'sha256' | 'settings'): Upload {
  const value = upload[name];
  if (value === undefined) return {};
  if (typeof value !== 'string' || !/^[0-9a-f]{64}$/.test(value)) throw new Error(`expected a digest as "${name}"`);
  return { [name]: value };
}

function numberOf(value: unknown, name: string): number {
  if (Number.isSafeInteger(value) && (value as number) >= 0) return value as number;
  throw new Error(`expected a whole number as "${name}"`);
}

function versionOf(value: unknown): string {
  if (typeof value === 'string' && isVersion(value)) return value;
  throw new Error('expected the number of a version');
}

function isMapping(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
