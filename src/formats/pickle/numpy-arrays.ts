import { allocate, float16ToNumber, type NumericData, sizeOf, type Tensor, viewBytes } from '../../tensor.js';
import { type Budget, malformed, overLimit, unsupported } from './limits.js';
import { type ArrayContent, type NumpyDtype, NumpyScalar, nextType, RecordArray } from './numpy-values.js';
import { PythonComplex, type PythonValue } from './values.js';

/** NumPy's own limit since 2.0. */
const maxDimensions = 64;

export interface RawArray {
  readonly dtype: NumpyDtype;
  readonly shape: readonly number[];
  /** The elements as they lie in memory. */
  readonly bytes: Uint8Array;
  /** `F`: the first dimension varies fastest. */
  readonly order: 'C' | 'F';
}

/**
 * Number of elements of an array of `shape`.
 * @throws artefact-malformed for sizes that no array has, artefact-over-limit
 */
export function countElements(shape: readonly number[], itemSize: number, budget: Budget, format: string): number {
  if (shape.length > maxDimensions) throw malformed(format, `an array of ${shape.length} dimensions`);
  for (const size of shape) {
    if (!Number.isSafeInteger(size) || size < 0) throw malformed(format, `an array of shape (${shape.join(', ')})`);
  }
  const count = sizeOf(shape);
  const bytes = count * itemSize;
  if (bytes > budget.limits.tensorBytes) {
    throw overLimit(format, 'an array of bytes', bytes, budget.limits.tensorBytes, 'tensorBytes');
  }
  if (itemSize === 0 && count > budget.limits.count) {
    throw overLimit(format, 'an array of elements', count, budget.limits.count, 'count');
  }
  return count;
}

/**
 * Decodes the bytes of an array: numbers, booleans and text become a tensor, row-major and in the machine's byte
 * order; fixed-width `bytes`, complex numbers and times an array of objects; structured types records. Numbers that lie right already are
 * viewed, not copied.
 * @throws artefact-malformed when the bytes do not fill the shape, artefact-unsupported for other types
 */
export function decodeArray(raw: RawArray, budget: Budget, format: string): ArrayContent {
  const { dtype, shape } = raw;
  const count = countElements(shape, dtype.itemSize, budget, format);
  if (raw.bytes.length !== count * dtype.itemSize) {
    throw malformed(
      format,
      `an array of shape (${shape.join(', ')}) and type ${dtype.code} with ${raw.bytes.length} bytes`,
    );
  }
  if (dtype.hasObject) throw malformed(format, 'raw bytes for an array of Python objects');
  let { bytes } = raw;
  if (raw.order === 'F' && shape.length > 1 && count > 0) {
    budget.charge(bytes.length);
    bytes = rearrange(bytes, dtype.itemSize, shape, fortranStrides(shape));
  }
  if (dtype.fields !== undefined) return { kind: 'records', records: new RecordArray(dtype, shape, bytes) };
  const type = dtype.dataType;
  if (type !== undefined) {
    if (dtype.bigEndian && dtype.itemSize > 1) {
      budget.charge(bytes.length);
      bytes = swapBytes(bytes, dtype.itemSize);
    }
    const data = viewBytes(type, bytes) as NumericData;
    if (type === 'bool') checkBooleans(data as Uint8Array, format);
    return { kind: 'tensor', tensor: { dtype: type, shape, data } };
  }
  if (dtype.kind === 'U') {
    budget.charge(count * 32 + bytes.length / 4);
    return { kind: 'tensor', tensor: { dtype: 'string', shape, data: decodeTexts(bytes, count, dtype, format) } };
  }
  if (dtype.kind === 'S') {
    budget.charge(count * 128);
    const items = Array.from({ length: count }, (_, i) => stripped(bytes, i * dtype.itemSize, dtype.itemSize));
    return { kind: 'objects', objects: { shape, items } };
  }
  if (dtype.kind === 'V' || 'Mm'.includes(dtype.kind) || (dtype.kind === 'c' && dtype.itemSize <= 16)) {
    budget.charge(count * 128);
    return { kind: 'objects', objects: { shape, items: decodeObjects(bytes, count, dtype) } };
  }
  throw unsupported(format, `an array of NumPy type ${dtype.code}`, nextType);
}

/** Elements that no tensor has: complex numbers, times (as counts of their unit), bytes of no type. */
function decodeObjects(bytes: Uint8Array, count: number, dtype: NumpyDtype): PythonValue[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const { itemSize, bigEndian } = dtype;
  const float = (at: number) => (itemSize === 8 ? view.getFloat32(at, !bigEndian) : view.getFloat64(at, !bigEndian));
  return Array.from({ length: count }, (_, i) => {
    const at = i * itemSize;
    if (dtype.kind === 'V') return bytes.subarray(at, at + itemSize);
    if (dtype.kind === 'c') return new PythonComplex(float(at), float(at + itemSize / 2));
    return new NumpyScalar(dtype, view.getBigInt64(at, !bigEndian));
  });
}

