import type { Value } from '../../graph-builder.js';
import { anyWidthInput } from '../context.js';
import type { EstimatorConverter } from '../converter.js';
import { nonNegative } from '../decomposition/non-negative.js';
import type { Estimator } from '../estimator.js';
import { densify, matrix } from '../features.js';

/** Of one, two and three steps; of more it has to be given. */
const intervals = [0.8, 0.5, 0.4];

/**
 * [batch, n] → transform [batch, n · (2 steps - 1)]: samples of the Fourier transform of the additive chi-squared kernel
 * at regular intervals L: `√(L x)`, then for each step j `√(2 L x / cosh(π j L))` times the cosine and the sine of
 * `j L ln x`. Features that are 0 stay 0.
 *
 * Source: sklearn/kernel_approximation.py; Vedaldi and Zisserman, Efficient additive kernels via explicit feature maps
 */
export const additiveChi2Sampler: EstimatorConverter = {
  className: 'sklearn.kernel_approximation.AdditiveChi2Sampler',
  parameters: ['sample_steps', 'sample_interval'],
  input: anyWidthInput,
  convert(call) {
    const { estimator } = call;
    const steps = estimator.integer('sample_steps');
    if (steps < 1 || steps > mostSteps) estimator.refuse(`sample_steps is ${steps}; known are 1 to ${mostSteps}`);
    const interval = readInterval(estimator, steps);
    return {
      transform() {
        const input = nonNegative(call, estimator.has('n_features_in_') ? estimator.featureCount() : undefined);
        const { value, size } = input.kind === 'sparse' ? densify(call.graph, input) : input;
        const isZero = call.node('Equal', [value, call.scalar(0)]);
        const samples: Value[] = [];
        const add = (sample: Value) => samples.push(call.node('Where', [isZero, call.scalar(0), sample]));
        const scaled = call.node('Mul', [value, call.scalar(interval)]);
        add(call.node('Sqrt', [scaled]));
        const logarithm = call.node('Mul', [call.node('Log', [value]), call.scalar(interval)]);
        for (let step = 1; step < steps; step++) {
          const damping = call.scalar(2 / Math.cosh(Math.PI * step * interval));
          const factor = call.node('Sqrt', [call.node('Mul', [scaled, damping])]);
          const angle = call.node('Mul', [logarithm, call.scalar(step)]);
          for (const wave of ['Cos', 'Sin']) add(call.node('Mul', [factor, call.node(wave, [angle])]));
        }
        return matrix(call.node('Concat', samples, { axis: 1 }), size * samples.length, true);
      },
    };
  },
};

const mostSteps = 1_000;

function readInterval(estimator: Estimator, steps: number): number {
  if (estimator.has('sample_interval')) return estimator.number('sample_interval');
  return intervals[steps - 1] ?? estimator.refuse(`sample_steps is ${steps}, and there is no sample_interval`);
}
