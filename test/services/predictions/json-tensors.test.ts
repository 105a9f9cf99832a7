import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { VitrinaError } from '../../../src/errors.js';
import { readRows, readTensor, writeRow, writeTensor } from '../../../src/services/predictions/json-tensors.js';
import type { Signature, TensorSpec } from '../../../src/signature.js';
import type { DataType } from '../../../src/tensor.js';

const spec = (dtype: DataType, ...shape: (number | null)[]): TensorSpec => ({ name: 'x', dtype, shape });
function refusal(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (error instanceof VitrinaError) return error.message;
    throw error;
  }
  throw new Error('accepted');
}

describe('readTensor', () => {
  it('gives back what was written, in every type', () => {
    const values: Record<string, fc.Arbitrary<unknown>> = {
      float64: fc.double({ noNaN: true, noDefaultInfinity: true }),
      float32: fc.float({ noNaN: true, noDefaultInfinity: true }),
      float16: fc.integer({ min: -2048, max: 2048 }),
      int8: fc.integer({ min: -128, max: 127 }),
      uint16: fc.integer({ min: 0, max: 65_535 }),
      int64: fc.maxSafeInteger(),
      uint64: fc.maxSafeNat(),
      bool: fc.boolean(),
      string: fc.string(),
    };
    for (const [dtype, value] of Object.entries(values)) {
      fc.assert(
        fc.property(
          fc.array(fc.array(value, { minLength: 2, maxLength: 2 }), { minLength: 1, maxLength: 5 }),
          (nested) => {
            const tensor = readTensor(spec(dtype as DataType, null, 2), nested, 'x');
            expect(tensor.shape).toEqual([nested.length, 2]);
            expect(writeTensor(tensor)).toEqual(
              nested.map((row) => row.map((v) => (v === 0 && dtype.startsWith('int') ? 0 : v))),
            );
            expect(writeRow(tensor, 0)).toEqual((writeTensor(tensor) as unknown[])[0]);
          },
        ),
        { numRuns: 50 },
      );
    }
  });

  it('names the element that does not fit', () => {
    expect(refusal(() => readTensor(spec('float32', null, 2), [[1, 2], [3]], 'inputs.x'))).toBe(
      'inputs.x[1]: expected 2 elements, got 1',
    );
    expect(refusal(() => readTensor(spec('float32', null, 2), [[1, 'a']], 'inputs.x'))).toBe(
      'inputs.x[0][1]: expected a number, got "a"',
    );
    expect(refusal(() => readTensor(spec('float32', null, 2), [[1, null]], 'x'))).toContain(
      'x[0][1]: expected a number, got null',
    );
    expect(refusal(() => readTensor(spec('float32', null, 2), [[1, true]], 'x'))).toContain('got true');
    expect(refusal(() => readTensor(spec('float32', null, 2), 5, 'x'))).toBe('x: expected a list, got 5');
    expect(refusal(() => readTensor(spec('float32', null, 2), [], 'x'))).toBe('x: the list is empty');
    expect(refusal(() => readTensor(spec('float32', null, 2), [[1e39, 1]], 'x'))).toContain('out of the type');
    expect(refusal(() => readTensor(spec('int32', null), [1.5], 'x'))).toBe('x[0]: expected an integer, got 1.5');
    expect(refusal(() => readTensor(spec('uint8', null), [256], 'x'))).toContain('outside 0 to 255');
    expect(refusal(() => readTensor(spec('int64', null), [2 ** 53], 'x'))).toContain('2^53');
    expect(refusal(() => readTensor(spec('uint64', null), [-1], 'x'))).toContain('negative');
    expect(refusal(() => readTensor(spec('bool', null), [1], 'x'))).toContain('true or false');
    expect(refusal(() => readTensor(spec('string', null), [1], 'x'))).toContain('expected a text');
    expect(refusal(() => readTensor(spec('float32', null, null, 1), [[[1]], [[1], [2]]], 'x'))).toBe(
      'x[1]: expected 1 elements, got 2',
    );
  });
});

describe('readRows', () => {
  const two: Signature = {
    inputs: [
      { name: 'a', dtype: 'float32', shape: [null, 2] },
      { name: 'b', dtype: 'int64', shape: [null] },
    ],
    outputs: [],
  };
  const table: Signature = {
    inputs: [{ name: 'X', dtype: 'float64', shape: [null, 2], columns: ['age', 'height'] }],
    outputs: [],
  };

  it('stacks rows', () => {
    const { a, b } = readRows(two, [
      { a: [1, 2], b: 3 },
      { b: 6, a: [4, 5] },
    ]);
    expect(a).toEqual({ dtype: 'float32', shape: [2, 2], data: Float32Array.of(1, 2, 4, 5) });
    expect(b).toEqual({ dtype: 'int64', shape: [2], data: BigInt64Array.of(3n, 6n) });
  });

  it('takes named columns in any order', () => {
    const { X } = readRows(table, [{ height: 2, age: 1 }]);
    expect(X).toEqual({ dtype: 'float64', shape: [1, 2], data: Float64Array.of(1, 2) });
  });

  it('names what is missing, unknown or of the wrong kind', () => {
    expect(refusal(() => readRows(two, [{ a: [1, 2], b: 1 }, { a: [1, 2] }]))).toBe('[1].b: is missing');
    expect(refusal(() => readRows(two, [{ a: [1, 2], b: 1, c: 2 }]))).toContain('[0].c: is unknown');
    expect(refusal(() => readRows(two, [3], 'body'))).toContain('body[0]: expected an object');
    expect(refusal(() => readRows(table, [{ age: 1, height: '2' }]))).toContain('[0].height: expected a number');
    expect(refusal(() => readRows(two, [JSON.parse('{"a": [1, 2], "b": 1, "__proto__": 1}')]))).toContain(
      '__proto__: is unknown',
    );
    expect(refusal(() => readRows(two, [JSON.parse('{"__proto__": {"a": [1, 2], "b": 1}}')]))).toContain('is missing');
  });
});

describe('writeTensor', () => {
  it('writes what JSON has no number for as texts', () => {
    const data = Float64Array.of(Number.NaN, Number.POSITIVE_INFINITY, -0.5);
    expect(writeTensor({ dtype: 'float64', shape: [3], data })).toEqual(['NaN', 'Infinity', -0.5]);
    expect(writeTensor({ dtype: 'int64', shape: [], data: BigInt64Array.of(2n ** 60n) })).toBe((2n ** 60n).toString());
  });

  it('widens float32 exactly, as Python’s float() does', () => {
    expect(writeTensor({ dtype: 'float32', shape: [1], data: Float32Array.of(0.1) })).toEqual([0.10000000149011612]);
  });
});
