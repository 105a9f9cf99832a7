import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { makeCorpus } from '../../../scripts/spam-corpus/index.js';
import { readLabelledTexts } from '../../../src/learn/labelled-texts.js';
import { trainTextClassifier } from '../../../src/learn/text-classifier.js';
import { expected } from './pairs.js';

const csv = readFileSync(join(import.meta.dirname, '../../../src/apps/spam/spam.csv'));
const { texts, labels } = readLabelledTexts(csv, 'v2', 'v1');
const digest = (lines: Iterable<unknown>) =>
  createHash('sha256')
    .update([...lines].join('\n'))
    .digest('hex');

describe('spam.csv', () => {
  it('is what `npm run corpus` writes', () => {
    expect(makeCorpus() === csv.toString()).toBe(true);
  });

  it('has some thousand messages of four languages, a quarter of them spam', () => {
    expect(csv.length).toBeLessThan(600_000);
    expect(labels.names).toEqual(['ham', 'spam']);
    const spam = labels.codes.reduce((sum, code) => sum + code, 0) / texts.length;
    expect([texts.length, Number(spam.toFixed(1))]).toEqual([5500, 0.2]);
    for (const word of ['tomorrow', 'amanhã', 'mañana', 'demain'])
      expect(texts.some((text) => text.includes(word))).toBe(true);
    expect(texts.some((text) => text.includes('\n'))).toBe(true);
    expect(texts.some((text) => text.includes('"'))).toBe(true);
    expect(new Set(texts).size / texts.length).toBeGreaterThan(0.95);
  });

  it('names no address and no number that is somebody’s', () => {
    const hosts = texts.flatMap((text) => text.toLowerCase().match(/[\w-]+\.(com|net|org|br|es|fr|uk|io)\b/g) ?? []);
    expect(hosts).toEqual([]);
  });

  it.each(expected.corpus)('teaches what it teaches scikit-learn ($vectorizer)', (wanted) => {
    const settings = { vectorizer: wanted.vectorizer, testSize: 0.33, seed: 2021 };
    const { vocabulary, split, assessment } = trainTextClassifier(texts, labels, 'v1', settings);
    expect([texts.length, vocabulary.length]).toEqual([wanted.rows, wanted.vocabulary]);
    expect(digest(vocabulary)).toBe(wanted.vocabularyDigest);
    expect(digest(split.test)).toBe(wanted.testDigest);
    expect(assessment.confusion).toEqual(wanted.confusion);
    expect(assessment.text).toBe(wanted.report);
    const accuracy = assessment.report.accuracy as number;
    expect(accuracy).toBeGreaterThan(0.95);
    expect(accuracy).toBeLessThan(0.995);
  });
});
