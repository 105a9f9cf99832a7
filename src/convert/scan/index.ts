import { basename } from 'node:path';
import { VitrinaError } from '../../errors.js';
import { detectCompression, inflate } from '../../formats/compression/index.js';
import { openHdf5 } from '../../formats/hdf5/index.js';
import { findSuperblock } from '../../formats/hdf5/storage.js';
import { readJoblib, readJoblibStream } from '../../formats/joblib/index.js';
import { parseJson } from '../../formats/json.js';
import { openKerasArchive } from '../../formats/keras-archive/index.js';
import { listZip } from '../../formats/keras-archive/zip.js';
import { defaultLimits } from '../../formats/limits.js';
import { readNpy } from '../../formats/npy/index.js';
import { readOnnx } from '../../formats/onnx/index.js';
import { defaultPythonLimits, PythonObject, type PythonValue } from '../../formats/pickle/index.js';
import { probePickle } from '../../formats/pickle/probe.js';
import { type Sniffed, sniff } from '../../formats/sniff.js';
import { readKerasArchive, readKerasHdf5 } from '../keras/index.js';
import { scanHdf5 } from './hdf5.js';
import { scanKerasConfig } from './keras-config.js';

/** What a scan learns on the way; filled as far as the scan came, so that a refused file is described too. */
export interface ScanFindings {
  /** A phrase: "a pickle (protocol 4)". */
  what: string;
  format: string;
  /** Class of the object in the pickle, where the newest release of its library keeps it. */
  className?: string;
  /** Globals that pickles in the file name. */
  readonly globals: Set<string>;
  /** Sentences: what is merely not supported. */
  readonly notes: string[];
}

/** Archives in archives in archives beyond this depth are refused. */
const maxNesting = 3;

/** Names that claim a model or an array; under any other name, text is just text. */
const artefactName =
  /\.(pkl|pickle|joblib|sav|npy|npz|h5|hdf5|keras|onnx|pt|pth|ckpt|bin|model|dat)(\.(gz|z|bz2|xz|lzma|lz4))?$/i;

/** Names of what is no model, whatever its bytes are: what lies beside models in people's folders. */
const otherName =
  /\.(png|jpe?g|gif|webp|bmp|tiff?|ico|pdf|parquet|feather|arrow|avro|csv|tsv|txt|md|rst|json|ya?ml|toml|html?|css|js|ts|py|ipynb|sh|c|cc|cpp|h|rs|go|java|log|mp[34]|wav|ogg|woff2?|ttf|db|sqlite3?)$/i;

/** Codes of what Vitrina cannot serve, and that does no harm either. */
const harmless: ReadonlySet<string> = new Set([
  'estimator-unsupported',
  'layer-unsupported',
  'model-unsupported',
  'weights-mismatch',
  'weights-unplaced',
]);

export const newFindings = (): ScanFindings => ({ what: '', format: '', globals: new Set(), notes: [] });

/**
 * Reads a file to the end, to tell whether loading it with the usual library could run code, reach outside of the file
 * or exhaust the machine, or whether it is damaged. A file that is merely not supported passes, with a note.
 *
 * @throws VitrinaError whose code says why the file is refused
 */
export async function scanArtefact(bytes: Uint8Array, file: string, findings: ScanFindings, depth = 0): Promise<void> {
  if (depth > maxNesting) {
    const value = depth;
    throw new VitrinaError('artefact-over-limit', {
      format: 'archive',
      what: 'a nesting of archives',
      value,
      limit: maxNesting,
      setting: 'depth',
    });
  }
  const sniffed = sniff(bytes);
  if (depth === 0) {
    findings.what = sniffed.what;
    findings.format = sniffed.format;
  }
  switch (sniffed.format) {
    case 'pickle':
      noteContent(readJoblib(bytes, {}, findings.globals).value, findings);
      return;
    case 'compressed':
      return scanCompressed(bytes, file, findings, depth);
    case 'npy':
      scanNpy(bytes, findings);
      return;
    case 'hdf5':
      // HDF5 may begin inside of a file whose begin is something else.
      if (findSuperblock(bytes) > 0 && probePickle(bytes)) readJoblib(bytes, {}, findings.globals);
      scanHdf5File(bytes, findings);
      return;
    case 'keras': {
      const { architecture, weights } = readKerasArchive(await openKerasArchive(bytes));
      await scanMembers(bytes, file, findings, depth, (name) => !kerasMembers.has(name));
      scanKerasConfig(architecture);
      scanHdf5(weights, findings.notes);
      return;
    }
    case 'onnx':
      readOnnx(bytes);
      return;
    default:
      return scanOther(bytes, file, sniffed, findings, depth);
  }
}

