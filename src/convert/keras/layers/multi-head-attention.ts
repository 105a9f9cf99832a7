import {
  type AttentionAxes,
  attend,
  attentionArguments,
  joinHeads,
  projectFromHeads,
  projectToHeads,
  readAttentionMask,
  readFlags,
  readMasking,
  readTriple,
  splitHeads,
} from '../heads.js';
import type { KerasTensor, LayerConverter } from '../layer.js';
import { fixedSize } from '../layer.js';
import { range } from '../spatial.js';
import { writtenSince } from '../version.js';

/**
 * query [batch, Tq, …], value and key [batch, Tv, …] → [batch, Tq, output], and the weights [batch, heads, Tq, Tv] when
 * they are asked for. `attention_axes` may name several axes, which then attend as one.
 */
export const multiHeadAttention: LayerConverter = {
  classNames: ['MultiHeadAttention'],
  masks: 'own',
  options: [
    'num_heads',
    'key_dim',
    'value_dim',
    'dropout',
    'use_bias',
    'output_shape',
    'attention_axes',
    'query_shape',
    'key_shape',
    'value_shape',
    'flash_attention',
    'sliding_window',
    'use_gate',
    'softmax_robust_masking',
  ],
  arguments: attentionArguments,
  // keras/src/layers/attention/multi_head_attention.py sets the masks of its arguments to None.
  takesMasks: (layer) => writtenSince(layer, 3, 8),
  convert(call) {
    const { graph, layer } = call;
    const { config } = layer;
    const triple = readTriple(call);
    const { query, value, key } = triple;
    const rank = query.shape.length;
    const heads = config.integer('num_heads');
    const size = config.integer('key_dim');
    const valueSize = config.integer('value_dim', size);
    const useBias = config.boolean('use_bias', true);
    const attended = config.get('attention_axes') === null ? range(1, rank - 1) : config.integers('attention_axes');
    if (attended.some((axis) => axis < 1 || axis > rank - 2)) {
      config.refuse(`its attention_axes [${attended.join(', ')}] are not between 1 and ${rank - 2}`);
    }
    const axes: AttentionAxes = { batch: range(1, rank - 1).filter((axis) => !attended.includes(axis)), attended };
    const plain = rank === 3;
    const { attentionMask, scores, causal } = readFlags(call);
    const mask = readAttentionMask(call, triple, attentionMask, causal);
    if (mask !== undefined && !plain) config.refuse('its input has more than 3 dimensions and is masked');

    const split = (name: 'query' | 'key' | 'value', tensor: KerasTensor, width: number): KerasTensor =>
      splitHeads(call, projectToHeads(call, tensor, name, heads, width, useBias), tensor.shape, axes, heads, width);
    const operands = {
      query: split('query', query, size),
      key: split('key', key, size),
      value: split('value', value, valueSize),
    };
    const result = attend(call, operands, size, mask, readMasking(call, scores, plain));
    let joined = joinHeads(call, result.output, query.shape, axes, heads, valueSize);
    if (config.boolean('use_gate', false)) {
      const gate = projectToHeads(call, query, 'gate', heads, valueSize, useBias);
      joined = graph.node('Mul', [joined, graph.node('Sigmoid', [gate])]);
    }
    const output = config.get('output_shape') === null ? [fixedSize(call, query, -1)] : config.integers('output_shape');
    const projected = projectFromHeads(call, joined, rank, { heads, size: valueSize }, output, useBias);
    const tensor: KerasTensor = {
      value: projected,
      dtype: 'float32',
      shape: [...query.shape.slice(0, -1), ...output],
      ...(query.mask === undefined ? {} : { mask: query.mask }),
    };
    if (!scores) return [tensor];
    if (!plain) config.refuse('its attention scores over several axes are asked for');
    const weightShape = [query.shape[0]!, heads, query.shape[1]!, value.shape[1]!];
    return [tensor, { value: result.weights, dtype: 'float32', shape: weightShape }];
  },
};
