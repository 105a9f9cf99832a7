import type { Value } from '../../graph-builder.js';
import type { Call } from '../call.js';

/**
 * The standard normal distribution function, in float64: ONNX Runtime has no Erf of doubles.
 * Rational functions of Cephes `ndtr.c` (S. Moshier), which SciPy computes with; good to 1e-15 within ±11, flat beyond.
 */
export function normalProbability(call: Call, a: Value): Value {
  const x = call.node('Mul', [a, call.scalar(Math.SQRT1_2)]);
  const z = call.node('Min', [call.node('Abs', [x]), call.scalar(8)]);
  const square = call.node('Mul', [z, z]);
  const inner = call.node('Mul', [x, ratio(call, square, innerAbove, innerBelow)]);
  const near = call.node('Add', [call.scalar(0.5), call.node('Mul', [call.scalar(0.5), inner])]);
  const tail = call.node('Mul', [
    call.node('Exp', [call.node('Neg', [square])]),
    ratio(call, z, outerAbove, outerBelow),
  ]);
  const far = call.node('Mul', [call.scalar(0.5), tail]);
  const isPositive = call.node('Greater', [x, call.scalar(0)]);
  const outer = call.node('Where', [isPositive, call.node('Sub', [call.scalar(1), far]), far]);
  return call.node('Where', [call.node('Less', [z, call.scalar(1)]), near, outer]);
}

/** Coefficients, the highest power first: `erf(x) / x` in x², for |x| < 1. */
const innerAbove = [9.604973739870516, 90.02601972038427, 2232.005345946843, 7003.325141128051, 55592.30130103949];
const innerBelow = [1, 33.56171416475031, 521.3579497801527, 4594.323829709801, 22629.000061389095, 49267.39426086359];
/** `exp(x²) · erfc(x)` in x, for 1 ≤ x < 8. */
const outerAbove = [
  2.461969814735305e-10, 0.5641895648310689, 7.463210564422699, 48.63719709856814, 196.5208329560771, 526.4451949954773,
  934.5285271719576, 1027.5518868951572, 557.5353353693994,
];
const outerBelow = [
  1, 13.228195115474499, 86.70721408859897, 354.9377788878199, 975.7085017432055, 1823.9091668790973,
  2246.3376081871097, 1656.6630919416134, 557.5353408177277,
];

function ratio(call: Call, x: Value, above: readonly number[], below: readonly number[]): Value {
  return call.node('Div', [polynomial(call, x, above), polynomial(call, x, below)]);
}

function polynomial(call: Call, x: Value, [first, ...rest]: readonly number[]): Value {
  return rest.reduce<Value>(
    (sum, coefficient) => call.node('Add', [call.node('Mul', [sum, x]), call.scalar(coefficient)]),
    call.scalar(first!),
  );
}
