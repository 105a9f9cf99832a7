import { CodePointSet } from '../code-point-set.js';
import { decimalPoints, spacePoints, wordPoints } from '../unicode.js';

/**
 * The syntax tree of a regular expression of Python's `re`.
 * Reference: https://docs.python.org/3/library/re.html#regular-expression-syntax, and Lib/re/_parser.py of CPython.
 */
export type PatternNode =
  | { readonly kind: 'set'; readonly set: CodePointSet }
  | { readonly kind: 'sequence'; readonly items: readonly PatternNode[] }
  | { readonly kind: 'choice'; readonly options: readonly PatternNode[] }
  | {
      readonly kind: 'repeat';
      readonly item: PatternNode;
      readonly least: number;
      /** Infinity when there is none. */
      readonly most: number;
      readonly lazy: boolean;
    }
  | { readonly kind: 'group'; readonly item: PatternNode }
  | { readonly kind: 'assertion'; readonly assertion: Assertion }
  | { readonly kind: 'look'; readonly item: PatternNode; readonly behind: boolean; readonly negated: boolean };

export type Assertion =
  | 'boundary'
  | 'no-boundary'
  | 'text-start'
  | 'text-end'
  | 'line-start'
  | 'line-end'
  | 'last-line-end';

export interface ParsedPattern {
  readonly root: PatternNode;
  /** Number of capturing groups. */
  readonly groups: number;
  /** What counts as a word for `\b`. */
  readonly word: CodePointSet;
}

/** Why a pattern cannot be run here as Python runs it; `message` completes "its token_pattern …". */
export class PatternError extends Error {}

const asciiWord = CodePointSet.of([
  [48, 57],
  [65, 90],
  [95, 95],
  [97, 122],
]);
const asciiDecimal = CodePointSet.of([[48, 57]]);
const asciiSpace = CodePointSet.of([
  [9, 13],
  [32, 32],
]);
const lineFeed = CodePointSet.of([[10, 10]]);
const controls: Readonly<Record<string, number>> = { a: 7, b: 8, f: 12, n: 10, r: 13, t: 9, v: 11 };
/** Dotted and dotless I, the Kelvin sign, the long s. */
const alsoCased: Readonly<Record<string, readonly number[]>> = { i: [0x130, 0x131], k: [0x212a], s: [0x17f] };
const deepest = 100;
const mostRepeats = 1000;

/** @throws PatternError for what Python refuses, and for what is not run here */
export function parsePattern(source: string): ParsedPattern {
  return new PatternParser(source).parse();
}

class PatternParser {
  private readonly points: readonly string[];
  private at = 0;
  private groups = 0;
  private depth = 0;
  private behind = 0;
  private ascii = false;
  private multiline = false;
  private dotAll = false;
  private ignoreCase = false;

  constructor(source: string) {
    this.points = Array.from(source);
  }

  parse(): ParsedPattern {
    this.readGlobalFlags();
    const root = this.choice();
    if (this.at < this.points.length) throw new PatternError('has a ")" too many');
    return { root, groups: this.groups, word: this.ascii ? asciiWord : wordPoints };
  }

  /** `(?u)` and the like, which newer Pythons take at the start alone. */
  private readGlobalFlags(): void {
    for (;;) {
      let end = this.at + 2;
      while (/^[aiLmsux]$/.test(this.points[end] ?? '')) end++;
      if (this.points[this.at] !== '(' || this.points[this.at + 1] !== '?') return;
      if (end === this.at + 2 || this.points[end] !== ')') return;
      for (const flag of this.points.slice(this.at + 2, end)) {
        if (flag === 'a') this.ascii = true;
        else if (flag === 'm') this.multiline = true;
        else if (flag === 's') this.dotAll = true;
        else if (flag === 'i') this.ignoreCase = true;
        else if (flag !== 'u') throw new PatternError(`has the flag (?${flag}), which is not run here`);
      }
      this.at = end + 1;
    }
  }

  private peek(): string | undefined {
    return this.points[this.at];
  }

  private take(): string {
    const point = this.points[this.at];
    if (point === undefined) throw new PatternError('ends too early');
    this.at++;
    return point;
  }

  private skip(text: string): boolean {
    const points = Array.from(text);
    if (!points.every((point, i) => this.points[this.at + i] === point)) return false;
    this.at += points.length;
    return true;
  }

  private choice(): PatternNode {
    if (++this.depth > deepest) throw new PatternError(`is nested deeper than ${deepest}`);
    const options = [this.sequence()];
    while (this.skip('|')) options.push(this.sequence());
    this.depth--;
    return options.length === 1 ? options[0]! : { kind: 'choice', options };
  }

