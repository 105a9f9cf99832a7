import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { retryAfterMs, retryDelay } from '../../../src/services/outbound/retry-delay.js';

describe('the delay before another attempt', () => {
  const delays = { firstMs: 1000, mostMs: 60_000 };

  it('doubles, up to the most', () => {
    const longest = (attempt: number) => retryDelay(attempt, delays, () => 1);
    expect([1, 2, 3, 4, 5, 6, 7, 8, 1e9].map(longest)).toEqual([
      1000, 2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000, 60_000,
    ]);
    expect(retryDelay(3, delays, () => 0)).toBe(2000);
  });

  it('lies between half of it and the whole', () => {
    const unit = fc.double({ min: 0, max: 1, noNaN: true });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 5000 }), fc.nat(1e6), fc.nat(1e9), unit, (attempt, firstMs, mostMs, u) => {
        const whole = Math.min(mostMs, firstMs * 2 ** Math.min(attempt - 1, 52));
        const delay = retryDelay(attempt, { firstMs, mostMs }, () => u);
        expect(delay).toBeGreaterThanOrEqual(Math.floor(whole / 2));
        expect(delay).toBeLessThanOrEqual(Math.ceil(whole));
      }),
    );
  });

  it('differs from one caller to the next', () => {
    expect(new Set(Array.from({ length: 100 }, () => retryDelay(5, delays))).size).toBeGreaterThan(50);
  });
});

describe('Retry-After', () => {
  const now = Date.UTC(1994, 10, 6, 8, 49, 7);
  it.each([
    ['120', 120_000],
    [' 5 ', 5000],
    ['0', 0],
    ['99999999999999999999', 3_600_000],
    ['Sun, 06 Nov 1994 08:49:37 GMT', 30_000],
    ['Sunday, 06-Nov-94 08:49:37 GMT', 30_000],
    ['Sun Nov  6 08:49:37 1994', 30_000],
    ['Sun, 06 Nov 1994 08:00:00 GMT', 0],
    ['Mon, 06 Nov 2034 08:49:37 GMT', 3_600_000],
    ['Sun, nonsense', undefined],
    ['-5', undefined],
    ['1.5', undefined],
    ['soon', undefined],
    ['', undefined],
    [['1', '2'], undefined],
    [undefined, undefined],
  ])('of %j is %s ms', (value, expected) => {
    expect(retryAfterMs({ 'retry-after': value }, now, 3_600_000)).toBe(expected);
  });

  it('is never more than the most, nor less than nothing', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.nat().map(String), fc.date().map(String)), (text) => {
        const delay = retryAfterMs({ 'retry-after': text }, now, 1000) ?? 0;
        expect(delay >= 0 && delay <= 1000).toBe(true);
      }),
    );
  });
});
