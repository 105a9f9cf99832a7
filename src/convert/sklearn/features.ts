/**
 * What flows between estimators while a graph is built.
 *
 * - **matrix**: numbers, [batch, size], float64. **finite**: no NaN or infinity can be in it.
 * - **sparse**: the same as (index, value) pairs, each [batch, pairs], filled up with index 0 and value 0. What text
 *   becomes: 30,000 words would make a dense row of 240 kB. **finite** as of a matrix.
 * - **frame**: columns, each of numbers or of texts, as a data frame or an array of objects has them.
 * - **documents**: texts, one a row, that only a vectorizer reads. `input` is the signature's input.
 */
import { VitrinaError } from '../../errors.js';
import type { GraphBuilder, Value } from '../graph-builder.js';
import type { ColumnType, Table } from './table.js';

export type Features = Matrix | SparseMatrix | Frame | Documents;

export interface Matrix {
  readonly kind: 'matrix';
  readonly value: Value;
  readonly size: number;
  readonly finite: boolean;
  /** One whole number a row, which is given back as int64 [batch]: an encoded label. */
  readonly isLabel?: true;
  /** One number a row, which is given back as [batch]. */
  readonly isVector?: true;
}

export interface SparseMatrix {
  readonly kind: 'sparse';
  readonly indices: Value;
  readonly values: Value;
  readonly size: number;
  readonly finite: boolean;
}

export interface Frame {
  readonly kind: 'frame';
  readonly columns: readonly Column[];
}

export interface Documents {
  readonly kind: 'documents';
  /** Name of the input of the signature, a string [batch]. */
  readonly input: string;
}

/** A column of the caller's table, not read yet: who reads it first decides what it holds. */
export interface TableColumn {
  readonly table: Table;
  readonly index: number;
  readonly name: string;
}

/** A column that the graph computes, [batch, 1]. */
export interface ComputedColumn {
  readonly name: string;
  readonly type: ColumnType;
  readonly value: Value;
  readonly finite: boolean;
  /** The matrix that it is column `index` of: neighbours are taken from there in one piece. */
  readonly origin?: { readonly matrix: Matrix; readonly index: number };
  /** The column of the table that it was made of, as far as missing texts go. */
  readonly source?: TableColumn | undefined;
}

export type Column = TableColumn | ComputedColumn;

export const matrix = (value: Value, size: number, finite: boolean): Matrix => ({
  kind: 'matrix',
  value,
  size,
  finite,
});

/** Number of columns, NaN where it is not known; documents are one. */
export function widthOf(features: Features): number {
  if (features.kind === 'frame') return features.columns.length;
  return features.kind === 'documents' ? 1 : features.size;
}

/** Columns by position, in the order given. */
export function selectColumns(graph: GraphBuilder, features: Features, indices: readonly number[]): Features {
  switch (features.kind) {
    case 'frame':
      return { kind: 'frame', columns: indices.map((index) => features.columns[index]!) };
    case 'matrix':
      return { ...features, value: gatherColumns(graph, features.value, features.size, indices), size: indices.length };
    case 'sparse':
      return new Set(indices).size === indices.length
        ? selectPairs(graph, features, indices)
        : selectColumns(graph, densify(graph, features), indices);
    case 'documents':
      return features;
  }
}

/** Pairs of the columns given, each at most once: the others become zeros. */
function selectPairs(
  graph: GraphBuilder,
  { indices, values, size, finite }: SparseMatrix,
  kept: readonly number[],
): SparseMatrix {
  const table = new BigInt64Array(size);
  const isKept = new Uint8Array(size);
  for (const [place, index] of kept.entries()) {
    table[index] = BigInt(place);
    isKept[index] = 1;
  }
  const places = graph.constant({ dtype: 'int64', shape: [size], data: table }, 'places');
  const marks = graph.constant({ dtype: 'bool', shape: [size], data: isKept }, 'kept');
  return {
    kind: 'sparse',
    indices: graph.node('Gather', [places, indices]),
    values: graph.node('Where', [graph.node('Gather', [marks, indices]), values, graph.scalar(0, 'float64')]),
    size: kept.length,
    finite,
  };
}

/** [batch, size] → [batch, indices.length]. */
export function gatherColumns(graph: GraphBuilder, value: Value, size: number, indices: readonly number[]): Value {
  if (indices.length === size && indices.every((index, i) => index === i)) return value;
  return graph.node('Gather', [value, graph.int64s(indices, 'columns')], { axis: 1 });
}

/** Side by side. Columns of text make a frame of the whole; otherwise the result is a matrix, sparse if any part is. */
export function concatenate(graph: GraphBuilder, parts: readonly Features[]): Features {
  if (parts.length === 1) return parts[0]!;
  if (parts.some(({ kind }) => kind === 'frame' || kind === 'documents')) {
    return { kind: 'frame', columns: parts.flatMap((part) => columnsOf(graph, part)) };
  }
  if (parts.some(({ kind }) => kind === 'sparse')) return concatenateSparse(graph, parts as (Matrix | SparseMatrix)[]);
  const matrices = parts as Matrix[];
  const size = matrices.reduce((sum, part) => sum + part.size, 0);
  const values = matrices.filter((part) => part.size > 0).map(({ value }) => value);
  return matrix(
    graph.node('Concat', values, { axis: 1 }),
    size,
    matrices.every(({ finite }) => finite),
  );
}

