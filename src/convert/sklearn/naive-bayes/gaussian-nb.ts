import { matrixInput } from '../context.js';
import { againstPoints } from '../kernels/distances.js';
import { bayesClassifier } from './bayes.js';

/** [batch, n] → `log prior - ½ Σ log 2πσ² - ½ Σ (x - θ)² / σ²` a class. */
export const gaussianNB = bayesClassifier(
  'GaussianNB',
  ['priors', 'var_smoothing'],
  matrixInput('theta_'),
  (call, classes) => {
    const { estimator } = call;
    const means = estimator.matrix('theta_', classes);
    const size = means.columns;
    // Called sigma_ until 0.24.
    const { data: variances } = estimator.matrix(estimator.has('var_') ? 'var_' : 'sigma_', classes, size);
    const priors = estimator.vector('class_prior_', classes);
    const constants = priors.map((prior, i) => {
      const row = variances.subarray(i * size, (i + 1) * size);
      return Math.log(prior) - 0.5 * row.reduce((sum, variance) => sum + Math.log(2 * Math.PI * variance), 0);
    });
    const divisors = call.floats(variances, [classes, size], 'variances');
    const distances = againstPoints(call, call.matrix(size).value, means, (graph, row, points) => {
      const difference = graph.node('Sub', [row, points]);
      const squares = graph.node('Div', [graph.node('Mul', [difference, difference]), divisors]);
      return graph.node('ReduceSum', [squares, graph.int64s([-1])], { keepdims: 0 });
    });
    return call.node('Sub', [call.floats(constants), call.node('Mul', [call.scalar(0.5), distances])]);
  },
);
