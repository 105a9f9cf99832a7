import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { convertArtefact } from '../../src/convert/index.js';

const main = join(import.meta.dirname, '..', '..', 'src', 'cli', 'main.ts');
let folder: string;
const file = (name: string) => join(folder, name);

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'vitrina-train-'));
  const iris = readCases('neighbours.json').find(({ name, weights }) => name === 'iris' && weights === 'distance')!;
  const names = ['sepal length (cm)', 'sepal.width', 'petal length', 'petal "width"'];
  const line = (cells: readonly unknown[]) => cells.map((cell) => `"${String(cell).replaceAll('"', '""')}"`).join();
  const rows = iris.x.map((row, i) => line([iris.y[i], ...row, 'a note']));
  writeFileSync(file('iris.csv'), [line(['species', ...names, 'note']), ...rows].join('\r\n'));
  writeFileSync(file('rows.csv'), iris.rows.map((row) => row.join()).join('\n'));
  writeFileSync(file('houses.csv'), 'rooms,area,price\n0,0,1\n1,0,3\n0,1,4\n2,5,20\n');
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Case {
  readonly name: string;
  readonly weights: string;
  readonly n_neighbors: number;
  readonly x: number[][];
  readonly y: string[];
  readonly rows: number[][];
  readonly predict: string[];
  readonly predict_proba: number[][];
}
function readCases(name: string): Case[] {
  const text = readFileSync(join(import.meta.dirname, '../fixtures/learn', name), 'utf8');
  return (JSON.parse(text) as { cases: Case[] }).cases;
}

function vitrina(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  return new Promise((resolve) => {
    execFile(process.execPath, ['--import', 'tsx', main, ...args], (error, out, err) =>
      resolve({ code: typeof error?.code === 'number' ? error.code : 0, out, err }),
    );
  });
}

describe('vitrina train', () => {
  it('writes a classifier that predict loads again, names and labels with it', async () => {
    const features = 'sepal length (cm),sepal.width,petal length,petal "width"';
    const trained = await vitrina(
      ...['train', 'knn-classifier', '--data', file('iris.csv'), '--target', 'species', '--features', features],
      ...['--n-neighbors', '3', '--weights', 'distance', '-o', file('iris.onnx'), '--json'],
    );
    expect([trained.code, trained.err]).toEqual([0, '']);
    expect(JSON.parse(trained.out)).toMatchObject({
      estimator: 'KNeighborsClassifier',
      target: 'species',
      neighbours: 3,
      weights: 'distance',
      classes: ['setosa', 'versicolor', 'virginica'],
    });
    const { signature, provenance } = await convertArtefact(readFileSync(file('iris.onnx')), 'iris.onnx');
    expect(signature.inputs[0]!.columns).toEqual(features.split(','));
    expect(signature.outputs.map(({ name, dtype, columns }) => [name, dtype, columns])).toEqual([
      ['predict', 'string', undefined],
      ['predict_proba', 'float64', ['setosa', 'versicolor', 'virginica']],
    ]);
    expect(provenance).toMatchObject({ library: 'vitrina', target: 'species', components: ['KNeighborsClassifier'] });

    const expected = readCases('neighbours.json').find(
      ({ name, weights, n_neighbors }) => name === 'iris' && weights === 'distance' && n_neighbors === 3,
    )!;
    const answered = await vitrina('predict', file('iris.onnx'), '--input', file('rows.csv'), '--proba');
    expect([answered.code, answered.err]).toEqual([0, '']);
    const [head, ...lines] = answered.out.trimEnd().split('\r\n');
    expect(head).toBe('predict,proba_setosa,proba_versicolor,proba_virginica');
    expect(lines.map((line) => line.split(',')[0])).toEqual(expected.predict);
    for (const [i, line] of lines.entries()) {
      for (const [j, cell] of line.split(',').slice(1).entries()) {
        expect(Number(cell)).toBeCloseTo(expected.predict_proba[i]![j]!, 12);
      }
    }
  }, 120_000);

  it('fits lines and neighbours', async () => {
    const line = ['--data', file('houses.csv'), '--target', 'price', '-o', file('houses.onnx')];
    const linear = await vitrina('train', 'linear-regression', ...line);
    expect([linear.code, linear.out]).toEqual([0, expect.stringMatching(/LinearRegression of price from rooms, area/)]);
    writeFileSync(file('one.json'), '{"area": "5", "rooms": 2}');
    const one = await vitrina('predict', file('houses.onnx'), '--input', file('one.json'));
    expect(JSON.parse(one.out).predict).toBeCloseTo(20, 10);
    const table = await vitrina('predict', file('houses.onnx'), '--input', file('one.json'), '--format', 'csv');
    expect(table.out).toMatch(/^predict\r\n(20|19\.9|20\.0)/);

    const nearest = await vitrina('train', 'knn-regressor', ...line, '--n-neighbors', '1');
    expect(nearest.code).toBe(0);
    const near = await vitrina('predict', file('houses.onnx'), '--input', file('one.json'));
    expect(JSON.parse(near.out)).toEqual({ predict: 20 });
  }, 120_000);

  const train = (kind: string, data: string, ...rest: string[]) =>
    ['train', kind, '--data', data, '--target', 'y', '-o', 'model.onnx', ...rest] as string[];
  it.each<[string, string, string[], RegExp]>([
    ['a text among numbers', 'x,y\n1,2\ntwo,3\n', [], /column "x" on line 3 is "two", which is no number/],
    ['an empty cell', 'x,y\n1,2\n1,\n', [], /column "y" on line 3 is empty/],
    ['no such target', 'x,z\n1,2\n', [], /there is no column "y"/],
    ['no such feature', 'x,y\n1,2\n', ['--features', 'x,v'], /there is no column "v"/],
    ['the target as a feature', 'x,y\n1,2\n', ['--features', 'x,y'], /"y" is named twice/],
    ['no features', 'y\n2\n', [], /no column beside the target/],
    ['no rows', 'x,y\n', [], /has no rows/],
    ['one name twice', 'x,x,y\n1,2,3\n', [], /two columns are called "x"/],
    ['semicolons', 'x;y\n1;2\n', [], /separated by ";"/],
  ])(
    'refuses %s',
    async (_what, text, rest, message) => {
      writeFileSync(file('bad.csv'), text);
      const answer = await vitrina(...train('linear-regression', file('bad.csv'), ...rest));
      expect([answer.code, answer.out]).toEqual([1, '']);
      expect(answer.err).toMatch(message);
    },
    60_000,
  );

  it('refuses more neighbours than rows, classes with fractions, and options of other models', async () => {
    writeFileSync(file('few.csv'), 'x,y\n1,0.5\n2,1.5\n');
    const many = await vitrina(...train('knn-regressor', file('few.csv')));
    expect([many.code, many.err]).toEqual([1, expect.stringContaining('2 rows, fewer than the 5 neighbours')]);
    const fractions = await vitrina(...train('knn-classifier', file('few.csv'), '--n-neighbors', '1'));
    expect([fractions.code, fractions.err]).toEqual([1, expect.stringContaining('train a regressor')]);
    const foreign = await vitrina(...train('linear-regression', file('few.csv'), '--n-neighbors', '1'));
    expect([foreign.code, foreign.err]).toEqual([2, expect.stringContaining("unknown option '--n-neighbors'")]);
    const wrong = await vitrina(...train('knn-regressor', file('few.csv'), '--weights', 'equal'));
    expect(wrong.code).toBe(2);
  }, 120_000);
});

