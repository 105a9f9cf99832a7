import type { Value } from '../../graph-builder.js';
import type { Call } from '../call.js';
import { argMax, classifier, logNormalised, normalised } from '../classification.js';
import { matrixInput } from '../context.js';
import type { EstimatorConverter } from '../converter.js';
import { type Numbers, toNumbers } from '../estimator.js';
import { gatherColumns } from '../features.js';

/**
 * [batch, n] → log-likelihoods `-½ (‖(x - mean) · rotation / √scaling‖² + Σ log scaling) + log prior` a class;
 * decision_function is those, or their difference for two classes.
 */
export const quadraticDiscriminantAnalysis: EstimatorConverter = {
  className: 'sklearn.discriminant_analysis.QuadraticDiscriminantAnalysis',
  parameters: [
    ...['priors', 'reg_param', 'store_covariance', 'store_covariances', 'tol', 'covariance_estimator', 'shrinkage'],
    'solver',
  ],
  input: matrixInput('means_'),
  convert(call) {
    const { estimator, graph } = call;
    const classes = estimator.labels('classes_');
    const count = classes.shape[0]!;
    let values: Value | undefined;
    const likelihoods = () => {
      values ??= toLikelihoods(call, count);
      return values;
    };
    let logarithms: Value | undefined;
    const logarithmsOnce = () => {
      logarithms ??= logNormalised(call, likelihoods());
      return logarithms;
    };
    const column = (index: number) => gatherColumns(graph, likelihoods(), count, [index]);
    const scores = () =>
      count === 2 ? call.node('Squeeze', [call.node('Sub', [column(1), column(0)]), graph.int64s([1])]) : likelihoods();
    const parts = { classes, scores, index: () => argMax(call, likelihoods()) };
    // Since 1.6 logarithms come first, and what is too improbable for a float has one.
    if (estimator.since([1, 6])) {
      const probabilities = () => call.node('Exp', [logarithmsOnce()]);
      return classifier(call, { ...parts, probabilities, logProbabilities: logarithmsOnce });
    }
    return classifier(call, { ...parts, probabilities: () => exponentials(call, likelihoods()) });
  },
};

function exponentials(call: Call, likelihoods: Value): Value {
  const highest = call.reduce('ReduceMax', likelihoods, 1, true);
  return normalised(call, call.node('Exp', [call.node('Sub', [likelihoods, highest])]));
}

function toLikelihoods(call: Call, count: number): Value {
  const { estimator } = call;
  const means = estimator.matrix('means_', count);
  const size = means.columns;
  const priors = estimator.vector('priors_', count);
  const rotations = readList(call, 'rotations_', count);
  const scalings = readList(call, 'scalings_', count);
  const { value } = call.matrix(size);
  const columns = Array.from({ length: count }, (_, i) => {
    const scaling = scalings[i]!.data;
    const rank = scaling.length;
    const { data, shape } = rotations[i]!;
    if (shape[0] !== size || shape[1] !== rank) estimator.refuse('rotations_ and scalings_ do not fit together');
    const weights = data.map((item, k) => item * scaling[k % rank]! ** -0.5);
    const centred = call.node('Sub', [value, call.floats(means.data.slice(i * size, (i + 1) * size))]);
    const turned = call.node('Gemm', [centred, call.floats(weights, [size, rank])]);
    return call.reduce('ReduceSum', call.node('Mul', [turned, turned]), 1, true);
  });
  const logs = scalings.map(({ data }) => data.reduce((sum, item) => sum + Math.log(item), 0));
  const norms = call.node('Add', [call.node('Concat', columns, { axis: 1 }), call.floats(logs)]);
  return call.node('Add', [call.node('Mul', [call.scalar(-0.5), norms]), call.floats(priors.map(Math.log))]);
}

/** One array of numbers a class. */
function readList(call: Call, name: string, count: number): Numbers[] {
  const { estimator } = call;
  const items = estimator.list(name).map(toNumbers);
  if (items.length !== count || items.includes(undefined)) {
    estimator.refuse(`${name} should be ${count} arrays of numbers`);
  }
  return items as Numbers[];
}
