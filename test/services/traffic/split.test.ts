import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { placeOf } from '../../../src/services/traffic/split.js';

describe('the place of a caller', () => {
  it('is the same for the same value, in [0, 1), and lets nobody out when the weight grows', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), fc.double({ min: 0, max: 1, noNaN: true }), (salt, value, weight) => {
        const place = placeOf(salt, value);
        expect(place).toBe(placeOf(salt, value));
        expect(place).toBeGreaterThanOrEqual(0);
        expect(place).toBeLessThan(1);
        if (place < weight) expect(place < Math.min(1, weight + 0.1)).toBe(true);
      }),
    );
  });

  it.each([
    ['numbers', (i: number) => String(i)],
    ['names', (i: number) => `user-${i}@example.org`],
    ['hexadecimal', (i: number) => (i * 2_654_435_761).toString(16).padStart(12, '0')],
  ])('is spread evenly over %s', (_name, value) => {
    const bins = new Array<number>(50).fill(0);
    const callers = 20_000;
    for (let i = 0; i < callers; i++) bins[Math.floor(placeOf('churn/3', value(i)) * 50)]!++;
    const expected = callers / 50;
    const chiSquare = bins.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0);
    // 49 degrees of freedom: 0.001 beyond 85.4.
    expect(chiSquare).toBeLessThan(85.4);
  });

  it('is another for another version, so that not the same callers try every novelty', () => {
    let both = 0;
    for (let i = 0; i < 10_000; i++) {
      if (placeOf('churn/3', `user-${i}`) < 0.1 && placeOf('churn/4', `user-${i}`) < 0.1) both++;
    }
    // 100 by chance.
    expect(both).toBeGreaterThan(50);
    expect(both).toBeLessThan(160);
  });
});
