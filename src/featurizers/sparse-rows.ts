import type { Tensor } from '../tensor.js';

/** The most pairs of a batch: 64 MB. */
const mostPairs = 2 ** 22;

/** Takes the features of a row. */
export interface FeatureSink {
  /** An index comes at most once a row. */
  add(index: number, value: number): void;
}

/** Rows of (index, value) pairs under construction. */
export class SparseRows implements FeatureSink {
  private readonly rows: { indices: number[]; values: number[] }[] = [];
  private indices: number[] = [];
  private values: number[] = [];

  add(index: number, value: number): void {
    this.indices.push(index);
    this.values.push(value);
  }

  endRow(): void {
    this.rows.push({ indices: this.indices, values: this.values });
    this.indices = [];
    this.values = [];
  }

  /**
   * Both [rows, widest row], at least one wide; filled up with index 0 and value 0.
   * @throws RangeError when that is too much: one long row widens all others
   */
  toTensors(indices: string, values: string): Record<string, Tensor> {
    const width = this.rows.reduce((widest, row) => Math.max(widest, row.indices.length), 1);
    const shape = [this.rows.length, width];
    const size = this.rows.length * width;
    if (size > mostPairs) {
      throw new RangeError(
        `${this.rows.length} rows with up to ${width} features each are too many at once; send the longest alone`,
      );
    }
    // Written as pairs of 32 bits, low half first: a BigInt for every index would cost more than all the rest.
    const halves = new Int32Array(size * 2);
    const allValues = new Float64Array(size);
    for (const [i, row] of this.rows.entries()) {
      for (let j = 0, at = i * width; j < row.indices.length; j++, at++) {
        halves[at * 2] = row.indices[j]!;
        allValues[at] = row.values[j]!;
      }
    }
    return {
      [indices]: { dtype: 'int64', shape, data: new BigInt64Array(halves.buffer) },
      [values]: { dtype: 'float64', shape, data: allValues },
    };
  }
}
