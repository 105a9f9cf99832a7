/** Data types of the Open Inference Protocol, and the tensors that they carry. */
import { VitrinaError } from '../../errors.js';
import {
  bytesPerElement,
  type DataType,
  type NumericData,
  type Tensor,
  type TensorData,
  viewBytes,
} from '../../tensor.js';

const names = {
  bool: 'BOOL',
  uint8: 'UINT8',
  uint16: 'UINT16',
  uint32: 'UINT32',
  uint64: 'UINT64',
  int8: 'INT8',
  int16: 'INT16',
  int32: 'INT32',
  int64: 'INT64',
  float16: 'FP16',
  float32: 'FP32',
  float64: 'FP64',
  string: 'BYTES',
} as const satisfies Record<DataType, string>;

const types = new Map<string, DataType>(Object.entries(names).map(([dtype, name]) => [name, dtype as DataType]));

export const datatypeOf = (dtype: DataType): string => names[dtype];

/** The type called `name`; `undefined` for a name that the protocol does not have. */
export const dtypeOf = (name: string): DataType | undefined => types.get(name);

export const knownDatatypes = Object.values(names).join(', ');

/**
 * Raw little-endian elements; `BYTES` as a length of four bytes before each element.
 * Errors: `request-invalid` for bytes that are not as many as `elements` need.
 */
export function decodeRaw(dtype: DataType, bytes: Uint8Array, elements: number, path: string): TensorData {
  if (dtype === 'string') return decodeTexts(bytes, elements, path);
  const expected = elements * bytesPerElement(dtype);
  if (bytes.length !== expected)
    throw invalid(path, `has ${bytes.length} bytes; ${elements} elements need ${expected}`);
  // Tensors outlive the body that they came in, and may be handed to another thread.
  return viewBytes(dtype, bytes.slice());
}

function decodeTexts(bytes: Uint8Array, elements: number, path: string): string[] {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const texts: string[] = [];
  let at = 0;
  while (texts.length < elements) {
    if (at + 4 > view.length) throw invalid(path, `ends after ${texts.length} of ${elements} texts`);
    const length = view.readUInt32LE(at);
    at += 4;
    if (at + length > view.length)
      throw invalid(path, `has a text of ${length} bytes where ${view.length - at} are left`);
    texts.push(decodeText(view.subarray(at, at + length), path));
    at += length;
  }
  if (at !== view.length) throw invalid(path, `has ${view.length - at} bytes after its ${elements} texts`);
  return texts;
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Errors: `request-invalid` for what is no UTF-8. */
export function decodeText(bytes: Uint8Array, path: string): string {
  try {
    return utf8.decode(bytes);
  } catch {
    throw invalid(path, 'has a text that is not UTF-8');
  }
}

/** The inverse of `decodeRaw`. */
export function encodeRaw({ dtype, data }: Tensor): Buffer {
  if (dtype !== 'string') {
    const { buffer, byteOffset, byteLength } = data as NumericData;
    return Buffer.from(buffer as ArrayBuffer, byteOffset, byteLength);
  }
  const parts: Buffer[] = [];
  for (const text of data as string[]) {
    const bytes = Buffer.from(text, 'utf8');
    const length = Buffer.allocUnsafe(4);
    length.writeUInt32LE(bytes.length);
    parts.push(length, bytes);
  }
  return Buffer.concat(parts);
}

/** Types that every value of `from` fits into without a change. */
const widenings: Partial<Record<DataType, readonly DataType[]>> = {
  float16: ['float32', 'float64'],
  float32: ['float64'],
  int8: ['int16', 'int32', 'int64', 'float32', 'float64'],
  int16: ['int32', 'int64', 'float32', 'float64'],
  int32: ['int64', 'float64'],
  uint8: ['int16', 'uint16', 'int32', 'uint32', 'int64', 'uint64', 'float32', 'float64'],
  uint16: ['int32', 'uint32', 'int64', 'uint64', 'float32', 'float64'],
  uint32: ['int64', 'uint64', 'float64'],
};

/** True when a tensor of type `from` may be given where `to` is expected: nothing is lost. */
export const widens = (from: DataType, to: DataType): boolean =>
  from === to || (widenings[from]?.includes(to) ?? false);

export function invalid(path: string, message: string): VitrinaError {
  return new VitrinaError('request-invalid', { problems: [{ path, message }] });
}
