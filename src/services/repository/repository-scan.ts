import { closeSync, existsSync, openSync, readdirSync, readFileSync, readSync, statSync } from 'node:fs';
import { basename, extname, join } from 'node:path';
import type { PartOrder } from '../../convert/index.js';
import { VitrinaError } from '../../errors.js';
import { sniff } from '../../formats/sniff.js';
import { isModelName, type ModelYaml, readModelYaml } from './model-yaml.js';

/** One version as it lies on the disk, before anything is read. */
export interface FoundVersion {
  readonly model: string;
  readonly version: string;
  /** The artefact, or what is wrong with the folder that should hold one. */
  readonly artefact: string | VitrinaError;
  /** Further artefacts that are one model with it; none unless there are some. */
  readonly parts?: FoundParts;
  /** Sent by a caller: its place is nobody's business. */
  readonly uploaded?: true;
  /** Its graph has never answered anybody, and has to prove itself first. */
  readonly trial?: true;
  /** Which object of a pickle that holds several. */
  readonly member: string | undefined;
  /** Where companions (a scaler, a golden file) are looked for, nearest first. */
  readonly folders: readonly string[];
  readonly yaml: ModelYaml;
  /** Changes when the artefact, its companions or `model.yaml` change. */
  readonly stamp: string;
}

/** Several artefacts of one version. */
export interface FoundParts {
  /** `file` or `file#member`. */
  readonly files: readonly string[];
  readonly order: PartOrder;
}

const artefactExtensions = new Set(['.h5', '.hdf5', '.keras', '.onnx', '.pkl', '.pickle', '.joblib', '.sav']);
/** What XGBoost and LightGBM call their files, and others call theirs as well: only their bytes tell. */
const boosterExtensions = new Set(['.json', '.ubj', '.model', '.bst', '.txt', '.bin']);
/** Versions are whole numbers from 1. */
export const isVersion = (name: string) => /^[1-9]\d{0,8}$/.test(name);

/** By the name of `path`; `LSTM.joblib.gz` counts as a joblib file. Files that others use as well are looked into. */
function isArtefact(path: string): boolean {
  const name = basename(path).toLowerCase();
  if (boosterExtensions.has(extname(name))) return isBooster(path);
  return artefactExtensions.has(extname(name)) || /\.(joblib|pkl|pickle)\.(gz|z|bz2|xz|lzma|lz4)$/.test(name);
}

/** Whether the begin of a file is that of a model of XGBoost or LightGBM. */
function isBooster(path: string): boolean {
  const head = Buffer.alloc(4096);
  try {
    const file = openSync(path, 'r');
    try {
      const { format } = sniff(head.subarray(0, readSync(file, head)));
      return format === 'xgboost' || format === 'lightgbm';
    } finally {
      closeSync(file);
    }
  } catch {
    // What cannot be read is no artefact by its name alone.
    return false;
  }
}

/** A scaler stored beside a model belongs to the app that uses the model, not to the repository. */
const isCompanion = (file: string) => file.toLowerCase().startsWith('scaler.');

/**
 * Lists the versions under `path`: an artefact, a repository folder (`<model>/<version>/<artefact>`, `<model>/<artefact>`
 * and bare artefacts), or the folder of one model. Nothing is opened but `model.yaml`, and the begin of files whose names do not
 * tell what they are.
 * Errors: `path-unusable`. A folder with a fault becomes a version with that fault, so that the others are served.
 */
export function scanRepository(path: string): FoundVersion[] {
  const stat = statSync(path, { throwIfNoEntry: false });
  const named = stat === undefined ? splitMember(path) : undefined;
  if (named !== undefined) return [{ ...bareArtefact(named.file), member: named.member }];
  if (stat === undefined) throw new VitrinaError('path-unusable', { path, problem: 'there is no such file or folder' });
  if (stat.isFile()) return [bareArtefact(path)];
  const entries = listFolder(path);
  if (existsSync(join(path, 'model.yaml')) || entries.some((name) => isVersion(name) && isFolder(join(path, name)))) {
    return modelFolder(path);
  }
  const found: FoundVersion[] = [];
  for (const name of entries) {
    const entry = join(path, name);
    if (isFolder(entry)) found.push(...modelFolder(entry));
    else if (isArtefact(entry)) found.push(bareArtefact(entry));
  }
  return found;
}

/** `bundle.pkl#model` is the object `model` of the file `bundle.pkl`; `undefined` when there is no such file. */
export function splitMember(path: string): { file: string; member: string } | undefined {
  const at = path.lastIndexOf('#');
  if (at <= 0 || at === path.length - 1) return undefined;
  const file = path.slice(0, at);
  return statSync(file, { throwIfNoEntry: false })?.isFile() ? { file, member: path.slice(at + 1) } : undefined;
}

function bareArtefact(file: string): FoundVersion {
  const model = basename(file)
    .replace(/\.(joblib|pkl|pickle)\.(gz|z|bz2|xz|lzma|lz4)$/i, '')
    .replace(/\.[^.]+$/, '');
  const fault = isModelName(model) ? undefined : badName(file, model);
  return {
    model,
    version: '1',
    artefact: fault ?? file,
    member: undefined,
    folders: [],
    yaml: {},
    stamp: stampOf([file]),
  };
}

