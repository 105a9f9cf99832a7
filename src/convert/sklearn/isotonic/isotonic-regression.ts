import type { Value } from '../../graph-builder.js';
import type { Call } from '../call.js';
import { tableOf } from '../context.js';
import type { EstimatorConverter } from '../converter.js';
import type { Estimator } from '../estimator.js';
import { matrix } from '../features.js';

/** [batch, 1] → predict [batch] and transform [batch, 1]: between the learnt points, straight lines. */
export const isotonicRegression: EstimatorConverter = {
  className: 'sklearn.isotonic.IsotonicRegression',
  parameters: ['increasing', 'out_of_bounds', 'y_max', 'y_min'],
  input: (estimator) => tableOf(estimator, 1),
  convert(call) {
    let predicted: Value | undefined;
    const predict = () => {
      predicted ??= interpolate(
        call,
        call.estimator,
        call.node('Squeeze', [call.matrix(1).value, call.graph.int64s([1])]),
      );
      return predicted;
    };
    return {
      predict: () => ({ value: predict(), dtype: 'float64', shape: [null] }),
      transform: () => {
        const finite = call.estimator.text('out_of_bounds') !== 'nan';
        return { ...matrix(call.node('Unsqueeze', [predict(), call.graph.int64s([1])]), 1, finite), isVector: true };
      },
    };
  },
};

/**
 * What `isotonic` predicts for x [batch], as `numpy.interp`: [batch]. Beyond the learnt points `out_of_bounds` decides: the
 * nearest value, NaN, or a refusal.
 */
export function interpolate(call: Call, isotonic: Estimator, x: Value): Value {
  const { knots, values } = readPoints(isotonic);
  const last = knots.length - 1;
  if (last === 0) return call.node('Add', [call.node('Mul', [x, call.scalar(0)]), call.floats(values)]);
  const bounds = isotonic.choice('out_of_bounds', ['nan', 'clip', 'raise']);
  const inside = call.node('And', [
    call.node('GreaterOrEqual', [x, call.scalar(knots[0]!)]),
    call.node('LessOrEqual', [x, call.scalar(knots[last]!)]),
  ]);
  if (bounds === 'raise') call.guard(inside, 'a value beyond those that IsotonicRegression has seen in training');
  const clipped =
    bounds === 'clip'
      ? call.node('Clip', [x, call.scalar(isotonic.number('X_min_')), call.scalar(isotonic.number('X_max_'))])
      : x;
  const column = call.node('Unsqueeze', [clipped, call.graph.int64s([1])]);
  const reached = call.node('Cast', [call.node('GreaterOrEqual', [column, call.floats(knots.subarray(1))])], { to: 7 });
  const segment = call.reduce('ReduceSum', reached);
  const at = (data: Float64Array) => call.node('Gather', [call.floats(data), segment]);
  // The last knot begins a segment of its own, so that its value comes out exactly.
  const slopes = knots.map((knot, i) => (i === last ? 0 : (values[i + 1]! - values[i]!) / (knots[i + 1]! - knot)));
  const rise = call.node('Mul', [at(slopes), call.node('Sub', [clipped, at(knots)])]);
  const y = call.node('Add', [rise, at(values)]);
  return bounds === 'nan' ? call.node('Where', [inside, y, call.scalar(Number.NaN)]) : y;
}

function readPoints(estimator: Estimator): { knots: Float64Array; values: Float64Array } {
  // Called _necessary_X_ and _necessary_y_ until 0.23.
  const [x, y] = estimator.has('X_thresholds_')
    ? ['X_thresholds_', 'y_thresholds_']
    : ['_necessary_X_', '_necessary_y_'];
  estimator.checkFitted(x!);
  const knots = estimator.vector(x!);
  const values = estimator.vector(y!, knots.length);
  if (knots.length === 0 || knots.some((knot, i) => i > 0 && !(knot > knots[i - 1]!))) {
    estimator.refuse(`${x} should be numbers that rise`);
  }
  return { knots, values };
}
