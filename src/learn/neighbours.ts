import type { GraphBuilder, Value } from '../convert/graph-builder.js';
import type { Labels } from './labels.js';
import type { Matrix } from './matrix.js';

export interface NeighbourSettings {
  /** How many of the nearest rows decide; at most the rows that there are. */
  readonly neighbours: number;
  /** Each counts the same, or by the inverse of its distance. */
  readonly weights: 'uniform' | 'distance';
}

/** Nearest neighbours learn by keeping the rows; what they answer is computed from them. */
export interface KnnRegressor extends NeighbourSettings {
  readonly x: Matrix;
  /** [rows] */
  readonly y: Float64Array;
}

export interface KnnClassifier extends NeighbourSettings {
  readonly x: Matrix;
  readonly labels: Labels;
}

/**
 * Adds the prediction of scikit-learn's `KNeighborsRegressor` to `graph`: `input` [batch, columns] float64 → [batch].
 * Reference: sklearn/neighbors/_regression.py.
 */
export function addKnnRegressor(graph: GraphBuilder, input: Value, model: KnnRegressor): Value {
  const { distances, rows } = nearest(graph, input, model);
  const y = graph.constant({ dtype: 'float64', shape: [model.y.length], data: model.y }, 'targets');
  const targets = graph.node('Gather', [y, rows]);
  const along = graph.int64s([1]);
  if (model.weights === 'uniform') return graph.node('ReduceMean', [targets, along], { keepdims: 0 });
  const weights = inverseDistances(graph, distances);
  const sum = graph.node('ReduceSum', [graph.node('Mul', [targets, weights]), along], { keepdims: 0 });
  return graph.node('Div', [sum, graph.node('ReduceSum', [weights, along], { keepdims: 0 })]);
}

/**
 * Adds the prediction of scikit-learn's `KNeighborsClassifier`: the index of the class, int64 [batch], the first of
 * those with most votes, and the probabilities, [batch, classes].
 * Reference: sklearn/neighbors/_classification.py.
 */
export function addKnnClassifier(
  graph: GraphBuilder,
  input: Value,
  model: KnnClassifier,
): { readonly index: Value; readonly probabilities: Value } {
  const { distances, rows } = nearest(graph, input, model);
  const { codes, classes } = model.labels;
  const count = classes.shape[0]!;
  const ofRows = { dtype: 'int64', shape: [codes.length], data: BigInt64Array.from(codes, BigInt) } as const;
  const every = {
    dtype: 'int64',
    shape: [count],
    data: BigInt64Array.from({ length: count }, (_, i) => BigInt(i)),
  } as const;
  const neighbours = graph.node('Unsqueeze', [
    graph.node('Gather', [graph.constant(ofRows, 'codes'), rows]),
    graph.int64s([2]),
  ]);
  // [batch, neighbours, classes]: 1 where a neighbour is of a class.
  let votes = graph.node('Cast', [graph.node('Equal', [neighbours, graph.constant(every, 'classes')])], { to: 11 });
  if (model.weights === 'distance') {
    votes = graph.node('Mul', [
      votes,
      graph.node('Unsqueeze', [inverseDistances(graph, distances), graph.int64s([2])]),
    ]);
  }
  const sums = graph.node('ReduceSum', [votes, graph.int64s([1])], { keepdims: 0 });
  const total = graph.node('ReduceSum', [sums, graph.int64s([1])], { keepdims: 1 });
  return {
    index: graph.node('ArgMax', [sums], { axis: 1, keepdims: 0 }),
    probabilities: graph.node('Div', [sums, total]),
  };
}

/**
 * The squared distances to the nearest rows and their places, both [batch, neighbours], nearest first; of rows equally
 * far the one that comes first. Squares are summed column by column, in the order of scikit-learn's k-d tree, so that
 * distances are equal to the last bit. One caller's row is done at a time: memory stays that of the training rows.
 */
function nearest(graph: GraphBuilder, input: Value, { x, neighbours }: KnnRegressor | KnnClassifier) {
  const transposed = new Float64Array(x.data.length);
  for (let i = 0; i < x.rows; i++) {
    for (let j = 0; j < x.columns; j++) transposed[j * x.rows + i] = x.data[i * x.columns + j]!;
  }
  const train = graph.constant({ dtype: 'float64', shape: [x.columns, x.rows], data: transposed }, 'train');
  const count = graph.int64s([neighbours], 'neighbours');
  const body = graph.subgraph('row', (inner) => {
    const row = inner.node('Unsqueeze', [inner.parameter('row', 'float64'), inner.int64s([1])]);
    const difference = inner.node('Sub', [train, row]);
    const squares = inner.node('Mul', [difference, difference]);
    const sums = inner.node('ReduceSum', [squares, inner.int64s([0])], { keepdims: 0 });
    const [squared, place] = inner.multi('TopK', [sums, count], { axis: 0, largest: 0, sorted: 1 }, { outputs: 2 });
    inner.result(squared!, 'float64');
    inner.result(place!, 'int64');
  });
  const [distances, rows] = graph.multi('Scan', [input], { body, num_scan_inputs: 1 }, { outputs: 2 });
  return { distances: distances!, rows: rows! };
}

/** Weights [batch, neighbours] from squared distances; where one is 0, those at 0 count and no others. */
function inverseDistances(graph: GraphBuilder, squared: Value): Value {
  const zero = graph.scalar(0, 'float64');
  const here = graph.node('Cast', [graph.node('Equal', [squared, zero])], { to: 11 });
  const any = graph.node('Greater', [graph.node('ReduceMax', [here, graph.int64s([1])], { keepdims: 1 }), zero]);
  return graph.node('Where', [
    any,
    here,
    graph.node('Div', [graph.scalar(1, 'float64'), graph.node('Sqrt', [squared])]),
  ]);
}