/** What `sniff` says of bytes that it can make nothing of: of compressed ones, joblib's reader says more. */
const unknown = 'unknown binary data';

const kerasMembers: ReadonlySet<string> = new Set(['config.json', 'metadata.json', 'model.weights.h5']);

async function scanOther(
  bytes: Uint8Array,
  file: string,
  sniffed: Sniffed,
  findings: ScanFindings,
  depth: number,
): Promise<void> {
  if (probePickle(bytes)) {
    readJoblib(bytes, {}, findings.globals);
    return;
  }
  if (isZip(bytes)) {
    if (depth === 0) findings.format = 'zip';
    return scanMembers(bytes, file, findings, depth, () => true);
  }
  const refusal = new VitrinaError('artefact-unrecognised', { file: basename(file), found: `this is ${sniffed.what}` });
  if (sniffed.format === 'other') {
    // A README beside a model is no fault; a README that claims to be the model is.
    const isNone = otherName.test(file) || (isText(bytes) && !artefactName.test(file));
    if (isNone && !/Git LFS/.test(sniffed.what)) {
      findings.notes.push(`It is ${sniffed.what}.`);
      return;
    }
    throw refusal;
  }
  try {
    // The other formats have readers only as a part of their converters; most scans need none of them.
    const { convertArtefact } = await import('../artefact.js');
    await convertArtefact(bytes, file);
  } catch (error) {
    if (!(error instanceof VitrinaError) || !harmless.has(error.code)) throw error;
    findings.notes.push(error.message);
  }
}

const isZip = (bytes: Uint8Array) => bytes[0] === 0x50 && bytes[1] === 0x4b && (bytes[2] === 3 || bytes[2] === 5);

/** Whether the begin of a file is text: no control characters but white space. */
function isText(bytes: Uint8Array): boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: what makes bytes binary is exactly a control character
  return bytes.length > 0 && !/[\x00-\x08\x0e-\x1f]/.test(Buffer.from(bytes.subarray(0, 65_536)).toString('latin1'));
}

async function scanCompressed(bytes: Uint8Array, file: string, findings: ScanFindings, depth: number): Promise<void> {
  const compression = detectCompression(bytes);
  if (compression === undefined) {
    readJoblib(bytes, {}, findings.globals);
    return;
  }
  const content = inflate(compression, bytes, defaultLimits);
  const inner = sniff(content);
  if (inner.format !== 'pickle' && inner.what !== unknown) {
    return scanArtefact(content, file.replace(/\.(gz|z|bz2|xz|lzma|lz4)$/i, ''), findings, depth + 1);
  }
  const options = { size: bytes.length, compression, limits: defaultPythonLimits, names: findings.globals };
  noteContent(readJoblibStream(content, options).value, findings);
}

function scanNpy(bytes: Uint8Array, findings: ScanFindings): void {
  try {
    readNpy(bytes, {}, findings.globals);
  } catch (error) {
    if (!(error instanceof VitrinaError) || error.code !== 'artefact-unsupported') throw error;
    findings.notes.push(error.message);
  }
}

function scanHdf5File(bytes: Uint8Array, findings: ScanFindings): void {
  const root = openHdf5(bytes);
  scanHdf5(root, findings.notes);
  try {
    scanKerasConfig(readKerasHdf5(root).architecture);
    // The optimizer, the loss and the metrics, which Keras makes as well.
    const training = root.attributes.get('training_config');
    if (typeof training === 'string') scanKerasConfig(parseJson(training, 'Keras training config'));
  } catch (error) {
    const isPlainHdf5 = error instanceof VitrinaError && /is not a Keras model/.test(error.message);
    if (!isPlainHdf5) throw error;
    findings.notes.push(error.message);
  }
}

/** Scans what lies in a zip archive, member by member: those that `wanted` picks; the directory is checked whole. */
async function scanMembers(
  bytes: Uint8Array,
  file: string,
  findings: ScanFindings,
  depth: number,
  wanted: (name: string) => boolean,
): Promise<void> {
  for (const member of await listZip(bytes, defaultLimits)) {
    if (!wanted(member.name) || member.name.endsWith('/')) continue;
    const content = await member.read();
    if (content.length === 0) continue;
    try {
      await scanArtefact(content, member.name, findings, depth + 1);
    } catch (error) {
      if (!(error instanceof VitrinaError)) throw error;
      if (error.code !== 'artefact-unrecognised' || /\.(pkl|pickle|joblib|sav|npy|h5|keras|onnx)$/i.test(member.name)) {
        throw error;
      }
      findings.notes.push(`${basename(file)} holds ${member.name.slice(0, 120)}, which is not looked into.`);
    }
  }
}

function noteContent(value: PythonValue, findings: ScanFindings): void {
  if (value instanceof PythonObject) findings.className ??= value.global.id;
}