  private sequence(): PatternNode {
    const items: PatternNode[] = [];
    while (this.peek() !== undefined && this.peek() !== '|' && this.peek() !== ')') items.push(this.repeated());
    return items.length === 1 ? items[0]! : { kind: 'sequence', items };
  }

  private repeated(): PatternNode {
    const start = this.at;
    const item = this.atom();
    const range = this.quantifier();
    if (range === undefined) return item;
    if (item.kind === 'assertion' || item.kind === 'look') {
      throw new PatternError(`repeats what has no width, "${this.points.slice(start, this.at).join('')}"`);
    }
    const [least, most] = range;
    const lazy = this.skip('?');
    if (!lazy && this.peek() === '+') throw new PatternError('has a possessive repeat, which is not run here');
    if (this.quantifier() !== undefined) throw new PatternError('repeats a repeat');
    return { kind: 'repeat', item, least, most, lazy };
  }

  private quantifier(): readonly [least: number, most: number] | undefined {
    if (this.skip('*')) return [0, Number.POSITIVE_INFINITY];
    if (this.skip('+')) return [1, Number.POSITIVE_INFINITY];
    if (this.skip('?')) return [0, 1];
    if (this.peek() !== '{') return undefined;
    const text = this.points.slice(this.at, this.at + 16).join('');
    const match = /^\{([0-9]*)(,?)([0-9]*)\}/.exec(text);
    // As in Python, a brace that opens no numbers is a brace.
    if (match === null || (match[1] === '' && match[2] === '') || match[0] === '{}') return undefined;
    this.at += match[0].length;
    const least = match[1] === '' ? 0 : Number(match[1]);
    const most = match[2] === '' ? least : match[3] === '' ? Number.POSITIVE_INFINITY : Number(match[3]);
    if (most < least) throw new PatternError(`has the repeat ${match[0]}, whose ends are the wrong way round`);
    if (least > mostRepeats || (most !== Number.POSITIVE_INFINITY && most > mostRepeats)) {
      throw new PatternError(`has the repeat ${match[0]}, which is more than ${mostRepeats}`);
    }
    return [least, most];
  }

  private atom(): PatternNode {
    const point = this.take();
    switch (point) {
      case '.':
        return { kind: 'set', set: this.dotAll ? CodePointSet.of([[0, 0x10ffff]]) : lineFeed.complement() };
      case '[':
        return { kind: 'set', set: this.characterClass() };
      case '(':
        return this.group();
      case '^':
        return { kind: 'assertion', assertion: this.multiline ? 'line-start' : 'text-start' };
      case '$':
        return { kind: 'assertion', assertion: this.multiline ? 'line-end' : 'last-line-end' };
      case '\\':
        return this.escaped();
      case '*':
      case '+':
      case '?':
        throw new PatternError(`repeats nothing ("${point}")`);
      default:
        return this.literal(point.codePointAt(0)!);
    }
  }

  private literal(point: number): PatternNode {
    return { kind: 'set', set: this.cased([[point, point]]) };
  }

  /** The set of `ranges`; with `(?i)` of the letters in both cases, and of what Python takes for the same letter. */
  private cased(ranges: readonly (readonly [number, number])[]): CodePointSet {
    if (!this.ignoreCase) return CodePointSet.of(ranges);
    const all = [...ranges];
    for (const [first, last] of ranges) {
      if (last > 127) throw new PatternError('has characters beyond ASCII under (?i), which is not run here');
      for (let point = first; point <= last; point++) {
        const letter = String.fromCharCode(point);
        if (!/[A-Za-z]/.test(letter)) continue;
        const others = this.ascii ? [] : (alsoCased[letter.toLowerCase()] ?? []);
        for (const other of [point ^ 32, ...others]) all.push([other, other]);
      }
    }
    return CodePointSet.of(all);
  }

  private group(): PatternNode {
    if (this.skip('?:')) return this.closed(this.choice());
    if (this.skip('?=')) return this.look(false, false);
    if (this.skip('?!')) return this.look(false, true);
    if (this.skip('?<=')) return this.look(true, false);
    if (this.skip('?<!')) return this.look(true, true);
    if (this.skip('?#')) {
      while (this.take() !== ')');
      return { kind: 'sequence', items: [] };
    }
    if (this.skip('?P<')) {
      let name = '';
      for (let point = this.take(); point !== '>'; point = this.take()) name += point;
      if (!/^[A-Za-z_]\w*$/.test(name)) throw new PatternError(`has a group of the name "${name.slice(0, 40)}"`);
    } else if (this.peek() === '?') {
      throw new PatternError(`has "(${this.points.slice(this.at, this.at + 3).join('')}", which is not run here`);
    }
    this.groups++;
    if (this.behind > 0) throw new PatternError('captures inside of a look-around, which is not run here');
    return { kind: 'group', item: this.closed(this.choice()) };
  }

