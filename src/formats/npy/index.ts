import { readPickles } from '../pickle/index.js';
import {
  Budget,
  checkFileSize,
  defaultPythonLimits,
  malformed,
  type PythonLimits,
  unsupported,
} from '../pickle/limits.js';
import { countElements, decodeArray } from '../pickle/numpy-arrays.js';
import { NumpyArray, NumpyDtype } from '../pickle/numpy-values.js';
import { parseHeader } from './header.js';

export interface NpyFile {
  readonly array: NumpyArray;
  /** Version of the format: 1, 2 or 3. */
  readonly version: number;
  /** Bytes after the array; NumPy ignores them. */
  readonly trailingBytes: number;
}

const magic = Uint8Array.of(0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59);
/** NumPy's own default for `max_header_size`. */
const maxHeaderBytes = 10_000;

/**
 * Reads a `.npy` file: numbers, booleans, text and bytes, C or Fortran order, versions 1 to 3; arrays of objects
 * through the pickle reader. Elements may view `bytes`.
 * Specification: https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
 * @throws artefact-malformed, artefact-over-limit, artefact-unsupported for structured types, pickle-global-refused
 */
export function readNpy(
  bytes: Uint8Array,
  limits: Partial<PythonLimits> = {},
  names: Set<string> = new Set(),
): NpyFile {
  const all = { ...defaultPythonLimits, ...limits };
  checkFileSize('npy', bytes, all);
  if (!magic.every((byte, i) => bytes[i] === byte)) throw malformed('npy', 'it does not begin as one');
  const [version = 0, minor = 0] = bytes.subarray(6, 8);
  if (version < 1 || version > 3 || minor !== 0) {
    throw unsupported('npy', `version ${version}.${minor} of the format`, 'save it with a version of NumPy up to 2');
  }
  const lengthBytes = version === 1 ? 2 : 4;
  const start = 8 + lengthBytes;
  if (bytes.length < start) throw malformed('npy', 'its header is cut short', bytes.length);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const length = version === 1 ? view.getUint16(8, true) : view.getUint32(8, true);
  if (length > maxHeaderBytes) throw malformed('npy', `a header of ${length} bytes`, 8);
  const data = start + length;
  if (bytes.length < data) throw malformed('npy', 'its header is cut short', bytes.length);
  const text = Buffer.from(bytes.subarray(start, data)).toString(version === 3 ? 'utf8' : 'latin1');
  const header = parseHeader(text);
  const budget = new Budget(bytes.length, all);
  // A plain Uint8Array, whatever subclass the caller has.
  const rest = new Uint8Array(bytes.buffer, bytes.byteOffset + data, bytes.byteLength - data);
  if (typeof header.descr !== 'string') {
    // Records with objects in them are a pickle, which says what is wrong with it before their type is.
    if (header.descr.some((code) => /^[<>|=]?O/.test(code))) readPickles(rest, budget, names);
    throw unsupported('npy', 'a structured type', 'save each field as an array of its own');
  }
  const dtype = NumpyDtype.parse(header.descr, 'npy');

  if (dtype.kind === 'O') {
    const { value, trailingBytes } = readPickles(rest, budget, names);
    if (!(value instanceof NumpyArray) || value.shape.join() !== header.shape.join()) {
      throw malformed('npy', 'an array of objects whose pickle holds something else', data);
    }
    return { array: value, version, trailingBytes };
  }
  const size = countElements(header.shape, dtype.itemSize, budget, 'npy') * dtype.itemSize;
  if (rest.length < size)
    throw malformed('npy', `${size} bytes of elements are needed and ${rest.length} are left`, data);
  const order = header.fortranOrder ? 'F' : 'C';
  const raw = { dtype, shape: header.shape, bytes: rest.subarray(0, size), order } as const;
  return { array: new NumpyArray(decodeArray(raw, budget, 'npy')), version, trailingBytes: rest.length - size };
}
