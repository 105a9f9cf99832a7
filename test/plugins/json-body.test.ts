import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { VitrinaError } from '../../src/errors.js';
import { parseBody } from '../../src/plugins/json-body.js';
import { depthLimit } from '../../src/plugins/json-scan.js';

const parse = (text: string) => parseBody(Buffer.from(text));
function refusal(text: string | Buffer): VitrinaError {
  try {
    parseBody(Buffer.from(text as string));
  } catch (error) {
    if (error instanceof VitrinaError) return error;
    throw error;
  }
  throw new Error(`accepted: ${text}`);
}

describe('parseBody', () => {
  it('reads what JSON.parse reads', () => {
    fc.assert(
      fc.property(fc.json({ maxDepth: 8 }), fc.constantFrom(undefined, 1), (text, indent) => {
        const spaced = JSON.stringify(JSON.parse(text), null, indent);
        expect(parse(spaced)).toEqual(JSON.parse(text));
      }),
      { numRuns: 500 },
    );
  });

  it('finds every duplicate key, however it is written', () => {
    const key = fc.oneof(fc.string({ minLength: 0, maxLength: 6 }), fc.nat({ max: 40 }).map(String));
    fc.assert(
      fc.property(
        fc.uniqueArray(key, { minLength: 1, maxLength: 40 }),
        fc.nat(),
        fc.nat(),
        fc.boolean(),
        (keys, i, at, escaped) => {
          const twice = keys[i % keys.length]!;
          const members = keys.map((k) => `${JSON.stringify(k)}: 1`);
          expect(parse(`{${members.join(', ')}}`)).toBeDefined();
          const written = escaped
            ? `"${[...twice]
                .map((c) =>
                  c
                    .split('')
                    .map((u) => `\\u${u.charCodeAt(0).toString(16).padStart(4, '0')}`)
                    .join(''),
                )
                .join('')}"`
            : JSON.stringify(twice);
          members.splice(at % (members.length + 1), 0, `${written}: 2`);
          const error = refusal(`[{"a": {${members.join(',')}}}]`);
          expect(error.code).toBe('body-duplicate-key');
          expect(error.fields).toEqual({ key: twice, path: '[0].a' });
        },
      ),
      { numRuns: 300 },
    );
  });

  it('names the key and its object', () => {
    expect(refusal('{"valor": {"0": 1, "1": 2, "0": 3}}').message).toContain('the key "0" twice in valor');
  });

  it('takes keys in any order, and the same key in different objects', () => {
    expect(parse('{"a": {"2": 1, "0": 1, "1": 1}, "b": {"0": 1, "2": 1}}')).toBeDefined();
    expect(parse('[{"x": 1}, {"x": 1}, {"y": {"x": {"x": 1}}}]')).toBeDefined();
    expect(parse('{"a": "a", "b": ["a", "a", ":", "\\":"]}')).toBeDefined();
  });

  it('names Python’s NaN and Infinity', () => {
    expect(refusal('{"a": [1, NaN]}').message).toContain('NaN is not a JSON value (character 10)');
    expect(refusal('{"a": -Infinity}').message).toContain('-Infinity');
    expect(parse('{"a": "NaN, : NaN"}')).toEqual({ a: 'NaN, : NaN' });
  });

  it('refuses depth, emptiness and bytes that are no text', () => {
    expect(parse('['.repeat(depthLimit) + ']'.repeat(depthLimit))).toBeDefined();
    expect(refusal('['.repeat(depthLimit + 1) + ']'.repeat(depthLimit + 1)).code).toBe('body-too-deep');
    expect(refusal('{"a":'.repeat(2_000_000)).code).toBe('body-too-deep');
    expect(refusal('').message).toContain('empty');
    expect(refusal(Buffer.from([0x22, 0xff, 0x22])).message).toContain('UTF-8');
  });

  it('refuses with a code of the catalogue whatever the bytes', () => {
    const alphabet = fc.constantFrom('{', '}', '[', ']', ':', ',', '"', '\\', 'a', '1', ' ', '\n', 'null', '"k":');
    fc.assert(
      fc.property(fc.array(alphabet, { maxLength: 60 }), (parts) => {
        const text = parts.join('');
        let valid = true;
        try {
          JSON.parse(text);
        } catch {
          valid = false;
        }
        if (!valid) expect(['body-not-json', 'body-too-deep']).toContain(refusal(text).code);
      }),
      { numRuns: 2000 },
    );
  });
});
