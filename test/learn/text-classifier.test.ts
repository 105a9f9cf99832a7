import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { prepareFeaturizers } from '../../src/featurizers/index.js';
import { readCsv } from '../../src/formats/index.js';
import { assess } from '../../src/learn/classification-report.js';
import { MersenneTwister } from '../../src/learn/mersenne-twister.js';
import { stratifiedFolds, trainTestSplit } from '../../src/learn/split.js';
import { crossValidate, trainTextClassifier } from '../../src/learn/text-classifier.js';
import type { Weighting } from '../../src/learn/text-vectorizer.js';
import { TrainingTable } from '../../src/learn/training-table.js';
import { openSession } from '../../src/runtime/index.js';

interface Case {
  readonly vectorizer: Weighting;
  readonly testSize: number;
  readonly seed: number;
  readonly vocabulary: string[];
  readonly test: number[];
  readonly confusion: number[][];
  readonly report: Record<string, Record<string, number> | number>;
  readonly text: string;
  readonly asked: string[];
  readonly probabilities: number[][];
  readonly crossValidation: number[];
}
const folder = join(import.meta.dirname, '../fixtures/learn');
const { cases, permutations } = JSON.parse(readFileSync(join(folder, 'text-classifier.json'), 'utf8')) as {
  cases: Case[];
  permutations: { seed: number; count: number; order: number[] }[];
};
const table = new TrainingTable(readCsv(readFileSync(join(folder, 'messages.csv'), 'latin1')));
const texts = table.texts('v2');
const labels = table.labels('v1');

describe('MersenneTwister', () => {
  it.each(permutations)('permutes $count with seed $seed as NumPy', ({ seed, count, order }) => {
    expect([...new MersenneTwister(seed).permutation(count)]).toEqual(order);
  });
});

describe.each(cases)('a text classifier ($vectorizer, $testSize held out, seed $seed)', (wanted) => {
  const trained = trainTextClassifier(texts, labels, 'v1', wanted);

  it('learns the same vocabulary and holds out the same rows', () => {
    expect(trained.vocabulary).toEqual(wanted.vocabulary);
    expect([...trained.split.test]).toEqual(wanted.test);
  });

  it('is as right and as wrong on them, to every figure of the report', () => {
    const { confusion, report, text } = trained.assessment;
    expect(confusion).toEqual(wanted.confusion);
    expect(text).toBe(wanted.text);
    expect(Object.keys(report)).toEqual(Object.keys(wanted.report));
    for (const [name, figures] of Object.entries(wanted.report)) {
      if (typeof figures === 'number') expect(report[name]).toBeCloseTo(figures, 14);
      else {
        for (const [figure, value] of Object.entries(figures)) {
          expect((report[name] as unknown as Record<string, number>)[figure]).toBeCloseTo(value, 14);
        }
      }
    }
  });

  it('answers new texts with the same probabilities', async () => {
    const session = await openSession(trained.model.graph, 'inline');
    const feed = prepareFeaturizers(trained.model.featurizers!);
    const { predict_proba: given } = await session.run(
      feed({ text: { dtype: 'string', shape: [wanted.asked.length], data: wanted.asked } }),
    );
    const flat = wanted.probabilities.flat();
    expect(given!.shape).toEqual([wanted.asked.length, 2]);
    for (const [i, value] of flat.entries()) expect(given!.data[i]).toBeCloseTo(value, 12);
    await session.close();
  });

  it('does as well in every fold of a cross-validation', () => {
    expect(crossValidate(texts, labels, wanted.vectorizer, 5)).toEqual(wanted.crossValidation);
  });
});

describe('what cannot be learned from', () => {
  it('is refused with the reason', () => {
    expect(() => trainTestSplit(1, 0.33, 0)).toThrow('leaves none to learn from');
    expect(() => stratifiedFolds(Int32Array.from([0, 0, 1, 1]), 3)).toThrow('no class has 3 rows');
    const settings = { vectorizer: 'count', testSize: 0.33, seed: 0 } as const;
    const two = new TrainingTable(readCsv('l,t\na,!\nb,?\n'));
    expect(() => trainTextClassifier(two.texts('t'), two.labels('l'), 'l', settings)).toThrow('no text has a word');
    expect(() => new TrainingTable(readCsv('l,t\na,x\nb,\n')).texts('t')).toThrow('on line 3 is empty');
  });

  it('may be a class that is in no training row, which is then never answered', () => {
    const rare = new TrainingTable(readCsv('l,t\na,red\na,red\na,red\nb,blue\na,red\na,red\n'));
    const own = rare.labels('l');
    for (let seed = 0; seed < 20; seed++) {
      const { split, assessment, model } = trainTextClassifier(rare.texts('t'), own, 'l', {
        vectorizer: 'count',
        testSize: 0.33,
        seed,
      });
      const known = new Set([...split.train].map((row) => own.codes[row]));
      const [, probabilities] = model.signature.outputs;
      expect(probabilities!.columns).toEqual([...known].sort().map((code) => own.names[code!]));
      if (known.size === 1) expect(assessment.report.b).toMatchObject({ precision: 0, recall: 0, support: 1 });
    }
  });
});

describe('a classification report', () => {
  it('rounds as Python does, and leaves out what is nowhere', () => {
    const { text, confusion } = assess(
      Int32Array.from([0, 0, 0, 0, 0, 0, 0, 0, 2]),
      Int32Array.from([0, 2, 2, 2, 2, 2, 2, 2, 2]),
      ['é', 'nowhere', 'a class with a very long name'],
    );
    expect(confusion).toEqual([
      [1, 7],
      [0, 1],
    ]);
    // 1/8 is 0.12 to Python.
    expect(text.split('\n').map((line) => line.trim().split(/ {2,}/))).toContainEqual([
      'é',
      '1.00',
      '0.12',
      '0.22',
      '8',
    ]);
    expect(text).toContain('a class with a very long name       0.12      1.00      0.22         1\n');
  });
});
