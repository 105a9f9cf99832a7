/** What ensembles do with the answers of their parts. */
import type { Value } from '../../graph-builder.js';
import type { Call } from '../call.js';
import type { Output } from '../converter.js';
import { type Labels, toIndices } from '../labels.js';

/** Terms of one shape, added in their order from the first on, as Python's `sum` does. */
export function sumOf(call: Call, terms: readonly Value[]): Value {
  return terms.reduce((sum, term) => call.node('Add', [sum, term]));
}

/** The mean of outputs of one shape. */
export function meanOf(call: Call, outputs: readonly Output[]): Output {
  const [first] = outputs;
  for (const { shape } of outputs) {
    if (shape.join() !== first!.shape.join()) call.estimator.refuse('its parts give results of different shapes');
  }
  const values = outputs.map((output) => asFloat(call, output));
  const value = call.node('Div', [sumOf(call, values), call.scalar(outputs.length)]);
  return { value, dtype: 'float64', shape: first!.shape };
}

/** Numbers of any type as float64. @throws estimator-unsupported for texts */
export function asFloat(call: Call, { value, dtype }: Output): Value {
  if (dtype === 'string') return call.estimator.refuse('a part of it predicts texts, where numbers are added');
  return dtype === 'float64' ? value : call.node('Cast', [value], { to: 11 });
}

/** The only one of the outputs of a method. */
export function single(call: Call, result: Output | readonly Output[]): Output {
  if (!Array.isArray(result)) return result as Output;
  return result.length === 1 ? (result[0] as Output) : call.estimator.refuse('a part of it has several targets');
}

/** Classes by number, any integer or float type, [batch] → [batch, width] of 0 and 1. */
export function oneHot(call: Call, index: Value, width: number): Value {
  const numbers = call.graph.constant({
    dtype: 'int64',
    shape: [1, width],
    data: BigInt64Array.from({ length: width }, (_, i) => BigInt(i)),
  });
  const column = call.node('Unsqueeze', [call.node('Cast', [index], { to: 7 }), call.graph.int64s([1])]);
  return call.node('Cast', [call.node('Equal', [column, numbers])], { to: 11 });
}

/** [batch, own classes] → [batch, width]: each column where the number of its class says, `rest` elsewhere. */
export function atLabels(call: Call, value: Value, own: Labels | undefined, width: number, rest: number): Value {
  const places = own === undefined ? undefined : toIndices(own, width);
  if (places === undefined) return call.estimator.refuse('a part of it has other classes than the whole');
  if (places.length === width && places.every((place, i) => place === i)) return value;
  const batch = call.node('Shape', [value], { end: 1 });
  const shape = call.node('Concat', [batch, call.graph.int64s([1])], { axis: 0 });
  const filler = call.node('Expand', [call.scalar(rest), shape]);
  const wide = call.node('Concat', [value, filler], { axis: 1 });
  const order = Array.from({ length: width }, (_, i) => (places.includes(i) ? places.indexOf(i) : places.length));
  return call.node('Gather', [wide, call.graph.int64s(order, 'columns')], { axis: 1 });
}
