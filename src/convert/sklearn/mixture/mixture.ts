import type { Value } from '../../graph-builder.js';
import type { Call } from '../call.js';
import { argMax } from '../classification.js';
import { matrixInput } from '../context.js';
import type { EstimatorConverter, Methods } from '../converter.js';
import type { Estimator } from '../estimator.js';
import { logDensities } from './gaussians.js';

const parameters = [
  ...['n_components', 'covariance_type', 'tol', 'reg_covar', 'max_iter', 'n_init', 'init_params', 'random_state'],
  ...['warm_start', 'verbose', 'verbose_interval', 'weights_init', 'means_init', 'precisions_init'],
  ...['weight_concentration_prior_type', 'weight_concentration_prior', 'mean_precision_prior', 'mean_prior'],
  ...['degrees_of_freedom_prior', 'covariance_prior'],
];

/**
 * [batch, n] → score_samples [batch]: the logarithm of the density; predict_proba [batch, components]: the share of
 * each component in it; predict: the component with the largest. `offsets` are added to the logarithms of the
 * components' densities: those of their weights, and what else the mixture knows of them.
 */
export function mixture(className: string, offsets: (estimator: Estimator) => Float64Array): EstimatorConverter {
  return {
    className,
    parameters,
    input: matrixInput('means_'),
    convert: (call) => mixtureMethods(call, offsets),
  };
}

function mixtureMethods(call: Call, offsets: (estimator: Estimator) => Float64Array): Methods {
  const { estimator } = call;
  const { rows: count } = estimator.matrix('means_');
  let weighed: Value | undefined;
  const weighedOnce = () => {
    const added = offsets(estimator);
    if (added.length !== count) estimator.refuse(`it has ${added.length} weights for ${count} components`);
    weighed ??= call.node('Add', [logDensities(call), call.floats(added)]);
    return weighed;
  };
  let total: Value | undefined;
  const totalOnce = () => {
    total ??= logSumExp(call, weighedOnce());
    return total;
  };
  return {
    predict: () => ({ value: argMax(call, weighedOnce()), dtype: 'int64', shape: [null] }),
    predict_proba: () => ({
      value: call.node('Exp', [call.node('Sub', [weighedOnce(), totalOnce()])]),
      dtype: 'float64',
      shape: [null, count],
    }),
    score_samples: () => ({
      value: call.node('Squeeze', [totalOnce(), call.graph.int64s([1])]),
      dtype: 'float64',
      shape: [null],
    }),
  };
}

/** `scipy.special.logsumexp` along the rows: [batch, 1]. */
function logSumExp(call: Call, value: Value): Value {
  const highest = call.reduce('ReduceMax', value, 1, true);
  const powers = call.node('Exp', [call.node('Sub', [value, highest])]);
  return call.node('Add', [call.node('Log', [call.reduce('ReduceSum', powers, 1, true)]), highest]);
}
