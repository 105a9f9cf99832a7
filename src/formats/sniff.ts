import { constants, inflateRawSync, inflateSync } from 'node:zlib';
import { findSuperblock } from './hdf5/storage.js';
import { probePickle } from './pickle/probe.js';
import { protobufFields } from './protobuf-fields.js';

/** What Vitrina has a reader for, or `other`. Compressed files are read as joblib reads them. */
export type SniffedFormat =
  | 'hdf5'
  | 'keras'
  | 'onnx'
  | 'pickle'
  | 'compressed'
  | 'npy'
  | 'xgboost'
  | 'lightgbm'
  | 'other';

export interface Sniffed {
  readonly format: SniffedFormat;
  /** A phrase for people: "an HDF5 file", "a Git LFS pointer, …". */
  readonly what: string;
  /** Of `compressed`, the method; of gzip and zlib, `what` also says what is inside. */
  readonly compression?: 'zlib' | 'gzip' | 'bz2' | 'xz' | 'lzma' | 'lz4' | 'zstd' | 'joblib-zfile';
}

const HEAD = 4096;

const latin = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1');
const other = (what: string): Sniffed => ({ format: 'other', what });
const xgboost = (encoding: string): Sniffed => ({ format: 'xgboost', what: `an XGBoost model (${encoding})` });
const lightgbm: Sniffed = { format: 'lightgbm', what: 'a LightGBM model (text)' };

/** Marks at the very start, as Latin-1 text; the first that fits wins. */
const marks: readonly (readonly [string, Sniffed])[] = [
  ['\x93NUMPY', { format: 'npy', what: 'a NumPy array (.npy), without a model' }],
  ['\x1f\x8b', { format: 'compressed', what: 'gzip-compressed data', compression: 'gzip' }],
  ['BZh', { format: 'compressed', what: 'bzip2-compressed data', compression: 'bz2' }],
  ['\xfd7zXZ\0', { format: 'compressed', what: 'xz-compressed data', compression: 'xz' }],
  ['\x5d\0\0', { format: 'compressed', what: 'lzma-compressed data', compression: 'lzma' }],
  ['\x04"M\x18', { format: 'compressed', what: 'lz4-compressed data', compression: 'lz4' }],
  ['\x28\xb5\x2f\xfd', { format: 'compressed', what: 'zstd-compressed data', compression: 'zstd' }],
  ['ZF0x', { format: 'compressed', what: 'a compressed file of joblib before 0.10', compression: 'joblib-zfile' }],
  [
    '\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19',
    other('a PyTorch checkpoint (old format); export it with torch.onnx.export'),
  ],
  ['binf', xgboost('old binary format')],
  ['CONFIG-offset:', xgboost('old binary format')],
  ['{L\0\0\0\0\0\0\0\x07learner', xgboost('UBJSON')],
  ['{L\0\0\0\0\0\0\0\x06Config', xgboost('UBJSON')],
  ['{i\x07learner', xgboost('UBJSON')],
  ['tree\nversion=', lightgbm],
  ['tree\r\nversion=', lightgbm],
  ['CBM1', other('a CatBoost model; export it with save_model(format="onnx")')],
  [
    'version https://git-lfs',
    other('a Git LFS pointer, not the file itself; run "git lfs pull" and upload what it fetches'),
  ],
  ['GGUF', other('a GGUF language model')],
  ['PAR1', other('a Parquet table, not a model')],
  ['%PDF', other('a PDF document, not a model')],
  ['Rar!', other('a RAR archive; unpack it first')],
  ['7z\xbc\xaf\x27\x1c', other('a 7-Zip archive; unpack it first')],
];

/**
 * Says what `bytes` are by their content, never by a name. It looks at the start and the end and never fails: what it
 * takes for a pickle may still be damaged.
 */
