/** Texts to counts of terms, weighed: what scikit-learn's CountVectorizer, TfidfVectorizer and HashingVectorizer do. */
import { missingTexts } from '../../signature.js';
import type { FeatureSink } from '../sparse-rows.js';
import { makeAnalyzer } from './analyzer.js';
import { Counts } from './counts.js';
import { TextHasher } from './murmur3.js';
import type { TextParameters } from './parameters.js';
import { Vocabulary } from './vocabulary.js';

export { longestNgram, mostBuckets, type TextParameters } from './parameters.js';
export { PatternError } from './pattern/index.js';
export type { AccentStripping } from './unicode.js';

/**
 * Adds the features of a text to a row, in ascending order. A text that Python could not have worked on gives a NaN,
 * which the graph refuses.
 * @throws PatternError, TypeError
 */
export function makeTextFeaturizer(parameters: TextParameters): (text: string, row: FeatureSink) => void {
  const { binary, float32, absolute = false, sublinear = false, factors, norm } = parameters;
  const { analyze, counts } = parameters.vocabulary === undefined ? makeHashing(parameters) : makeCounting(parameters);
  const round = float32 ? Math.fround : (value: number) => value;
  const weights = factors === undefined ? undefined : Float64Array.from(factors, round);
  let values = new Float64Array(256);
  return (text, row) => {
    if (text === missingTexts.NaN || text === missingTexts.None || !analyze(text)) {
      row.add(0, Number.NaN);
      if (counts.met > 0) counts.take(new Float64Array(counts.met));
      return;
    }
    if (values.length < counts.met) values = new Float64Array(counts.met * 2);
    const indices = counts.take(values);
    let sum = 0;
    for (let i = 0; i < indices.length; i++) {
      let value = binary ? 1 : absolute ? Math.abs(values[i]!) : values[i]!;
      if (sublinear) value = round(round(Math.log(value)) + 1);
      if (weights !== undefined) value = round(value * weights[indices[i]!]!);
      values[i] = value;
      sum += norm === 'l1' ? Math.abs(value) : value * value;
    }
    const scale = norm === undefined || sum === 0 ? 1 : norm === 'l1' ? sum : Math.sqrt(sum);
    for (let i = 0; i < indices.length; i++) row.add(indices[i]!, round(values[i]! / scale));
  };
}

interface Counting {
  readonly counts: Counts;
  /** False when Python would have raised. */
  readonly analyze: (text: string) => boolean;
}

function makeCounting(parameters: TextParameters): Counting {
  const vocabulary = new Vocabulary(parameters.vocabulary!);
  // No n-gram longer than the longest term is in the vocabulary; n words have n - 1 spaces between them.
  const [least, most] = parameters.ngrams;
  const longest = parameters.analyzer === 'word' ? vocabulary.mostSpaces + 1 : vocabulary.longest;
  const analyzer = makeAnalyzer({ ...parameters, ngrams: [least, Math.max(least, Math.min(most, longest))] });
  const counts = new Counts(vocabulary.size);
  const found = (units: Uint16Array, start: number, end: number) => {
    const index = vocabulary.find(units, start, end);
    if (index >= 0) counts.add(index, 1);
  };
  return {
    counts,
    analyze(text) {
      analyzer(text, found);
      return true;
    },
  };
}

function makeHashing(parameters: TextParameters): Counting {
  const { buckets = 0, alternateSign = false } = parameters;
  const analyzer = makeAnalyzer(parameters);
  const counts = new Counts(buckets);
  const hasher = new TextHasher();
  let encodable = true;
  const found = (units: Uint16Array, start: number, end: number) => {
    const hash = hasher.hash(units, start, end);
    if (hash === undefined) encodable = false;
    else counts.add(Math.abs(hash) % buckets, alternateSign && hash < 0 ? -1 : 1);
  };
  return {
    counts,
    analyze(text) {
      encodable = true;
      analyzer(text, found);
      return encodable;
    },
  };
}
