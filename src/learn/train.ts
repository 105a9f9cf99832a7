/** From rows of numbers and a target to a model that is complete: graph, signature, where it comes from. */
import { GraphBuilder, type Value } from '../convert/graph-builder.js';
import type { Conversion, TensorSpec } from '../signature.js';
import type { Tensor } from '../tensor.js';
import { version } from '../version.js';
import type { Labels } from './labels.js';
import { fitLinearRegression } from './linear-regression.js';
import type { Matrix } from './matrix.js';
import { addKnnClassifier, addKnnRegressor, type NeighbourSettings } from './neighbours.js';

export interface Names {
  /** Of the columns of X, in order. */
  readonly features: readonly string[];
  readonly target: string;
}

/** What training found out, for people. */
export interface Trained {
  readonly model: Conversion;
  readonly facts: Readonly<Record<string, unknown>>;
}

/** Inputs and outputs are float64: `X` [batch, columns] → `predict` [batch]. */
export function trainLinearRegression(x: Matrix, y: Float64Array, names: Names): Trained {
  const { coefficients, intercept, rank } = fitLinearRegression(x, y);
  const model = build('LinearRegression', names, (graph, input) => {
    const weights = { dtype: 'float64', shape: [x.columns], data: coefficients } as const;
    const product = graph.node('MatMul', [input, graph.constant(weights, 'coefficients')]);
    return [[predictNumber, graph.node('Add', [product, graph.scalar(intercept, 'float64')])]];
  });
  return {
    model,
    facts: {
      coefficients: Object.fromEntries(names.features.map((name, j) => [name, coefficients[j]])),
      intercept,
      rank,
    },
  };
}

/** `X` [batch, columns] → `predict` [batch], both float64. `settings.neighbours` is at most the rows of `x`. */
export function trainKnnRegressor(x: Matrix, y: Float64Array, names: Names, settings: NeighbourSettings): Trained {
  const model = build('KNeighborsRegressor', names, (graph, input) => [
    [predictNumber, addKnnRegressor(graph, input, { x, y, ...settings })],
  ]);
  return { model, facts: { ...settings } };
}

/** `X` [batch, columns] float64 → `predict` [batch], of the labels' type, and `predict_proba` [batch, classes]. */
export function trainKnnClassifier(x: Matrix, labels: Labels, names: Names, settings: NeighbourSettings): Trained {
  const { classes, names: columns } = labels;
  const model = build('KNeighborsClassifier', names, (graph, input) => {
    const { index, probabilities } = addKnnClassifier(graph, input, { x, labels, ...settings });
    return [
      [{ name: 'predict', dtype: classes.dtype, shape: [null] }, pickLabel(graph, classes, index)],
      [{ name: 'predict_proba', dtype: 'float64', shape: [null, columns.length], columns }, probabilities],
    ];
  });
  return { model, facts: { ...settings, classes: columns } };
}

const predictNumber: TensorSpec = { name: 'predict', dtype: 'float64', shape: [null] };

/** Gather is not there for booleans everywhere, so they are picked as integers. */
function pickLabel(graph: GraphBuilder, classes: Tensor, index: Value): Value {
  if (classes.dtype !== 'bool') return graph.node('Gather', [graph.constant(classes, 'labels'), index]);
  const integers = BigInt64Array.from(classes.data as Uint8Array, BigInt);
  const picked = graph.node('Gather', [
    graph.constant({ ...classes, dtype: 'int64', data: integers }, 'labels'),
    index,
  ]);
  return graph.node('Cast', [picked], { to: 9 });
}

function build(
  estimator: string,
  { features, target }: Names,
  compute: (graph: GraphBuilder, input: Value) => readonly (readonly [TensorSpec, Value])[],
): Conversion {
  const graph = new GraphBuilder(estimator);
  const input: TensorSpec = { name: 'X', dtype: 'float64', shape: [null, features.length], columns: features };
  const outputs = compute(graph, graph.input(input));
  for (const [spec, value] of outputs) graph.output(spec, value);
  return {
    graph: graph.build(),
    signature: { inputs: [input], outputs: outputs.map(([spec]) => spec) },
    provenance: {
      format: 'onnx',
      library: 'vitrina',
      libraryVersion: version,
      target,
      components: [estimator],
      notes: [],
    },
  };
}
