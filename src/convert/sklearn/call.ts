import type { PythonValue } from '../../formats/pickle/index.js';
import type { GraphBuilder, Value } from '../graph-builder.js';
import type { ConversionContext } from './context.js';
import type { Methods } from './converter.js';
import type { Estimator } from './estimator.js';
import {
  type Column,
  type ComputedColumn,
  columnsOf,
  densify,
  type Features,
  gatherColumns,
  type Matrix,
  matrix,
  multiply,
  type SparseMatrix,
  type TableColumn,
} from './features.js';
import { type ColumnType, finiteRows, type ReadOptions, withoutInfinities } from './table.js';

export interface MatrixOptions {
  /** NaN is taken, infinities are not. Without it a row with either is refused, as scikit-learn raises. */
  readonly missing?: boolean;
  /** Infinities are taken too: what few estimators do. */
  readonly infinite?: boolean;
  /** The estimator computes with float32, so what float32 cannot hold is refused. The values stay float64. */
  readonly float32?: boolean;
}

export interface ColumnOptions {
  /** A missing value is taken: NaN of numbers, of texts the mark of Python's `nan` or `None`. */
  readonly missing?: 'NaN' | 'None' | undefined;
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
    if (this.input.kind !== 'sparse') return this.matrix(size, options);
    return this.checkSize(this.checkPairs(this.input, options), size);
  }

  /** `input · weights`, the weights [size, width] row-major: [batch, width]. */
  product(weights: Float64Array, width: number): Value {
    return multiply(this.graph, this.numbers(weights.length / width), weights, width);
  }

  /** The input column by column, for estimators that treat each on its own. */
  columns(size?: number): readonly Column[] {
    if (this.input.kind === 'documents') this.estimator.refuse('it takes columns, and its input is one text a row');
    const columns = columnsOf(this.graph, this.input);
    if (size !== undefined && columns.length !== size) {
      this.estimator.refuse(`it was fitted on ${size} features, and its input has ${columns.length}`);
    }
    return columns;
  }

  /** A column as [batch, 1]: of texts, or of float64 for numbers and booleans. @throws estimator-unsupported */
  column(column: Column, type: ColumnType, { missing }: ColumnOptions = {}): Value {
    const { name } = column;
    const finite = missing === undefined;
    if ('table' in column) {
      const value = readColumn(column, type, type === 'text' ? { missing } : { finite });
      if (value !== undefined) return value;
      return this.estimator.refuse(`it reads the column ${name} as ${type}s, and another part of the model does not`);
    }
    if ((column.type === 'text') !== (type === 'text')) {
      this.estimator.refuse(`it reads the column ${name} as ${type}s, and the column holds ${column.type}s`);
    }
    // A category None says what the table held: `nan` would not have come through to here.
    if (missing === 'None') column.source?.table.setMissing(column.source.index, missing);
    if (type === 'text' || !finite) return column.value;
    return this.checkFinite(matrix(column.value, 1, column.finite), {}).value;
  }

  /** The same estimator on another input. */
  within(features: Features): Call {
    return new Call(this.context, this.estimator, features);
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
        return features.finite ? densify(graph, features) : this.checkFinite(densify(graph, features), options);
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
            const run = columns.slice(from, to) as TableColumn[];
            const indices = run.map(({ index }) => index);
            const use = { finite, infinite: options.infinite ?? false, float32: options.float32 ?? false };
            const value = first.table.read(indices, 'number', use) ?? this.readMixed(run, use);
            parts.push(matrix(value, to - from, finite));
          } else {
            if (first.type === 'text') this.estimator.refuse(`it takes numbers, and the column ${first.name} is text`);
            const { origin } = first;
            while (origin !== undefined && to < columns.length && sameMatrix(columns[to]!, origin.matrix)) to++;
            const indices = columns.slice(from, to).map((column) => (column as ComputedColumn).origin?.index ?? 0);
            const value =
              origin === undefined || to - from === 1
                ? first.value
                : gatherColumns(graph, origin.matrix.value, origin.matrix.size, indices);
            parts.push(this.checkFinite(matrix(value, to - from, first.finite), options));
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
  private readMixed(run: readonly TableColumn[], use: ReadOptions): Value {
    const values = run.map((column) => {
      const value = readColumn(column, 'number', use);
      return (
        value ?? this.estimator.refuse(`it takes numbers, and another part of the model reads ${column.name} as text`)
      );
    });
    return this.graph.node('Concat', values, { axis: 1 });
  }

  private checkFinite(features: Matrix, { missing = false, float32 = false, infinite = false }: MatrixOptions): Matrix {
    if (infinite || (features.finite && !float32)) return features;
    const { graph } = this;
    const checked = this.context.once(`${features.value}:${missing}:${float32}`, () => {
      const value = float32
        ? graph.node('Cast', [graph.node('Cast', [features.value], { to: 1 })], { to: 11 })
        : features.value;
      const bound = float32 ? 'infinite or too large for float32' : 'infinite';
      const what = missing ? bound : `missing${float32 ? ', ' : ' or '}${bound}`;
      const ok = missing ? withoutInfinities(graph, value) : finiteRows(graph, value);
      this.guard(ok, `a value that ${this.estimator.name} computes with is ${what}`);
      return { ...features, finite: !missing };
    });
    return checked;
  }

  /** Pairs that came of what may be NaN, an encoder's mark of the unknown say. */
  private checkPairs(features: SparseMatrix, options: MatrixOptions): SparseMatrix {
    const { finite } = this.checkFinite({ ...features, kind: 'matrix', value: features.values }, options);
    return finite === features.finite ? features : { ...features, finite };
  }

  private checkSize<F extends Matrix | SparseMatrix>(features: F, size: number | undefined): F {
    if (size !== undefined && features.size !== size) {
      this.estimator.refuse(`it was fitted on ${size} features, and its input has ${features.size}`);
    }
    return features;
  }
}

/** A column of the table; numbers also where it was read as booleans before, and the other way round. */
function readColumn({ table, index }: TableColumn, type: ColumnType, options: ReadOptions): Value | undefined {
  const value = table.read([index], type, options);
  if (value !== undefined || type === 'text') return value;
  return table.read([index], type === 'number' ? 'boolean' : 'number', options);
}

const sameMatrix = (column: Column, matrix: Matrix) => !('table' in column) && column.origin?.matrix === matrix;
const sameTable = (column: object, table: object) => 'table' in column && column.table === table;