  private look(behind: boolean, negated: boolean): PatternNode {
    this.behind++;
    const item = this.closed(this.choice());
    this.behind--;
    return { kind: 'look', item, behind, negated };
  }

  private closed(node: PatternNode): PatternNode {
    if (!this.skip(')')) throw new PatternError('has a "(" that is not closed');
    return node;
  }

  private escaped(): PatternNode {
    const point = this.peek();
    const assertions: Readonly<Record<string, Assertion>> = {
      b: 'boundary',
      B: 'no-boundary',
      A: 'text-start',
      Z: 'text-end',
      z: 'text-end',
    };
    if (point !== undefined && Object.hasOwn(assertions, point)) {
      this.at++;
      // `\z` came with Python 3.14; before, it was an error.
      return { kind: 'assertion', assertion: assertions[point]! };
    }
    const set = this.category();
    if (set !== undefined) return { kind: 'set', set };
    if (point !== undefined && /^[1-9]$/.test(point)) {
      throw new PatternError('refers back to a group, which is not run here');
    }
    return this.literal(this.escape());
  }

  /** `\w`, `\d`, `\s` and their opposites, after the backslash. */
  private category(): CodePointSet | undefined {
    const point = this.peek();
    const { ascii } = this;
    const sets: Readonly<Record<string, CodePointSet>> = {
      w: ascii ? asciiWord : wordPoints,
      d: ascii ? asciiDecimal : decimalPoints,
      s: ascii ? asciiSpace : spacePoints,
    };
    const set = point === undefined ? undefined : sets[point.toLowerCase()];
    if (set === undefined || point === undefined || point.length !== 1 || !/[wdsWDS]/.test(point)) return undefined;
    this.at++;
    return point === point.toLowerCase() ? set : set.complement();
  }

  /** One character after the backslash: `\n`, `\x41`, `\u00e9`, `\.`. */
  private escape(): number {
    const point = this.take();
    const digits: Readonly<Record<string, number>> = { x: 2, u: 4, U: 8 };
    if (Object.hasOwn(digits, point)) {
      const count = digits[point]!;
      const text = this.points.slice(this.at, this.at + count).join('');
      if (text.length !== count || !/^[0-9A-Fa-f]+$/.test(text))
        throw new PatternError(`has the bad escape \\${point}`);
      this.at += count;
      const value = Number.parseInt(text, 16);
      if (value > 0x10ffff) throw new PatternError(`has the bad escape \\${point}${text}`);
      return value;
    }
    if (Object.hasOwn(controls, point)) return controls[point]!;
    if (point === '0') {
      const text = /^[0-7]{0,2}/.exec(this.points.slice(this.at, this.at + 2).join(''))![0];
      this.at += text.length;
      return Number.parseInt(`0${text}`, 8);
    }
    if (/^[0-9A-Za-z]$/.test(point)) throw new PatternError(`has the escape \\${point}, which is not known here`);
    return point.codePointAt(0)!;
  }

  private characterClass(): CodePointSet {
    const ranges: (readonly [number, number])[] = [];
    const categories: (readonly [number, number])[] = [];
    const negated = this.skip('^');
    for (let first = true; ; first = false) {
      const point = this.take();
      if (point === ']' && !first) break;
      const low = this.classItem(point);
      if (low instanceof CodePointSet) {
        categories.push(...low.ranges);
        if (this.peek() === '-' && this.points[this.at + 1] !== ']') throw new PatternError('has a range from a class');
        continue;
      }
      if (this.peek() !== '-' || this.points[this.at + 1] === ']' || this.points[this.at + 1] === undefined) {
        ranges.push([low, low]);
        continue;
      }
      this.at++;
      const high = this.classItem(this.take());
      if (high instanceof CodePointSet) throw new PatternError('has a range to a class');
      if (high < low) throw new PatternError('has a range whose ends are the wrong way round');
      ranges.push([low, high]);
    }
    const set = CodePointSet.of([...this.cased(ranges).ranges, ...categories]);
    return negated ? set.complement() : set;
  }

  private classItem(point: string): number | CodePointSet {
    if (point !== '\\') return point.codePointAt(0)!;
    return this.category() ?? (this.skip('b') ? 8 : this.escape());
  }
}
