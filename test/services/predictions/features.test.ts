import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Problem, VitrinaError } from '../../../src/errors.js';
import { readCsv } from '../../../src/formats/index.js';
import { FeatureReader } from '../../../src/services/predictions/features.js';
import type { Signature, TensorSpec } from '../../../src/signature.js';
import type { Tensor } from '../../../src/tensor.js';

const signatureOf = (...inputs: TensorSpec[]): Signature => ({ inputs, outputs: [] });
const numbers = signatureOf({ name: 'X', dtype: 'float64', shape: [null, 3] });
const named = signatureOf({ name: 'X', dtype: 'float64', shape: [null, 2], columns: ['age', 'sepal.length'] });
const frame: Signature = {
  ...signatureOf(
    { name: 'age', dtype: 'float64', shape: [null], missing: 'NaN' },
    { name: 'sex', dtype: 'string', shape: [null] },
    { name: 'member', dtype: 'bool', shape: [null, 1] },
  ),
  ignored: ['id'],
};

const dataOf = (tensors: Record<string, Tensor>) =>
  Object.fromEntries(Object.entries(tensors).map(([name, { data }]) => [name, [...(data as Iterable<unknown>)]]));

function problemsOf(run: () => unknown): Problem[] {
  try {
    run();
  } catch (error) {
    if (!(error instanceof VitrinaError)) throw error;
    return (error as VitrinaError<'request-invalid'>).fields.problems.slice();
  }
  return [];
}

describe('features', () => {
  it('are feature1 … featureN unless the model has names', () => {
    expect(new FeatureReader(numbers).features.map(({ name }) => name)).toEqual(['feature1', 'feature2', 'feature3']);
    expect(new FeatureReader(named).features.map(({ name }) => name)).toEqual(['age', 'sepal.length']);
    expect(new FeatureReader(frame).features).toEqual([
      { name: 'age', dtype: 'float64', optional: true },
      { name: 'sex', dtype: 'string', optional: false },
      { name: 'member', dtype: 'bool', optional: false },
    ]);
  });

  it('come by name in any order, as numbers or numeric texts', () => {
    const reader = new FeatureReader(numbers);
    expect(dataOf(reader.readObject({ feature3: ' -1.5e2 ', feature1: '1', feature2: 0 }))).toEqual({
      X: [1, 0, -150],
    });
    expect(dataOf(reader.readList([[1, '2', 3], { feature1: 4, feature2: 5, feature3: 6 }]))).toEqual({
      X: [1, 2, 3, 4, 5, 6],
    });
  });

  it('may be texts, booleans and missing, one input each', () => {
    const reader = new FeatureReader(frame);
    const inputs = reader.readList([
      { age: null, sex: 'f', member: true, id: 7 },
      { age: '3', sex: '4', member: 'False' },
      { age: 4, sex: '', member: 1 },
    ]);
    expect(dataOf(inputs)).toEqual({ age: [Number.NaN, 3, 4], sex: ['f', '4', ''], member: [1, 0, 1] });
    expect(inputs.member!.shape).toEqual([3, 1]);
  });

  it.each<[string, Signature, unknown, Problem[]]>([
    ['missing', numbers, { feature1: 1, feature2: 2 }, [{ path: 'feature3', message: 'is missing' }]],
    [
      'unknown',
      named,
      { age: 1, 'sepal.length': 2, 'a.b': 3 },
      [{ path: '["a.b"]', message: 'is unknown; the features are age, sepal.length' }],
    ],
    [
      'non-numeric',
      numbers,
      { feature1: 'x', feature2: true, feature3: '' },
      [
        { path: 'feature1', message: 'expected a number, got "x"' },
        { path: 'feature2', message: 'expected a number, got true' },
        { path: 'feature3', message: 'is empty; expected a number' },
      ],
    ],
    [
      'words of Python',
      numbers,
      { feature1: 'nan', feature2: 'inf', feature3: '0x10' },
      [
        { path: 'feature1', message: 'expected a number, got "nan"' },
        { path: 'feature2', message: 'expected a number, got "inf"' },
        { path: 'feature3', message: 'expected a number, got "0x10"' },
      ],
    ],
    [
      'null',
      numbers,
      { feature1: null, feature2: 1, feature3: 1 },
      [{ path: 'feature1', message: 'is null; the model takes no missing values' }],
    ],
    [
      'a number for a text',
      frame,
      { age: 1, sex: 1, member: true },
      [{ path: 'sex', message: 'expected a text, got 1' }],
    ],
    [
      'nothing',
      numbers,
      undefined,
      [
        {
          path: 'body',
          message: 'expected an object with feature1, feature2, feature3, or their values as a list, got undefined',
        },
      ],
    ],
  ])('are named when they are %s', (_name, signature, row, problems) => {
    expect(problemsOf(() => new FeatureReader(signature).readObject(row))).toEqual(problems);
  });

  it('are named with their row in a list', () => {
    expect(
      problemsOf(() =>
        new FeatureReader(numbers).readList([[1, 2, 3], [1, 2], { feature1: 1, feature2: 2, feature3: [] }]),
      ),
    ).toEqual([
      { path: '[1]', message: 'has 2 values; the model takes 3: feature1, feature2, feature3' },
      { path: '[2].feature3', message: 'expected a number, got a list of 0' },
    ]);
  });

  it('of a model of images are refused', () => {
    const images = signatureOf({ name: 'x', dtype: 'float32', shape: [null, 28, 28] });
    expect(() => new FeatureReader(images)).toThrow('its inputs are x: float32[?, 28, 28]');
  });

  it('called like parts of an object’s prototype are like any other', () => {
    const signature = signatureOf({
      name: 'X',
      dtype: 'float64',
      shape: [null, 2],
      columns: ['__proto__', 'constructor'],
    });
    const reader = new FeatureReader(signature);
    expect(dataOf(reader.readList([JSON.parse('{"__proto__": 1, "constructor": 2}')]))).toEqual({ X: [1, 2] });
    expect(dataOf(reader.readRecords(readCsv('__proto__,constructor\n1,2')))).toEqual({ X: [1, 2] });
    expect(problemsOf(() => reader.readList([{}])).map(({ message }) => message)).toEqual(['is missing', 'is missing']);
  });
});