export function sniff(bytes: Uint8Array): Sniffed {
  if (bytes.length === 0) return other('an empty file');
  if (bytes.length < 4)
    return other(`a file of ${bytes.length} ${bytes.length === 1 ? 'byte' : 'bytes'}, too short for any model`);
  const head = latin(bytes.subarray(0, HEAD));
  // Before HDF5, which may begin further inside: a .keras archive holds an HDF5 file, stored as it is.
  if (head.startsWith('PK\x03\x04') || head.startsWith('PK\x05\x06')) return sniffZip(bytes);
  if (findSuperblock(bytes) >= 0) return { format: 'hdf5', what: 'an HDF5 file' };
  const mark = marks.find(([start]) => head.startsWith(start))?.[1];
  if (mark !== undefined) return mark.compression === 'gzip' ? sniffInside(mark, gunzipHead(bytes)) : mark;
  if (isPickle(bytes, head) || probePickle(bytes)) return { format: 'pickle', what: pickleName(bytes) };
  if (isZlib(bytes)) {
    const zlib: Sniffed = { format: 'compressed', what: 'zlib-compressed data', compression: 'zlib' };
    return sniffInside(
      zlib,
      inflateHead(() => inflateSync(bytes.subarray(0, HEAD), partial)),
    );
  }
  if (xgboostBinary.test(head)) return xgboost('old binary format');
  if (head.slice(4, 8) === 'TFL3') return other('a TensorFlow Lite model; save the Keras model itself');
  if (head.slice(257, 262) === 'ustar') return other('a tar archive; unpack it first');
  if (/^.{6}\0\0\{/s.test(head)) return other('a safetensors file (weights without an architecture)');
  return sniffProtobuf(bytes) ?? sniffText(bytes, head) ?? other('unknown binary data');
}

/** The old format has no mark: 136 bytes of numbers, then the objective and the booster, their lengths before them. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: lengths are bytes that text calls control characters
const xgboostBinary = /^.{136}[\x01-\x40]\0{7}[a-z]+:[\x21-\x7e]+(?:\x06\0{7}gbtree|\x04\0{7}dart|\x08\0{7}gblinear)/s;

const partial = { finishFlush: constants.Z_SYNC_FLUSH, maxOutputLength: 2 ** 22 } as const;

function inflateHead(inflate: () => Uint8Array): Uint8Array {
  try {
    return inflate();
  } catch {
    return new Uint8Array(0);
  }
}

/** Inflates what follows a gzip header, of which the optional parts are skipped. RFC 1952. */
function gunzipHead(bytes: Uint8Array): Uint8Array {
  const flags = bytes[3]!;
  let start = 10;
  if (flags & 4) start += 2 + ((bytes[10] ?? 0) | ((bytes[11] ?? 0) << 8));
  for (const flag of [8, 16]) {
    if (flags & flag) {
      const zero = bytes.indexOf(0, start);
      if (zero < 0) return new Uint8Array(0);
      start = zero + 1;
    }
  }
  if (flags & 2) start += 2;
  return inflateHead(() => inflateRawSync(bytes.subarray(start, start + HEAD), partial));
}

function sniffInside(outer: Sniffed, content: Uint8Array): Sniffed {
  if (content.length < 4) return outer;
  const head = latin(content.subarray(0, HEAD));
  const what = isPickleStart(head)
    ? 'a pickle'
    : findSuperblock(content) === 0
      ? 'an HDF5 file'
      : head.slice(257, 262) === 'ustar'
        ? 'a tar archive'
        : marks.find(([start]) => head.startsWith(start))?.[1].what;
  return what === undefined ? outer : { ...outer, what: `${outer.what} (${what} inside)` };
}

/** Bit patterns of the two header bytes: deflate, a window of at most 32 KiB, a multiple of 31. RFC 1950. */
function isZlib(bytes: Uint8Array): boolean {
  const [first, second] = [bytes[0]!, bytes[1]!];
  return (first & 15) === 8 && first >> 4 <= 7 && (first * 256 + second) % 31 === 0 && (second & 32) === 0;
}

function isPickleStart(head: string): boolean {
  return head.charCodeAt(0) === 0x80 && head.charCodeAt(1) >= 2 && head.charCodeAt(1) <= 5;
}

/** Protocols 0 and 1 have no mark: a pickle starts by building something and ends with STOP. */
const oldPickle =
  /^(?:c[A-Za-z_][\w.]*\n[A-Za-z_][\w.]*\n|\(c[A-Za-z_]|\([dl]p?\d*\n|\(i[A-Za-z_][\w.]*\n|[()\]}]q.|[\]}]\.|[()]lp\d|[IFLSV][^\n]*\n(?:p\d+\n|q.)?\.)/s;

function isPickle(bytes: Uint8Array, head: string): boolean {
  if (isPickleStart(head)) return true;
  return bytes[bytes.length - 1] === 0x2e && oldPickle.test(head);
}

function pickleName(bytes: Uint8Array): string {
  return bytes[0] === 0x80 ? `a pickle (protocol ${bytes[1]})` : 'a pickle (protocol 0 or 1)';
}