function modelFolder(folder: string): FoundVersion[] {
  const yamlFile = join(folder, 'model.yaml');
  let yaml: ModelYaml = {};
  let fault: VitrinaError | undefined;
  try {
    if (existsSync(yamlFile)) yaml = readModelYaml(yamlFile);
  } catch (error) {
    if (!(error instanceof VitrinaError)) throw error;
    fault = error;
  }
  const model = yaml.name ?? basename(folder);
  if (!isModelName(model)) fault ??= badName(folder, model);
  const entries = listFolder(folder);
  const versions = entries.filter((name) => isVersion(name) && isFolder(join(folder, name)));
  const inside = entries.map((name) => join(folder, name));
  // Artefacts and no folder: one version, of people who have not thought of another one yet.
  const isFlat = !inside.some(isFolder) && inside.some(isArtefact);
  return (isFlat ? ['1'] : versions).map((version) => {
    const own = isFlat ? folder : join(folder, version);
    const files = listFolder(own).map((name) => join(own, name));
    const found = fault ?? findArtefacts(own, files, yaml);
    return {
      model,
      version,
      ...(found instanceof VitrinaError ? { artefact: found } : found),
      member: yaml.member === undefined ? undefined : String(yaml.member),
      folders: [own, folder],
      yaml,
      stamp: stampOf(isFlat ? files : [...files, ...inside]),
    };
  });
}

type Found = Pick<FoundVersion, 'parts'> & { readonly artefact: string };

function findArtefacts(folder: string, files: readonly string[], yaml: ModelYaml): Found | VitrinaError {
  if (yaml.pipeline !== undefined) return findPipeline(folder, yaml.pipeline);
  if (yaml.artefact !== undefined) {
    const named = join(folder, yaml.artefact);
    return files.includes(named) ? { artefact: named } : missingArtefact(named);
  }
  const candidates = files.filter(isArtefact);
  const companions = candidates.filter((file) => isCompanion(basename(file)));
  const own = candidates.filter((file) => !companions.includes(file));
  const [first] = own;
  if (first === undefined) {
    const problem = 'there is no artefact in this version (.h5, .keras, .onnx, .pkl, .joblib)';
    return new VitrinaError('path-unusable', { path: folder, problem });
  }
  if (candidates.length === 1) return { artefact: first };
  // Whether they are one model is known when they have been read. A scaler that does not fit is an app's own.
  const order = own.length === 1 ? 'find-or-last' : 'find';
  return { artefact: own.at(-1)!, parts: { files: [...companions, ...own], order } };
}

/** The artefacts that `pipeline:` names, in its order. */
export function findPipeline(folder: string, names: readonly string[]): Found | VitrinaError {
  const files = names.map((name) => join(folder, name));
  const last = files.at(-1)!;
  for (const file of files) {
    if (statSync(file, { throwIfNoEntry: false })?.isFile() !== true && splitMember(file) === undefined) {
      return missingArtefact(file);
    }
  }
  return { artefact: splitMember(last)?.file ?? last, parts: { files, order: 'given' } };
}

function missingArtefact(path: string): VitrinaError {
  return new VitrinaError('path-unusable', { path, problem: 'model.yaml names this artefact, but it is not there' });
}

function badName(path: string, model: string): VitrinaError {
  const problem = `"${model}" cannot be a model's name: use letters, digits, "_", "-" and ".", or set "name:" in model.yaml`;
  return new VitrinaError('path-unusable', { path, problem });
}

const isFolder = (path: string) => statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;

function listFolder(folder: string): string[] {
  try {
    return readdirSync(folder)
      .filter((name) => !name.startsWith('.'))
      .sort();
  } catch (cause) {
    throw new VitrinaError('path-unusable', { path: folder, problem: 'the folder cannot be read' }, { cause });
  }
}

/** Names, sizes and times of the files: cheap to compare, and different after any save. */
export function stampOf(files: readonly string[]): string {
  return files
    .map((file) => {
      const stat = statSync(file, { throwIfNoEntry: false });
      return stat?.isFile() ? `${file}:${stat.size}:${stat.mtimeMs}` : '';
    })
    .join('|');
}

/** The first of `folders` that holds a file called `name`. */
export function findCompanion(folders: readonly string[], name: string): string | undefined {
  return folders.map((folder) => join(folder, name)).find((file) => existsSync(file));
}

/** The bytes of `bundle.pkl` and the member `model` for `bundle.pkl#model`. Errors: `path-unusable`. */
export function openArtefact(path: string): { file: string; bytes: Uint8Array; member: string | undefined } {
  const named = existsSync(path) ? undefined : splitMember(path);
  const file = named?.file ?? path;
  return { file, bytes: readArtefact(file), member: named?.member };
}

/** Errors: `path-unusable`. */
export function readArtefact(file: string): Uint8Array {
  try {
    return new Uint8Array(readFileSync(file));
  } catch (cause) {
    throw new VitrinaError('path-unusable', { path: file, problem: 'the file cannot be read' }, { cause });
  }
}
