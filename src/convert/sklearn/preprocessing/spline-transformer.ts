import { PythonDict, PythonObject, PythonTuple, type PythonValue } from '../../../formats/pickle/index.js';
import type { Value } from '../../graph-builder.js';
import type { Call } from '../call.js';
import { tableOf } from '../context.js';
import type { EstimatorConverter } from '../converter.js';
import { type Estimator, toNumber, toNumbers } from '../estimator.js';
import { type Features, matrix } from '../features.js';
import { searchSorted } from '../search-sorted.js';

/** [batch, n] → transform [batch, n · splines]: the value of every B-spline of a feature at its value. */
export const splineTransformer: EstimatorConverter = {
  className: 'sklearn.preprocessing._polynomial.SplineTransformer',
  parameters: [
    // `handle_missing` came with 1.8.
    ...['n_knots', 'degree', 'knots', 'extrapolation', 'include_bias', 'order', 'sparse_output', 'handle_missing'],
  ],
  input(estimator) {
    estimator.checkFitted('bsplines_');
    return tableOf(estimator, estimator.list('bsplines_').length);
  },
  convert: (call) => ({ transform: () => transformed(call) }),
};

/** The splines of one feature: **knots**, and what each of them adds to each result, [knots − degree − 1, splines]. */
interface Splines {
  readonly knots: Float64Array;
  readonly coefficients: Float64Array;
  readonly splines: number;
  readonly degree: number;
}

/** Each degree is a layer of nodes as wide as there are knots. */
const highestDegree = 30;
const extrapolations = ['error', 'constant', 'linear', 'continue', 'periodic'] as const;

function transformed(call: Call): Features {
  const { estimator, graph } = call;
  const features = readSplines(estimator);
  const { degree, splines, coefficients } = features[0]!;
  const extrapolation = estimator.choice('extrapolation', extrapolations);
  const missing = estimator.text('handle_missing', 'error');
  if (missing !== 'error') estimator.refuse(`handle_missing is "${missing.slice(0, 40)}"; known is error`);
  const { value: x } = call.matrix(features.length);
  const lows = features.map(({ knots }) => knots[degree]!);
  const highs = features.map(({ knots }) => knots[knots.length - degree - 1]!);
  const [low, high] = [call.floats(lows), call.floats(highs)];
  const clipped = call.node('Min', [call.node('Max', [x, low]), high]);
  const at = pointOf(call, extrapolation, x, clipped, low, call.floats(highs.map((end, j) => end - lows[j]!)));
  let basis = basisAt(call, at, features);
  if (!isIdentity(coefficients, splines)) {
    const rows = coefficients.length / splines;
    basis = call.node('MatMul', [basis, call.floats(coefficients, [rows, splines])]);
  }
  if (extrapolation === 'linear') basis = continued(call, basis, x, features, low, high);
  const kept = estimator.boolean('include_bias') ? splines : splines - 1;
  if (kept === 0) return estimator.refuse('it has one spline a feature and leaves it out, so nothing is left');
  if (kept < splines) {
    basis = call.node('Slice', [basis, graph.int64s([0]), graph.int64s([kept]), graph.int64s([2])]);
  }
  const width = features.length * kept;
  return matrix(call.node('Reshape', [basis, graph.int64s([-1, width])]), width, true);
}

/** Where the splines are evaluated: beyond the knots it depends on `extrapolation`. */
function pointOf(
  call: Call,
  extrapolation: (typeof extrapolations)[number],
  x: Value,
  clipped: Value,
  low: Value,
  period: Value,
): Value {
  switch (extrapolation) {
    case 'continue':
      return x;
    case 'error': {
      const excess = call.reduce('ReduceMax', call.node('Abs', [call.node('Sub', [x, clipped])]));
      call.guard(call.node('Equal', [excess, call.scalar(0)]), 'a value is beyond the limits of the knots');
      return x;
    }
    case 'periodic': {
      const rest = call.node('Mod', [call.node('Sub', [x, low]), period], { fmod: 1 });
      const isNegative = call.node('Less', [rest, call.scalar(0)]);
      const positive = call.node('Where', [isNegative, call.node('Add', [rest, period]), rest]);
      return call.node('Add', [low, positive]);
    }
    default:
      return clipped;
  }
}

/**
 * [batch, features] → [batch, features, knots − degree − 1], by the recursion of Cox and de Boor. The interval is one
 * of those between the outermost base knots, also for values beyond: its polynomial goes on there.
 */
function basisAt(call: Call, x: Value, features: readonly Splines[]): Value {
  const { graph } = call;
  const { degree } = features[0]!;
  const count = features[0]!.knots.length;
  const inner = features.map(({ knots }) => knots.subarray(degree + 1, count - degree - 1));
  const place = call.node('Add', [searchSorted(call, x, inner, 'right'), call.scalar(degree)]);
  const last = graph.int64s([2]);
  const intervals = call.floats(Float64Array.from({ length: count - 1 }, (_, i) => i));
  let basis = call.node('Cast', [call.node('Equal', [call.node('Unsqueeze', [place, last]), intervals])], { to: 11 });
  const point = call.node('Unsqueeze', [x, last]);
  for (let d = 1; d <= degree; d++) {
    const width = count - 1 - d;
    const table = (value: (knots: Float64Array, i: number) => number) =>
      call.floats(
        features.flatMap(({ knots }) => Array.from({ length: width }, (_, i) => value(knots, i))),
        [features.length, width],
      );
    const inverse = (from: number, to: number) => (to > from ? 1 / (to - from) : 0);
    const rise = call.node('Mul', [
      call.node('Sub', [point, table((t, i) => t[i]!)]),
      table((t, i) => inverse(t[i]!, t[i + d]!)),
    ]);
    const fall = call.node('Mul', [
      call.node('Sub', [table((t, i) => t[i + d + 1]!), point]),
      table((t, i) => inverse(t[i + 1]!, t[i + d + 1]!)),
    ]);
    const cut = (from: number) => call.node('Slice', [basis, graph.int64s([from]), graph.int64s([from + width]), last]);
    basis = call.node('Add', [call.node('Mul', [rise, cut(0)]), call.node('Mul', [fall, cut(1)])]);
  }
  return basis;
}

