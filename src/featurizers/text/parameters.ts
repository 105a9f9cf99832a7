import type { AccentStripping } from './unicode.js';

export interface TextParameters {
  readonly analyzer: 'word' | 'char' | 'char_wb';
  readonly lowercase: boolean;
  readonly stripAccents?: AccentStripping | undefined;
  /** Lengths of the n-grams: words, or characters. */
  readonly ngrams: readonly [least: number, most: number];
  /** What a word is, as a pattern of Python; `word` alone. */
  readonly tokenPattern?: string | undefined;
  /** Words that are left out; `word` alone. */
  readonly stopWords?: readonly string[] | undefined;
  /** The features are the terms of a list, by position; or as many buckets as `buckets` says. */
  readonly vocabulary?: readonly string[] | undefined;
  readonly buckets?: number | undefined;
  /** A bucket counts down for every other term. */
  readonly alternateSign?: boolean | undefined;
  /** A bucket counted down below 0 is as good as one counted up. */
  readonly absolute?: boolean | undefined;
  /** A count above one is one. */
  readonly binary: boolean;
  /** The numbers are float32, and computed so. */
  readonly float32: boolean;
  /** A count c becomes 1 + ln c. */
  readonly sublinear?: boolean | undefined;
  /** Factors of the features. */
  readonly factors?: readonly number[] | undefined;
  readonly norm?: 'l1' | 'l2' | undefined;
}

/** The longest n-gram, in words or characters: their number grows with it. */
export const longestNgram = 100;
export const mostBuckets = 2 ** 24;

/** Parameters as they come from a file. @throws TypeError that names the first that is none */
export function checkTextParameters(given: { readonly [name: string]: unknown }): TextParameters {
  const check = (name: string, ok: boolean) => {
    if (!ok) throw new TypeError(`the featurizer "text" has no valid ${name}`);
  };
  const oneOf = (name: string, known: readonly unknown[]) => check(name, known.includes(given[name]));
  const list = (name: string, type: 'string' | 'number') => {
    const value = given[name];
    check(name, value === undefined || (Array.isArray(value) && value.every((item) => typeof item === type)));
  };
  oneOf('analyzer', ['word', 'char', 'char_wb']);
  for (const name of ['lowercase', 'binary', 'float32']) oneOf(name, [true, false]);
  for (const name of ['alternateSign', 'absolute', 'sublinear']) oneOf(name, [true, false, undefined]);
  oneOf('stripAccents', ['ascii', 'unicode', 'unicode-unless-decomposed', undefined]);
  oneOf('norm', ['l1', 'l2', undefined]);
  check('tokenPattern', typeof given.tokenPattern === (given.analyzer === 'word' ? 'string' : 'undefined'));
  list('stopWords', 'string');
  list('vocabulary', 'string');
  list('factors', 'number');
  const { ngrams, buckets, vocabulary, factors } = given as Partial<TextParameters>;
  const isNgram = (n: unknown) => Number.isInteger(n) && (n as number) >= 1 && (n as number) <= longestNgram;
  check('ngrams', Array.isArray(ngrams) && ngrams.length === 2 && ngrams.every(isNgram) && ngrams[0]! <= ngrams[1]!);
  if (vocabulary === undefined) {
    check('buckets', Number.isInteger(buckets) && buckets! >= 1 && buckets! <= mostBuckets);
  } else check('vocabulary', vocabulary.length > 0 && buckets === undefined);
  check('factors', factors === undefined || factors.length === (vocabulary?.length ?? buckets));
  return given as unknown as TextParameters;
}
