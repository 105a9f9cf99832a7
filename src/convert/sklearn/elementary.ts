/**
 * Functions of one float64 that ONNX Runtime has no kernel for, or none that is exact enough, composed of those that
 * it has. Each is within a few units in the last place of what C's math library gives, infinities and NaN included.
 */
import type { Value } from '../graph-builder.js';
import type { Call } from './call.js';

/** ln(1 + x), exact for tiny x: Kahan's `ln(u)·x / (u − 1)` with u = 1 + x. */
export function log1p(call: Call, x: Value): Value {
  const u = call.node('Add', [x, call.scalar(1)]);
  const less = call.node('Sub', [u, call.scalar(1)]);
  const log = call.node('Log', [u]);
  const exact = call.node('Mul', [log, call.node('Div', [x, less])]);
  const tiny = call.node('Equal', [less, call.scalar(0)]);
  // 0/0 of a tiny x and ∞/∞ are not looked at; at −1 the quotient is 1.
  const large = call.node('IsInf', [x]);
  return call.node('Where', [tiny, x, call.node('Where', [large, log, exact])]);
}

/** e^x − 1, exact for tiny x: Kahan's `(u − 1)·x / ln(u)` with u = e^x. */
export function expm1(call: Call, x: Value): Value {
  const u = call.node('Exp', [x]);
  const less = call.node('Sub', [u, call.scalar(1)]);
  const exact = call.node('Mul', [less, call.node('Div', [x, call.node('Log', [u])])]);
  const tiny = call.node('Equal', [less, call.scalar(0)]);
  // Beyond ±1 the subtraction is exact enough, and the quotient could be ∞/∞.
  const far = call.node('Greater', [call.node('Abs', [x]), call.scalar(1)]);
  return call.node('Where', [tiny, x, call.node('Where', [far, less, exact])]);
}

/** arctan: float32's own, corrected by `arctan(x) = y + arctan((x − tan y) / (1 + x·tan y))`. */
export function arctan(call: Call, x: Value): Value {
  const rough = call.node('Cast', [call.node('Atan', [call.node('Cast', [x], { to: 1 })])], { to: 11 });
  const [sin, cos] = [call.node('Sin', [rough]), call.node('Cos', [rough])];
  const above = call.node('Sub', [call.node('Mul', [x, cos]), sin]);
  const below = call.node('Add', [cos, call.node('Mul', [x, sin])]);
  const d = call.node('Div', [above, below]);
  const cube = call.node('Mul', [d, call.node('Mul', [d, d])]);
  const small = call.node('Sub', [d, call.node('Div', [cube, call.scalar(3)])]);
  const right = call.node('Mul', [call.node('Sign', [x]), call.scalar(Math.PI / 2)]);
  // Beyond 1e18 the difference from ±π/2 is less than half a unit in the last place.
  const far = call.node('Greater', [call.node('Abs', [x]), call.scalar(1e18)]);
  return call.node('Where', [far, right, call.node('Add', [rough, small])]);
}

/** arcsin; NaN beyond ±1. */
export function arcsin(call: Call, x: Value): Value {
  const one = call.scalar(1);
  const square = call.node('Mul', [call.node('Sub', [one, x]), call.node('Add', [one, x])]);
  return arctan(call, call.node('Div', [x, call.node('Sqrt', [square])]));
}

/** arccos; NaN beyond ±1. */
export function arccos(call: Call, x: Value): Value {
  const one = call.scalar(1);
  const quotient = call.node('Div', [call.node('Sub', [one, x]), call.node('Add', [one, x])]);
  return call.node('Mul', [call.scalar(2), arctan(call, call.node('Sqrt', [quotient]))]);
}

/** sinh: from e^|x| − 1 near zero, from e^(|x|/2) squared where e^|x| would overflow too early. */
export function sinh(call: Call, x: Value): Value {
  const size = call.node('Abs', [x]);
  const e = expm1(call, size);
  const sum = call.node('Add', [e, call.node('Div', [e, call.node('Add', [e, call.scalar(1)])])]);
  return call.node('Mul', [call.node('Sign', [x]), halfExponential(call, size, sum)]);
}

export function cosh(call: Call, x: Value): Value {
  const size = call.node('Abs', [x]);
  const e = call.node('Exp', [size]);
  return halfExponential(call, size, call.node('Add', [e, call.node('Reciprocal', [e])]));
}

/** `sum / 2` for moderate sizes, `e^size / 2` for large ones. */
function halfExponential(call: Call, size: Value, sum: Value): Value {
  const root = call.node('Exp', [call.node('Mul', [size, call.scalar(0.5)])]);
  const large = call.node('Mul', [call.node('Mul', [root, call.scalar(0.5)]), root]);
  const far = call.node('Greater', [size, call.scalar(40)]);
  return call.node('Where', [far, large, call.node('Mul', [sum, call.scalar(0.5)])]);
}

export function arcsinh(call: Call, x: Value): Value {
  const size = call.node('Abs', [x]);
  const square = call.node('Mul', [size, size]);
  const root = call.node('Sqrt', [call.node('Add', [square, call.scalar(1)])]);
  const rest = call.node('Div', [square, call.node('Add', [root, call.scalar(1)])]);
  const near = log1p(call, call.node('Add', [size, rest]));
  return call.node('Mul', [call.node('Sign', [x]), orLogOfDouble(call, size, near)]);
}

/** arcosh; NaN below 1. */
export function arccosh(call: Call, x: Value): Value {
  const t = call.node('Sub', [x, call.scalar(1)]);
  // Two roots: their product would be a number again where both factors are negative.
  const root = call.node('Mul', [call.node('Sqrt', [t]), call.node('Sqrt', [call.node('Add', [t, call.scalar(2)])])]);
  return orLogOfDouble(call, x, log1p(call, call.node('Add', [t, root])));
}

/** ln(2·x) where x² would overflow. */
function orLogOfDouble(call: Call, x: Value, near: Value): Value {
  const log = call.node('Add', [call.node('Log', [x]), call.scalar(Math.LN2)]);
  return call.node('Where', [call.node('Greater', [x, call.scalar(1e100)]), log, near]);
}

/** artanh; ±∞ at ±1, NaN beyond. */
export function arctanh(call: Call, x: Value): Value {
  const size = call.node('Abs', [x]);
  const ratio = call.node('Div', [call.node('Mul', [size, call.scalar(2)]), call.node('Sub', [call.scalar(1), size])]);
  const half = call.node('Mul', [log1p(call, ratio), call.scalar(0.5)]);
  return call.node('Mul', [call.node('Sign', [x]), half]);
}

/** Cube root, also of negative numbers: a power, and one step of Newton's method. */
export function cbrt(call: Call, x: Value): Value {
  const size = call.node('Abs', [x]);
  const root = call.node('Pow', [size, call.scalar(1 / 3)]);
  const square = call.node('Mul', [root, root]);
  const excess = call.node('Sub', [root, call.node('Div', [size, square])]);
  const better = call.node('Sub', [root, call.node('Div', [excess, call.scalar(3)])]);
  const ends = call.node('Or', [call.node('Equal', [size, call.scalar(0)]), call.node('IsInf', [size])]);
  return call.node('Mul', [call.node('Sign', [x]), call.node('Where', [ends, size, better])]);
}
