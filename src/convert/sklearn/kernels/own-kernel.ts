import type { Value } from '../../graph-builder.js';
import type { Call } from '../call.js';
import type { Points } from './distances.js';
import { pairwiseKernel, pairwiseKernels } from './pairwise-kernels.js';

/**
 * The kernel that an estimator names, between the rows and `points`: [batch, points]. Where its parameters are `None`,
 * the kernel's own defaults hold.
 */
export function ownKernel(call: Call, points: Points): Value {
  const { estimator } = call;
  const kernel = estimator.choice('kernel', pairwiseKernels);
  const optional = (name: string, fallback: number) => (estimator.has(name) ? estimator.number(name) : fallback);
  // `gamma_` came with 1.2: what `gamma` came to.
  const gamma = optional('gamma_', optional('gamma', kernel === 'chi2' ? 1 : 1 / points.columns));
  const parameters = { gamma, degree: optional('degree', 3), coef0: optional('coef0', 1) };
  return pairwiseKernel(call, kernel, call.numbers(points.columns), points, parameters);
}
