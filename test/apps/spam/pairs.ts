/** What Python left and answered: `test/fixtures/make/spam.py`. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

export const fixtures = join(import.meta.dirname, '../../fixtures/spam');

interface Answers {
  readonly asked: readonly string[];
  /** A class as Python prints it, one a text. */
  readonly predict: readonly string[];
  /** [asked][ham, spam] */
  readonly probabilities: readonly (readonly [number, number])[];
}

export const expected = JSON.parse(readFileSync(join(fixtures, 'expected.json'), 'utf8')) as {
  pairs: ({ name: string } & Answers)[];
  corpus: ({
    vectorizer: 'count' | 'tfidf';
    rows: number;
    vocabulary: number;
    vocabularyDigest: string;
    testDigest: string;
    confusion: number[][];
    report: string;
  } & Answers)[];
};

export const pairFiles = ['vectorizer.pickle', 'spam_detector_model.pkl'] as const;

/** The files of one pair, by name. */
export const readPair = (name: string): Record<string, Uint8Array> =>
  Object.fromEntries(pairFiles.map((file) => [file, readFileSync(join(fixtures, name, file))]));

export type { Answers };
