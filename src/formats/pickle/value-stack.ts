import type { Cursor } from './cursor.js';
import { type Budget, malformed, overLimit } from './limits.js';
import type { PythonValue } from './values.js';

/** Values on the stack at once. CPython puts down a thousand at a time, but for the items of a tuple. */
const maxHeight = 4_000_000;

/** The stack of the machine, with its marks: nothing below the last mark may be taken. */
export class ValueStack {
  private readonly values: PythonValue[] = [];
  private readonly marks: number[] = [];
  /** The height at the last mark. */
  private fence = 0;

  constructor(
    private readonly cursor: Cursor,
    private readonly budget: Budget,
  ) {}

  /** Whether neither values nor marks are left. */
  get isEmpty(): boolean {
    return this.values.length === 0 && this.marks.length === 0;
  }

  /** Puts down a value that was charged where it was made. */
  push(value: PythonValue): void {
    this.values.push(value);
  }

  /** Puts down a value that costs nothing but its place. @throws artefact-over-limit */
  pushShared(value: PythonValue): void {
    const height = this.values.push(value);
    if (height > maxHeight) throw overLimit('pickle', 'values on the stack', height, maxHeight, 'count');
  }

  /** @throws artefact-malformed when there is none above the last mark, as `peek` does */
  pop(): PythonValue {
    if (this.values.length <= this.fence) throw this.missing('a value');
    return this.values.pop()!;
  }

  peek(): PythonValue {
    if (this.values.length <= this.fence) throw this.missing('a value');
    return this.values.at(-1)!;
  }

  /** Puts `value` in the place of the uppermost. */
  replace(value: PythonValue): void {
    this.pop();
    this.values.push(value);
  }

  mark(): void {
    this.budget.charge(32);
    this.fence = this.values.length;
    this.marks.push(this.fence);
  }

  /** Takes off the last mark and all above it. @throws artefact-malformed when there is no mark */
  popToMark(): PythonValue[] {
    if (this.marks.length === 0) throw this.missing('a mark');
    const items = this.values.splice(this.fence);
    this.budget.object(48 + items.length * 8);
    this.dropMark();
    return items;
  }

  /** Takes off a value; a mark on top counts as one, as in CPython. */
  popAny(): void {
    if (this.marks.length > 0 && this.values.length === this.fence) this.dropMark();
    else this.pop();
  }

  /** Forgets the last mark and all above it. @throws artefact-malformed when there is no mark */
  dropToMark(): void {
    this.values.length = this.fence;
    this.dropMark();
  }

  private dropMark(): void {
    if (this.marks.pop() === undefined) throw this.missing('a mark');
    this.fence = this.marks.at(-1) ?? 0;
  }

  private missing(what: string) {
    return malformed('pickle', `an opcode takes ${what} that is not there`, this.cursor.position);
  }
}
