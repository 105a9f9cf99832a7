import type { Value } from '../../graph-builder.js';
import { allOf, bandMask, flag, maskedSoftmax, spreadMask } from '../attention.js';
import { castTensor, fixedSize, type KerasTensor, type LayerCall, type LayerConverter } from '../layer.js';
import { besideFeatures } from '../merge.js';
import { losesMasks } from '../version.js';

/**
 * [query [batch, Tq, dim], value [batch, Tv, out], key [batch, Tv, dim]?] → [batch, Tq, out], and the weights
 * [batch, Tq, Tv] when they are asked for. Attention scores by dot product (or `concat`), AdditiveAttention by the sum
 * of tanh. The value's mask keeps steps out, the query's mask empties rows of the result.
 */
export const attention: LayerConverter = {
  classNames: ['Attention', 'AdditiveAttention'],
  masks: 'own',
  options: ['use_scale', 'score_mode', 'dropout', 'causal'],
  arguments: ['mask', 'training', 'return_attention_scores', 'use_causal_mask'],
  convert(call) {
    const { graph, layer, inputs } = call;
    const { config } = layer;
    const [query, value, key] = inputs.map((input) => castTensor(graph, input, 'float32'));
    if (query === undefined || value === undefined || inputs.length > 3) {
      return config.refuse(`it takes [query, value] or [query, value, key] and is given ${inputs.length} tensors`);
    }
    if (inputs.some(({ shape }) => shape.length !== 3)) config.refuse('its inputs do not have 3 dimensions');
    const keys = key ?? value;
    const scores = layer.className === 'Attention' ? dotScores(call, query, keys) : additiveScores(call, query, keys);
    // Before 2.10 `causal` was an option of the layer.
    const causal = flag(call, 3, 'use_causal_mask') || config.boolean('causal', false);
    const band = bandMask(call, query, keys, { causal, window: null });
    const mask = allOf(graph, [spreadMask(call, value, 1), band]);
    const weights = maskedSoftmax(graph, scores, mask, 'subtract');
    let output = graph.node('MatMul', [weights, value.value], {}, { name: layer.name });
    if (query.mask !== undefined) {
      output = graph.node('Where', [besideFeatures(graph, query.mask), output, graph.scalar(0)]);
    }
    const shape = [...query.shape.slice(0, 2), value.shape[2]!];
    const result: KerasTensor = {
      value: output,
      dtype: 'float32',
      shape,
      ...(query.mask === undefined || losesMasks(layer) ? {} : { mask: query.mask }),
    };
    if (!flag(call, 2, 'return_attention_scores')) return [result];
    return [result, { value: weights, dtype: 'float32', shape: [...query.shape.slice(0, 2), value.shape[1]!] }];
  },
};

function dotScores(call: LayerCall, query: KerasTensor, key: KerasTensor): Value {
  const { graph, layer, weights } = call;
  const { config } = layer;
  const scale = config.boolean('use_scale', false)
    ? call.constant('scale', () => weights.read('scale', []))
    : undefined;
  if (config.choice('score_mode', ['dot', 'concat'], 'dot') === 'dot') {
    const scores = graph.node('MatMul', [query.value, graph.node('Transpose', [key.value], { perm: [0, 2, 1] })]);
    return scale === undefined ? scores : graph.node('Mul', [scores, scale]);
  }
  const factor = call.constant('concat_score_weight', () => weights.read('concat_score_weight', []));
  const sum = pairwiseSum(call, query, key);
  const curve = graph.node('Tanh', [scale === undefined ? sum : graph.node('Mul', [scale, sum])]);
  return graph.node('Mul', [factor, graph.node('ReduceSum', [curve, graph.int64s([-1], 'axes')], { keepdims: 0 })]);
}

function additiveScores(call: LayerCall, query: KerasTensor, key: KerasTensor): Value {
  const { graph, layer, weights } = call;
  const curve = graph.node('Tanh', [pairwiseSum(call, query, key)]);
  if (!layer.config.boolean('use_scale', true)) {
    return graph.node('ReduceSum', [curve, graph.int64s([-1], 'axes')], { keepdims: 0 });
  }
  const scale = call.constant('scale', () => weights.read('scale', [fixedSize(call, query, -1)]));
  const scaled = graph.node('Mul', [curve, scale]);
  return graph.node('ReduceSum', [scaled, graph.int64s([-1], 'axes')], { keepdims: 0 });
}

/** [batch, Tq, 1, dim] + [batch, 1, Tv, dim]. */
function pairwiseSum({ graph }: LayerCall, query: KerasTensor, key: KerasTensor): Value {
  return graph.node('Add', [
    graph.node('Unsqueeze', [query.value, graph.int64s([2], 'axes')]),
    graph.node('Unsqueeze', [key.value, graph.int64s([1], 'axes')]),
  ]);
}
