import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { VitrinaError } from '../../../src/errors.js';
import { LiveCounts } from '../../../src/services/drift/live-counts.js';
import { binOf, type Profile, profileValues, readProfile } from '../../../src/services/drift/profile.js';
import { forEachValue, type Scalar, type Watched, watchedOf } from '../../../src/services/drift/watched.js';
import { missingTexts, type Signature } from '../../../src/signature.js';
import type { Tensor } from '../../../src/tensor.js';

const age: Watched = { side: 'input', name: 'age', tensor: 'age', batched: true, offset: 0, step: 1 };
const doubles = (values: readonly number[]): Tensor => ({
  dtype: 'float64',
  shape: [values.length],
  data: Float64Array.from(values),
});
const profileOf = (values: readonly (Scalar | undefined)[], of: Watched = age): Profile => ({
  format: 1,
  id: 'one',
  model: 'm',
  version: '1',
  sha256: 'abc',
  created: '2026-01-01T00:00:00.000Z',
  source: 'reference',
  rows: values.length,
  features: [profileValues(of, values)],
});

describe('the bins of a reference', () => {
  it('are deciles of numbers, with a bin of their own for what is missing', () => {
    const values = [...Array.from({ length: 1_000 }, (_, i) => i / 10), undefined, undefined];
    const feature = profileValues(age, values);
    expect(feature).toMatchObject({ kind: 'numeric', counts: [...new Array(10).fill(100), 2] });
    expect(feature.kind === 'numeric' && feature.edges).toEqual([9.9, 19.9, 29.9, 39.9, 49.9, 59.9, 69.9, 79.9, 89.9]);
  });

  it('are categories of texts and of few numbers, the rare ones together', () => {
    expect(profileValues(age, ['b', 'a', 'a', undefined])).toMatchObject({
      kind: 'category',
      values: ['a', 'b'],
      counts: [2, 1, 0, 1],
    });
    expect(profileValues(age, [7, 7, 7])).toMatchObject({ kind: 'category', values: [7], counts: [3, 0, 0] });
    const many = profileValues(
      age,
      Array.from({ length: 200 }, (_, i) => `name ${i % 80}`),
    );
    expect(many.counts).toHaveLength(52);
    expect(many.counts.reduce((sum, count) => sum + count)).toBe(200);
  });

  it('hold every value once, and none is empty in the reference', () => {
    fc.assert(
      fc.property(
        fc.array(fc.oneof(fc.double({ noNaN: true }), fc.integer({ min: 0, max: 40 }), fc.constant(undefined)), {
          minLength: 1,
          maxLength: 400,
        }),
        (values) => {
          const feature = profileValues(age, values);
          expect(feature.counts.reduce((sum, count) => sum + count)).toBe(values.length);
          if (feature.kind === 'numeric') {
            expect(feature.counts.slice(0, -1).every((count) => count > 0)).toBe(true);
            const edges = [Number.NEGATIVE_INFINITY, ...feature.edges, Number.POSITIVE_INFINITY];
            for (const value of values) {
              if (value === undefined) continue;
              const bin = binOf(feature.edges, value);
              expect(value <= edges[bin + 1]! && (bin === 0 || value > edges[bin]!)).toBe(true);
            }
          }
        },
      ),
    );
  });
});

describe('a profile on the disk', () => {
  it('is read as it was written, for the version that it belongs to', () => {
    const profile = profileOf(Array.from({ length: 100 }, (_, i) => i));
    expect(readProfile('p.json', JSON.stringify(profile), [age])).toEqual(profile);
    expect(() => readProfile('p.json', JSON.stringify(profile), [])).toThrow('is none of the version');
  });

  it('is read or refused, whatever the file holds', () => {
    const profile = JSON.stringify(profileOf(Array.from({ length: 100 }, (_, i) => i)));
    fc.assert(
      fc.property(fc.nat(), fc.string({ maxLength: 4 }), fc.jsonValue(), (at, text, json) => {
        const cut = at % profile.length;
        const broken = profile.slice(0, cut) + text + profile.slice(cut + text.length);
        for (const given of [
          broken,
          JSON.stringify(json),
          JSON.stringify({ ...JSON.parse(profile), features: json }),
        ]) {
          try {
            const { features } = readProfile('p.json', given, [age]);
            expect(features.every(({ counts }) => counts.length >= 2)).toBe(true);
          } catch (error) {
            expect(error).toBeInstanceOf(VitrinaError);
          }
        }
      }),
      { numRuns: 500 },
    );
  });
});

