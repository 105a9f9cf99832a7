/** From a text to its terms, as the analyzers of scikit-learn's vectorizers: words, characters, or both. */

import type { TextParameters } from './parameters.js';
import { compileFindAll } from './pattern/index.js';
import { spacePoints, stripAccents } from './unicode.js';
import { Vocabulary } from './vocabulary.js';

/** Called for each term, the units `units[start..end)`. The array is used again. */
export type FoundTerm = (units: Uint16Array, start: number, end: number) => void;

export type AnalyzerParameters = Pick<
  TextParameters,
  'analyzer' | 'lowercase' | 'stripAccents' | 'ngrams' | 'tokenPattern' | 'stopWords'
>;

/** Reports every term of a text, as often as it occurs. */
export type Analyzer = (text: string, found: FoundTerm) => void;

/** @throws PatternError */
export function makeAnalyzer(parameters: AnalyzerParameters): Analyzer {
  const { lowercase, stripAccents: how } = parameters;
  const analyze = parameters.analyzer === 'word' ? analyzeWords(parameters) : analyzeCharacters(parameters);
  return (text, found) => {
    // Both languages lower by the same rules of Unicode, the final sigma and the dotted I included.
    const lowered = lowercase ? text.toLowerCase() : text;
    analyze(how === undefined ? lowered : stripAccents(lowered, how), found);
  };
}

function analyzeWords({ tokenPattern, stopWords = [], ngrams: [least, most] }: AnalyzerParameters): Analyzer {
  const findAll = compileFindAll(tokenPattern ?? '');
  const stops = stopWords.length === 0 ? undefined : new Vocabulary(stopWords);
  // The words that stay, one space between two, so that an n-gram is a piece of it.
  let units = new Uint16Array(1024);
  let starts = new Int32Array(256);
  let ends = new Int32Array(256);
  return (text, found) => {
    let count = 0;
    let at = 0;
    findAll(text, (start, end) => {
      if (at + end - start + 1 > units.length) units = grow(units, at + end - start + 1);
      const from = at;
      for (let i = start; i < end; i++) units[at++] = text.charCodeAt(i);
      if (stops !== undefined && stops.find(units, from, at) >= 0) {
        at = from;
        return;
      }
      if (count === starts.length) {
        starts = grow(starts, count + 1);
        ends = grow(ends, count + 1);
      }
      starts[count] = from;
      ends[count++] = at;
      units[at++] = 32;
    });
    for (let n = least; n <= most && n <= count; n++) {
      for (let i = 0; i + n <= count; i++) found(units, starts[i]!, ends[i + n - 1]!);
    }
  };
}

function analyzeCharacters({ analyzer, ngrams: [least, most] }: AnalyzerParameters): Analyzer {
  let units = new Uint16Array(1024);
  // Where each character begins, and where the last one ends.
  let starts = new Int32Array(1024);

  /** Reports the n-grams of the characters; a text shorter than n has none. */
  const reportAll = (count: number, found: FoundTerm) => {
    for (let n = least; n <= most && n <= count; n++) {
      for (let i = 0; i + n <= count; i++) found(units, starts[i]!, starts[i + n]!);
    }
  };
  /** Reports those of one word; one shorter than n counts once, and no longer n is tried. */
  const reportWord = (count: number, found: FoundTerm) => {
    for (let n = least; n <= most; n++) {
      const last = Math.max(count - n, 0);
      for (let i = 0; i <= last; i++) found(units, starts[i]!, starts[Math.min(i + n, count)]!);
      if (last === 0) return;
    }
  };

  return (text, found) => {
    const { length } = text;
    if (units.length < length + 2) units = new Uint16Array(length * 2);
    if (starts.length < length + 3) starts = new Int32Array(length * 2);
    let at = 0;
    let count = 0;
    const put = (unit: number) => {
      // The second half of a pair belongs to the character before it.
      const second =
        (unit & 0xfc00) === 0xdc00 && at > 0 && (units[at - 1]! & 0xfc00) === 0xd800 && starts[count - 1] === at - 1;
      if (!second) starts[count++] = at;
      units[at++] = unit;
      starts[count] = at;
    };
    if (analyzer === 'char') {
      for (let i = 0; i < length; ) {
        let end = i;
        while (end < length && spacePoints.has(text.charCodeAt(end))) end++;
        // Two white spaces and more become one space; one stays what it is.
        if (end - i >= 2) put(32);
        else put(text.charCodeAt(i));
        i = Math.max(end, i + 1);
      }
      reportAll(count, found);
      return;
    }
    for (let i = 0; i < length; ) {
      if (spacePoints.has(text.charCodeAt(i))) {
        i++;
        continue;
      }
      at = 0;
      count = 0;
      put(32);
      for (; i < length && !spacePoints.has(text.charCodeAt(i)); i++) put(text.charCodeAt(i));
      put(32);
      reportWord(count, found);
    }
  };
}

function grow<T extends Uint16Array | Int32Array>(array: T, least: number): T {
  const grown = new (array.constructor as new (length: number) => T)(Math.max(array.length * 2, least));
  grown.set(array);
  return grown;
}
