import type { TensorSpec } from '../../signature.js';
import { type DataType, numberToFloat16, sizeOf, type TensorData } from '../../tensor.js';

/**
 * A list of numbers, or of lists of them, as deep as they may be and each level of one size: what `JSON.parse` gives as
 * nested lists, row-major in one piece.
 */
export class NumberArray {
  constructor(
    readonly data: Float64Array,
    /** No size is 0. */
    readonly shape: readonly number[],
  ) {}

  /** The same as nested lists. */
  toLists(): unknown[] {
    let level: unknown[] = Array.from(this.data);
    for (let axis = this.shape.length - 1; axis > 0; axis--) {
      const size = this.shape[axis]!;
      const count = sizeOf(this.shape.slice(0, axis));
      const inner = level;
      level = Array.from({ length: count }, (_, i) => inner.slice(i * size, (i + 1) * size));
    }
    return level;
  }
}

/** The largest magnitude of each type of floats. */
export const floatLimits = { float16: 65504, float32: 3.4028234663852886e38, float64: Number.MAX_VALUE } as const;
/** The least and the greatest of each type of integers that a number of JSON says exactly. */
export const integerLimits = {
  int8: [-128, 127],
  int16: [-32_768, 32_767],
  int32: [-2_147_483_648, 2_147_483_647],
  uint8: [0, 255],
  uint16: [0, 65_535],
  uint32: [0, 4_294_967_295],
  int64: [Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER],
  uint64: [0, Number.MAX_SAFE_INTEGER],
} as const;

const floats: Partial<Record<DataType, number>> = floatLimits;
const integers: Partial<Record<DataType, readonly [number, number]>> = integerLimits;

/** Puts `numbers` into `data` from `at` on; false when the type holds no numbers, or not all of these. */
export function storeNumbers(
  { dtype, largest, json }: TensorSpec,
  numbers: Float64Array,
  data: TensorData,
  at: number,
): boolean {
  const range = integers[dtype];
  const most = Math.min(floats[dtype] ?? Number.POSITIVE_INFINITY, largest ?? Number.POSITIVE_INFINITY);
  if (json !== undefined || (range === undefined && floats[dtype] === undefined)) return false;
  for (let i = 0; i < numbers.length; i++) {
    const number = numbers[i]!;
    if (!(Math.abs(number) <= most)) return false;
    if (range !== undefined && !(Number.isInteger(number) && number >= range[0] && number <= range[1])) return false;
  }
  if (dtype === 'int64' || dtype === 'uint64') {
    for (let i = 0; i < numbers.length; i++) (data as BigInt64Array)[at + i] = BigInt(numbers[i]!);
  } else if (dtype === 'float16') {
    for (let i = 0; i < numbers.length; i++) (data as Uint16Array)[at + i] = numberToFloat16(numbers[i]!);
  } else (data as Float64Array).set(numbers, at);
  return true;
}
