import type { Value } from '../../graph-builder.js';
import type { Call } from '../call.js';
import { type Features, matrix } from '../features.js';

/** `operator(x, vector)` of the input, the vector one value a feature. NaN passes since 0.20. */
export function scaled(
  call: Call,
  size: number | undefined,
  steps: readonly (readonly [string, Float64Array])[],
): Features {
  const { finite, value, size: width } = call.matrix(size, { missing: call.estimator.since([0, 20]) });
  const result = steps.reduce((x, [operator, vector]) => call.node(operator, [x, call.floats(vector)]), value);
  return matrix(result, width, finite);
}

/** `x / scale` of sparse input, whose pairs stay pairs. */
export function scaledPairs(call: Call, scale: Float64Array): Features {
  const { input } = call;
  if (input.kind !== 'sparse') return scaled(call, scale.length, [['Div', scale]]);
  if (input.size !== scale.length)
    call.estimator.refuse(`it was fitted on ${scale.length} features, not ${input.size}`);
  const factors = call.node('Gather', [call.floats(scale), input.indices]);
  return { ...input, values: call.node('Div', [input.values, factors]) };
}

/** `numpy.clip` of float64: a NaN stays one. */
export function clipped(call: Call, x: Value, low: number, high: number): Value {
  return call.node('Clip', [x, call.scalar(low), call.scalar(high)]);
}
