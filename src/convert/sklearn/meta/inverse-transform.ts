/** `inverse_transform` of those transformers that targets are transformed with. */
import { PythonTuple, type PythonValue } from '../../../formats/pickle/index.js';
import type { Value } from '../../graph-builder.js';
import type { Call } from '../call.js';
import { expm1 } from '../elementary.js';
import { type Estimator, listOf } from '../estimator.js';
import { applyFunction } from '../preprocessing/numpy-functions.js';
import { readStandardScaler } from '../preprocessing/standard-scaler.js';
import { searchSorted } from '../search-sorted.js';
import { normalProbability } from './normal-probability.js';

type Inverse = (call: Call, transformer: Estimator, y: Value, size: number) => Value;

/** [batch, size] → [batch, size], by the class of the transformer. @throws estimator-unsupported for one not known */
export function inverseTransformed(call: Call, object: PythonValue, y: Value, size: number): Value {
  const transformer = call.context.estimatorOf(object, call.estimator);
  const inverse = Object.hasOwn(inverses, transformer.name) ? inverses[transformer.name] : undefined;
  if (inverse === undefined) {
    return call.estimator.refuse(
      `the inverse of ${transformer.name} is not known; known are ${Object.keys(inverses).join(', ')}`,
    );
  }
  call.context.components.add(transformer.name);
  return inverse(call, transformer, y, size);
}

const inverses: Readonly<Record<string, Inverse>> = {
  FunctionTransformer(call, transformer, y) {
    const inverse = transformer.get('inverse_func') ?? null;
    return inverse === null ? y : applyFunction(call, inverse, transformer.get('inv_kw_args') ?? null, y);
  },
  StandardScaler(call, transformer, y) {
    const { mean, scale } = readStandardScaler(transformer);
    const spread = scale === undefined ? y : call.node('Mul', [y, call.floats(scale)]);
    return mean === undefined ? spread : call.node('Add', [spread, call.floats(mean)]);
  },
  MinMaxScaler(call, transformer, y, size) {
    const moved = call.node('Sub', [y, call.floats(transformer.vector('min_', size))]);
    return call.node('Div', [moved, call.floats(transformer.vector('scale_', size))]);
  },
  MaxAbsScaler: (call, transformer, y, size) => call.node('Mul', [y, call.floats(transformer.vector('scale_', size))]),
  RobustScaler(call, transformer, y, size) {
    const spread = transformer.boolean('with_scaling')
      ? call.node('Mul', [y, call.floats(transformer.vector('scale_', size))])
      : y;
    return transformer.boolean('with_centering')
      ? call.node('Add', [spread, call.floats(transformer.vector('center_', size))])
      : spread;
  },
  PowerTransformer(call, transformer, y, size) {
    const lambdas = transformer.vector('lambdas_', size);
    const spread = transformer.boolean('standardize')
      ? inverseTransformed(call, transformer.get('_scaler') ?? null, y, size)
      : y;
    const isBoxCox = transformer.choice('method', ['yeo-johnson', 'box-cox']) === 'box-cox';
    return isBoxCox ? inverseBoxCox(call, spread, lambdas) : inverseYeoJohnson(call, spread, lambdas);
  },
  QuantileTransformer: inverseQuantiles,
  Pipeline(call, transformer, y, size) {
    const steps = transformer.list('steps').map((step) => {
      const part = step instanceof PythonTuple ? step.items[1] : listOf(step)?.[1];
      return part ?? null;
    });
    const active = steps.filter((step) => step !== null && step !== 'passthrough');
    return active.toReversed().reduce((value: Value, step) => inverseTransformed(call, step, value, size), y);
  },
};

/** `(λ·y + 1)^(1/λ)`, at λ = 0 `exp(y)`. */
function inverseBoxCox(call: Call, y: Value, lambdas: Float64Array): Value {
  const zeros = lambdas.map((lambda) => Number(lambda === 0));
  const safe = call.floats(lambdas.map((lambda) => lambda || 1));
  const base = call.node('Add', [call.node('Mul', [safe, y]), call.scalar(1)]);
  const powered = call.node('Pow', [base, call.node('Reciprocal', [safe])]);
  return choose(call, zeros, () => call.node('Exp', [y]), powered);
}

