import { matrixInput } from '../context.js';
import type { EstimatorConverter } from '../converter.js';
import type { Estimator } from '../estimator.js';
import { matrix } from '../features.js';
import { ownKernel } from '../kernels/own-kernel.js';

/** [batch, n] → transform [batch, components]: the kernel with the training samples, centred, on the eigenvectors. */
export const kernelPca: EstimatorConverter = {
  className: 'sklearn.decomposition._kernel_pca.KernelPCA',
  parameters: [
    ...['n_components', 'kernel', 'gamma', 'degree', 'coef0', 'kernel_params', 'alpha', 'fit_inverse_transform'],
    ...['eigen_solver', 'tol', 'max_iter', 'iterated_power', 'remove_zero_eig', 'random_state', 'copy_X', 'n_jobs'],
  ],
  input: matrixInput('X_fit_'),
  convert(call) {
    const { estimator } = call;
    const points = estimator.matrix('X_fit_');
    const { directions, width } = readDirections(estimator, points.rows);
    const centerer = estimator.partOf(estimator.get('_centerer'));
    const rowMeans = centerer.vector('K_fit_rows_', points.rows);
    const mean = centerer.number('K_fit_all_');
    return {
      transform() {
        const values = ownKernel(call, points);
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
