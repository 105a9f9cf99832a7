import { makeAnalyzer } from '../featurizers/text/analyzer.js';
import { makeTextFeaturizer, type TextParameters } from '../featurizers/text/index.js';
import { compareCodePoints } from './labels.js';
import { type SparseMatrix, SparseMatrixBuilder } from './sparse-matrix.js';

/** Bags of words, or words weighed by how few texts they are in. */
export type Weighting = 'count' | 'tfidf';

/** What a vectorizer has learned. */
export interface TextVectorizer {
  /** Terms by column, sorted by code points. */
  readonly vocabulary: readonly string[];
  /** The inverse document frequency of each, [vocabulary]; of `tfidf` alone. */
  readonly factors: Float64Array | undefined;
  transform(texts: readonly string[]): SparseMatrix;
}

/** The defaults of scikit-learn's vectorizers: words of two characters and more, in lower case. */
export const textParameters = {
  analyzer: 'word',
  lowercase: true,
  ngrams: [1, 1],
  tokenPattern: String.raw`(?u)\b\w\w+\b`,
  binary: false,
  float32: false,
} as const satisfies TextParameters;

/**
 * What `CountVectorizer().fit(texts)`, or `TfidfVectorizer().fit(texts)`, learns. The vocabulary is empty when no text
 * has a word.
 * Reference: sklearn/feature_extraction/text.py.
 */
export function fitTextVectorizer(texts: readonly string[], weighting: Weighting): TextVectorizer {
  const vocabulary = learnVocabulary(texts);
  const count = transformer({ ...textParameters, vocabulary });
  if (weighting === 'count' || vocabulary.length === 0) return { vocabulary, factors: undefined, transform: count };
  const factors = inverseFrequencies(count(texts));
  const weigh = transformer({ ...textParameters, vocabulary, factors: Array.from(factors), norm: 'l2' });
  return { vocabulary, factors, transform: weigh };
}

function learnVocabulary(texts: readonly string[]): string[] {
  const analyze = makeAnalyzer(textParameters);
  const terms = new Set<string>();
  for (const text of texts) {
    analyze(text, (units, start, end) => terms.add(String.fromCharCode(...units.subarray(start, end))));
  }
  return [...terms].sort(compareCodePoints);
}

function transformer(given: TextParameters & { readonly vocabulary: readonly string[] }) {
  return (texts: readonly string[]): SparseMatrix => {
    const rows = new SparseMatrixBuilder();
    const featurize = makeTextFeaturizer(given);
    for (const text of texts) {
      featurize(text, rows);
      rows.endRow();
    }
    return rows.build(given.vocabulary.length);
  };
}

/** `ln((1 + n) / (1 + df)) + 1`: as if one more text had every term, so that nothing is divided by 0. */
function inverseFrequencies({ columns, starts, indices }: SparseMatrix): Float64Array {
  const texts = starts.length - 1;
  const frequencies = new Float64Array(columns);
  for (const index of indices) frequencies[index]!++;
  return frequencies.map((frequency) => Math.log((1 + texts) / (1 + frequency)) + 1);
}
