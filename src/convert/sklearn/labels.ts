import type { Tensor } from '../../tensor.js';
import type { GraphBuilder, Value } from '../graph-builder.js';
import type { Output } from './converter.js';

/** Class labels as they were in training: int64, float64, bool or string, [classes]. */
export type Labels = Tensor;

/** Labels as texts: names of the columns of `predict_proba`. Booleans are Python's `True` and `False`. */
export function labelTexts({ dtype, data }: Labels): string[] {
  return Array.from(data as ArrayLike<number | bigint | string>, (label) =>
    dtype === 'bool' ? (label === 1 ? 'True' : 'False') : String(label),
  );
}

/** The label at `index`, int64 [batch] (or [batch, targets]): of the type that the labels have. */
export function pickLabel(graph: GraphBuilder, labels: Labels, index: Value, shape: Output['shape'] = [null]): Output {
  // Gather has no kernel for what JSON calls booleans in every build; they travel as integers.
  if (labels.dtype === 'bool') {
    const integers = BigInt64Array.from(labels.data as Uint8Array, BigInt);
    const picked = graph.node('Gather', [
      graph.constant({ ...labels, dtype: 'int64', data: integers }, 'classes'),
      index,
    ]);
    return { value: graph.node('Cast', [picked], { to: 9 }), dtype: 'bool', shape };
  }
  return { value: graph.node('Gather', [graph.constant(labels, 'classes'), index]), dtype: labels.dtype, shape };
}

/** Labels that are the numbers of classes, 0 to `count` - 1, as such: what parts of an ensemble were fitted on. */
export function toIndices({ dtype, data }: Labels, count: number): number[] | undefined {
  if (dtype === 'string') return undefined;
  const indices = Array.from(data as ArrayLike<number | bigint>, Number);
  return indices.every((index) => Number.isInteger(index) && index >= 0 && index < count) ? indices : undefined;
}

/** For each of `labels` its place among `all`; `undefined` where one has none. */
export function placesAmong(labels: Labels, all: Labels): number[] | undefined {
  const items = Array.from(all.data as ArrayLike<unknown>, String);
  const places = Array.from(labels.data as ArrayLike<unknown>, (label) => items.indexOf(String(label)));
  return labels.dtype === all.dtype && !places.includes(-1) ? places : undefined;
}
