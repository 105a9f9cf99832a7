import type { Value } from '../graph-builder.js';
import type { Call } from './call.js';
import type { Output } from './converter.js';

/** The result of a regressor, from [batch, targets]: [batch] where the target was a vector, which `single` says. */
export function regression(call: Call, value: Value, targets: number, single = targets === 1): Output {
  if (!single) return { value, dtype: 'float64', shape: [null, targets] };
  return { value: call.node('Squeeze', [value, call.graph.int64s([1])]), dtype: 'float64', shape: [null] };
}
