/**
 * Tensors, as every layer of the house passes them on.
 *
 * - **dtype**: the element type, by NumPy's name.
 * - **shape**: sizes, outermost first; `[]` is a scalar.
 * - **data**: the elements, row-major. `float16` travels as raw bits in a `Uint16Array`,
 *   `bool` as 0 and 1 in a `Uint8Array`.
 */
export type DataType =
  | 'float16'
  | 'float32'
  | 'float64'
  | 'int8'
  | 'int16'
  | 'int32'
  | 'int64'
  | 'uint8'
  | 'uint16'
  | 'uint32'
  | 'uint64'
  | 'bool'
  | 'string';

export type NumericData =
  | Float32Array
  | Float64Array
  | Int8Array
  | Int16Array
  | Int32Array
  | BigInt64Array
  | Uint8Array
  | Uint16Array
  | Uint32Array
  | BigUint64Array;

export type TensorData = NumericData | string[];

export interface Tensor {
  readonly dtype: DataType;
  readonly shape: readonly number[];
  readonly data: TensorData;
}

const arrays = {
  float16: Uint16Array,
  float32: Float32Array,
  float64: Float64Array,
  int8: Int8Array,
  int16: Int16Array,
  int32: Int32Array,
  int64: BigInt64Array,
  uint8: Uint8Array,
  uint16: Uint16Array,
  uint32: Uint32Array,
  uint64: BigUint64Array,
  bool: Uint8Array,
} as const;

export const dataTypes: readonly DataType[] = [...(Object.keys(arrays) as DataType[]), 'string'];

/** Bytes of one element; strings have none. */
export function bytesPerElement(dtype: Exclude<DataType, 'string'>): number {
  return arrays[dtype].BYTES_PER_ELEMENT;
}

/** A zero-filled (or empty-string-filled) array of `length` elements. */
export function allocate(dtype: DataType, length: number): TensorData {
  return dtype === 'string' ? new Array<string>(length).fill('') : new arrays[dtype](length);
}

type ArrayOf<D extends DataType> = D extends keyof typeof arrays ? InstanceType<(typeof arrays)[D]> : string[];

/** What one short array keeps from being freed at most: a request that waits for long holds its own. */
const slabBytes = 2 ** 14;
const shortBytes = 2 ** 11;
let slab = new ArrayBuffer(slabBytes);
let slabUsed = 0;

/**
 * As `allocate`, for what lives no longer than a request: short arrays are cut from buffers that many share. Memory of
 * their own, outside of V8's heap, costs them more than to be filled and read.
 */
export function allocateBriefly<D extends DataType>(dtype: D, length: number): ArrayOf<D> {
  const name: DataType = dtype;
  if (name === 'string') return allocate(name, length) as ArrayOf<D>;
  const array = arrays[name];
  const bytes = length * array.BYTES_PER_ELEMENT;
  if (bytes > shortBytes) return new array(length) as ArrayOf<D>;
  if (slabUsed + bytes > slabBytes) {
    slab = new ArrayBuffer(slabBytes);
    slabUsed = 0;
  }
  const view = new array(slab, slabUsed, length);
  // The next one may have elements of eight bytes.
  slabUsed = (slabUsed + bytes + 7) & ~7;
  return view as ArrayOf<D>;
}

/**
 * Views `bytes` (little-endian, as x86 and ARM store them) as elements of `dtype`; copies only when the
 * offset is not aligned.
 */
export function viewBytes(dtype: Exclude<DataType, 'string'>, bytes: Uint8Array): NumericData {
  const size = bytesPerElement(dtype);
  const aligned = bytes.byteOffset % size === 0 ? bytes : new Uint8Array(bytes);
  return new arrays[dtype](aligned.buffer as ArrayBuffer, aligned.byteOffset, aligned.byteLength / size);
}

/** A copy that stays when the buffers are given to a worker thread, or to whoever asked. */
export function copyTensors(tensors: Readonly<Record<string, Tensor>>): Record<string, Tensor> {
  const copies: Record<string, Tensor> = {};
  for (const name in tensors) {
    const { dtype, shape, data } = tensors[name]!;
    copies[name] = { dtype, shape, data: data.slice() as Tensor['data'] };
  }
  return copies;
}

/** Number of elements of a shape; 1 for a scalar. */
export function sizeOf(shape: readonly number[]): number {
  let size = 1;
  for (const dimension of shape) size *= dimension;
  return size;
}

const half = new Float32Array(1);
const halfBits = new Uint32Array(half.buffer);

/** IEEE 754 binary16 bits to a number, subnormals, infinities and NaN included. */
export function float16ToNumber(bits: number): number {
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  const sign = bits & 0x8000 ? -1 : 1;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

/** A number to IEEE 754 binary16 bits, rounded to nearest even. */
export function numberToFloat16(value: number): number {
  half[0] = value;
  const bits = halfBits[0]!;
  const sign = (bits >>> 16) & 0x8000;
  const magnitude = bits & 0x7fffffff;
  if (magnitude > 0x7f800000) return sign | 0x7e00;
  if (magnitude >= 0x477ff000) return sign | 0x7c00;
  if (magnitude < 0x38800000) {
    // A subnormal half counts units of 2^-24, and Math.round would break ties upwards.
    const units = Math.abs(half[0]!) * 2 ** 24;
    const floor = Math.floor(units);
    const rest = units - floor;
    return sign | (rest > 0.5 || (rest === 0.5 && floor % 2 === 1) ? floor + 1 : floor);
  }
  const rounded = magnitude + 0xfff + ((magnitude >> 13) & 1);
  return sign | ((rounded - 0x38000000) >> 13);
}
