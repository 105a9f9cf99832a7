import type { Value } from '../../graph-builder.js';
import type { Call } from '../call.js';

/**
 * The quantile function of the standard normal distribution, for p within (0, 1): `scipy.stats.norm.ppf` to a few
 * units in the last place.
 * Reference: Wichura, The percentage points of the normal distribution, Applied Statistics 37 (1988), AS 241, PPND16.
 */
export function normalQuantile(call: Call, p: Value): Value {
  const q = call.node('Sub', [p, call.scalar(0.5)]);
  const centre = call.node('Sub', [call.scalar(0.180625), call.node('Mul', [q, q])]);
  const central = call.node('Mul', [q, ratio(call, centre, centralCoefficients)]);
  const tail = call.node('Min', [p, call.node('Sub', [call.scalar(1), p])]);
  const r = call.node('Sqrt', [call.node('Neg', [call.node('Log', [tail])])]);
  const near = ratio(call, call.node('Sub', [r, call.scalar(1.6)]), nearCoefficients);
  const far = ratio(call, call.node('Sub', [r, call.scalar(5)]), farCoefficients);
  const size = call.node('Where', [call.node('LessOrEqual', [r, call.scalar(5)]), near, far]);
  const outer = call.node('Mul', [call.node('Sign', [q]), size]);
  const isCentral = call.node('LessOrEqual', [call.node('Abs', [q]), call.scalar(0.425)]);
  return call.node('Where', [isCentral, central, outer]);
}

/** A quotient of two polynomials, coefficients from the constant up. */
interface Ratio {
  readonly above: readonly number[];
  readonly below: readonly number[];
}

function ratio(call: Call, x: Value, { above, below }: Ratio): Value {
  return call.node('Div', [polynomial(call, x, above), polynomial(call, x, below)]);
}

function polynomial(call: Call, x: Value, coefficients: readonly number[]): Value {
  return coefficients
    .slice(0, -1)
    .reduceRight(
      (sum, coefficient) => call.node('Add', [call.node('Mul', [sum, x]), call.scalar(coefficient)]),
      call.scalar(coefficients.at(-1)!),
    );
}

const centralCoefficients: Ratio = {
  above: [
    ...[3.3871328727963665, 133.14166789178438, 1971.5909503065513, 13731.69376550946],
    ...[45921.95393154987, 67265.7709270087, 33430.57558358813, 2509.0809287301227],
  ],
  below: [
    ...[1, 42.31333070160091, 687.1870074920579, 5394.196021424751],
    ...[21213.794301586597, 39307.89580009271, 28729.085735721943, 5226.495278852854],
  ],
};

const nearCoefficients: Ratio = {
  above: [
    ...[1.4234371107496835, 4.630337846156546, 5.769497221460691, 3.6478483247632045],
    ...[1.2704582524523684, 0.2417807251774506, 0.022723844989269184, 0.0007745450142783414],
  ],
  below: [
    ...[1, 2.053191626637759, 1.6763848301838038, 0.6897673349851],
    ...[0.14810397642748008, 0.015198666563616457, 0.0005475938084995345, 1.0507500716444169e-9],
  ],
};

const farCoefficients: Ratio = {
  above: [
    ...[6.657904643501103, 5.463784911164114, 1.7848265399172913, 0.29656057182850487],
    ...[0.026532189526576124, 0.0012426609473880784, 2.7115555687434876e-5, 2.0103343992922881e-7],
  ],
  below: [
    ...[1, 0.599832206555888, 0.1369298809227358, 0.014875361290850615],
    ...[0.0007868691311456133, 1.8463183175100548e-5, 1.421511758316446e-7, 2.0442631033899397e-15],
  ],
};