describe('vitrina predict --input', () => {
  it('goes without a body, and --format without it not at all', async () => {
    const both = await vitrina('predict', file('houses.onnx'), 'body.json', '--input', file('one.json'));
    expect([both.code, both.err]).toEqual([2, expect.stringContaining('not both')]);
    const alone = await vitrina('predict', file('houses.onnx'), '--format', 'csv');
    expect([alone.code, alone.err]).toEqual([2, expect.stringContaining('--input')]);
  }, 60_000);
});

describe('vitrina train text-classifier', () => {
  const messages = join(import.meta.dirname, '../fixtures/learn/messages.csv');
  const train = (...rest: string[]) => [
    ...['train', 'text-classifier', '--data', messages, '--text', 'v2', '--label', 'v1', '-o', file('spam.onnx')],
    ...rest,
  ];

  it('reads a spreadsheet in latin-1, reports, and writes a model that predict loads again', async () => {
    const wanted = JSON.parse(readFileSync(join(import.meta.dirname, '../fixtures/learn/text-classifier.json'), 'utf8'))
      .cases[0];
    const trained = await vitrina(...train('--json', '--cross-validate', '5'));
    expect([trained.code, trained.err]).toEqual([0, '']);
    expect(JSON.parse(trained.out)).toMatchObject({
      rows: 400,
      vocabulary: wanted.vocabulary.length,
      testIndex: wanted.test.slice(0, 20),
      confusion: wanted.confusion,
      crossValidation: wanted.crossValidation,
      estimator: ['Pipeline', 'CountVectorizer', 'MultinomialNB'],
    });
    const printed = await vitrina(...train());
    expect(printed.out).toContain(wanted.text);
    writeFileSync(file('asked.json'), JSON.stringify({ inputs: { text: wanted.asked } }));
    const answer = await vitrina('predict', file('spam.onnx'), file('asked.json'));
    const { outputs } = JSON.parse(answer.out);
    for (const [i, row] of wanted.probabilities.entries()) {
      for (const [j, value] of row.entries()) expect(outputs.predict_proba[i][j]).toBeCloseTo(value, 12);
    }
  }, 60_000);

  it.each([
    [['--vectorizer', 'words'], /count or tfidf/],
    [['--test-size', '1'], /between 0 and 1/],
    [['--seed', '-1'], /whole number from 0/],
    [['--seed', '4294967296'], /whole number from 0/],
    [['--cross-validate', '1'], /from 2 to/],
  ])('refuses %j', async (rest, message) => {
    const answer = await vitrina(...train(...rest));
    expect([answer.code, answer.out]).toEqual([2, '']);
    expect(answer.err).toMatch(message);
  });
});
