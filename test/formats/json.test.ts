import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { VitrinaError } from '../../src/errors.js';
import { parseJson } from '../../src/formats/json.js';
import { defaultLimits } from '../../src/formats/limits.js';

const plain = (value: unknown): unknown =>
  Array.isArray(value)
    ? value.map(plain)
    : typeof value === 'object' && value !== null
      ? Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, plain(inner)]))
      : value;

test('reads what JSON.stringify writes', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      const text = JSON.stringify(value, null, 1);
      expect(plain(parseJson(text))).toEqual(plain(JSON.parse(text)));
    }),
  );
});

test('agrees with JSON.parse on what is JSON at all', () => {
  const soup = fc.array(fc.constantFrom('{', '}', '[', ']', ',', ':', '"', 'a', '\\', '1', '-', '.', 'e', 'true', ' '));
  fc.assert(
    fc.property(soup, (parts) => {
      const text = parts.join('');
      let expected: unknown;
      try {
        expected = JSON.parse(text);
      } catch {
        expect(() => parseJson(text)).toThrow(VitrinaError);
        return;
      }
      try {
        expect(plain(parseJson(text))).toEqual(expected);
      } catch (error) {
        expect((error as Error).message).toMatch(/appears twice/);
      }
    }),
    { numRuns: 2000 },
  );
});

test("Python's words for what JSON lacks", () => {
  expect(parseJson('[NaN, Infinity, -Infinity, 1e999, -0.0]')).toEqual([NaN, Infinity, -Infinity, Infinity, -0]);
});

test('text in bytes, escapes and all', () => {
  expect(parseJson(Buffer.from('{"è": "\\u00e8\\ud83d\\ude00\\n\\/"}'))).toEqual({ è: 'è😀\n/' });
});

test('no key means anything', () => {
  const value = parseJson('{"__proto__": {"x": 1}, "constructor": 2}') as Record<string, unknown>;
  expect(Object.getPrototypeOf(value)).toBeNull();
  expect(Object.keys(value)).toEqual(['__proto__', 'constructor']);
  expect(({} as { x?: number }).x).toBeUndefined();
});

describe('refuses', () => {
  test.each([
    ['{"a": 1, "a": 2}', /the key "a" appears twice \(byte 12\)/],
    ['{"a": 1} x', /something follows the end/],
    ['', /a value is expected/],
    ['[1,]', /a value is expected/],
    ['{a: 1}', /"\\"" is expected/],
    ['"abc', /a string does not end/],
    ['"a\nb"', /a string does not end/],
    ['"\\x"', /a backslash is followed/],
    ['"\\u12g4"', /four digits/],
    ['01', /something follows/],
    ['nul', /a value is expected/],
  ])('%s', (text, message) => {
    expect(() => parseJson(text)).toThrow(message);
  });

  test('nesting that would overflow the stack', () => {
    expect(() => parseJson('['.repeat(1_000_000))).toThrow(/a nesting of 201, over the limit of 200/);
    expect(() => parseJson('{"a":'.repeat(1_000_000))).toThrow(/a nesting of 201/);
  });

  test('more values than the limit', () => {
    expect(() => parseJson('[1,2,3]', 'JSON', { ...defaultLimits, count: 3 })).toThrow(/a number of values of 4/);
  });

  test('what is not UTF-8', () => {
    expect(() => parseJson(Uint8Array.of(0x22, 0xff, 0x22), 'Keras config.json')).toThrow(
      /Keras config.json data is damaged/,
    );
  });
});
