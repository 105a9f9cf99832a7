import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { compileAssembly, compiled } from '../../scripts/compile-assembly.js';
import { parseColumns } from '../../src/plugins/json-columns.js';
import { TextColumn } from '../../src/services/predictions/text-column.js';

/** Columns as lists. */
const read = (text: string) => {
  const fields = parseColumns(Buffer.from(text));
  for (const name in fields) {
    const column = fields[name];
    if (column instanceof TextColumn) fields[name] = column.toList();
    else if (column instanceof Float64Array) fields[name] = Array.from(column);
  }
  return fields;
};

/** What `parseColumns` promises, in terms of `JSON.parse`. */
function expected(text: string): Record<string, unknown> {
  const body = JSON.parse(text) as Record<string, unknown>;
  return Object.fromEntries(
    Object.entries(body).map(([name, value]) => [
      name,
      typeof value === 'object' ? Object.values(value as object) : value,
    ]),
  );
}

const plain = fc.string({ unit: fc.constantFrom(...'abcdefXYZ_:,{}[]0123456789 -/'), maxLength: 22 });
const number = fc.oneof(
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.integer(),
  fc
    .tuple(fc.integer(), fc.integer({ min: 0, max: 10 }))
    .map(([digits, places]) => Number((digits / 10 ** places).toFixed(places))),
);
const lengths = { minLength: 1, maxLength: 120 };
const column = fc
  .oneof(
    { arbitrary: fc.array(number, lengths), weight: 4 },
    { arbitrary: fc.array(plain, lengths), weight: 4 },
    fc.array(fc.oneof(number, plain), lengths),
  )
  .map((values) => ({ ...values }));
const isMixed = (value: unknown) =>
  typeof value === 'object' && new Set(Object.values(value!).map((v) => typeof v)).size > 1;
const body = fc.dictionary(plain, fc.oneof(number, plain, column), { minKeys: 1, maxKeys: 6 });

describe('parseColumns', () => {
  it('runs what assembly/ is compiled to', async () => {
    expect(readFileSync(compiled, 'utf8')).toBe(await compileAssembly());
  });

  it('reads exactly what JSON.parse reads, or leaves it', () => {
    let readOnes = 0;
    fc.assert(
      fc.property(body, fc.constantFrom(undefined, 1, '\t'), (fields, indent) => {
        const text = JSON.stringify(fields, null, indent);
        const got = read(text);
        if (got === undefined) {
          expect(Object.values(fields).some(isMixed)).toBe(true);
          return;
        }
        readOnes++;
        expect({ ...got }).toStrictEqual(expected(text));
      }),
      { numRuns: 1500 },
    );
    expect(readOnes).toBeGreaterThan(300);
  });

  it('reads every decimal to the last bit', () => {
    fc.assert(
      fc.property(
        fc.bigInt({ min: 0n, max: 10n ** 17n }),
        fc.integer({ min: 1, max: 17 }),
        fc.boolean(),
        (digits, places, negative) => {
          const padded = digits.toString().padStart(places + 1, '0');
          const text = `${negative ? '-' : ''}${padded.slice(0, -places)}.${padded.slice(-places)}`;
          const got = read(`{"a":${text}}`)!.a as number;
          expect(Object.is(got, JSON.parse(text))).toBe(true);
        },
      ),
      { numRuns: 5000 },
    );
    expect(Object.is(read('{"a":-0}')!.a, -0)).toBe(true);
  });

  it.each([
    '{"a":1,"a":2}',
    '{"a":{"0":1,"0":2}}',
    '{"a":{"0":1,"2":2}}',
    '{"a":{"1":1}}',
    '{"a":{"0":1,"01":2}}',
    '{"a":{"0":1,"":2}}',
    '{"a":{"x":1}}',
    '{"a":{}}',
    '{"a":[1]}',
    '{"a":{"0":{"0":1}}}',
    '{"a":null}',
    '{"a":{"0":true}}',
    '{"a":{"0":1,"1":"x"}}',
    '{"a":{"0":"x","1":1}}',
    '{"a":"\\u0041"}',
    '{"a\\"":1}',
    '{"a":"é"}',
    '{"a":01}',
    '{"a":1.}',
    '{"a":.5}',
    '{"a":-}',
    '{"a":+1}',
    '{"a":1}}',
    '{"a":1},',
    '{"a":1',
    '{"a":"x',
    '{"a":1,}',
    '{"a" 1}',
    '{a:1}',
    '{}',
    '[]',
    '1',
    '',
    '\u00a0{"a":1}',
    '{"a":"\t"}',
  ])('leaves %s to others', (text) => {
    expect(read(text)).toBeUndefined();
  });

  it('reads nothing that JSON.parse does not', () => {
    fc.assert(
      fc.property(body, fc.nat(), fc.string({ maxLength: 2 }), fc.boolean(), (fields, place, piece, insert) => {
        const whole = JSON.stringify(fields);
        const cut = place % (whole.length + 1);
        const text = whole.slice(0, cut) + piece + whole.slice(cut + (insert ? 0 : piece.length + 1));
        const got = read(text);
        if (got !== undefined) expect({ ...got }).toStrictEqual(expected(text));
      }),
      { numRuns: 3000 },
    );
  });

  it('reads thousands of rows, more distinct texts than it remembers, and a small body after a large one', () => {
    const size = 50_000;
    const of = <T>(value: (row: number) => T) =>
      Object.fromEntries(Array.from({ length: size }, (_, i) => [i, value(i)]));
    const large = { id: 7, value: of((i) => i / 7), name: of((i) => `signal ${i % 700}`), time: of((i) => 1e9 + i) };
    expect({ ...read(JSON.stringify(large)) }).toEqual(expected(JSON.stringify(large)));
    expect({ ...read('{"a":{"0":1}}') }).toEqual({ a: [1] });
    expect(read(JSON.stringify({ name: of((i) => `signal ${i}`) }))).toBeUndefined();
    expect(read(JSON.stringify({ name: of(() => 'x'.repeat(200)) }))).toBeUndefined();
  });

  it('tells texts apart that differ in one byte, of any length', () => {
    for (let length = 1; length < 70; length++) {
      const text = 'abcdefghij'.repeat(7).slice(0, length);
      const others = Array.from({ length }, (_, i) => `${text.slice(0, i)}#${text.slice(i + 1)}`);
      const list = [text, ...others, text, `${text}x`, text.slice(1), ...others.reverse(), text];
      expect(read(JSON.stringify({ a: { ...list } }))!.a).toEqual(list);
    }
  });

  it('takes a name that objects have for a field like any other', () => {
    expect({ ...read('{"constructor":1,"toString":{"0":"a"}}') }).toStrictEqual({ constructor: 1, toString: ['a'] });
    expect(read('{"__proto__":{"0":1}}')).toBeUndefined();
  });

  it('leaves every body to others where there is no WebAssembly', async () => {
    vi.resetModules();
    vi.stubGlobal('WebAssembly', undefined);
    try {
      const without = await import('../../src/plugins/json-columns.js');
      expect(without.parseColumns(Buffer.from('{"a":1}'))).toBeUndefined();
    } finally {
      vi.unstubAllGlobals();
    }
    expect({ ...parseColumns(Buffer.from('{"a":1}')) }).toEqual({ a: 1 });
  });
});
