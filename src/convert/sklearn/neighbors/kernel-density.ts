import { NumpyArray, PythonObject, PythonTuple } from '../../../formats/pickle/index.js';
import { tableOf } from '../context.js';
import type { EstimatorConverter } from '../converter.js';
import { eachRow } from '../each-row.js';
import { type Estimator, toNumber, toNumbers } from '../estimator.js';
import type { Points } from '../kernels/distances.js';
import { distances, readMetric } from '../kernels/metric.js';

/**
 * [batch, n] → score_samples [batch]: the logarithm of the density, summed over all samples; scikit-learn leaves out
 * what `atol` and `rtol` allow. Formulas as in sklearn/neighbors/_binary_tree.pxi.
 */
export const kernelDensity: EstimatorConverter = {
  className: 'sklearn.neighbors._kde.KernelDensity',
  // What the tree is like does not matter to the sum.
  parameters: [
    ...['bandwidth', 'algorithm', 'kernel', 'metric', 'atol', 'rtol', 'breadth_first', 'leaf_size', 'metric_params'],
  ],
  input: (estimator) => tableOf(estimator, readTree(estimator).points.columns),
  convert(call) {
    const { estimator } = call;
    const { points, weights } = readTree(estimator);
    const { columns: size } = points;
    if (estimator.has('metric_params')) estimator.refuse('it has metric_params, which are not known here');
    const metric = readMetric(estimator, estimator.get('metric'));
    const kernel = estimator.choice('kernel', [
      ...(['gaussian', 'tophat', 'epanechnikov', 'exponential', 'linear', 'cosine'] as const),
    ]);
    const bandwidth = estimator.number(estimator.has('bandwidth_') ? 'bandwidth_' : 'bandwidth');
    const total = weights?.reduce((sum, weight) => sum + weight, 0) ?? points.rows;
    const shift = -logVolume(kernel, size) - size * Math.log(bandwidth) - Math.log(total);
    return {
      score_samples() {
        const [value] = eachRow(call.graph, call.matrix(size).value, points.data.length, ['float64'], (g, rows) => {
          const scalar = (number: number) => g.scalar(number, 'float64');
          const ratio = g.node('Div', [distances(g, rows, points, metric), scalar(bandwidth)]);
          const one = scalar(1);
          const last = g.int64s([1]);
          const square = () => g.node('Mul', [ratio, ratio]);
          const inside = g.node('Less', [ratio, one]);
          const within = (logarithm: string) => g.node('Where', [inside, logarithm, scalar(Number.NEGATIVE_INFINITY)]);
          let logarithms: string;
          if (kernel === 'gaussian') logarithms = g.node('Mul', [scalar(-0.5), square()]);
          else if (kernel === 'exponential') logarithms = g.node('Neg', [ratio]);
          else if (kernel === 'tophat') logarithms = within(scalar(0));
          else if (kernel === 'cosine') {
            const angle = g.node('Mul', [scalar(0.5 * Math.PI), ratio]);
            logarithms = within(g.node('Log', [g.node('Cos', [angle])]));
          } else logarithms = within(g.node('Log', [g.node('Sub', [one, kernel === 'linear' ? ratio : square()])]));
          if (weights !== undefined) {
            const own = g.constant({ dtype: 'float64', shape: [weights.length], data: weights.map(Math.log) });
            logarithms = g.node('Add', [logarithms, own]);
          }
          // Without the largest a far row would have no density at all.
          const highest = g.node('ReduceMax', [logarithms, last], { keepdims: 1 });
          const isNone = g.node('Equal', [highest, scalar(Number.NEGATIVE_INFINITY)]);
          const base = g.node('Where', [isNone, scalar(0), highest]);
          const powers = g.node('Exp', [g.node('Sub', [logarithms, base])]);
          const sum = g.node('Log', [g.node('ReduceSum', [powers, last], { keepdims: 1 })]);
          return [g.node('Squeeze', [g.node('Add', [g.node('Add', [sum, base]), scalar(shift)]), last])];
        });
        return { value: value!, dtype: 'float64', shape: [null] };
      },
    };
  },
};

/** Samples and weights that the tree keeps: first and last of its state (there are no weights before 0.20). */
function readTree(estimator: Estimator): { points: Points; weights: Float64Array | undefined } {
  const tree = estimator.get('tree_');
  const state = tree instanceof PythonObject ? tree.state : undefined;
  const items = state instanceof PythonTuple ? state.items : [];
  const data = toNumbers(items[0]);
  if (data === undefined || data.shape.length !== 2) return estimator.refuse('tree_ should be a tree of samples');
  const points = { data: data.data, rows: data.shape[0]!, columns: data.shape[1]! };
  const last = items[12];
  const weights = last instanceof NumpyArray ? toNumbers(last)?.data : undefined;
  if (weights !== undefined && weights.length !== points.rows) estimator.refuse('it has not one weight a sample');
  if (items[4] !== undefined && toNumber(items[4]) === undefined) estimator.refuse('tree_ is not known here');
  return { points, weights };
}

/** The logarithm of the integral of a kernel of bandwidth 1 over all of space. */
function logVolume(kernel: string, size: number): number {
  switch (kernel) {
    case 'gaussian':
      return 0.5 * size * Math.log(2 * Math.PI);
    case 'tophat':
      return logBall(size);
    case 'epanechnikov':
      return logBall(size) + Math.log(2 / (size + 2));
    case 'exponential': {
      // The surface of the ball, and Γ(size).
      let sum = logBall(size) + Math.log(size);
      for (let i = 2; i < size; i++) sum += Math.log(i);
      return sum;
    }
    case 'cosine': {
      // Integrated by parts, again and again.
      let factor = 0;
      let term = 2 / Math.PI;
      for (let k = 1; k <= size; k += 2) {
        factor += term;
        term *= -(size - k) * (size - k - 1) * (2 / Math.PI) ** 2;
      }
      return Math.log(factor) + logBall(size) + Math.log(size);
    }
    default:
      return logBall(size) - Math.log(size + 1);
  }
}

/** The logarithm of the volume of a ball of radius 1: V(n) = V(n - 2) · 2π / n. */
function logBall(size: number): number {
  let sum = size % 2 === 0 ? 0 : Math.log(2);
  for (let n = size; n > 1; n -= 2) sum += Math.log((2 * Math.PI) / n);
  return sum;
}