/** Names in a zip's central directory, as far as it can be made out. */
function zipNames(bytes: Uint8Array): string[] {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  const end = buffer.lastIndexOf('PK\x05\x06', undefined, 'latin1');
  const names: string[] = [];
  if (end < 0 || end + 22 > buffer.length) return names;
  let at = buffer.readUInt32LE(end + 16);
  while (names.length < 10_000 && at + 46 <= buffer.length && buffer.readUInt32LE(at) === 0x02014b50) {
    const length = buffer.readUInt16LE(at + 28);
    names.push(buffer.toString('utf8', at + 46, Math.min(at + 46 + length, buffer.length)).replaceAll('\\', '/'));
    at += 46 + length + buffer.readUInt16LE(at + 30) + buffer.readUInt16LE(at + 32);
  }
  return names;
}

function sniffZip(bytes: Uint8Array): Sniffed {
  const names = zipNames(bytes);
  const ends = (...suffixes: string[]): boolean =>
    names.some((name) => suffixes.some((suffix) => name.endsWith(suffix)));
  if (names.includes('config.json') && (names.includes('model.weights.h5') || names.includes('metadata.json'))) {
    return { format: 'keras', what: 'a Keras archive' };
  }
  if (names.length === 0) return other('a damaged zip archive, perhaps cut short');
  if (ends('/data.pkl') || names.includes('data.pkl')) {
    return other('a PyTorch checkpoint; export the model with torch.onnx.export');
  }
  if (ends('saved_model.pb'))
    return other('a zipped TensorFlow SavedModel; save the model with model.save("model.keras")');
  if (names.includes('schema.json')) return other('a skops file; save the estimator with joblib.dump');
  if (names.every((name) => name.endsWith('.npy'))) return other('NumPy arrays (.npz), without a model');
  if (ends('.keras', '.h5', '.pkl', '.joblib', '.onnx'))
    return other('a zip archive with a model in it; unpack it first');
  return other('a zip archive, not a model');
}

/** Tells ONNX from TensorFlow by the fields of the outermost message. */
function sniffProtobuf(bytes: Uint8Array): Sniffed | undefined {
  const met = new Set<number>();
  let count = 0;
  for (const field of protobufFields(bytes, 0, bytes.length)) {
    if (field === undefined || ++count > 100_000) return undefined;
    met.add(field.number * 8 + field.wire);
  }
  const LENGTH_DELIMITED = 2;
  const has = (number: number, wire: number): boolean => met.has(number * 8 + wire);
  const graph = has(7, LENGTH_DELIMITED) && (has(1, 0) || has(8, LENGTH_DELIMITED));
  if (graph) return { format: 'onnx', what: 'an ONNX model' };
  const found = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.length, 2 ** 20));
  if (has(1, 0) && has(2, LENGTH_DELIMITED) && met.size === 2) {
    return other('a TensorFlow SavedModel (its .pb file); save the model with model.save("model.keras")');
  }
  if (has(1, LENGTH_DELIMITED) && (found.includes('Placeholder') || found.includes('Const'))) {
    return other('a frozen TensorFlow graph; save the Keras model with model.save("model.keras")');
  }
  return undefined;
}

function sniffText(bytes: Uint8Array, head: string): Sniffed | undefined {
  const start = head.replace(/^\xef\xbb\xbf/, '').trimStart();
  const lower = start.slice(0, 200).toLowerCase();
  if (lower.startsWith('<!doctype html') || lower.startsWith('<html')) {
    return other('a web page (HTML) saved in place of the file; download the file itself');
  }
  if (lower.startsWith('<?xml') || lower.startsWith('<pmml')) return other('an XML document');
  // biome-ignore lint/suspicious/noControlCharactersInRegex: what makes bytes binary is exactly a control character
  if (/[\x00-\x08\x0e-\x1f]/.test(head)) return undefined;
  if (
    /^\{\s*"(?:learner|Config|version)"/.test(start) &&
    Buffer.from(bytes.subarray(0, 2 ** 20)).includes('"learner"')
  ) {
    return xgboost('JSON');
  }
  if (/^\{\s*"(?:class_name|module)"/.test(start)) {
    return other(
      'a Keras architecture without weights (model.to_json()); save the whole with model.save("model.keras")',
    );
  }
  if (start.startsWith('{') || start.startsWith('[')) return other('a JSON document, not a model');
  return other('plain text, not a model');
}