/** Beyond the base knots every spline goes on as its tangent there. */
function continued(call: Call, basis: Value, x: Value, features: readonly Splines[], low: Value, high: Value): Value {
  const { degree, splines } = features[0]!;
  // scikit-learn moves its own idea of the outer knots from one feature to the next then.
  if (degree < 2 && features.length > 1) {
    call.estimator.refuse('linear extrapolation of splines of a degree below 2 of several features is not defined');
  }
  const slopes = (end: (splines: Splines) => number) =>
    call.floats(
      features.flatMap((own) => Array.from(slopesAt(own, end(own)))),
      [features.length, splines],
    );
  const last = call.graph.int64s([2]);
  const zero = call.scalar(0);
  const below = call.node('Unsqueeze', [call.node('Min', [call.node('Sub', [x, low]), zero]), last]);
  const above = call.node('Unsqueeze', [call.node('Max', [call.node('Sub', [x, high]), zero]), last]);
  const left = call.node('Mul', [below, slopes(({ knots }) => knots[degree]!)]);
  const right = call.node('Mul', [above, slopes(({ knots }) => knots[knots.length - degree - 1]!)]);
  return call.node('Add', [basis, call.node('Add', [left, right])]);
}

/** First derivative of every spline at a base knot, of the interval inside. */
function slopesAt({ knots: t, degree, coefficients, splines }: Splines, x: number): Float64Array {
  const slopes = new Float64Array(splines);
  if (degree === 0) return slopes;
  let interval = degree;
  while (interval < t.length - degree - 2 && t[interval + 1]! <= x) interval++;
  const ratio = (above: number, below: number) => (below > 0 ? above / below : 0);
  let basis = Float64Array.from({ length: t.length - 1 }, (_, i) => Number(i === interval));
  for (let d = 1; d < degree; d++) {
    basis = Float64Array.from(
      { length: basis.length - 1 },
      (_, i) =>
        ratio(x - t[i]!, t[i + d]! - t[i]!) * basis[i]! +
        ratio(t[i + d + 1]! - x, t[i + d + 1]! - t[i + 1]!) * basis[i + 1]!,
    );
  }
  for (let i = 0; i + 1 < basis.length; i++) {
    const left = ratio(basis[i]!, t[i + degree]! - t[i]!);
    const right = ratio(basis[i + 1]!, t[i + degree + 1]! - t[i + 1]!);
    const slope = degree * (left - right);
    for (let k = 0; k < splines; k++) slopes[k]! += slope * coefficients[i * splines + k]!;
  }
  return slopes;
}

function isIdentity(coefficients: Float64Array, size: number): boolean {
  return coefficients.length === size * size && coefficients.every((c, i) => c === Number(i % (size + 1) === 0));
}

function readSplines(estimator: Estimator): Splines[] {
  const degree = estimator.integer('degree');
  if (degree > highestDegree) estimator.refuse(`its degree is ${degree}; at most ${highestDegree} is converted`);
  const features = estimator.list('bsplines_').map((item) => {
    const fields = fieldsOf(item);
    // SciPy 1.17 put an underscore before the two, and 1.18 took it away.
    const numbers = (name: string) => toNumbers(fields?.get(name) ?? fields?.get(`_${name}`));
    const [knots, coefficients] = [numbers('t'), numbers('c')];
    const [rows, splines] = coefficients?.shape ?? [];
    const fits = toNumber(fields?.get('k') ?? null) === degree && rows === (knots?.data.length ?? 0) - degree - 1;
    if (knots === undefined || coefficients === undefined || splines === undefined || !fits || !(splines > 0)) {
      return estimator.refuse('its splines are damaged');
    }
    return { knots: knots.data, coefficients: coefficients.data, splines, degree };
  });
  const [first] = features;
  const isUniform = features.every(
    ({ knots, splines, coefficients }) =>
      knots.length === first?.knots.length &&
      splines === first.splines &&
      coefficients.every((c, i) => c === first.coefficients[i]),
  );
  if (first === undefined || !isUniform || degree < 0) estimator.refuse('its splines differ from feature to feature');
  return features;
}

/** The attributes of a SciPy BSpline, which since 1.18 wraps another. */
function fieldsOf(value: PythonValue | undefined): PythonDict | undefined {
  if (!(value instanceof PythonObject)) return undefined;
  const { state } = value;
  if (state instanceof PythonDict) return state;
  return state instanceof PythonTuple && value.global.name === 'BSpline' ? fieldsOf(state.items[0]) : undefined;
}
