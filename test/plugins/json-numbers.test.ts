import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseNumbers } from '../../src/plugins/json-numbers.js';
import { NumberArray } from '../../src/services/predictions/number-array.js';

const read = (text: string, key?: string) => parseNumbers(Buffer.from(text), key);

/** What was read, as `JSON.parse` would have given it. */
function plain(value: unknown): unknown {
  if (value instanceof NumberArray) return value.toLists();
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, plain(inner)]));
}

const number = fc.oneof(
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.float({ noNaN: true, noDefaultInfinity: true }),
  fc.integer(),
  fc.maxSafeInteger(),
);
const tensor = fc
  .array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 4 })
  .chain((shape) =>
    shape.reduceRight<fc.Arbitrary<unknown>>(
      (inner, size) => fc.array(inner, { minLength: size, maxLength: size }),
      number,
    ),
  );
const text = fc.string({ unit: fc.constantFrom(...'abcXYZ_:,{}[]0123456789 -/') });
const body = fc.letrec((tie) => ({
  value: fc.oneof({ maxDepth: 3 }, number, text, fc.boolean(), fc.constant(null), tensor, tie('list'), tie('object')),
  list: fc.array(tie('value'), { maxLength: 4 }),
  object: fc.dictionary(text, tie('value'), { maxKeys: 4 }),
}));

