import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { stableSort } from '../../../src/learn/hdbscan/stable-sort.js';

/** Short lists and long ones, which are sorted in different ways. */
const sizes = fc.oneof(fc.constant({ maxLength: 12 }), fc.constant({ minLength: 120, maxLength: 400 }));
const numbers = fc.oneof(
  fc.constant(fc.integer({ min: -3, max: 3 })),
  fc.constant(fc.integer({ min: 1_660_000_000_000, max: 1_660_000_600_000 })),
  fc.constant(fc.double({ noNaN: true })),
);
const lists = fc.tuple(sizes, numbers).chain(([size, number]) => fc.array(number, size));

describe('stableSort', () => {
  it('sorts as Array.prototype.sort does, and takes along what belongs to the keys', () => {
    fc.assert(
      fc.property(lists, fc.boolean(), (list, two) => {
        const keys = Float64Array.from(list, (value) => value + 0);
        const first = Uint32Array.from(list.keys());
        const second = Uint32Array.from(list, (_, i) => 2 * i);
        const order = [...first].sort((a, b) => (keys[a]! < keys[b]! ? -1 : keys[a]! > keys[b]! ? 1 : a - b));
        const expected = order.map((i) => keys[i]!);
        stableSort(keys, first, two ? second : undefined);
        expect([...keys]).toEqual(expected);
        expect([...first]).toEqual(order);
        expect([...second]).toEqual(two ? order.map((i) => 2 * i) : list.map((_, i) => 2 * i));
      }),
    );
  });

  it('sorts parts of longer arrays', () => {
    const keys = Float64Array.of(9, 3, 2, 1, 0);
    const values = Uint32Array.of(0, 1, 2, 3, 4);
    stableSort(keys.subarray(1, 4), values.subarray(1, 4));
    expect([...keys]).toEqual([9, 1, 2, 3, 0]);
    expect([...values]).toEqual([0, 3, 2, 1, 4]);
  });
});
