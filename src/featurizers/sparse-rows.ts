import type { Tensor } from '../tensor.js';

/** Rows of (index, value) pairs under construction. */
export class SparseRows {
  private readonly rows: { indices: number[]; values: number[] }[] = [];
  private indices: number[] = [];
  private values: number[] = [];

  /** Adds a feature to the current row; an index comes at most once a row. */
  add(index: number, value: number): void {
    this.indices.push(index);
    this.values.push(value);
  }

  endRow(): void {
    this.rows.push({ indices: this.indices, values: this.values });
    this.indices = [];
    this.values = [];
  }

  /** Both [rows, widest row], at least one wide; filled up with index 0 and value 0. */
  toTensors(indices: string, values: string): Record<string, Tensor> {
    const width = this.rows.reduce((widest, row) => Math.max(widest, row.indices.length), 1);
    const shape = [this.rows.length, width];
    const allIndices = new BigInt64Array(this.rows.length * width);
    const allValues = new Float64Array(this.rows.length * width);
    for (const [i, row] of this.rows.entries()) {
      for (let j = 0; j < row.indices.length; j++) {
        allIndices[i * width + j] = BigInt(row.indices[j]!);
        allValues[i * width + j] = row.values[j]!;
      }
    }
    return {
      [indices]: { dtype: 'int64', shape, data: allIndices },
      [values]: { dtype: 'float64', shape, data: allValues },
    };
  }
}