describe('parseNumbers', () => {
  it('reads exactly what JSON.parse reads, or leaves it', () => {
    let readOnes = 0;
    fc.assert(
      fc.property(body.object, fc.constantFrom(undefined, 1, '\t'), (fields, indent) => {
        const written = JSON.stringify(fields, null, indent);
        const got = read(written);
        if (got === undefined) return;
        readOnes++;
        expect(plain(got)).toStrictEqual(JSON.parse(written));
      }),
      { numRuns: 2000 },
    );
    expect(readOnes).toBeGreaterThan(300);
  });

  it('reads tensors as one array, row-major', () => {
    fc.assert(
      fc.property(tensor, (lists) => {
        const { x } = read(JSON.stringify({ x: lists })) as { x: NumberArray };
        expect(x).toBeInstanceOf(NumberArray);
        const shape: number[] = [];
        for (let level: unknown = lists; Array.isArray(level); level = level[0]) shape.push(level.length);
        expect(x.shape).toEqual(shape);
        const flat = (lists as unknown[]).flat(Number.POSITIVE_INFINITY) as number[];
        expect([...x.data].every((value, i) => Object.is(value, JSON.parse(JSON.stringify(flat[i]))))).toBe(true);
      }),
    );
  });

  it('reads every decimal to the last bit', () => {
    const digits = fc.bigInt({ min: 0n, max: 10n ** 24n });
    fc.assert(
      fc.property(
        digits,
        fc.integer({ min: 1, max: 26 }),
        fc.integer({ min: -340, max: 330 }),
        (n, places, exponent) => {
          const padded = n.toString().padStart(places + 1, '0');
          for (const end of ['', `e${exponent}`]) {
            const written = `-${padded.slice(0, -places)}.${padded.slice(-places)}${end}`;
            const { x } = read(`{"x":[${written}]}`) as { x: NumberArray };
            expect(Object.is(x.data[0], JSON.parse(written))).toBe(true);
          }
        },
      ),
      { numRuns: 3000 },
    );
  });

  it('reads what serialisers write of a double, to the last bit', () => {
    const double = fc.double({ noNaN: true, noDefaultInfinity: true });
    const near = fc.double({ min: -1e6, max: 1e6, noNaN: true });
    fc.assert(
      fc.property(fc.oneof(double, near), fc.integer({ min: 1, max: 21 }), (value, precision) => {
        for (const written of [JSON.stringify(value), value.toPrecision(precision), value.toExponential()]) {
          const { x } = read(`{"x":[${written}]}`) as { x: NumberArray };
          expect([written, x.data[0]]).toEqual([written, JSON.parse(written)]);
        }
      }),
      { numRuns: 20_000 },
    );
  });

  it('rounds what lies exactly between two doubles to the even one', () => {
    fc.assert(
      fc.property(
        fc.bigInt({ min: 2n ** 52n, max: 2n ** 53n - 1n }),
        fc.integer({ min: 0, max: 4 }),
        (mantissa, half) => {
          // Halves of the last bit, as whole numbers and with up to four decimals.
          const written = half === 0 ? String(mantissa * 2n + 1n) : `${mantissa}.${String(10n ** BigInt(half) / 2n)}`;
          for (const end of ['', '1', '0'.repeat(5)]) {
            const text = half === 0 ? written : written + end;
            const { x } = read(`{"x":[${text}]}`) as { x: NumberArray };
            expect([text, x.data[0]]).toEqual([text, JSON.parse(text)]);
          }
        },
      ),
      { numRuns: 5000 },
    );
  });

  it.each([0, 1, 3])('reads long lists, piece after piece (%i spaces)', (spaces) => {
    let seed = 7;
    const next = () => {
      seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0;
      return seed / 2 ** 32;
    };
    const value = () => (next() < 0.5 ? next() * 1e3 : next() < 0.5 ? Math.round(next() * 100) : next() * 1e-9);
    const lists = Array.from({ length: 700 }, () => Array.from({ length: 10 }, () => Array.from({ length: 9 }, value)));
    const written = JSON.stringify({ before: 'x', x: lists, behind: [1, 2] }, null, spaces);
    const got = read(written) as { x: NumberArray };
    expect(got.x.shape).toEqual([700, 10, 9]);
    expect(plain(got)).toStrictEqual(JSON.parse(written));
    // Where a piece ends does not matter.
    for (let shift = 1; shift < 40; shift++) {
      const shifted = `${' '.repeat(shift)}${written}`;
      expect((read(shifted) as { x: NumberArray }).x.data).toEqual(got.x.data);
    }
    expect(read(written.replace(/(.*)\]\s*\]\s*\]\s*,/s, '$1,1]]],'))).toBeUndefined();
    expect(read(written.slice(0, -20))).toBeUndefined();
  });

  it('leaves a number that is longer than a piece', () => {
    expect(read(`{"x": [${'1'.repeat(2 ** 17)}]}`)).toBeUndefined();
  });

  it('makes arrays of one key alone when told to', () => {
    const got = read('{"inputs": [{"shape": [2], "data": [1, 2]}]}', 'data') as {
      inputs: { shape: unknown; data: unknown }[];
    };
    expect(got.inputs[0]!.shape).toEqual([2]);
    expect(got.inputs[0]!.data).toBeInstanceOf(NumberArray);
  });

  it.each([
    ['a body without lists', '{"x": 1}'],
    ['a list that is the body', '[[1, 2]]'],
    ['rows of different sizes', '{"x": [[1, 2], [3]]}'],
    ['rows of different depths', '{"x": [[1], 2]}'],
    ['an empty list', '{"x": [[], []]}'],
    ['a number and a null', '{"x": [1, null]}'],
    ['a key twice', '{"x": [1], "x": [2]}'],
    ['the key __proto__', '{"__proto__": [1]}'],
    ['an escape', '{"\\u0078": [1]}'],
    ['letters beyond ASCII', '{"é": [1]}'],
    ['a zero in front', '{"x": [01]}'],
    ['a plus', '{"x": [+1]}'],
    ['a point without digits', '{"x": [1.]}'],
    ['an exponent without digits', '{"x": [1e]}'],
    ['two points', '{"x": [1.2.3]}'],
    ['NaN', '{"x": [NaN]}'],
    ['no end', '{"x": [1, 2'],
    ['something behind the end', '{"x": [1]} 2'],
    ['a comma too many', '{"x": [1,]}'],
    ['lists too deep', `{"x": ${'['.repeat(200)}1${']'.repeat(200)}}`],
    ['objects too deep', `${'{"x":'.repeat(200)}[1]${'}'.repeat(200)}`],
  ])('gives no answer of its own for %s', (_what, written) => {
    const got = read(written);
    if (got !== undefined) expect(plain(got)).toStrictEqual(JSON.parse(written));
    else expect(got).toBeUndefined();
  });

  it('survives bodies cut and changed anywhere', () => {
    const whole = Buffer.from(
      '{"inputs": {"x": [[1.5, -2e3], [0.25, 17]], "name": "a"}, "more": [true, null, {"y": [3]}]}',
    );
    fc.assert(
      fc.property(fc.nat(whole.length - 1), fc.nat(255), fc.nat(whole.length), (at, byte, length) => {
        const changed = Buffer.from(whole);
        changed[at] = byte;
        const bytes = changed.subarray(0, length);
        const got = parseNumbers(bytes);
        if (got !== undefined) expect(plain(got)).toStrictEqual(JSON.parse(bytes.toString()));
      }),
      { numRuns: 3000 },
    );
  });
});
