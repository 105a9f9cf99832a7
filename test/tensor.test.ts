import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { allocateBriefly, type DataType, dataTypes, type NumericData } from '../src/tensor.js';

const numeric = dataTypes.filter((dtype): dtype is Exclude<DataType, 'string'> => dtype !== 'string');

describe('short arrays', () => {
  it('are zeros of their type, share memory, and never a byte with each other', () => {
    const asked = fc.array(fc.record({ dtype: fc.constantFrom(...numeric), length: fc.nat(700) }), { maxLength: 60 });
    const owners = new Map<ArrayBufferLike, [number, number][]>();
    fc.assert(
      fc.property(asked, (wanted) => {
        for (const { dtype, length } of wanted) {
          const array: NumericData = allocateBriefly(dtype, length);
          expect(array).toHaveLength(length);
          expect(array.every((value) => Number(value) === 0)).toBe(true);
          if (dtype === 'int64' || dtype === 'uint64') (array as BigInt64Array).fill(-1n);
          else (array as Float64Array).fill(-1);
          const { buffer, byteOffset, byteLength } = array;
          const others = owners.get(buffer) ?? [];
          const end = byteOffset + byteLength;
          expect(others.some(([from, to]) => from < end && byteOffset < to)).toBe(false);
          owners.set(buffer, [...others, [byteOffset, end]]);
        }
      }),
    );
    expect([...owners.values()].some((arrays) => arrays.length > 10)).toBe(true);
  });

  it('are arrays of their own when they are long, and lists when they hold texts', () => {
    const long = allocateBriefly('float32', 5000);
    expect(long.byteLength).toBe(long.buffer.byteLength);
    expect(allocateBriefly('string', 2)).toEqual(['', '']);
  });
});
