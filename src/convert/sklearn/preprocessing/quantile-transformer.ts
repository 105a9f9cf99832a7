import type { Value } from '../../graph-builder.js';
import type { Call } from '../call.js';
import { matrixInput } from '../context.js';
import type { EstimatorConverter } from '../converter.js';
import { type Features, matrix } from '../features.js';
import { searchSorted } from '../search-sorted.js';
import { normalQuantile } from './normal-quantile.js';

/** [batch, n] → transform [batch, n]: the quantile that each value had in training, uniform or normal. */
export const quantileTransformer: EstimatorConverter = {
  className: 'sklearn.preprocessing._data.QuantileTransformer',
  // How the quantiles were taken matters to `fit` alone.
  parameters: [...['n_quantiles', 'output_distribution', 'ignore_implicit_zeros', 'subsample', 'random_state', 'copy']],
  input: matrixInput('quantiles_'),
  convert: (call) => ({ transform: () => transformed(call) }),
};

/** Values nearer to an end than this count as beyond it. */
const margin = 1e-7;
/** `scipy.stats.norm.ppf` of the margin and of one minus it, less `numpy.spacing(1)`. */
const [lowestNormal, highestNormal] = [-5.199337582605575, 5.19933758270342];

function transformed(call: Call): Features {
  const { estimator } = call;
  const { data, rows, columns } = estimator.matrix('quantiles_');
  const references = estimator.vector('references_', rows);
  const quantiles = Array.from({ length: columns }, (_, j) =>
    Float64Array.from({ length: rows }, (_row, i) => data[i * columns + j]!),
  );
  const isNormal = estimator.choice('output_distribution', ['uniform', 'normal']) === 'normal';
  const { value: x } = call.matrix(columns, { missing: estimator.since([0, 20]) });
  const [low, high] = [call.floats(quantiles.map((own) => own[0]!)), call.floats(quantiles.map((own) => own.at(-1)!))];
  // Until 0.20 the margin held for both distributions.
  const hasMargin = isNormal || !estimator.since([0, 21]);
  const isLow = hasMargin
    ? call.node('Less', [call.node('Sub', [x, call.scalar(margin)]), low])
    : call.node('Equal', [x, low]);
  const isHigh = hasMargin
    ? call.node('Greater', [call.node('Add', [x, call.scalar(margin)]), high])
    : call.node('Equal', [x, high]);
  const inner = interpolated(call, x, quantiles, references);
  const bounded = call.node('Where', [isHigh, call.scalar(1), inner]);
  const uniform = call.node('Where', [isLow, call.scalar(0), bounded]);
  return matrix(isNormal ? toNormal(call, uniform) : clippedUniform(call, uniform), columns, false);
}

/** The bounds are beyond those quantiles that the rational functions are for, and end where the clip cuts. */
function toNormal(call: Call, p: Value): Value {
  const inside = call.node('Clip', [p, call.scalar(1e-9), call.scalar(1 - 1e-9)]);
  const quantile = normalQuantile(call, inside);
  return call.node('Clip', [quantile, call.scalar(lowestNormal!), call.scalar(highestNormal!)]);
}

function clippedUniform(call: Call, p: Value): Value {
  if (call.estimator.since([0, 21])) return p;
  const low = margin - 2 ** -52;
  return call.node('Clip', [p, call.scalar(low), call.scalar(1 - low)]);
}

/** The mean of interpolating upwards and downwards, which differ where quantiles repeat: `numpy.interp` twice. */
function interpolated(call: Call, x: Value, quantiles: readonly Float64Array[], references: Float64Array): Value {
  const n = references.length;
  // Entry k holds the piece that a value has which is above k quantiles: its slope, and where it starts.
  const slope = (own: Float64Array, i: number) => {
    const width = own[i + 1]! - own[i]!;
    return width > 0 ? (references[i + 1]! - references[i]!) / width : 0;
  };
  const upward = quantiles.map((own) =>
    Array.from({ length: n + 1 }, (_, k) => {
      const i = Math.max(0, k - 1);
      return { slope: k === 0 || k === n ? 0 : slope(own, i), from: own[i]!, value: references[i]! };
    }),
  );
  const downward = quantiles.map((own) =>
    Array.from({ length: n + 1 }, (_, k) => {
      const i = Math.min(n - 1, k);
      return { slope: k === 0 || k === n ? 0 : slope(own, k - 1), from: own[i]!, value: references[i]! };
    }),
  );
  const up = piecewise(call, x, searchSorted(call, x, quantiles, 'right'), upward);
  const down = piecewise(call, x, searchSorted(call, x, quantiles, 'left'), downward);
  return call.node('Mul', [call.scalar(0.5), call.node('Add', [up, down])]);
}

interface Piece {
  readonly slope: number;
  readonly from: number;
  readonly value: number;
}

/** `slope · (x − from) + value` of the piece whose number is `place`, [batch, columns]. */
function piecewise(call: Call, x: Value, place: Value, pieces: readonly (readonly Piece[])[]): Value {
  const count = pieces[0]!.length;
  const starts = call.floats(pieces.map((_, j) => j * count));
  const index = call.node('Cast', [call.node('Add', [place, starts])], { to: 7 });
  const pick = (field: keyof Piece) =>
    call.node('Gather', [call.floats(pieces.flatMap((own) => own.map((piece) => piece[field]))), index]);
  const rise = call.node('Mul', [pick('slope'), call.node('Sub', [x, pick('from')])]);
  return call.node('Add', [rise, pick('value')]);
}
