import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { prepareFeaturizers } from '../../../src/featurizers/index.js';
import { makeAnalyzer } from '../../../src/featurizers/text/analyzer.js';
import { TextHasher } from '../../../src/featurizers/text/murmur3.js';
import { Vocabulary } from '../../../src/featurizers/text/vocabulary.js';
import { missingTexts } from '../../../src/signature.js';
import type { Tensor } from '../../../src/tensor.js';

interface AnalyzerCases {
  readonly texts: readonly string[];
  readonly cases: readonly {
    readonly parameters: {
      readonly analyzer?: 'char' | 'char_wb';
      readonly ngram_range?: readonly [number, number];
      readonly stop_words?: readonly string[];
      readonly lowercase?: boolean;
      readonly strip_accents?: 'unicode' | 'ascii';
      readonly token_pattern?: string;
    };
    readonly terms: readonly (readonly string[])[];
  }[];
  readonly hashes: readonly (readonly [string, number])[];
}

const file = join(import.meta.dirname, '../../fixtures/text/analyzers.json');
const { texts, cases, hashes } = JSON.parse(readFileSync(file, 'utf8')) as AnalyzerCases;
const unitsOf = (text: string) => Uint16Array.from({ length: text.length }, (_, i) => text.charCodeAt(i));
const byCodePoint = (a: string, b: string) => Buffer.compare(Buffer.from(a), Buffer.from(b));

describe('makeAnalyzer', () => {
  it.each(cases)('finds the terms that scikit-learn finds with $parameters', ({ parameters, terms }) => {
    const analyze = makeAnalyzer({
      analyzer: parameters.analyzer ?? 'word',
      lowercase: parameters.lowercase ?? true,
      stripAccents: parameters.strip_accents,
      ngrams: parameters.ngram_range ?? [1, 1],
      tokenPattern: parameters.token_pattern ?? '(?u)\\b\\w\\w+\\b',
      stopWords: parameters.stop_words,
    });
    const got = texts.map((text) => {
      const found: string[] = [];
      analyze(text, (units, start, end) => found.push(String.fromCharCode(...units.subarray(start, end))));
      return found.sort(byCodePoint);
    });
    expect(got).toEqual(terms);
  });

  it('keeps its buffers as long texts ask', () => {
    const word = 'longer'.repeat(500);
    let found = 0;
    const analyze = makeAnalyzer({ analyzer: 'word', lowercase: true, ngrams: [1, 2], tokenPattern: '\\w+' });
    analyze(`${word} `.repeat(400), () => found++);
    expect(found).toBe(799);
  });
});

describe('TextHasher', () => {
  it.each(hashes)('hashes %j as scikit-learn does', (text, hash) => {
    expect(new TextHasher().hash(unitsOf(text), 0, text.length)).toBe(hash);
  });

  it('has no hash for half of a surrogate pair', () => {
    expect(new TextHasher().hash(unitsOf('\ud83d'), 0, 1)).toBeUndefined();
    expect(new TextHasher().hash(unitsOf('\ude00'), 0, 1)).toBeUndefined();
  });
});

describe('Vocabulary', () => {
  it('finds each of its terms and nothing else', () => {
    const terms = Array.from({ length: 5000 }, (_, i) => `term ${i.toString(3)}`);
    const vocabulary = new Vocabulary([...terms, '']);
    const find = (term: string) => vocabulary.find(unitsOf(`<${term}>`), 1, term.length + 1);
    expect(terms.every((term, i) => find(term) === i)).toBe(true);
    expect([find(''), find('term'), find('term 9'), find('term 12x')]).toEqual([5000, -1, -1, -1]);
    expect([vocabulary.mostSpaces, vocabulary.longest]).toEqual([1, 13]);
  });

  it('refuses a term that comes twice', () => {
    expect(() => new Vocabulary(['a', 'b', 'a'])).toThrow(/"a" comes twice/);
  });
});

describe('the featurizer "text"', () => {
  const plain = {
    analyzer: 'word',
    lowercase: true,
    ngrams: [1, 1],
    tokenPattern: '\\w+',
    binary: false,
    float32: false,
  };
  const run = (parameters: object, ...data: string[]) => {
    const spec = { kind: 'text', input: 't', indices: 'i', values: 'v', parameters: { ...plain, ...parameters } };
    const text: Tensor = { dtype: 'string', shape: [data.length], data };
    const { i, v } = prepareFeaturizers([spec])({ t: text });
    return {
      shape: i!.shape,
      indices: Array.from(i!.data as BigInt64Array, Number),
      values: Array.from(v!.data as Float64Array),
    };
  };

  it('counts, weighs and normalises', () => {
    const vocabulary = ['a', 'b', 'c'];
    expect(run({ vocabulary }, 'c a c', '', 'x')).toEqual({
      shape: [3, 2],
      indices: [0, 2, 0, 0, 0, 0],
      values: [1, 2, 0, 0, 0, 0],
    });
    expect(run({ vocabulary, norm: 'l1', factors: [1, 1, 2], binary: true }, 'c a c').values).toEqual([1 / 3, 2 / 3]);
    expect(run({ vocabulary, norm: 'l2', sublinear: true }, 'b').values).toEqual([1]);
    const [first, second] = run({ vocabulary, norm: 'l2', float32: true }, 'a b b').values;
    expect([first, second]).toEqual([Math.fround(1 / Math.sqrt(5)), Math.fround(2 / Math.sqrt(5))]);
  });

  it('counts down with a sign, and keeps a count of 0 that it met', () => {
    const { values } = run({ buckets: 1, alternateSign: true }, 'a b c d e f g h');
    expect(Math.abs(values[0]!)).toBeLessThan(8);
    expect(run({ buckets: 1, alternateSign: true, binary: true }, 'a b c d e f g h').values).toEqual([1]);
  });

  it('marks texts that Python could not have worked on', () => {
    const { values, shape } = run({ buckets: 8 }, 'a', missingTexts.NaN, missingTexts.None);
    expect(shape).toEqual([3, 1]);
    expect(values.map(Number.isNaN)).toEqual([false, true, true]);
    expect(run({ buckets: 8, tokenPattern: '\\S+' }, 'a \ud800 b', 'a').values.map(Number.isNaN)).toEqual([
      true,
      false,
    ]);
  });

  it('refuses rows that would take too much room together', () => {
    const long = Array.from({ length: 70_000 }, (_, i) => i.toString(36)).join(' ');
    expect(() => run({ buckets: 2 ** 20 }, long, ...Array.from({ length: 99 }, () => 'a'))).toThrow(/too many at once/);
  });

  it.each([
    [{ vocabulary: [] }, /vocabulary/],
    [{ vocabulary: ['a', 5] }, /vocabulary/],
    [{ vocabulary: ['a'], buckets: 5 }, /vocabulary/],
    [{ vocabulary: ['a'], factors: [1, 2] }, /factors/],
    [{ buckets: 0 }, /buckets/],
    [{ buckets: 2 ** 30 }, /buckets/],
    [{ buckets: 4, ngrams: [1, 1000] }, /ngrams/],
    [{ buckets: 4, ngrams: [3, 2] }, /ngrams/],
    [{ buckets: 4, norm: 'max' }, /norm/],
    [{ buckets: 4, analyzer: 'line' }, /analyzer/],
    [{ buckets: 4, analyzer: 'char' }, /tokenPattern/],
    [{ buckets: 4, lowercase: 1 }, /lowercase/],
    [{ buckets: 4, tokenPattern: '(' }, /ends too early|not closed/],
  ])('refuses the parameters %j', (parameters, message) => {
    expect(() => run(parameters, 'a')).toThrow(message);
  });
});
