import type { Call } from '../call.js';
import type { EstimatorConverter, Methods } from '../converter.js';
import { type Features, matrix } from '../features.js';
import { transposed } from '../linear/linear-regressor.js';
import { componentsInput, logDensity, projected } from './projection.js';

/**
 * [batch, n] → transform [batch, components]: `(x - mean_) · components_ᵀ`, to unit variance when `whiten` is on;
 * score_samples [batch]: the logarithm of the density under probabilistic PCA.
 */
export const pca: EstimatorConverter = {
  className: 'sklearn.decomposition._pca.PCA',
  parameters: [
    ...['n_components', 'copy', 'whiten', 'svd_solver', 'tol', 'iterated_power', 'n_oversamples'],
    ...['power_iteration_normalizer', 'random_state'],
  ],
  input: componentsInput,
  convert: (call) => ({ transform: () => transform(call), ...scoring(call) }),
};

/** The same, learnt in portions; it has no score_samples. */
export const incrementalPca: EstimatorConverter = {
  className: 'sklearn.decomposition._incremental_pca.IncrementalPCA',
  parameters: ['n_components', 'whiten', 'copy', 'batch_size'],
  input: componentsInput,
  convert: (call) => ({ transform: () => transform(call) }),
};

function transform(call: Call): Features {
  const { estimator } = call;
  const { rows, columns } = estimator.matrix('components_');
  const mean = estimator.has('mean_') ? estimator.vector('mean_', columns) : undefined;
  // 1.5 came to take off the mean after the product.
  const result = projected(call, mean, !estimator.since([1, 5]));
  if (!estimator.boolean('whiten')) return result;
  const least = estimator.since([1, 5]) ? Number.EPSILON : 0;
  const scale = estimator.vector('explained_variance_', rows).map((variance) => Math.max(Math.sqrt(variance), least));
  if (result.kind !== 'matrix') throw new Error('a projection is a matrix');
  return matrix(call.node('Div', [result.value, call.floats(scale)]), rows, !scale.includes(0));
}

/**
 * The covariance is Cᵀ·diag(variance − noise)·C + noise, whose inverse weighs what lies along the components and what
 * is left over apart. Without noise it has an inverse only where the components are as many as the features.
 */
function scoring(call: Call): Pick<Methods, 'score_samples'> {
  const { estimator } = call;
  const { data, rows, columns } = estimator.matrix('components_');
  const noise = estimator.number('noise_variance_');
  if (noise === 0 && rows < columns) return {};
  const whitened = estimator.boolean('whiten');
  const variances = estimator.vector('explained_variance_', rows).map((variance) => {
    // scikit-learn scales the components by the deviation once more when `whiten` is on.
    return Math.max(variance - noise, 0) * (whitened ? variance : 1) + noise;
  });
  if (variances.includes(0)) return {};
  return {
    score_samples() {
      const centred = call.node('Sub', [call.matrix(columns).value, call.floats(estimator.vector('mean_', columns))]);
      const along = call.node('MatMul', [centred, call.floats(transposed(data, rows, columns), [columns, rows])]);
      const square = (value: string) => call.node('Mul', [value, value]);
      let distance = call.reduce('ReduceSum', call.node('Div', [square(along), call.floats(variances)]));
      let logDeterminant = variances.reduce((sum, variance) => sum + Math.log(variance), 0);
      if (noise !== 0 && rows < columns) {
        const rest = call.node('Sub', [centred, call.node('MatMul', [along, call.floats(data, [rows, columns])])]);
        const left = call.node('Div', [call.reduce('ReduceSum', square(rest)), call.scalar(noise)]);
        distance = call.node('Add', [distance, left]);
        logDeterminant += (columns - rows) * Math.log(noise);
      }
      return logDensity(call, distance, columns, logDeterminant);
    },
  };
}