const epsilon = 2 ** -52;

/** y ≥ 0: `(λ·y + 1)^(1/λ) − 1`, at λ = 0 `exp(y) − 1`; y < 0: the same of −y with 2 − λ, negated. */
function inverseYeoJohnson(call: Call, y: Value, lambdas: Float64Array): Value {
  const zero = call.scalar(0);
  const half = (x: Value, own: Float64Array, isZero: (lambda: number) => boolean) => {
    const zeros = own.map((lambda) => Number(isZero(lambda)));
    const safe = own.map((lambda, i) => (zeros[i] === 1 ? 1 : lambda));
    const base = call.node('Add', [call.node('Mul', [x, call.floats(safe)]), call.scalar(1)]);
    const powered = call.node('Pow', [base, call.floats(safe.map((lambda) => 1 / lambda))]);
    return choose(call, zeros, () => expm1(call, x), call.node('Sub', [powered, call.scalar(1)]));
  };
  const positive = half(call.node('Max', [y, zero]), lambdas, (lambda) => Math.abs(lambda) < epsilon);
  const mirrored = lambdas.map((lambda) => 2 - lambda);
  const negative = half(call.node('Max', [call.node('Neg', [y]), zero]), mirrored, (l) => Math.abs(l) <= epsilon);
  const isPositive = call.node('GreaterOrEqual', [y, zero]);
  return call.node('Where', [isPositive, positive, call.node('Neg', [negative])]);
}

/** Columns where `mask` is 1 from `special`, the others from `general`. */
function choose(call: Call, mask: Float64Array, special: () => Value, general: Value): Value {
  if (!mask.includes(1)) return general;
  return call.node('Where', [call.node('Greater', [call.floats(mask), call.scalar(0.5)]), special(), general]);
}

/** Values nearer to an end than this count as beyond it. */
const margin = 1e-7;

/** The value that has the quantile: between two that are known, on the line through them. */
function inverseQuantiles(call: Call, transformer: Estimator, y: Value, size: number): Value {
  const { data, rows } = transformer.matrix('quantiles_', undefined, size);
  const references = transformer.vector('references_', rows);
  const isNormal = transformer.choice('output_distribution', ['uniform', 'normal']) === 'normal';
  const p = isNormal ? normalProbability(call, y) : y;
  const last = rows - 1;
  const table = (entry: (i: number, j: number) => number) =>
    call.floats(
      Array.from({ length: size * (rows + 1) }, (_, k) => entry((k % (rows + 1)) - 1, Math.floor(k / (rows + 1)))),
    );
  const quantile = (i: number, j: number) => data[i * size + j]!;
  const inside = (i: number) => i >= 0 && i < last;
  const place = searchSorted(
    call,
    p,
    Array.from({ length: size }, () => references),
    'right',
  );
  const starts = call.floats(Array.from({ length: size }, (_, j) => j * (rows + 1)));
  const index = call.node('Cast', [call.node('Add', [place, starts])], { to: 7 });
  const pick = (values: Value) => call.node('Gather', [values, index]);
  const slopes = table((i, j) =>
    inside(i) ? (quantile(i + 1, j) - quantile(i, j)) / (references[i + 1]! - references[i]!) : 0,
  );
  const from = pick(table((i) => references[Math.max(i, 0)]!));
  const rise = call.node('Mul', [pick(slopes), call.node('Sub', [p, from])]);
  const inner = call.node('Add', [rise, pick(table((i, j) => quantile(Math.max(i, 0), j)))]);
  const ends = (i: number) => call.floats(Array.from({ length: size }, (_, j) => quantile(i, j)));
  // Until 0.20 the margin held for both distributions.
  const hasMargin = isNormal || !transformer.since([0, 21]);
  const isLow = hasMargin
    ? call.node('Less', [call.node('Sub', [p, call.scalar(margin)]), call.scalar(0)])
    : call.node('Equal', [p, call.scalar(0)]);
  const isHigh = hasMargin
    ? call.node('Greater', [call.node('Add', [p, call.scalar(margin)]), call.scalar(1)])
    : call.node('Equal', [p, call.scalar(1)]);
  return call.node('Where', [isLow, ends(0), call.node('Where', [isHigh, ends(last), inner])]);
}
