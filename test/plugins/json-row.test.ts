import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RowReader } from '../../src/plugins/json-row.js';
import { FeatureReader } from '../../src/services/predictions/features.js';
import { NumberRow } from '../../src/services/predictions/number-row.js';
import type { Signature } from '../../src/signature.js';

const number = fc.oneof(
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.float({ noNaN: true, noDefaultInfinity: true }),
  fc.maxSafeInteger(),
  fc.constantFrom(-0, 1e21, 5e-324, 0.1),
);
const name = fc.string({ unit: fc.constantFrom(...'abcXYZ_:,{}[]0123456789 -/'), maxLength: 8 });
const row = fc.dictionary(name, number, { minKeys: 1, maxKeys: 6 });

describe('RowReader', () => {
  it('reads exactly what JSON.parse reads, whatever rows came before', () => {
    fc.assert(
      fc.property(
        fc.array(row, { minLength: 1, maxLength: 4 }),
        fc.constantFrom(undefined, 1, '\t'),
        (rows, indent) => {
          const reader = new RowReader();
          for (const fields of [...rows, ...rows]) {
            const text = JSON.stringify(fields, null, indent);
            expect(reader.read(Buffer.from(text))!.toObject()).toStrictEqual(JSON.parse(text));
          }
        },
      ),
      { numRuns: 500 },
    );
  });

  it('reads a damaged body as JSON.parse does, or leaves it', () => {
    const cut = fc.record({ at: fc.nat(), remove: fc.nat(3), insert: fc.string({ maxLength: 3 }) });
    let left = 0;
    fc.assert(
      fc.property(row, cut, (fields, { at, remove, insert }) => {
        const text = JSON.stringify(fields);
        const place = at % (text.length + 1);
        const damaged = text.slice(0, place) + insert + text.slice(place + remove);
        const reader = new RowReader();
        reader.read(Buffer.from(text));
        const read = reader.read(Buffer.from(damaged));
        if (read === undefined) left++;
        else {
          expect(read.toObject()).toStrictEqual(JSON.parse(damaged));
          expect(new Set(read.names).size).toBe(read.names.length);
        }
      }),
      { numRuns: 5000 },
    );
    expect(left).toBeGreaterThan(500);
  });

  it.each([
    ['a name twice', '{"a":1,"a":2}'],
    ['a text', '{"a":"1"}'],
    ['null', '{"a":null}'],
    ['nesting', '{"a":{"b":1}}'],
    ['an escape', '{"\\u0061":1}'],
    ['letters beyond ASCII', '{"é":1}'],
    ['nothing', '{}'],
    ['a list', '[1]'],
    ['something behind it', '{"a":1}1'],
    ['a number that is none of JSON', '{"a":01}'],
  ])('leaves %s to others', (_what, text) => {
    const reader = new RowReader();
    expect(reader.read(Buffer.from('{"a":1}'))).toBeInstanceOf(NumberRow);
    expect(reader.read(Buffer.from(text))).toBeUndefined();
  });

  it('gives rows with the same names one list of them, also when clients take turns', () => {
    const reader = new RowReader();
    const read = (text: string) => reader.read(Buffer.from(text))!.names;
    const first = read('{"a":1,"b":2}');
    const other = read('{"b":1,"a":2}');
    expect(other).toEqual(['b', 'a']);
    expect(read('{ "a": 3, "b": 4 }')).toBe(first);
    expect(read('{"b":1,"a":2}')).toBe(other);
  });
});

describe('a row of numbers', () => {
  const signature = (dtype: 'float64' | 'float32' | 'int32' | 'bool'): Signature => ({
    inputs: [{ name: 'X', dtype, shape: [null, 2], columns: ['a', 'b'] }],
    outputs: [],
    ignored: ['id'],
  });

  it.each(['float64', 'float32', 'int32', 'bool'] as const)('is taken and refused as an object is, for %s', (dtype) => {
    const features = new FeatureReader(signature(dtype));
    const rows = new RowReader();
    const outcome = (body: unknown) => {
      try {
        return features.readJson(body);
      } catch (error) {
        return (error as Error).message;
      }
    };
    const keys = fc.uniqueArray(fc.constantFrom('a', 'b', 'id', 'c'), { minLength: 1 });
    const values = fc.array(fc.oneof(number, fc.constantFrom(0, 1, 2)), { minLength: 4, maxLength: 4 });
    fc.assert(
      fc.property(keys, values, (names, numbers) => {
        const text = JSON.stringify(Object.fromEntries(names.map((key, i) => [key, numbers[i]])));
        expect(outcome(rows.read(Buffer.from(text)))).toStrictEqual(outcome(JSON.parse(text)));
      }),
    );
  });
});
