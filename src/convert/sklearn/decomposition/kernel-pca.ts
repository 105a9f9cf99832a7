import type { Value } from '../../graph-builder.js';
import type { Call } from '../call.js';
import { tableOf } from '../context.js';
import type { EstimatorConverter } from '../converter.js';
import type { Estimator } from '../estimator.js';
import { matrix } from '../features.js';
import { expandedDistances, innerProducts, type Points, squaredNorms } from '../kernels/distances.js';

/** [batch, n] → transform [batch, components]: the kernel with the training samples, centred, on the eigenvectors. */
export const kernelPca: EstimatorConverter = {
  className: 'sklearn.decomposition._kernel_pca.KernelPCA',
  parameters: [
    ...['n_components', 'kernel', 'gamma', 'degree', 'coef0', 'kernel_params', 'alpha', 'fit_inverse_transform'],
    ...['eigen_solver', 'tol', 'max_iter', 'iterated_power', 'remove_zero_eig', 'random_state', 'copy_X', 'n_jobs'],
  ],
  input(estimator) {
    estimator.checkFitted('X_fit_');
    return tableOf(estimator, estimator.matrix('X_fit_').columns);
  },
  convert(call) {
    const { estimator } = call;
    const points = estimator.matrix('X_fit_');
    const { directions, width } = readDirections(estimator, points.rows);
    const centerer = estimator.partOf(estimator.get('_centerer'));
    const rowMeans = centerer.vector('K_fit_rows_', points.rows);
    const mean = centerer.number('K_fit_all_');
    return {
      transform() {
        const values = kernelOf(call, points);
        const own = call.reduce('ReduceMean', values, 1, true);
        const columns = call.node('Sub', [values, call.floats(rowMeans)]);
        const centred = call.node('Add', [call.node('Sub', [columns, own]), call.scalar(mean)]);
        const projected = call.node('MatMul', [centred, call.floats(directions, [points.rows, width])]);
        return matrix(projected, width, true);
      },
    };
  },
};

/** Eigenvectors over the roots of their eigenvalues, [samples, components]; those of the eigenvalue 0 are 0. */
function readDirections(estimator: Estimator, rows: number): { directions: Float64Array; width: number } {
  // `lambdas_` and `alphas_` before 1.0.
  const isNew = estimator.has('eigenvalues_');
  const eigenvalues = estimator.vector(isNew ? 'eigenvalues_' : 'lambdas_');
  const width = eigenvalues.length;
  const { data } = estimator.matrix(isNew ? 'eigenvectors_' : 'alphas_', rows, width);
  if (eigenvalues.includes(0) && !estimator.since([0, 22])) {
    estimator.refuse('an eigenvalue of it is 0, by which scikit-learn before 0.22 divides');
  }
  const directions = data.map((value, i) => {
    const eigenvalue = eigenvalues[i % width]!;
    return eigenvalue === 0 ? 0 : value / Math.sqrt(eigenvalue);
  });
  return { directions, width };
}

/** [batch, samples], as `sklearn.metrics.pairwise.pairwise_kernels`. */
function kernelOf(call: Call, points: Points): Value {
  const { estimator } = call;
  const kernel = estimator.choice('kernel', ['linear', 'poly', 'polynomial', 'rbf', 'sigmoid', 'cosine']);
  const gamma = () => {
    if (estimator.has('gamma_')) return estimator.number('gamma_');
    return estimator.has('gamma') ? estimator.number('gamma') : 1 / points.columns;
  };
  const x = call.numbers(points.columns);
  const affine = () => {
    const scaled = call.node('Mul', [innerProducts(call, x, points), call.scalar(gamma())]);
    return call.node('Add', [scaled, call.scalar(estimator.number('coef0'))]);
  };
  switch (kernel) {
    case 'linear':
      return innerProducts(call, x, points);
    case 'poly':
    case 'polynomial':
      return call.node('Pow', [affine(), call.scalar(estimator.number('degree'))]);
    case 'sigmoid':
      return call.node('Tanh', [affine()]);
    case 'rbf':
      return call.node('Exp', [call.node('Mul', [expandedDistances(call, x, points), call.scalar(-gamma())])]);
    case 'cosine': {
      const values = x.kind === 'sparse' ? x.values : x.value;
      const length = call.node('Sqrt', [call.reduce('ReduceSum', call.node('Mul', [values, values]), 1, true)]);
      const isZero = call.node('Equal', [length, call.scalar(0)]);
      const safe = call.node('Where', [isZero, call.scalar(1), length]);
      const norms = squaredNorms(points).map((norm) => (norm === 0 ? 1 : Math.sqrt(norm)));
      const unit = points.data.map((value, i) => value / norms[Math.floor(i / points.columns)]!);
      return call.node('Div', [innerProducts(call, x, { ...points, data: unit }), safe]);
    }
  }
}
