import type { Value } from '../../graph-builder.js';
import type { Call } from '../call.js';
import { argMax, classifier } from '../classification.js';
import { nearestCentre } from '../cluster/centres.js';
import { matrixInput } from '../context.js';
import type { EstimatorConverter } from '../converter.js';
import { eachRow } from '../each-row.js';
import { squaredDifferences } from '../kernels/distances.js';
import { distances, readMetric } from '../kernels/metric.js';
import { pickLabel } from '../labels.js';

/**
 * [batch, n] → predict: the class of the nearest of `centroids_`. Since 1.6 there are scores as well: the negative
 * squares of the distances, in units of the deviation within the classes, and twice the logarithms of the priors.
 */
export const nearestCentroid: EstimatorConverter = {
  className: 'sklearn.neighbors._nearest_centroid.NearestCentroid',
  parameters: ['metric', 'shrink_threshold', 'priors'],
  input: matrixInput('centroids_'),
  convert(call) {
    const { estimator } = call;
    const classes = estimator.labels('classes_');
    const count = classes.shape[0]!;
    const centroids = estimator.matrix('centroids_', count);
    const metric = readMetric(estimator, estimator.get('metric'));
    const nearest = (): Value => {
      if (metric.kind === 'euclidean') return nearestCentre(call, centroids);
      const [all] = eachRow(
        call.graph,
        call.matrix(centroids.columns).value,
        centroids.data.length,
        ['float64'],
        (g, x) => [distances(g, x, centroids, metric)],
      );
      return call.node('ArgMin', [all!], { axis: 1, keepdims: 0 });
    };
    if (!estimator.has('class_prior_')) {
      return { classes, predict: () => pickLabel(call.graph, classes, nearest()) };
    }
    const priors = estimator.vector('class_prior_', count);
    const uniform = priors.every((prior) => Math.abs(prior - 1 / count) <= 1e-8 + 1e-5 / count);
    if (metric.kind !== 'euclidean') {
      if (!uniform) estimator.refuse('it has priors and a metric that is not euclidean, which is not known here');
      return { classes, predict: () => pickLabel(call.graph, classes, nearest()) };
    }
    let scores: Value | undefined;
    const scoresOnce = () => {
      scores ??= discriminantScores(call, priors);
      return scores;
    };
    let logarithms: Value | undefined;
    const logarithmsOnce = () => {
      logarithms ??= logShares(call, scoresOnce());
      return logarithms;
    };
    const index = uniform ? nearest : () => argMax(call, scoresOnce());
    return classifier(call, {
      classes,
      scores: () => (count === 2 ? secondMinusFirst(call, scoresOnce()) : scoresOnce()),
      index,
      probabilities: () => call.node('Exp', [logarithmsOnce()]),
      logProbabilities: logarithmsOnce,
    });
  },
};

/** [batch, classes] */
function discriminantScores(call: Call, priors: Float64Array): Value {
  const { estimator } = call;
  const { data, rows, columns } = estimator.matrix('centroids_');
  // A feature that does not deviate keeps its unit.
  const deviation = estimator.vector('within_class_std_dev_', columns).map((value) => (value === 0 ? 1 : value));
  const x = call.node('Div', [call.matrix(columns).value, call.floats(deviation)]);
  const centroids = { data: data.map((value, i) => value / deviation[i % columns]!), rows, columns };
  const offsets = priors.map((prior) => 2 * Math.log(prior));
  return call.node('Sub', [call.floats(offsets), squaredDifferences(call, x, centroids)]);
}

function secondMinusFirst(call: Call, scores: Value): Value {
  const column = (i: number) =>
    call.node('Squeeze', [call.node('Gather', [scores, call.graph.int64s([i])], { axis: 1 }), call.graph.int64s([1])]);
  return call.node('Sub', [column(1), column(0)]);
}

/** Logarithms of the softmax. */
function logShares(call: Call, scores: Value): Value {
  const likelihood = call.node('Sub', [scores, call.reduce('ReduceMax', scores, 1, true)]);
  const sum = call.reduce('ReduceSum', call.node('Exp', [likelihood]), 1, true);
  return call.node('Sub', [likelihood, call.node('Log', [sum])]);
}
