import type { PythonValue } from './values.js';

/** Pickles number their memo from 0 upwards; places out of order are allowed and cost more. */
export class Memo {
  private readonly dense: PythonValue[] = [];
  private readonly sparse = new Map<number, PythonValue>();

  get size(): number {
    return this.dense.length + this.sparse.size;
  }

  set(index: number, value: PythonValue): void {
    if (index < this.dense.length) this.dense[index] = value;
    else if (index === this.dense.length && !this.sparse.has(index)) this.dense.push(value);
    else this.sparse.set(index, value);
  }

  get(index: number): PythonValue | undefined {
    return index < this.dense.length ? this.dense[index] : this.sparse.get(index);
  }

  /** True when the next value is not at the end. */
  isSparse(index: number): boolean {
    return index > this.dense.length;
  }
}
