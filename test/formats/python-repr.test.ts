import { execFileSync, spawnSync } from 'node:child_process';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { reprFloat, reprText } from '../../src/formats/python-repr.js';

describe('reprText', () => {
  it.each([
    ['/predict', "'/predict'"],
    ['', "''"],
    ["it's", '"it\'s"'],
    ['say "hi"', '\'say "hi"\''],
    [`both ' and "`, `'both \\' and "'`],
    ['a\nb\rc\td', "'a\\nb\\rc\\td'"],
    ['back\\slash', "'back\\\\slash'"],
    ['\u0000\u001b\u007f\u00a0\u00ad', "'\\x00\\x1b\\x7f\\xa0\\xad'"],
    ['\u2028\u200e\ufeff', "'\\u2028\\u200e\\ufeff'"],
    ['\ud800', "'\\ud800'"],
    ['\u{e0001}', "'\\U000e0001'"],
    ['señal 心 🫀', "'señal 心 🫀'"],
  ])('%j', (text, expected) => expect(reprText(text)).toBe(expected));

  it('never ends a line and always reads as one string', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const written = reprText(text);
        expect(written).not.toMatch(/[\n\r\v\f\u0085\u2028\u2029]/);
        const quote = written[0]!;
        expect(written.at(-1)).toBe(quote);
        expect(written.slice(1, -1).replace(/\\./gu, '')).not.toContain(quote);
      }),
      { numRuns: 1000 },
    );
  });
});

describe('reprFloat', () => {
  it.each([
    [1.4350006580352783, '1.4350006580352783'],
    [0.0020029544830322266, '0.0020029544830322266'],
    [0.0001, '0.0001'],
    [0.00005, '5e-05'],
    [1.25e-7, '1.25e-07'],
    [5e-324, '5e-324'],
    [0, '0.0'],
    [-0, '-0.0'],
    [3, '3.0'],
    [1e15, '1000000000000000.0'],
    [1e16, '1e+16'],
    [1.7976931348623157e308, '1.7976931348623157e+308'],
    [Number.NaN, 'nan'],
    [Number.NEGATIVE_INFINITY, '-inf'],
  ])('%d', (value, expected) => expect(reprFloat(value)).toBe(expected));
});

const python = spawnSync('python3', ['-c', '']).status === 0;

describe.runIf(python)('beside a real Python', () => {
  const ask = (values: unknown[], code: string) =>
    JSON.parse(execFileSync('python3', ['-c', code], { input: JSON.stringify(values), encoding: 'utf8' })) as string[];

  it('writes the same floats', () => {
    const floats = fc.sample(fc.double({ noNaN: true, noDefaultInfinity: true }), { numRuns: 2000, seed: 1 });
    expect(floats.map(reprFloat)).toEqual(
      ask(
        floats.map((value) => (Object.is(value, -0) ? '-0.0' : String(value))),
        'import json,sys; print(json.dumps([repr(float(x)) for x in json.load(sys.stdin)]))',
      ),
    );
  });

  it('writes the same strings', () => {
    // Below U+0250 every version of Unicode agrees on what prints.
    const units = fc.integer({ min: 0, max: 0x24f }).map((code) => String.fromCodePoint(code));
    const texts = fc.sample(fc.string({ unit: units }), { numRuns: 1000, seed: 1 });
    expect(texts.map(reprText)).toEqual(
      ask(texts, 'import json,sys; print(json.dumps([repr(x) for x in json.load(sys.stdin)]))'),
    );
  });
});
