import type { Value } from '../../graph-builder.js';
import type { Call } from '../call.js';
import { tableOf } from '../context.js';
import type { EstimatorConverter } from '../converter.js';
import { expm1, log1p } from '../elementary.js';
import { type Features, matrix } from '../features.js';

/** [batch, n] → transform [batch, n]: the power that made each feature most like a Gaussian, then standardised. */
export const powerTransformer: EstimatorConverter = {
  className: 'sklearn.preprocessing._data.PowerTransformer',
  parameters: ['method', 'standardize', 'copy'],
  input(estimator) {
    estimator.checkFitted('lambdas_');
    return tableOf(estimator, estimator.vector('lambdas_').length);
  },
  convert: (call) => ({ transform: () => transformed(call) }),
};

/** `numpy.spacing(1.0)` */
const epsilon = 2 ** -52;

function transformed(call: Call): Features {
  const { estimator } = call;
  const lambdas = estimator.vector('lambdas_');
  const { value } = call.matrix(lambdas.length, { missing: true });
  const isBoxCox = estimator.choice('method', ['yeo-johnson', 'box-cox']) === 'box-cox';
  const powered = matrix(
    isBoxCox ? boxCox(call, value, lambdas) : yeoJohnson(call, value, lambdas),
    lambdas.length,
    false,
  );
  if (!estimator.boolean('standardize')) return powered;
  const scaled = call.convert(estimator.get('_scaler'), powered).transform?.();
  return scaled ?? estimator.refuse('its _scaler has no transform');
}

/** x ≥ 0: `((x + 1)^λ − 1) / λ`, at λ = 0 `ln(x + 1)`; x < 0: the same of −x with 2 − λ, negated. */
function yeoJohnson(call: Call, x: Value, lambdas: Float64Array): Value {
  const zero = call.scalar(0);
  const positive = power(call, call.node('Max', [x, zero]), lambdas, (l) => Math.abs(l) < epsilon);
  const mirrored = lambdas.map((l) => 2 - l);
  const negative = power(
    call,
    call.node('Max', [call.node('Neg', [x]), zero]),
    mirrored,
    (l) => Math.abs(l) <= epsilon,
  );
  const isPositive = call.node('GreaterOrEqual', [x, zero]);
  return call.node('Where', [isPositive, positive, call.node('Neg', [negative])]);
}

function power(call: Call, x: Value, lambdas: Float64Array, isZero: (lambda: number) => boolean): Value {
  const zeros = lambdas.map((l) => Number(isZero(l)));
  const safe = call.floats(lambdas.map((l, i) => (zeros[i] === 1 ? 1 : l)));
  const one = call.scalar(1);
  const raised = call.node('Pow', [call.node('Add', [x, one]), safe]);
  const powered = call.node('Div', [call.node('Sub', [raised, one]), safe]);
  return choose(call, zeros, () => log1p(call, x), powered);
}

/** `(x^λ − 1) / λ` as SciPy computes it, at λ = 0 `ln x`; x must be above 0. */
function boxCox(call: Call, x: Value, lambdas: Float64Array): Value {
  const { estimator } = call;
  const bad = call.node('Cast', [call.node('LessOrEqual', [x, call.scalar(0)])], { to: 11 });
  const none = call.node('Equal', [call.reduce('ReduceMax', bad), call.scalar(0)]);
  call.guard(none, `${estimator.name} takes values above zero alone`);
  const log = call.node('Log', [x]);
  const zeros = lambdas.map((l) => Number(Math.abs(l) < 1e-19));
  const safe = call.floats(lambdas.map((l, i) => (zeros[i] === 1 ? 1 : l)));
  const powered = call.node('Div', [expm1(call, call.node('Mul', [safe, log])), safe]);
  return choose(call, zeros, () => log, powered);
}

/** Columns where `mask` is 1 from `special`, the others from `general`. */
function choose(call: Call, mask: Float64Array, special: () => Value, general: Value): Value {
  if (!mask.includes(1)) return general;
  const isSpecial = call.node('Greater', [call.floats(mask), call.scalar(0.5)]);
  return call.node('Where', [isSpecial, special(), general]);
}
