import type { Value } from '../graph-builder.js';
import {
  allOf,
  bandMask,
  flag,
  type Masking,
  maskedSoftmax,
  spreadMask,
  tensorArgument,
  toBoolean,
} from './attention.js';
import { castTensor, fixedSize, type KerasTensor, type LayerCall, type Shape } from './layer.js';
import { range, transpose } from './spatial.js';
import { writtenSince } from './version.js';

/** The three tensors of a call `layer(query, value, key=value)`. */
export interface Triple {
  readonly query: KerasTensor;
  readonly value: KerasTensor;
  readonly key: KerasTensor;
  readonly keyGiven: boolean;
}

/** Of a call `layer(query, value, …)`, after the query: the union of what the generations take. */
export const attentionArguments: readonly string[] = [
  'value',
  'key',
  'query_mask',
  'value_mask',
  'key_mask',
  'attention_mask',
  'return_attention_scores',
  'training',
  'use_causal_mask',
];

export function readTriple(call: LayerCall): Triple {
  const { graph, layer, inputs } = call;
  const [query] = inputs;
  const value = tensorArgument(call, 0, 'value');
  const key = tensorArgument(call, 1, 'key');
  if (query === undefined || inputs.length !== 1 || value === undefined) {
    return layer.config.refuse('it is not called as layer(query, value) or layer(query, value, key)');
  }
  const single = (tensor: KerasTensor, name: string, position: number): KerasTensor => {
    const float = castTensor(graph, tensor, 'float32');
    // Until 3.9 Keras recorded the masks of the tensors as arguments.
    const mask = tensorArgument(call, layer.generation === 3 ? position : Number.POSITIVE_INFINITY, `${name}_mask`);
    return mask === undefined ? float : { ...float, mask: { value: toBoolean(graph, mask), shape: mask.shape } };
  };
  return {
    query: single(query, 'query', 2),
    value: single(value, 'value', 3),
    key: single(key ?? value, 'key', 4),
    keyGiven: key !== undefined,
  };
}

/** A projection to heads: [batch, …, in] → [batch, …, heads · size], from a variable [in, heads, size]. */
export function projectToHeads(
  call: LayerCall,
  x: KerasTensor,
  name: string,
  heads: number,
  size: number,
  useBias: boolean,
): Value {
  const { graph } = call;
  const weights = call.weights.child([`${name}_dense`, `_${name}_dense`], name);
  const width = fixedSize(call, x, -1);
  const kernel = call.constant(`${name}/kernel`, () => ({
    ...weights.read('kernel', [width, heads, size]),
    shape: [width, heads * size],
  }));
  const product = graph.node('MatMul', [x.value, kernel], {}, { name: `${call.layer.name}/${name}` });
  if (!useBias) return product;
  const bias = call.constant(`${name}/bias`, () => ({ ...weights.read('bias', [heads, size]), shape: [heads * size] }));
  return graph.node('Add', [product, bias]);
}

/** [batch, …, heads · size] → [batch, …, output]: from a variable [heads, size, …output]. */
export function projectFromHeads(
  call: LayerCall,
  x: Value,
  rank: number,
  from: { readonly heads: number; readonly size: number },
  output: readonly number[],
  useBias: boolean,
): Value {
  const { graph } = call;
  const weights = call.weights.child(['output_dense', '_output_dense'], 'attention_output');
  const length = output.reduce((product, size) => product * size, 1);
  const kernel = call.constant('attention_output/kernel', () => ({
    ...weights.read('kernel', [from.heads, from.size, ...output]),
    shape: [from.heads * from.size, length],
  }));
  let value = graph.node('MatMul', [x, kernel], {}, { name: call.layer.name });
  if (useBias) {
    const bias = call.constant('attention_output/bias', () => ({ ...weights.read('bias', output), shape: [length] }));
    value = graph.node('Add', [value, bias]);
  }
  if (output.length === 1) return value;
  return graph.node('Reshape', [value, graph.int64s([...range(0, rank - 1).map(() => 0), ...output])]);
}

/** Which axes of [batch, …, features] attend to each other, and where the heads go. */
export interface AttentionAxes {
  readonly batch: readonly number[];
  readonly attended: readonly number[];
}

/**
 * [batch, …, heads · size] → [batch, …batch axes, heads, steps, size]. With one attended axis its size may be free.
 * `shape` is that of the tensor before the projection.
 */
export function splitHeads(
  call: LayerCall,
  x: Value,
  shape: Shape,
  axes: AttentionAxes,
  heads: number,
  size: number,
): KerasTensor {
  const { graph } = call;
  const rank = shape.length;
  const target = graph.int64s([...range(0, rank - 1).map(() => 0), heads, size]);
  const split: KerasTensor = {
    value: graph.node('Reshape', [x, target]),
    dtype: 'float32',
    shape: [...shape.slice(0, -1), heads, size],
  };
  const moved = transpose(call, split, [0, ...axes.batch, rank - 1, ...axes.attended, rank]);
  if (axes.attended.length === 1) return moved;
  const steps = axes.attended.map((axis) => fixedSize(call, split, axis)).reduce((product, step) => product * step, 1);
  const front = range(0, axes.batch.length + 2);
  const value = graph.node('Reshape', [moved.value, graph.int64s([...front.map(() => 0), steps, size])]);
  return { value, dtype: 'float32', shape: [...front.map((axis) => moved.shape[axis]!), steps, size] };
}

