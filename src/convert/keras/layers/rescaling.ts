import type { Value } from '../../graph-builder.js';
import { floatInput, type LayerCall, type LayerConverter } from '../layer.js';
import { keptMask } from '../version.js';

/** any → same shape, float32: `x · scale + offset`; lists run along the last axis. */
export const rescaling: LayerConverter = {
  classNames: ['Rescaling'],
  masks: 'own',
  options: ['scale', 'offset'],
  convert(call) {
    const { graph, layer } = call;
    const x = floatInput(call);
    const product = graph.node('Mul', [x.value, numbers(call, 'scale', x.shape.at(-1) ?? null)]);
    const value = graph.node(
      'Add',
      [product, numbers(call, 'offset', x.shape.at(-1) ?? null)],
      {},
      { name: layer.name },
    );
    return [{ value, dtype: x.dtype, shape: x.shape, ...keptMask(call, x) }];
  },
};

function numbers({ graph, layer }: LayerCall, key: string, size: number | null): Value {
  const value = layer.config.get(key) ?? 0;
  if (typeof value === 'number') return graph.scalar(value);
  const list =
    Array.isArray(value) && value.every((item) => typeof item === 'number') ? (value as number[]) : undefined;
  if (list === undefined || (list.length !== size && list.length !== 1)) {
    return layer.config.refuse(`option ${key} is not a number, nor one for each of ${size} features`);
  }
  return graph.constant({ dtype: 'float32', shape: [list.length], data: Float32Array.from(list) }, key);
}
