import type { Value } from '../../graph-builder.js';
import type { Call } from '../call.js';

/** A vector of one int64, the number of rows of the input, at whose values nobody looks. */
export function rowCount(call: Call): Value {
  const { input } = call;
  const value = input.kind === 'sparse' ? input.values : call.matrix(undefined, { missing: true }).value;
  return call.node('Shape', [value], { end: 1 });
}

/** The same numbers for every row: [batch, values.length]. */
export function constantRows(call: Call, values: Float64Array): Value {
  const shape = call.node('Concat', [rowCount(call), call.graph.int64s([values.length])], { axis: 0 });
  return call.node('Expand', [call.floats(values), shape]);
}

/** The same index for every row: int64 [batch]. */
export function constantIndex(call: Call, index: number): Value {
  const constant = call.graph.constant({ dtype: 'int64', shape: [], data: BigInt64Array.of(BigInt(index)) }, 'index');
  return call.node('Expand', [constant, rowCount(call)]);
}
