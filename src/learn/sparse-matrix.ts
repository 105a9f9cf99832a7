import type { FeatureSink } from '../featurizers/sparse-rows.js';

/** A matrix whose rows hold few values other than 0: those of row i are at `starts[i]` to `starts[i + 1]`. */
export interface SparseMatrix {
  readonly columns: number;
  /** [rows + 1] */
  readonly starts: Int32Array;
  /** Columns, ascending in each row. */
  readonly indices: Int32Array;
  readonly values: Float64Array;
}

/** Takes the features of one row after the other. */
export class SparseMatrixBuilder implements FeatureSink {
  private readonly starts = [0];
  private readonly indices: number[] = [];
  private readonly values: number[] = [];

  add(index: number, value: number): void {
    this.indices.push(index);
    this.values.push(value);
  }

  endRow(): void {
    this.starts.push(this.indices.length);
  }

  build(columns: number): SparseMatrix {
    const { starts, indices, values } = this;
    return {
      columns,
      starts: Int32Array.from(starts),
      indices: Int32Array.from(indices),
      values: Float64Array.from(values),
    };
  }
}
