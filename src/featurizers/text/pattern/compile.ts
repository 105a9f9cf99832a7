import type { CodePointSet } from '../code-point-set.js';
import { type Assertion, type ParsedPattern, PatternError, type PatternNode } from './parse.js';

/** What an instruction does; `x` and `y` are its operands. */
export enum Op {
  /** Takes one character of the set `x`. */
  Set,
  /** Goes on at `x`, and where that fails at `y`. */
  Split,
  /** Goes on at `x`. */
  Jump,
  /** Holds when the assertion `x` does. */
  Assert,
  /** Holds when the look-around `x` does. */
  Look,
  /** Notes where the group begins (`x` 0) or ends (`x` 1). */
  Save,
  Match,
}

export interface Program {
  readonly op: Uint8Array;
  readonly x: Int32Array;
  readonly y: Int32Array;
  /** Number of each `Split`, counted from 0. */
  readonly splitOf: Int32Array;
  readonly splits: number;
  readonly sets: readonly CodePointSet[];
  readonly assertions: readonly Assertion[];
  readonly looks: readonly LookAround[];
  readonly word: CodePointSet;
}

export interface LookAround {
  readonly program: Program;
  readonly negated: boolean;
  /** Characters to step back first; 0 looks ahead. */
  readonly back: number;
  /** The most characters that it takes. */
  readonly width: number;
}

const mostInstructions = 2000;
const mostSplits = 256;
const widestLook = 32;

/** @throws PatternError for what would cost too much, or would not do exactly what Python does */
export function compilePattern(pattern: ParsedPattern): Program {
  if (widthOf(pattern.root)[0] === 0) throw new PatternError('can match nothing, which is not run here');
  return new Compiler(pattern.word).compile(pattern.root);
}

class Compiler {
  private readonly code: [op: Op, x: number, y: number][] = [];
  private readonly sets: CodePointSet[] = [];
  private readonly assertions: Assertion[] = [];
  private readonly looks: LookAround[] = [];

  constructor(private readonly word: CodePointSet) {}

  compile(root: PatternNode): Program {
    this.add(root);
    this.emit(Op.Match);
    const { code, sets, assertions, looks, word } = this;
    const splitOf = new Int32Array(code.length);
    let splits = 0;
    for (const [i, [op]] of code.entries()) if (op === Op.Split) splitOf[i] = splits++;
    if (splits > mostSplits) throw new PatternError(`has more than ${mostSplits} branches`);
    return {
      op: Uint8Array.from(code, ([op]) => op),
      x: Int32Array.from(code, ([, x]) => x),
      y: Int32Array.from(code, ([, , y]) => y),
      splitOf,
      splits,
      sets,
      assertions,
      looks,
      word,
    };
  }

  private emit(op: Op, x = 0, y = 0): number {
    if (this.code.length >= mostInstructions) throw new PatternError('is too long once its repeats are written out');
    return this.code.push([op, x, y]) - 1;
  }

  private get here(): number {
    return this.code.length;
  }

  private add(node: PatternNode): void {
    switch (node.kind) {
      case 'set':
        this.emit(Op.Set, this.sets.push(node.set) - 1);
        return;
      case 'sequence':
        for (const item of node.items) this.add(item);
        return;
      case 'choice':
        this.addChoice(node.options);
        return;
      case 'repeat':
        this.addRepeat(node);
        return;
      case 'group':
        this.emit(Op.Save, 0);
        this.add(node.item);
        this.emit(Op.Save, 1);
        return;
      case 'assertion':
        this.emit(Op.Assert, this.assertions.push(node.assertion) - 1);
        return;
      case 'look':
        this.addLook(node);
    }
  }

  private addChoice(options: readonly PatternNode[]): void {
    const ends: number[] = [];
    for (const [i, option] of options.entries()) {
      const last = i === options.length - 1;
      const split = last ? -1 : this.emit(Op.Split, this.here + 1);
      this.add(option);
      if (last) break;
      ends.push(this.emit(Op.Jump));
      this.code[split]![2] = this.here;
    }
    for (const end of ends) this.code[end]![1] = this.here;
  }

  private addRepeat({ item, least, most, lazy }: Extract<PatternNode, { kind: 'repeat' }>): void {
    // Python ends a repeat whose body took nothing in a way of its own.
    if (widthOf(item)[0] === 0 && most > 1) throw new PatternError('repeats what can match nothing');
    for (let i = 0; i < least; i++) this.add(item);
    if (most === Number.POSITIVE_INFINITY) {
      const split = this.emit(Op.Split);
      this.add(item);
      this.emit(Op.Jump, split);
      this.branch(split, split + 1, this.here, lazy);
      return;
    }
    const splits: number[] = [];
    for (let i = least; i < most; i++) {
      splits.push(this.emit(Op.Split));
      this.add(item);
    }
    for (const split of splits) this.branch(split, split + 1, this.here, lazy);
  }

  private branch(split: number, body: number, exit: number, lazy: boolean): void {
    this.code[split] = [Op.Split, lazy ? exit : body, lazy ? body : exit];
  }

  private addLook({ item, behind, negated }: Extract<PatternNode, { kind: 'look' }>): void {
    const [least, most] = widthOf(item);
    if (behind && least !== most) throw new PatternError('looks back over a width that is not fixed');
    if (most > widestLook) throw new PatternError(`looks over more than ${widestLook} characters`);
    const program = new Compiler(this.word).compile(item);
    this.emit(Op.Look, this.looks.push({ program, negated, back: behind ? most : 0, width: most }) - 1);
  }
}

/** The fewest and the most characters that a node takes. */
export function widthOf(node: PatternNode): readonly [least: number, most: number] {
  switch (node.kind) {
    case 'set':
      return [1, 1];
    case 'assertion':
    case 'look':
      return [0, 0];
    case 'group':
      return widthOf(node.item);
    case 'sequence':
      return node.items.map(widthOf).reduce(([a, b], [c, d]) => [a + c, b + d], [0, 0]);
    case 'choice': {
      const widths = node.options.map(widthOf);
      return [Math.min(...widths.map(([least]) => least)), Math.max(...widths.map(([, most]) => most))];
    }
    case 'repeat': {
      const [least, most] = widthOf(node.item);
      return [least * node.least, most === 0 || node.most === 0 ? 0 : most * node.most];
    }
  }
}