function concatenateSparse(graph: GraphBuilder, parts: readonly (Matrix | SparseMatrix)[]): SparseMatrix {
  let size = 0;
  const indices: Value[] = [];
  const values: Value[] = [];
  for (const part of parts) {
    if (part.size === 0) continue;
    const own = part.kind === 'sparse' ? part : sparsify(graph, part);
    const shift = graph.constant({ dtype: 'int64', shape: [], data: BigInt64Array.of(BigInt(size)) }, 'shift');
    indices.push(size === 0 ? own.indices : graph.node('Add', [own.indices, shift]));
    values.push(own.values);
    size += part.size;
  }
  return {
    kind: 'sparse',
    indices: graph.node('Concat', indices, { axis: 1 }),
    values: graph.node('Concat', values, { axis: 1 }),
    size,
    finite: parts.every((part) => part.finite),
  };
}

/** A matrix as pairs, one for every column. */
function sparsify(graph: GraphBuilder, { value, size, finite }: Matrix): SparseMatrix {
  const columns = graph.constant(
    { dtype: 'int64', shape: [1, size], data: BigInt64Array.from({ length: size }, (_, i) => BigInt(i)) },
    'columns',
  );
  const indices = graph.node('Expand', [columns, graph.node('Shape', [value])]);
  return { kind: 'sparse', indices, values: value, size, finite };
}

/** A row of more numbers than this is not laid out: 2 MB, and as many in an answer. */
const widest = 2 ** 18;

/** Pairs as a matrix. @throws model-unsupported when its rows would be too wide */
export function densify(graph: GraphBuilder, { indices, values, size, finite }: SparseMatrix): Matrix {
  if (size > widest) {
    throw new VitrinaError('model-unsupported', {
      what: `A step of the model lays out rows of ${size} numbers, and ${widest} are the most`,
      next: 'serve the vectorizer with a model that reads its output sparse (linear, naive Bayes), or fit it with fewer features',
    });
  }
  const batch = graph.node('Shape', [values], { end: 1 });
  const shape = graph.node('Concat', [batch, graph.int64s([size])], { axis: 0 });
  const zeros = graph.node('Expand', [graph.scalar(0, 'float64'), shape]);
  const value = graph.node('ScatterElements', [zeros, indices, values], { axis: 1, reduction: 'add' });
  return matrix(value, size, finite);
}

/** A column of a matrix; its node is added when somebody asks for it. */
class MatrixColumn implements ComputedColumn {
  readonly name: string;
  readonly type = 'number';
  readonly finite: boolean;
  readonly origin: { readonly matrix: Matrix; readonly index: number };
  private own: Value | undefined;

  constructor(
    private readonly graph: GraphBuilder,
    matrix: Matrix,
    index: number,
  ) {
    this.name = `x${index}`;
    this.finite = matrix.finite;
    this.origin = { matrix, index };
  }

  get value(): Value {
    const { matrix, index } = this.origin;
    this.own ??= gatherColumns(this.graph, matrix.value, matrix.size, [index]);
    return this.own;
  }
}

/** As columns of a frame. */
export function columnsOf(graph: GraphBuilder, features: Features): readonly Column[] {
  switch (features.kind) {
    case 'frame':
      return features.columns;
    case 'sparse':
      return columnsOf(graph, densify(graph, features));
    case 'documents':
      throw new Error('documents are no columns');
    case 'matrix':
      return Array.from({ length: features.size }, (_, index) => new MatrixColumn(graph, features, index));
  }
}

/**
 * `features · weights`, the weights [size, width] row-major: [batch, width]. Sparse features read only the rows of the
 * weights that they have.
 */
export function multiply(
  graph: GraphBuilder,
  features: Matrix | SparseMatrix,
  weights: Float64Array,
  width: number,
  stem = 'weights',
): Value {
  const constant = graph.constant({ dtype: 'float64', shape: [features.size, width], data: weights }, stem);
  // Not MatMul: ONNX Runtime folds a factor before or behind that into an attribute that is a float32.
  if (features.kind === 'matrix') return graph.node('Gemm', [features.value, constant]);
  const ofRow = (g: GraphBuilder, indices: Value, values: Value, axis: number) => {
    const rows = g.node('Gather', [constant, indices], { axis: 0 });
    const wide = g.node('Unsqueeze', [values, g.int64s([axis])]);
    return g.node('Squeeze', [g.node('MatMul', [wide, rows]), g.int64s([axis])]);
  };
  if (width <= mostColumns) return ofRow(graph, features.indices, features.values, 1);
  // Every pair takes a row of the weights: for a whole batch at once they would be too many.
  const body = graph.subgraph('row', (g) => {
    const indices = g.parameter('indices', 'int64');
    g.result(ofRow(g, indices, g.parameter('values', 'float64'), 0), 'float64');
  });
  return graph.node('Scan', [features.indices, features.values], { body, num_scan_inputs: 2 });
}

const mostColumns = 16;
