import { digamma } from '../digamma.js';
import { type Estimator, toNumbers } from '../estimator.js';
import { mixture } from './mixture.js';

/** The expected logarithms of the weights and of the determinants of the precisions, under the variational posterior. */
export const bayesianGaussianMixture = mixture(
  'sklearn.mixture._bayesian_mixture.BayesianGaussianMixture',
  (estimator) => {
    const weights = expectedLogWeights(estimator);
    const size = estimator.matrix('means_').columns;
    const meanPrecision = estimator.vector('mean_precision_', weights.length);
    const { data: freedom } = estimator.scalarOrNumbers('degrees_of_freedom_');
    return weights.map((weight, k) => {
      const degrees = freedom[freedom.length === 1 ? 0 : k] ?? Number.NaN;
      let lambda = size * Math.log(2);
      for (let i = 0; i < size; i++) lambda += digamma(0.5 * (degrees - i));
      return weight - 0.5 * size * Math.log(degrees) + 0.5 * (lambda - size / meanPrecision[k]!);
    });
  },
);

function expectedLogWeights(estimator: Estimator): Float64Array {
  const kind = estimator.choice('weight_concentration_prior_type', ['dirichlet_process', 'dirichlet_distribution']);
  if (kind === 'dirichlet_distribution') {
    const concentration = estimator.vector('weight_concentration_');
    const total = digamma(concentration.reduce((sum, value) => sum + value, 0));
    return concentration.map((value) => digamma(value) - total);
  }
  const [first, second] = estimator.list('weight_concentration_').map((item) => toNumbers(item)?.data);
  if (first === undefined || second?.length !== first.length) {
    estimator.refuse('weight_concentration_ should be two vectors');
  }
  let before = 0;
  return first.map((value, k) => {
    const total = digamma(value + second[k]!);
    const result = digamma(value) - total + before;
    before += digamma(second[k]!) - total;
    return result;
  });
}
