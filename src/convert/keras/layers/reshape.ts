import { type LayerConverter, singleInput } from '../layer.js';

/** [batch, …] → [batch, …target_shape]; one size may be −1. */
export const reshape: LayerConverter = {
  classNames: ['Reshape'],
  masks: 'stop',
  options: ['target_shape'],
  convert(call) {
    const { graph, layer } = call;
    const x = singleInput(call);
    const target = layer.config.integers('target_shape');
    if (target.some((size) => size === 0 || size < -1) || target.filter((size) => size === -1).length > 1) {
      layer.config.refuse(`its target_shape [${target.join(', ')}] is not possible`);
    }
    const known = target.reduce((product, size) => (size === -1 ? product : product * size), 1);
    const total = x.shape.slice(1).reduce<number | null>((a, b) => (a === null || b === null ? null : a * b), 1);
    const rest = total === null ? null : total / known;
    const shape = target.map((size) => (size === -1 ? rest : size));
    if (rest !== null && (!Number.isInteger(rest) || (!target.includes(-1) && rest !== 1))) {
      layer.config.refuse(`its input [${x.shape.slice(1).join(', ')}] does not fit into [${target.join(', ')}]`);
    }
    const sizes = graph.int64s([0, ...shape.map((size) => size ?? -1)]);
    const value = graph.node('Reshape', [x.value, sizes], {}, { name: layer.name });
    return [{ value, dtype: x.dtype, shape: [x.shape[0]!, ...shape] }];
  },
};
