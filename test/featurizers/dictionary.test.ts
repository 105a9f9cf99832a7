import { describe, expect, it } from 'vitest';
import { VitrinaError } from '../../src/errors.js';
import { prepareFeaturizers } from '../../src/featurizers/index.js';

const spec = (parameters: Record<string, unknown>) => ({
  kind: 'dictionary',
  input: 'X',
  indices: 'i',
  values: 'v',
  parameters,
});
const plain = { vocabulary: ['city=Rio', 'city=', 'tag=a', 'tag=b', 'temp', '__proto__'], separator: '=', lists: true };

function rowOf(row: string, parameters: Record<string, unknown> = plain): Record<number, number> {
  const { i, v } = prepareFeaturizers([spec(parameters)])({ X: { dtype: 'string', shape: [1], data: [row] } });
  const pairs = Array.from(i!.data as BigInt64Array, (index, k) => [Number(index), v!.data[k] as number] as const);
  return Object.fromEntries(pairs.filter(([, value]) => value !== 0));
}

describe('dictionaries', () => {
  it('give numbers as they are and a 1 for each text, and pass over what is new', () => {
    expect(rowOf('{"city":"Rio","temp":-1.5,"new":3,"tag":"c"}')).toEqual({ 0: 1, 4: -1.5 });
    expect(rowOf('{"city":"","temp":true}')).toEqual({ 1: 1, 4: 1 });
    expect(rowOf('{"__proto__":2,"constructor":5}')).toEqual({ 5: 2 });
    expect(rowOf('{}')).toEqual({});
  });

  it('count texts of a list', () => {
    expect(rowOf('{"tag":["b","a","b"]}')).toEqual({ 2: 1, 3: 2 });
  });

  it('refuse what scikit-learn raises for, by the name of the feature', () => {
    for (const row of ['{"temp":{}}', '{"temp":null}', '{"tag":[1]}']) {
      expect(() => rowOf(row)).toThrow(VitrinaError);
    }
    expect(() => rowOf('{"tag":["a"]}', { ...plain, lists: false })).toThrow(
      'the feature "tag" should be a number or a text',
    );
  });

  it('need a vocabulary, a separator and lists', () => {
    expect(() => prepareFeaturizers([spec({ ...plain, vocabulary: [1] })])).toThrow(TypeError);
    expect(() => prepareFeaturizers([spec({ ...plain, separator: 1 })])).toThrow(TypeError);
  });
});