/** Decodes the bytes of one NumPy scalar. @throws artefact-malformed, artefact-unsupported */
export function decodeScalar(dtype: NumpyDtype, bytes: Uint8Array, budget: Budget): PythonValue {
  const content = decodeArray({ dtype, shape: [], bytes, order: 'C' }, budget, 'pickle');
  if (content.kind === 'objects') {
    const [item = null] = content.objects.items;
    return item instanceof Uint8Array ? new NumpyScalar(dtype, item) : item;
  }
  if (content.kind !== 'tensor') throw unsupported('pickle', `a scalar of NumPy type ${dtype.code}`, nextType);
  return new NumpyScalar(dtype, firstElement(content.tensor));
}

function firstElement({ dtype, data }: Tensor): boolean | bigint | number | string {
  const value = data[0]!;
  if (dtype === 'bool') return value === 1;
  if (dtype === 'float16') return float16ToNumber(value as number);
  return typeof value === 'number' && !dtype.startsWith('float') ? BigInt(value) : value;
}

/** Elements of an array of no bytes: what `numpy.empty` gives for a shape that holds nothing. */
export function emptyTensor(dtype: NumpyDtype, shape: readonly number[]): ArrayContent | undefined {
  const type = dtype.kind === 'U' ? 'string' : dtype.dataType;
  if (type === undefined || sizeOf(shape) !== 0) return undefined;
  return { kind: 'tensor', tensor: { dtype: type, shape, data: allocate(type, 0) } };
}

/** Strides, in elements, of an array whose first dimension varies fastest. */
function fortranStrides(shape: readonly number[]): number[] {
  let stride = 1;
  return shape.map((size) => {
    const own = stride;
    stride *= size;
    return own;
  });
}

/** Strides, in elements, of a row-major array. */
export function rowMajorStrides(shape: readonly number[]): number[] {
  const strides = new Array<number>(shape.length);
  let stride = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    strides[axis] = stride;
    stride *= shape[axis]!;
  }
  return strides;
}

/** Copies elements that lie at `strides` into row-major order of `shape`. */
export function rearrange(
  bytes: Uint8Array,
  itemSize: number,
  shape: readonly number[],
  strides: readonly number[],
): Uint8Array {
  const result = new Uint8Array(bytes.length);
  // Whole words where the width allows it; 64-bit elements as pairs, so that no NaN changes its bits on the way.
  const width = itemSize % 4 === 0 ? 4 : itemSize % 2 === 0 ? 2 : 1;
  const Words = width === 4 ? Uint32Array : width === 2 ? Uint16Array : Uint8Array;
  const aligned = bytes.byteOffset % width === 0 ? bytes : bytes.slice();
  const from = new Words(aligned.buffer as ArrayBuffer, aligned.byteOffset, aligned.byteLength / width);
  const to = new Words(result.buffer);
  const words = itemSize / width;
  const last = shape.length - 1;
  const lastStride = strides[last]! * words;
  const index = new Array<number>(shape.length).fill(0);
  let base = 0;
  for (let out = 0; out < to.length; ) {
    for (let i = 0, at = base * words; i < shape[last]!; i++, at += lastStride) {
      for (let word = 0; word < words; word++) to[out++] = from[at + word]!;
    }
    for (let axis = last - 1; axis >= 0; axis--) {
      base += strides[axis]!;
      if (++index[axis]! < shape[axis]!) break;
      base -= strides[axis]! * shape[axis]!;
      index[axis] = 0;
    }
  }
  return result;
}

function swapBytes(bytes: Uint8Array, itemSize: number): Uint8Array {
  const copy = new Uint8Array(bytes);
  const swapped = Buffer.from(copy.buffer);
  if (itemSize === 2) swapped.swap16();
  else if (itemSize === 4) swapped.swap32();
  else swapped.swap64();
  return copy;
}

function checkBooleans(data: Uint8Array, format: string): void {
  for (const value of data) if (value > 1) throw malformed(format, `a boolean stored as ${value}`);
}

/** UCS-4 text, padded with zeros. */
function decodeTexts(bytes: Uint8Array, count: number, dtype: NumpyDtype, format: string): string[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const length = dtype.itemSize / 4;
  const texts = new Array<string>(count);
  const points: number[] = [];
  for (let i = 0; i < count; i++) {
    points.length = 0;
    let end = length;
    while (end > 0 && view.getUint32(i * dtype.itemSize + (end - 1) * 4) === 0) end--;
    let text = '';
    for (let j = 0; j < end; j++) {
      const point = view.getUint32(i * dtype.itemSize + j * 4, !dtype.bigEndian);
      if (point > 0x10ffff || (point >= 0xd800 && point < 0xe000)) {
        throw malformed(format, `the character number ${point} in an array of text`);
      }
      points.push(point);
      if (points.length === 4096) {
        text += String.fromCodePoint(...points);
        points.length = 0;
      }
    }
    texts[i] = text + String.fromCodePoint(...points);
  }
  return texts;
}

function stripped(bytes: Uint8Array, start: number, size: number): Uint8Array {
  let end = start + size;
  while (end > start && bytes[end - 1] === 0) end--;
  return bytes.subarray(start, end);
}
