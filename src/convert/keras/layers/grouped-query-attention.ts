import {
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
import { writtenSince } from '../version.js';

/**
 * query [batch, Tq, features], value and key [batch, Tv, …] → [batch, Tq, features]: multi-head attention in which
 * several query heads share one head of key and value.
 */
export const groupedQueryAttention: LayerConverter = {
  classNames: ['GroupedQueryAttention', 'GroupQueryAttention'],
  masks: 'own',
  options: [
    'head_dim',
    'num_query_heads',
    'num_key_value_heads',
    'dropout',
    'use_bias',
    'flash_attention',
    'sliding_window',
    'use_gate',
  ],
  arguments: attentionArguments,
  convert(call) {
    const { graph, layer } = call;
    const { config } = layer;
    if (!writtenSince(layer, 3, 7)) config.refuse('it was written by Keras before 3.7');
    const triple = readTriple(call);
    const { query, value, key } = triple;
    if (query.shape.length !== 3) config.refuse(`its input has ${query.shape.length} dimensions, not 3`);
    const size = config.integer('head_dim');
    const heads = config.integer('num_query_heads');
    const groups = config.integer('num_key_value_heads');
    if (heads % groups !== 0) config.refuse(`${heads} query heads do not share ${groups} key and value heads`);
    const useBias = config.boolean('use_bias', true);
    const axes = { batch: [], attended: [1] };
    const { attentionMask, scores, causal } = readFlags(call);
    const mask = readAttentionMask(call, triple, attentionMask, causal);

    const split = (name: 'query' | 'key' | 'value', tensor: KerasTensor, count: number): KerasTensor => {
      const projected = projectToHeads(call, tensor, name, count, size, useBias);
      const own = splitHeads(call, projected, tensor.shape, axes, count, size);
      if (count === heads) return own;
      const index = graph.int64s(
        Array.from({ length: heads }, (_, head) => Math.floor((head * groups) / heads)),
        'heads',
      );
      return { ...own, value: graph.node('Gather', [own.value, index], { axis: 1 }) };
    };
    const operands = {
      query: split('query', query, heads),
      key: split('key', key, groups),
      value: split('value', value, groups),
    };
    const result = attend(call, operands, size, mask, readMasking(call, scores, true));
    let joined = joinHeads(call, result.output, query.shape, axes, heads, size);
    if (config.boolean('use_gate', false)) {
      const gate = projectToHeads(call, query, 'gate', heads, size, useBias);
      joined = graph.node('Mul', [joined, graph.node('Sigmoid', [gate])]);
    }
    const output = [fixedSize(call, query, -1)];
    const projected = projectFromHeads(call, joined, 3, { heads, size }, output, useBias);
    const tensor: KerasTensor = {
      value: projected,
      dtype: 'float32',
      shape: [...query.shape.slice(0, -1), ...output],
      ...(query.mask === undefined ? {} : { mask: query.mask }),
    };
    if (!scores) return [tensor];
    return [
      tensor,
      { value: result.weights, dtype: 'float32', shape: [query.shape[0]!, heads, query.shape[1]!, value.shape[1]!] },
    ];
  },
};
