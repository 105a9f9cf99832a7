import { CodePointSet } from '../code-point-set.js';
import { type LookAround, Op, type Program } from './compile.js';
import type { Assertion } from './parse.js';

/** Called for each match, or for its group, with where it begins and ends. */
export type FoundSpan = (start: number, end: number) => void;

/**
 * Runs a program over a text and reports what `re.findall` gives: matches from left to right, the first of each
 * position in the order of preference that the pattern states.
 *
 * It backtracks as Python does, and remembers which branches failed where: a branch is tried once a position, so that
 * the time is linear in the text whatever the pattern. What failed once fails for every later start too; a match uses
 * up the text before its end, and what was remembered there.
 */
export class Matcher {
  private readonly hasGroup: boolean;
  private readonly first: CodePointSet | undefined;
  private readonly lookers: readonly Matcher[];
  private seen = new Uint32Array(64);
  private stack = new Int32Array(256);
  private end = 0;
  private groupStart = 0;
  private groupEnd = 0;

  constructor(private readonly program: Program) {
    this.hasGroup = program.op.includes(Op.Save);
    this.first = firstSet(program);
    this.lookers = program.looks.map((look) => new Matcher(look.program));
  }

  findAll(text: string, found: FoundSpan): void {
    const { first, hasGroup } = this;
    const { length } = text;
    this.forget(length + 1);
    for (let start = 0; start < length; ) {
      const point = text.codePointAt(start)!;
      if ((first !== undefined && !first.has(point)) || !this.matchAt(text, start, length + 1, 0)) {
        start += point > 0xffff ? 2 : 1;
        continue;
      }
      if (hasGroup) found(this.groupStart, this.groupEnd);
      else found(start, this.end);
      start = this.end;
      this.forgetAt(start, length + 1);
    }
  }

  private forget(positions: number): void {
    const words = ((this.program.splits * positions) >>> 5) + 1;
    if (this.seen.length < words) this.seen = new Uint32Array(words * 2);
    else this.seen.fill(0, 0, words);
  }

  private forgetAt(position: number, positions: number): void {
    for (let split = 0; split < this.program.splits; split++) {
      const bit = split * positions + position;
      this.seen[bit >>> 5]! &= ~(1 << (bit & 31));
    }
  }

  /** Matches at `start` exactly; memory is kept for `positions` positions from `origin` on. */
  private matchAt(text: string, start: number, positions: number, origin: number): boolean {
    const { op, x, y, splitOf, sets, assertions, word, looks } = this.program;
    const { seen } = this;
    const { length } = text;
    let depth = 0;
    let pc = 0;
    let at = start;
    let groupStart = -1;
    let groupEnd = -1;
    for (;;) {
      let holds = true;
      switch (op[pc]) {
        case Op.Set: {
          if (at >= length) {
            holds = false;
            break;
          }
          let point = text.charCodeAt(at);
          let width = 1;
          if (point >= 0xd800 && point < 0xdc00) {
            point = text.codePointAt(at)!;
            if (point > 0xffff) width = 2;
          }
          holds = sets[x[pc]!]!.has(point);
          at += width;
          pc++;
          break;
        }
        case Op.Split: {
          const bit = splitOf[pc]! * positions + at - origin;
          const mask = 1 << (bit & 31);
          if ((seen[bit >>> 5]! & mask) !== 0) {
            holds = false;
            break;
          }
          seen[bit >>> 5]! |= mask;
          if (depth + 4 > this.stack.length) this.growStack();
          const { stack } = this;
          stack[depth] = y[pc]!;
          stack[depth + 1] = at;
          stack[depth + 2] = groupStart;
          stack[depth + 3] = groupEnd;
          depth += 4;
          pc = x[pc]!;
          break;
        }
        case Op.Jump:
          pc = x[pc]!;
          break;
        case Op.Assert:
          holds = isTrue(assertions[x[pc]!]!, text, at, word);
          pc++;
          break;
        case Op.Look:
          holds = this.lookers[x[pc]!]!.look(looks[x[pc]!]!, text, at);
          pc++;
          break;
        case Op.Save:
          if (x[pc] === 0) groupStart = at;
          else groupEnd = at;
          pc++;
          break;
        default:
          this.end = at;
          // A group that took no part is empty, and so is one that began again and did not end.
          this.groupStart = groupEnd < 0 ? 0 : groupStart;
          this.groupEnd = groupEnd < 0 ? 0 : groupEnd;
          return true;
      }
      if (holds) continue;
      if (depth === 0) return false;
      depth -= 4;
      const { stack } = this;
      pc = stack[depth]!;
      at = stack[depth + 1]!;
      groupStart = stack[depth + 2]!;
      groupEnd = stack[depth + 3]!;
    }
  }

  private look({ negated, back, width }: LookAround, text: string, at: number): boolean {
    let start = at;
    for (let i = 0; i < back; i++) {
      if (start === 0) return negated;
      start -= isPairBefore(text, start) ? 2 : 1;
    }
    this.forget(2 * width + 1);
    return this.matchAt(text, start, 2 * width + 1, start) !== negated;
  }

  private growStack(): void {
    const grown = new Int32Array(this.stack.length * 2);
    grown.set(this.stack);
    this.stack = grown;
  }
}

const isPairBefore = (text: string, at: number) =>
  at >= 2 && (text.charCodeAt(at - 1) & 0xfc00) === 0xdc00 && (text.charCodeAt(at - 2) & 0xfc00) === 0xd800;

function isTrue(assertion: Assertion, text: string, at: number, word: CodePointSet): boolean {
  const { length } = text;
  switch (assertion) {
    case 'boundary':
      return isBoundary(text, at, word);
    case 'no-boundary':
      return !isBoundary(text, at, word);
    case 'text-start':
      return at === 0;
    case 'text-end':
      return at === length;
    case 'line-start':
      return at === 0 || text.charCodeAt(at - 1) === 10;
    case 'line-end':
      return at === length || text.charCodeAt(at) === 10;
    case 'last-line-end':
      return at === length || (at === length - 1 && text.charCodeAt(at) === 10);
  }
}

function isBoundary(text: string, at: number, word: CodePointSet): boolean {
  const before = at > 0 && word.has(text.codePointAt(isPairBefore(text, at) ? at - 2 : at - 1)!);
  const after = at < text.length && word.has(text.codePointAt(at)!);
  return before !== after;
}

/** Characters that a match can begin with; `undefined` when they take more than a look to find. */
function firstSet({ op, x, y, sets }: Program): CodePointSet | undefined {
  const found: CodePointSet[] = [];
  const seen = new Set<number>();
  const pending = [0];
  while (pending.length > 0) {
    const pc = pending.pop()!;
    if (seen.has(pc)) continue;
    seen.add(pc);
    switch (op[pc]) {
      case Op.Set:
        found.push(sets[x[pc]!]!);
        break;
      case Op.Split:
        pending.push(x[pc]!, y[pc]!);
        break;
      case Op.Jump:
        pending.push(x[pc]!);
        break;
      case Op.Match:
        return undefined;
      default:
        pending.push(pc + 1);
    }
  }
  return CodePointSet.of(found.flatMap(({ ranges }) => ranges));
}