/** The way back: [batch, …batch axes, heads, steps, size] → [batch, …, heads · size]. */
export function joinHeads(
  call: LayerCall,
  x: Value,
  shape: Shape,
  axes: AttentionAxes,
  heads: number,
  size: number,
): Value {
  const { graph } = call;
  let value = x;
  const attended = axes.attended.map((axis) => shape[axis]!);
  const front = axes.batch.length + 2;
  if (attended.length > 1) {
    const target = [...range(0, front).map(() => 0), ...attended.map((step) => step!), size];
    value = graph.node('Reshape', [value, graph.int64s(target)]);
  }
  const now = [0, ...axes.batch, -1, ...axes.attended, -2];
  const order = range(0, shape.length - 1).map((axis) => now.indexOf(axis));
  value = graph.node('Transpose', [value], { perm: [...order, now.indexOf(-1), now.indexOf(-2)] });
  return graph.node('Reshape', [value, graph.int64s([...order.map(() => 0), heads * size])]);
}

export interface Attended {
  readonly output: Value;
  readonly weights: Value;
}

/** Scaled dot-product attention over [batch, …, heads, steps, size] tensors. */
export function attend(
  call: LayerCall,
  { query, key, value }: { readonly query: KerasTensor; readonly key: KerasTensor; readonly value: KerasTensor },
  size: number,
  mask: Value | undefined,
  masking: Masking,
): Attended {
  const { graph } = call;
  const rank = key.shape.length;
  const turned = graph.node('Transpose', [key.value], { perm: [...range(0, rank - 2), rank - 1, rank - 2] });
  const scaled = graph.node('Mul', [query.value, graph.scalar(1 / Math.sqrt(size))]);
  const weights = maskedSoftmax(graph, graph.node('MatMul', [scaled, turned]), mask, masking);
  return { output: graph.node('MatMul', [weights, value.value]), weights };
}

/**
 * The mask of a call, [batch or 1, 1, Tq, Tv] or [batch, heads, Tq, Tv]: the masks of the tensors, the argument
 * `attention_mask`, the causal triangle and the sliding window together.
 */
export function readAttentionMask(
  call: LayerCall,
  triple: Triple,
  attentionMask: KerasTensor | undefined,
  causal: boolean,
): Value | undefined {
  const { graph, layer } = call;
  const { query, value, key, keyGiven } = triple;
  const masked = [query, value, key].some((tensor) => tensor.mask !== undefined);
  if (masked && !writtenSince(layer, 2, 10)) layer.config.refuse('Keras before 2.10 left out masks here');
  const window = layer.config.get('sliding_window') === null ? null : layer.config.integer('sliding_window');
  const automatic = allOf(graph, [
    spreadMask(call, query, -1),
    spreadMask(call, value, 1),
    keyGiven ? spreadMask(call, key, 1) : undefined,
    bandMask(call, query, value, { causal, window }),
  ]);
  const heads = graph.int64s([1], 'axes');
  const own = automatic === undefined ? undefined : graph.node('Unsqueeze', [automatic, heads]);
  if (attentionMask === undefined) return own;
  const rank = attentionMask.shape.length;
  if (rank !== 3 && rank !== 4) layer.config.refuse(`its attention_mask has ${rank} dimensions, not 3 or 4`);
  const given = toBoolean(graph, attentionMask);
  return allOf(graph, [own, rank === 4 ? given : graph.node('Unsqueeze', [given, heads])]);
}

/** How this version of Keras masks, which shows only where a query may attend to nothing. */
export function readMasking(call: LayerCall, returnsScores: boolean, oneAxis: boolean): Masking {
  const { layer } = call;
  if (layer.config.boolean('softmax_robust_masking', false)) return 'replace';
  const direct = layer.config.number('dropout', 0) === 0 && !returnsScores && oneAxis;
  if (direct && writtenSince(layer, 3, 7)) return 'replace';
  if (writtenSince(layer, 3, 13)) return 'replace-then-zero';
  return writtenSince(layer, 3, 10) ? 'subtract-then-zero' : 'subtract';
}

/** Positions of the arguments after `key`, which Keras 3 moved. */
export function readFlags(call: LayerCall): {
  attentionMask: KerasTensor | undefined;
  scores: boolean;
  causal: boolean;
} {
  const moved = call.layer.generation === 3 ? 3 : 0;
  return {
    attentionMask: tensorArgument(call, 2 + moved, 'attention_mask'),
    scores: flag(call, 3 + moved, 'return_attention_scores'),
    causal: flag(call, 5 + moved, 'use_causal_mask'),
  };
}
