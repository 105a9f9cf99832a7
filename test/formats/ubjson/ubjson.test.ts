import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { VitrinaError } from '../../../src/errors.js';
import { defaultLimits } from '../../../src/formats/limits.js';
import { readUbjson, type Ubjson } from '../../../src/formats/ubjson/index.js';

const latin = (text: string) => Buffer.from(text, 'latin1');
const int64 = (value: number) => {
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64BE(BigInt(value));
  return bytes;
};
const double = (value: number) => {
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleBE(value);
  return bytes;
};
const text = (value: string) => {
  const bytes = Buffer.from(value, 'utf8');
  return Buffer.concat([latin('L'), int64(bytes.length), bytes]);
};

/** UBJSON as XGBoost writes it: long lengths, counted lists, open objects. */
function write(value: Ubjson): Buffer {
  if (value === null) return latin('Z');
  if (typeof value === 'boolean') return latin(value ? 'T' : 'F');
  if (typeof value === 'string') return Buffer.concat([latin('S'), text(value)]);
  if (typeof value === 'number') {
    return Number.isSafeInteger(value) && !Object.is(value, -0)
      ? Buffer.concat([latin('L'), int64(value)])
      : Buffer.concat([latin('D'), double(value)]);
  }
  if (value instanceof Float64Array) {
    return Buffer.concat([latin('[$D#L'), int64(value.length), ...Array.from(value, double)]);
  }
  if (Array.isArray(value)) return Buffer.concat([latin('[#L'), int64(value.length), ...value.map(write)]);
  const entries = Object.entries(value).flatMap(([key, item]) => [text(key), write(item as Ubjson)]);
  return Buffer.concat([latin('{'), ...entries, latin('}')]);
}

const { document } = fc.letrec<{ document: Ubjson }>((tie) => ({
  document: fc.oneof(
    { depthSize: 'small' },
    fc.constant(null),
    fc.boolean(),
    fc.string(),
    fc.double(),
    fc.maxSafeInteger(),
    fc.float64Array(),
    fc.array(tie('document')),
    fc.dictionary(fc.string(), tie('document'), { noNullPrototype: false }),
  ),
}));

describe('readUbjson', () => {
  it('reads back what was written', () => {
    fc.assert(
      fc.property(document, (value) => {
        expect(readUbjson(write(value))).toEqual(value);
      }),
    );
  });

  it.each([
    ['U\xff', 255],
    ['i\xff', -1],
    ['I\xff\xfe', -2],
    ['l\0\0\x01\0', 256],
    ['d\x3f\x80\0\0', 1],
    ['Ca', 'a'],
    ['SU\x03\xe6\x97\xa5', '日'],
    ['NNZ', null],
    ['[]', []],
    ['[ZTNF]', [null, true, false]],
    ['[$U#U\x03\x01\x02\xff', Uint8Array.of(1, 2, 255)],
    ['[$l#U\x01\xff\xff\xff\xff', Int32Array.of(-1)],
    ['[$L#U\x01\0\0\0\0\0\0\0\x07', Float64Array.of(7)],
    ['{U\x01aZU\x01bT}', { a: null, b: true }],
    ['{$U#U\x01U\x01a\x09', { a: 9 }],
    ['[#U\x01SU\x01x', ['x']],
  ])('reads %j', (bytes, expected) => {
    expect(readUbjson(latin(bytes))).toEqual(expected);
  });

  it('makes objects without a prototype', () => {
    const value = readUbjson(latin('{U\x09__proto__{U\x01aT}}')) as Record<string, unknown>;
    expect(Object.getPrototypeOf(value)).toBeNull();
    expect(Object.keys(value)).toEqual(['__proto__']);
    expect(({} as { a?: unknown }).a).toBeUndefined();
  });

  it.each([
    ['nothing', '', 'ends too early'],
    ['two documents', 'ZZ', 'something follows'],
    ['a marker that is none', 'x', 'the marker "x"'],
    ['a long text', 'SL\0\0\0\xff\0\0\0\0x', 'ends too early'],
    ['a negative length', 'Si\xff', 'a length is -1'],
    ['a length that is no integer', 'Sd\0\0\0\0', 'a length is expected'],
    ['a text that is not UTF-8', 'SU\x01\xff', 'not UTF-8'],
    ['an array that the bytes do not fill', '[$d#L\0\0\0\x7f\0\0\0\0', 'ends too early'],
    ['a list that the bytes do not fill', '[#L\0\0\0\x7f\0\0\0\0', 'ends too early'],
    ['values without bytes', '[$Z#L\0\0\0\x7f\0\0\0\0', 'the type Z'],
    ['a type without a count', '[$U\x01]', 'has no count'],
    ['an integer beyond 2^53', 'L\x7f\xff\xff\xff\xff\xff\xff\xff', 'beyond 2^53'],
    ['a key twice', '{U\x01aZU\x01aZ}', 'appears twice'],
    ['depth', '['.repeat(300), 'nesting of 201'],
  ])('refuses %s', (_, bytes, message) => {
    expect(() => readUbjson(latin(bytes))).toThrow(message);
  });

  it('counts values', () => {
    expect(() => readUbjson(latin('[ZZZZ]'), { ...defaultLimits, count: 15 })).toThrow('over the limit of 15');
    expect(readUbjson(latin('[ZZZ]'), { ...defaultLimits, count: 15 })).toEqual([null, null, null]);
  });

  it('refuses noise by an error of the catalogue', () => {
    const start = fc.constantFrom('', '[', '{', '[$d#', '{U\x01a', '[[[', 'S');
    fc.assert(
      fc.property(start, fc.uint8Array({ maxLength: 60 }), (head, tail) => {
        try {
          readUbjson(Buffer.concat([latin(head), tail]));
        } catch (error) {
          expect(error).toBeInstanceOf(VitrinaError);
        }
      }),
      { numRuns: 1000 },
    );
  });
});