describe('CSV', () => {
  const read = (signature: Signature, text: string, header?: boolean) =>
    dataOf(new FeatureReader(signature).readRecords(readCsv(text), header));

  it('goes by name with a header, by position without', () => {
    expect(read(numbers, 'feature2,feature1,feature3\n2,1,3\n5,4,6')).toEqual({ X: [1, 2, 3, 4, 5, 6] });
    expect(read(numbers, '1,2,3\n4,5,6')).toEqual({ X: [1, 2, 3, 4, 5, 6] });
    expect(read(frame, 'sex , member,id,age\nf,true,9,\n')).toEqual({ age: [Number.NaN], sex: ['f'], member: [1] });
    expect(read(frame, '3,m,False')).toEqual({ age: [3], sex: ['m'], member: [0] });
  });

  it('knows names that are numbers, and does as the header parameter says', () => {
    const years = signatureOf({ name: 'X', dtype: 'float64', shape: [null, 2], columns: ['2019', '2020'] });
    expect(read(years, '2020,2019\n1,2')).toEqual({ X: [2, 1] });
    expect(read(years, '2020,2019\n1,2', false)).toEqual({ X: [2020, 2019, 1, 2] });
    expect(read(years, '1,2')).toEqual({ X: [1, 2] });
  });

  it.each<[string, string, Problem[]]>([
    ['feature1,feature2\n1,2', '[0].feature3', [{ path: '[0].feature3', message: 'is missing' }]],
    [
      'feature1,feature2,fetaure3\n1,2,3',
      'both',
      [
        { path: '[0].fetaure3', message: 'is unknown; the features are feature1, feature2, feature3' },
        { path: '[0].feature3', message: 'is missing' },
      ],
    ],
    ['1,2,3\n4,x,6', 'a word', [{ path: '[1].feature2', message: 'expected a number, got "x"' }]],
    ['1,2,3\n4,,6', 'an empty cell', [{ path: '[1].feature2', message: 'is empty; expected a number' }]],
    [
      'feature1,feature1,feature2\n1,2,3',
      'a name twice',
      [{ path: '[0].feature1', message: 'is named twice on the first line' }],
    ],
    [
      'feature1,feature2,feature3\n',
      'no row',
      [{ path: 'body', message: 'has no rows; send at least one line of values' }],
    ],
    ['', 'nothing', [{ path: 'body', message: 'has no rows; send at least one line of values' }]],
    ['1;2;3', 'semicolons', [{ path: 'body', message: 'its cells seem to be separated by ";"; send commas' }]],
  ])('%j: %s', (text, _what, problems) => {
    expect(problemsOf(() => new FeatureReader(numbers).readRecords(readCsv(text)))).toEqual(problems);
  });

  it('gives the doubles that JSON gives, whatever the numbers are', () => {
    const rows = fc.array(
      fc.tuple(...Array.from({ length: 3 }, () => fc.double({ noNaN: true, noDefaultInfinity: true }))),
      { minLength: 1 },
    );
    fc.assert(
      fc.property(rows, (values) => {
        const reader = new FeatureReader(numbers);
        const text = values
          .map((row) => row.map((value) => (Object.is(value, -0) ? '-0' : String(value))).join())
          .join('\n');
        expect(reader.readRecords(readCsv(text))).toEqual(reader.readList(values));
      }),
    );
  });
});
