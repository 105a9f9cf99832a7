import type { Value } from '../../graph-builder.js';
import { Call } from '../call.js';
import { classifier, normalised } from '../classification.js';
import { matrixInput } from '../context.js';
import type { EstimatorConverter } from '../converter.js';
import { pairwiseKernel } from '../kernels/pairwise-kernels.js';
import { findNearest, readPoints } from '../neighbors/nearest.js';

/**
 * [batch, n] → predict_proba [batch, classes]: the distributions that the fit gave the samples, weighed by how near each
 * is to the row (`rbf`), or summed over the nearest (`knn`), and normalised; predict is the class with the most.
 *
 * Source: `predict_proba` of `BaseLabelPropagation` in sklearn/semi_supervised/_label_propagation.py
 */
export function labelPropagation(name: string): EstimatorConverter {
  return {
    className: `sklearn.semi_supervised._label_propagation.${name}`,
    // `nn_fit` is what finds the neighbours, fitted.
    parameters: ['kernel', 'gamma', 'n_neighbors', 'alpha', 'max_iter', 'tol', 'n_jobs', 'nn_fit'],
    input: matrixInput('X_'),
    convert(call) {
      const { estimator } = call;
      const points = estimator.matrix('X_');
      const classes = estimator.labels('classes_');
      const count = classes.shape[0]!;
      const { data } = estimator.matrix('label_distributions_', points.rows, count);
      const distributions = () => call.floats(data, [points.rows, count], 'distributions');
      const weighed: Record<'rbf' | 'knn', () => Value> = {
        rbf() {
          const parameters = { gamma: estimator.number('gamma'), degree: 0, coef0: 0 };
          const weights = pairwiseKernel(call, 'rbf', call.numbers(points.columns), points, parameters);
          return call.node('MatMul', [weights, distributions()]);
        },
        knn() {
          const search = new Call(call.context, estimator.partOf(estimator.part('nn_fit')), call.input);
          const { rows } = readPoints(search.estimator);
          if (rows !== points.rows) estimator.refuse(`nn_fit knows ${rows} samples, and X_ has ${points.rows}`);
          const { indices } = findNearest(search, search.estimator.integer('n_neighbors'));
          return call.reduce('ReduceSum', call.node('Gather', [distributions(), indices]));
        },
      };
      const kernel = estimator.choice('kernel', ['rbf', 'knn']);
      return classifier(call, { classes, probabilities: () => normalised(call, weighed[kernel]()) });
    },
  };
}
