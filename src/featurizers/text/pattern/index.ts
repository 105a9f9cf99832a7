import type { CodePointSet } from '../code-point-set.js';
import { wordPoints } from '../unicode.js';
import { compilePattern } from './compile.js';
import { type FoundSpan, Matcher } from './match.js';
import { type ParsedPattern, PatternError, type PatternNode, parsePattern } from './parse.js';

export type { FoundSpan } from './match.js';
export { PatternError } from './parse.js';

const longest = 2000;

/**
 * `re.compile(source).findall` of Python for patterns of at most one group: calls `found` with each match, or with
 * what its group took. Linear in the text.
 * @throws PatternError for what Python refuses, and for what would not do here exactly what it does there
 */
export function compileFindAll(source: string): (text: string, found: FoundSpan) => void {
  if (source.length > longest) throw new PatternError(`has ${source.length} characters; ${longest} are run`);
  const parsed = parsePattern(source);
  if (parsed.groups > 1) throw new PatternError('has more than one group');
  const runs = asRuns(parsed);
  if (runs !== undefined) return (text, found) => findRuns(text, runs.set, runs.least, found);
  const matcher = new Matcher(compilePattern(parsed));
  return (text, found) => matcher.findAll(text, found);
}

/** Patterns like `\b\w\w+\b` and `[a-z]+`: all that they find are the longest runs of a set, from some length on. */
function asRuns({ root, groups, word }: ParsedPattern): { set: CodePointSet; least: number } | undefined {
  if (groups > 0) return undefined;
  const items = root.kind === 'sequence' ? [...root.items] : [root];
  const isBoundary = (node: PatternNode | undefined) => node?.kind === 'assertion' && node.assertion === 'boundary';
  const before = isBoundary(items[0]);
  if (before) items.shift();
  const after = isBoundary(items.at(-1));
  if (after) items.pop();
  let set: CodePointSet | undefined;
  let least = 0;
  for (const [i, item] of items.entries()) {
    const last = i === items.length - 1;
    const repeat = item.kind === 'repeat' ? item : { item, least: 1, most: 1, lazy: false };
    if (repeat.item.kind !== 'set' || repeat.lazy) return undefined;
    if (last ? repeat.most !== Number.POSITIVE_INFINITY : repeat.most !== repeat.least) return undefined;
    set ??= repeat.item.set;
    if (set !== repeat.item.set) return undefined;
    least += repeat.least;
  }
  if (set === undefined || least === 0) return undefined;
  // Between two characters of the set there is a boundary never only where all of it, and nothing else, is a word.
  return (before || after) && !(set === word && word === wordPoints) ? undefined : { set, least };
}

/** `least` counts characters, not halves of them. */
function findRuns(text: string, set: CodePointSet, least: number, found: FoundSpan): void {
  const { length } = text;
  let start = -1;
  let characters = 0;
  for (let at = 0; at < length; ) {
    let point = text.charCodeAt(at);
    let width = 1;
    if (point >= 0xd800 && point < 0xdc00) {
      point = text.codePointAt(at)!;
      if (point > 0xffff) width = 2;
    }
    if (set.has(point)) {
      if (characters++ === 0) start = at;
    } else {
      if (characters >= least) found(start, at);
      characters = 0;
    }
    at += width;
  }
  if (characters >= least) found(start, length);
}
