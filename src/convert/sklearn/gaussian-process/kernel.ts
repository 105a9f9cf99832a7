/** Kernels of Gaussian processes, between rows of the input and the training set: sklearn/gaussian_process/kernels.py */
import type { PythonValue } from '../../../formats/pickle/index.js';
import { PythonDict } from '../../../formats/pickle/index.js';
import type { Value } from '../../graph-builder.js';
import type { Call } from '../call.js';
import type { Estimator } from '../estimator.js';
import { innerProducts, type Points, squaredDifferences } from '../kernels/distances.js';
import { pairwiseKernel, pairwiseKernels } from '../kernels/pairwise-kernels.js';

const deepest = 50;

/** [batch, n] and points [m, n] → kernel values, [batch, m] or one number for all. */
export function covariance(call: Call, x: Value, points: Points, object: PythonValue | undefined, depth = 0): Value {
  const kernel = call.estimator.partOf(object);
  if (depth > deepest) kernel.refuse(`kernels are nested deeper than ${deepest}`);
  const part = (name: string) => covariance(call, x, points, kernel.get(name), depth + 1);
  const { node, scalar } = { node: call.node.bind(call), scalar: call.scalar.bind(call) };
  switch (kernel.name) {
    case 'Sum':
      return node('Add', [part('k1'), part('k2')]);
    case 'Product':
      return node('Mul', [part('k1'), part('k2')]);
    case 'Exponentiation':
      return node('Pow', [part('kernel'), scalar(kernel.number('exponent'))]);
    case 'ConstantKernel':
      return scalar(kernel.number('constant_value'));
    // Noise is that of a sample with itself, and the rows of the input are none of the training set.
    case 'WhiteKernel':
      return scalar(0);
    case 'RBF':
      return node('Exp', [node('Mul', [scalar(-0.5), scaledSquares(call, kernel, x, points)])]);
    case 'Matern':
      return matern(call, kernel, scaledSquares(call, kernel, x, points));
    case 'RationalQuadratic': {
      const alpha = kernel.number('alpha');
      const distances = node('Div', [
        squaredDifferences(call, x, points),
        scalar(2 * alpha * kernel.number('length_scale') ** 2),
      ]);
      return node('Pow', [node('Add', [scalar(1), distances]), scalar(-alpha)]);
    }
    case 'ExpSineSquared': {
      const distances = node('Sqrt', [squaredDifferences(call, x, points)]);
      const angle = node('Mul', [scalar(Math.PI / kernel.number('periodicity')), distances]);
      const sine = node('Div', [node('Sin', [angle]), scalar(kernel.number('length_scale'))]);
      return node('Exp', [node('Mul', [scalar(-2), node('Mul', [sine, sine])])]);
    }
    case 'DotProduct': {
      const products = innerProducts(call, { kind: 'matrix', value: x, size: points.columns, finite: true }, points);
      return node('Add', [products, scalar(kernel.number('sigma_0') ** 2)]);
    }
    case 'PairwiseKernel':
      return pairwise(call, kernel, x, points);
    default:
      return kernel.refuse('it is no kernel that is known here');
  }
}

/** Variances of rows, `kernel.diag`: [batch, 1] or one number for all. */
export function variance(call: Call, x: Value, size: number, object: PythonValue | undefined, depth = 0): Value {
  const kernel = call.estimator.partOf(object);
  if (depth > deepest) kernel.refuse(`kernels are nested deeper than ${deepest}`);
  const part = (name: string) => variance(call, x, size, kernel.get(name), depth + 1);
  switch (kernel.name) {
    case 'Sum':
      return call.node('Add', [part('k1'), part('k2')]);
    case 'Product':
      return call.node('Mul', [part('k1'), part('k2')]);
    case 'Exponentiation':
      return call.node('Pow', [part('kernel'), call.scalar(kernel.number('exponent'))]);
    case 'ConstantKernel':
      return call.scalar(kernel.number('constant_value'));
    case 'WhiteKernel':
      return call.scalar(kernel.number('noise_level'));
    case 'DotProduct': {
      const squares = call.reduce('ReduceSum', call.node('Mul', [x, x]), 1, true);
      return call.node('Add', [squares, call.scalar(kernel.number('sigma_0') ** 2)]);
    }
    case 'RBF':
    case 'Matern':
    case 'RationalQuadratic':
    case 'ExpSineSquared':
      return call.scalar(1);
    default:
      return kernel.refuse('its variance is not known here');
  }
}

/** Squared distances of features divided by their length scales. */
function scaledSquares(call: Call, kernel: Estimator, x: Value, points: Points): Value {
  const { data: scales } = kernel.scalarOrNumbers('length_scale');
  if (scales.length !== 1 && scales.length !== points.columns) {
    kernel.refuse(`length_scale has ${scales.length} values for ${points.columns} features`);
  }
  const data = points.data.map((value, i) => value / scales[(i % points.columns) % scales.length]!);
  return squaredDifferences(call, call.node('Div', [x, call.floats(scales)]), { ...points, data });
}

function matern(call: Call, kernel: Estimator, squares: Value): Value {
  const { node, scalar } = { node: call.node.bind(call), scalar: call.scalar.bind(call) };
  const nu = kernel.number('nu');
  if (nu === Number.POSITIVE_INFINITY) return node('Exp', [node('Div', [node('Neg', [squares]), scalar(2)])]);
  const distance = node('Sqrt', [squares]);
  const decay = (value: Value) => node('Exp', [node('Neg', [value])]);
  if (nu === 0.5) return decay(distance);
  const scaled = node('Mul', [distance, scalar(Math.sqrt(2 * nu))]);
  const linear = node('Add', [scalar(1), scaled]);
  if (nu === 1.5) return node('Mul', [linear, decay(scaled)]);
  if (nu !== 2.5) kernel.refuse(`nu is ${nu}; known are 0.5, 1.5, 2.5 and infinity`);
  const square = node('Div', [node('Mul', [scaled, scaled]), scalar(3)]);
  return node('Mul', [node('Add', [linear, square]), decay(scaled)]);
}

function pairwise(call: Call, kernel: Estimator, x: Value, points: Points): Value {
  const more = kernel.get('pairwise_kernels_kwargs') ?? null;
  if (more !== null && !(more instanceof PythonDict && [...more.keys()].length === 0)) {
    kernel.refuse('pairwise_kernels_kwargs are not converted');
  }
  const parameters = { gamma: kernel.number('gamma'), degree: 3, coef0: 1 };
  const matrix = { kind: 'matrix', value: x, size: points.columns, finite: true } as const;
  return pairwiseKernel(call, kernel.choice('metric', pairwiseKernels), matrix, points, parameters);
}
