import { describe, expect, it } from 'vitest';
import { VitrinaError } from '../../src/errors.js';
import { prepareFeaturizers } from '../../src/featurizers/index.js';

const plain = { buckets: 8, alternateSign: true, type: 'dict' };
const spec = (parameters: Record<string, unknown>) => ({
  kind: 'hashed-features',
  input: 'X',
  indices: 'i',
  values: 'v',
  parameters,
});

function rowOf(row: unknown, parameters: Record<string, unknown> = plain): Record<number, number> {
  const data = [JSON.stringify(row)];
  const { i, v } = prepareFeaturizers([spec(parameters)])({ X: { dtype: 'string', shape: [1], data } });
  const pairs = Array.from(i!.data as BigInt64Array, (index, k) => [Number(index), v!.data[k] as number] as const);
  return Object.fromEntries(pairs.filter(([, value]) => value !== 0));
}

describe('hashed features', () => {
  it('are the same however a row is written', () => {
    const wanted = rowOf({ a: 1, 'b=t': 1, é: -2 });
    expect(Object.keys(wanted).length).toBeGreaterThan(0);
    expect(rowOf({ a: true, b: 't', é: -2, zero: 0 })).toEqual(wanted);
    const pairs = [
      ['a', 0.25],
      ['b', 't'],
      ['é', -2],
      ['a', 0.75],
    ];
    expect(rowOf(pairs, { ...plain, type: 'pair' })).toEqual(wanted);
    expect(rowOf(['a', 'a'], { ...plain, type: 'string' })).toEqual(rowOf({ a: 2 }));
  });

  it('keep their sign only without alternateSign', () => {
    const features = Object.fromEntries(Array.from({ length: 40 }, (_, i) => [`feature ${i}`, 1]));
    const sum = (row: Record<number, number>) => Object.values(row).reduce((total, value) => total + value, 0);
    expect(sum(rowOf(features, { ...plain, alternateSign: false }))).toBe(40);
    expect(sum(rowOf(features))).toBeLessThan(40);
  });

  it('refuse what scikit-learn raises for', () => {
    expect(() => rowOf({ a: null })).toThrow(VitrinaError);
    expect(() => rowOf({ a: [1] })).toThrow('the feature "a" should be a number or a text');
    expect(() => rowOf(['a'], { ...plain, type: 'pair' })).toThrow('a pair of a name and a value');
    expect(() => rowOf([1], { ...plain, type: 'string' })).toThrow('should be a text');
  });

  it('need buckets, alternateSign and a type that is known', () => {
    for (const wrong of [{ buckets: 0 }, { buckets: 1.5 }, { alternateSign: 1 }, { type: 'list' }]) {
      expect(() => prepareFeaturizers([spec({ ...plain, ...wrong })])).toThrow(TypeError);
    }
  });
});