describe('what is watched', () => {
  const signature: Signature = {
    inputs: [
      { name: 'table', dtype: 'float64', shape: [null, 2], columns: ['age', 'bill'] },
      { name: 'plan', dtype: 'string', shape: [null], missing: 'NaN' },
      { name: 'series', dtype: 'float32', shape: [null, 20, 3] },
      { name: 'image', dtype: 'float32', shape: [null, 28, 28, 1] },
      { name: 'free', dtype: 'float32', shape: [null, null] },
      { name: 'words', dtype: 'string', shape: [null], json: 'object' },
    ],
    outputs: [
      { name: 'predict', dtype: 'string', shape: [null] },
      { name: 'predict_proba', dtype: 'float64', shape: [null, 2], columns: ['no', 'yes'] },
      { name: 'score', dtype: 'float32', shape: [null, 1] },
    ],
  };
  const watched = watchedOf({ signature, labels: undefined });
  const valuesOf = (name: string, tensors: Record<string, Tensor>) => {
    const values: unknown[] = [];
    forEachValue(watched.find((one) => one.name === name)!, tensors, 0, 1, 0, (value) => values.push(value));
    return values;
  };

  it('is every column, signal and prediction', () => {
    expect(watched.map(({ name }) => name)).toEqual([
      ...['age', 'bill', 'plan', 'series[0]', 'series[1]', 'series[2]', 'image', 'free'],
      ...['predict', 'predict_proba', 'score'],
    ]);
  });

  it('is read from where it lies', () => {
    const table: Tensor = { dtype: 'float64', shape: [2, 2], data: Float64Array.of(30, Number.NaN, 40, 9) };
    expect([valuesOf('age', { table }), valuesOf('bill', { table })]).toEqual([
      [30, 40],
      [undefined, 9],
    ]);
    const plan: Tensor = { dtype: 'string', shape: [2], data: ['basic', missingTexts.NaN] };
    expect(valuesOf('plan', { plan })).toEqual(['basic', undefined]);
    const series: Tensor = { dtype: 'float32', shape: [1, 2, 3], data: Float32Array.of(1, 2, 3, 4, 5, 6) };
    expect(valuesOf('series[1]', { series })).toEqual([2, 5]);
    const proba: Tensor = { dtype: 'float64', shape: [2, 2], data: Float64Array.of(0.9, 0.1, 0.2, 0.8) };
    expect(valuesOf('predict_proba', { predict_proba: proba })).toEqual(['no', 'yes']);
  });
});

describe('live counts', () => {
  it('are those of the window alone', () => {
    let now = 1_000_000_000;
    const profile = profileOf(Array.from({ length: 100 }, (_, i) => i));
    const live = new LiveCounts(profile, [age], 3_600_000, () => now);
    live.count({ age: doubles([5, 15, 150, Number.NaN]) }, {});
    expect([...live.seen().counts]).toEqual([1, 1, 0, 0, 0, 0, 0, 0, 0, 1, 1]);
    now += 1_800_000;
    live.count({ age: doubles([5]) }, {});
    expect([live.seen().rows, live.seen().counts[0]]).toEqual([5, 2]);
    now += 2_100_000;
    expect([live.seen().rows, live.seen().counts[0]]).toEqual([1, 1]);
    now += 3_600_000;
    expect(live.seen().rows).toBe(0);
  });

  it('look at a part of a large request, evenly, and at a bounded number of values a second', () => {
    let now = 0;
    const profile = profileOf(Array.from({ length: 1_000 }, (_, i) => i));
    const live = new LiveCounts(profile, [age], 3_600_000, () => now);
    const rows = doubles(Array.from({ length: 100_000 }, (_, i) => i / 100));
    live.count({ age: rows }, {});
    const { rows: looked, counts } = live.seen();
    expect(looked).toBeLessThanOrEqual(4_096);
    expect(looked).toBeGreaterThan(3_900);
    for (const count of counts.slice(0, 10)) expect(Math.abs(count / looked - 0.1)).toBeLessThan(0.002);
    while (live.open) live.count({ age: rows }, {});
    expect(live.seen().rows).toBeLessThanOrEqual(110_000);
    now += 1_000;
    expect(live.open).toBe(true);
  });
});
