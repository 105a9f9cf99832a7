import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { convertArtefact, convertPickle, withMetadata } from '../../../src/convert/index.js';
import { openSession } from '../../../src/runtime/index.js';
import { readRows } from '../../../src/services/predictions/json-tensors.js';
import { checkGuards } from '../../../src/services/predictions/prediction-service.js';

const folder = join(import.meta.dirname, '../../fixtures/frames');
const expected = JSON.parse(readFileSync(join(folder, 'expected.json'), 'utf8')) as {
  rows: Record<string, unknown>[];
  predict: number[];
  predict_proba: number[][];
};

async function answer(file: string, rows: readonly unknown[]) {
  const { graph, signature, guards = [], featurizers = [] } = convertPickle(readFileSync(join(folder, file)));
  const session = await openSession(graph, 'inline', { featurizers });
  try {
    return checkGuards(guards, await session.run(readRows(signature, rows)));
  } finally {
    await session.close();
  }
}

const table = (rows: readonly unknown[]) => answer('table.pkl', rows);
const [first] = expected.rows;

describe('rows of a table, as JSON', () => {
  it('answer as the data frame does: by name, null for what is missing, true and false', async () => {
    const { predict, predict_proba: probabilities } = await table(expected.rows);
    expect(Array.from(predict!.data as BigInt64Array, Number)).toEqual(expected.predict);
    for (const [i, value] of expected.predict_proba.flat().entries()) {
      expect(probabilities!.data[i]).toBeCloseTo(value, 12);
    }
  });

  it('need no column that the model drops, and take their columns in any order', async () => {
    const shuffled = expected.rows.map(({ age, fare, city, member }) => ({ member, city, fare, age }));
    const { predict } = await table(shuffled);
    expect(Array.from(predict!.data as BigInt64Array, Number)).toEqual(expected.predict);
  });

  it('are typed by what reads each column', () => {
    const { signature } = convertPickle(readFileSync(join(folder, 'table.pkl')));
    expect(signature.inputs).toEqual([
      { name: 'age', dtype: 'float64', shape: [null], missing: 'NaN', finite: true },
      { name: 'fare', dtype: 'float64', shape: [null], missing: 'NaN', finite: true },
      { name: 'city', dtype: 'string', shape: [null], missing: 'NaN' },
      { name: 'member', dtype: 'bool', shape: [null] },
    ]);
    expect(signature.ignored).toEqual(['id']);
  });

  it.each([
    [{ ...first, age: '33' }, '[0].age: expected a number, got "33"'],
    [{ ...first, city: 7 }, '[0].city: expected a text, got 7'],
    [{ ...first, member: null }, '[0].member: expected true or false, got null'],
    [{ ...first, member: 1 }, '[0].member: expected true or false, got 1'],
    [{ ...first, height: 1 }, '[0].height: is unknown'],
    [{ age: 1, fare: 1, city: '' }, '[0].member: is missing'],
  ])('are refused for %j', async (row, message) => {
    await expect(table([row])).rejects.toThrow(message);
  });

  it('feed one column to a vectorizer and to an encoder, in the file of the graph too', async () => {
    const conversion = convertPickle(readFileSync(join(folder, 'both.pkl')));
    const rows = ['red car', 'blue car', 'red bike', 'bus'].map((note) => ({ note }));
    const wanted = (JSON.parse(readFileSync(join(folder, 'both.json'), 'utf8')) as number[][]).flat();
    const file = withMetadata(conversion);
    for (const { graph, signature, featurizers = [] } of [conversion, await convertArtefact(file, 'both.onnx')]) {
      const session = await openSession(graph, 'inline', { featurizers });
      const { transform } = await session.run(readRows(signature, rows));
      await session.close();
      expect(Array.from(transform!.data as Float64Array)).toEqual(wanted);
      expect(() => readRows(signature, [{ note: null }])).toThrow('expected a text, got null');
    }
  });

  it('are refused where an encoder makes NaN of what it does not know, beside texts', async () => {
    const { rows, predict_proba: wanted } = JSON.parse(readFileSync(join(folder, 'unknown.json'), 'utf8')) as {
      rows: object[];
      predict_proba: number[][];
    };
    const { predict_proba: probabilities } = await answer('unknown.pkl', rows);
    for (const [i, value] of wanted.flat().entries()) expect(probabilities!.data[i]).toBeCloseTo(value, 12);
    await expect(answer('unknown.pkl', [...rows, { city: 'aa', grade: 'new' }])).rejects.toThrow(
      'row 2: a value that LogisticRegression computes with is missing or infinite',
    );
  });

  it('meet a category None where training had it, and refuse a new one where scikit-learn raises', async () => {
    const { transform } = await answer('strict.pkl', [
      { size: null, rank: 3 },
      { size: 'S', rank: 1 },
    ]);
    expect(Array.from(transform!.data as Float64Array)).toEqual([0, 0, 1, 0, 0, 1, 0, 1, 0, 1, 0, 0]);
    for (const row of [
      { size: 'XL', rank: 1 },
      { size: 'S', rank: 1.5 },
      { size: '', rank: 1 },
    ]) {
      await expect(answer('strict.pkl', [row])).rejects.toThrow(
        'none of the categories that OneHotEncoder was fitted on',
      );
    }
  });
});
