import type { PythonValue } from '../../formats/pickle/index.js';
import type { GraphBuilder, Value } from '../graph-builder.js';
import type { ConversionContext } from './context.js';
import type { Methods } from './converter.js';
import type { Estimator } from './estimator.js';
import {
  type ComputedColumn,
  densify,
  type Features,
  type Matrix,
  matrix,
  multiply,
  type SparseMatrix,
} from './features.js';
import { finiteRows } from './table.js';

export interface MatrixOptions {
  /** NaN is taken. Without it a row with NaN or an infinity is refused, as scikit-learn raises. */
  readonly missing?: boolean;
  /** The estimator computes with float32, so what float32 cannot hold is refused. The values stay float64. */
  readonly float32?: boolean;
}

/** One estimator on one input: what its converter works with. */
export class Call {
  readonly graph: GraphBuilder;

  constructor(
    readonly context: ConversionContext,
    readonly estimator: Estimator,
    readonly input: Features,
  ) {
    this.graph = context.graph;
  }

  /** The input as numbers, [batch, size]. @throws estimator-unsupported for texts, or when the size is not `size` */
  matrix(size?: number, options: MatrixOptions = {}): Matrix {
    return this.checkSize(this.toMatrix(this.input, options), size);
  }

  /** As `matrix`, but pairs stay pairs: for estimators that only multiply. */
  numbers(size?: number, options: MatrixOptions = {}): Matrix | SparseMatrix {
    return this.input.kind === 'sparse' ? this.checkSize(this.input, size) : this.matrix(size, options);
  }

  /** `input · weights`, the weights [size, width] row-major: [batch, width]. */
  product(weights: Float64Array, width: number): Value {
    return multiply(this.graph, this.numbers(weights.length / width), weights, width);
  }

  /** Converts a part (a step, a base estimator) on `features`. */
  convert(part: PythonValue | undefined, features: Features): Methods {
    return this.context.convert(part, features, this.estimator);
  }

  /** A row where `ok`, bool [batch], is false is refused with `message`. */
  guard(ok: Value, message: string, path = ''): void {
    this.context.guard(ok, path, message);
  }

  /** A constant vector or matrix of float64. */
  floats(data: Float64Array | readonly number[], shape: readonly number[] = [data.length], stem = 'weights'): Value {
    const array = data instanceof Float64Array ? data : Float64Array.from(data);
    return this.graph.constant({ dtype: 'float64', shape, data: array }, stem);
  }

  /** Adds a node. */
  node(operator: string, inputs: readonly Value[], attributes: Parameters<GraphBuilder['node']>[2] = {}): Value {
    return this.graph.node(operator, inputs, attributes);
  }

  /** A scalar constant of float64. */
  scalar(value: number): Value {
    return this.graph.scalar(value, 'float64');
  }

  /** Sum (or another reduction) over `axis`, which is dropped unless `keep`. */
  reduce(
    operator: 'ReduceSum' | 'ReduceMax' | 'ReduceMin' | 'ReduceMean',
    value: Value,
    axis = 1,
    keep = false,
  ): Value {
    return this.graph.node(operator, [value, this.graph.int64s([axis])], { keepdims: keep ? 1 : 0 });
  }

  private toMatrix(features: Features, options: MatrixOptions): Matrix {
    const { graph } = this;
    const finite = options.missing !== true;
    switch (features.kind) {
      case 'sparse':
        return densify(graph, features);
      case 'matrix':
        return this.checkFinite(features, options);
      case 'documents':
        return this.estimator.refuse('it takes numbers, and its input is text');
      case 'frame': {
        const parts: Matrix[] = [];
        const { columns } = features;
        for (let from = 0; from < columns.length; ) {
          const first = columns[from]!;
          let to = from + 1;
          if ('table' in first) {
            while (to < columns.length && sameTable(columns[to]!, first.table)) to++;
            const indices = columns.slice(from, to).map((column) => (column as { index: number }).index);
            const use = { finite, float32: options.float32 ?? false };
            const value = first.table.read(indices, 'number', use) ?? this.readMixed(features, from, to, use);
            parts.push(matrix(value, to - from, finite));
          } else {
            if (first.type === 'text') this.estimator.refuse(`it takes numbers, and the column ${first.name} is text`);
            parts.push(this.checkFinite(matrix(first.value, 1, first.finite), options));
          }
          from = to;
        }
        if (parts.length === 1) return parts[0]!;
        const value = graph.node(
          'Concat',
          parts.map((part) => part.value),
          { axis: 1 },
        );
        return matrix(
          value,
          columns.length,
          parts.every((part) => part.finite),
        );
      }
    }
  }

  /** A run of table columns of which some were read as booleans before. */
  private readMixed(
    features: { readonly columns: readonly ({ readonly name: string } | ComputedColumn)[] },
    from: number,
    to: number,
    use: { finite: boolean; float32: boolean },
  ): Value {
    const values = features.columns.slice(from, to).map((column) => {
      if (!('table' in column)) throw new Error('a run of table columns');
      const { table, index, name } = column as { table: import('./table.js').Table; index: number; name: string };
      const value = table.read([index], 'number', use) ?? table.read([index], 'boolean', use);
      return value ?? this.estimator.refuse(`it takes numbers, and another part of the model reads ${name} as text`);
    });
    return this.graph.node('Concat', values, { axis: 1 });
  }

  private checkFinite(features: Matrix, { missing, float32 }: MatrixOptions): Matrix {
    if (missing || (features.finite && !float32)) return features;
    const { graph } = this;
    const value = float32
      ? graph.node('Cast', [graph.node('Cast', [features.value], { to: 1 })], { to: 11 })
      : features.value;
    const what = float32 ? 'missing, infinite or too large for float32' : 'missing or infinite';
    this.guard(finiteRows(graph, value), `a value that ${this.estimator.name} computes with is ${what}`);
    return { ...features, finite: true };
  }

  private checkSize<F extends Matrix | SparseMatrix>(features: F, size: number | undefined): F {
    if (size !== undefined && features.size !== size) {
      this.estimator.refuse(`it was fitted on ${size} features, and its input has ${features.size}`);
    }
    return features;
  }
}

const sameTable = (column: object, table: object) => 'table' in column && column.table === table;
