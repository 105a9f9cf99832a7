import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseDecimal, parsePlainDecimal } from '../../src/formats/decimal.js';

/** What `parsePlainDecimal` gives for a text between others. */
function parse(text: string): number {
  const bytes = Buffer.from(`7${text}7`);
  return parsePlainDecimal(bytes, 1, bytes.length - 1);
}

describe('plain decimals in bytes', () => {
  it('are the numbers that Number() gives, or none', () => {
    let told = 0;
    const digits = fc.stringMatching(/^\d{1,20}$/);
    const text = fc.oneof(
      fc.double({ noNaN: true }).map(String),
      fc.double({ noNaN: true, min: -1000, max: 1000 }).map(String),
      fc.tuple(digits, digits).map(([whole, rest]) => `${whole}.${rest}`),
      fc.tuple(digits, fc.integer({ min: -30, max: 30 })).map(([whole, power]) => `${whole}e${power}`),
      fc.stringMatching(/^[-+.eE0-9 x]{0,8}$/),
      // Next to the middle between two doubles.
      fc.bigInt({ min: 2n ** 53n, max: 2n ** 54n }).map((n) => `0.${2n * n + 1n}`),
    );
    fc.assert(
      fc.property(text, (given) => {
        const value = parse(given);
        if (Number.isNaN(value)) return;
        told++;
        expect(value).toBe(parseDecimal(given));
      }),
      { numRuns: 20_000 },
    );
    expect(told).toBeGreaterThan(8_000);
  });

  it.each(['', '.', '-', '+.', '1e', '1e+', '1.2.3', '0x1', ' 1', '1 ', '1_0', 'nan', '1e400', '1234567890123456789'])(
    'does not tell %j',
    (text) => {
      expect(parse(text)).toBeNaN();
    },
  );

  it.each([
    ['0', 0],
    ['-0', -0],
    ['+5', 5],
    ['1.', 1],
    ['.5', 0.5],
    ['00012', 12],
    ['1e22', 1e22],
    ['0.1234567890123456', 0.1234567890123456],
    ['-123456789012345678', -123456789012345680],
  ])('tells %j', (text, value) => {
    expect(parse(text)).toBe(value);
  });
});
