import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseColumns } from '../../src/plugins/json-columns.js';
import { TextColumn } from '../../src/services/predictions/text-column.js';

/** Columns of texts as lists, as all others are. */
const read = (text: string) => {
  const fields = parseColumns(Buffer.from(text));
  for (const name in fields) if (fields[name] instanceof TextColumn) fields[name] = fields[name].toList();
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
const column = fc.array(fc.oneof(number, plain), { minLength: 1, maxLength: 120 }).map((values) => ({ ...values }));
const body = fc.dictionary(plain, fc.oneof(number, plain, column), { minKeys: 1, maxKeys: 6 });

describe('parseColumns', () => {
  it('reads exactly what JSON.parse reads, or leaves it', () => {
    let readOnes = 0;
    fc.assert(
      fc.property(body, fc.constantFrom(undefined, 1, '\t'), (fields, indent) => {
        const text = JSON.stringify(fields, null, indent);
        const got = read(text);
        if (got === undefined) {
          expect(text).toMatch(/\d[eE]/);
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

  it('takes a name that objects have for a field like any other', () => {
    expect({ ...read('{"constructor":1,"toString":{"0":"a"}}') }).toStrictEqual({ constructor: 1, toString: ['a'] });
    expect(Object.keys(read('{"__proto__":{"0":1}}')!)).toEqual(['__proto__']);
  });
});
