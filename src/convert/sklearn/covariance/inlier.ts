import type { Value } from '../../graph-builder.js';
import type { Call } from '../call.js';
import type { Output } from '../converter.js';

/** 1 where the decision is not below 0, else -1: int64 [batch]. */
export function inlierOutput(call: Call, decision: Value): Output {
  const constant = (value: bigint) =>
    call.graph.constant({ dtype: 'int64', shape: [], data: BigInt64Array.of(value) }, 'label');
  const isOutlier = call.node('Less', [decision, call.scalar(0)]);
  return { value: call.node('Where', [isOutlier, constant(-1n), constant(1n)]), dtype: 'int64', shape: [null] };
}
