import { onnxTypes } from '../../graph-builder.js';
import { floatInput, type LayerConverter } from '../layer.js';

/** [batch, time, …, features] → same shape; masks the steps whose features all equal `mask_value`, and makes them 0. */
export const masking: LayerConverter = {
  classNames: ['Masking'],
  masks: 'own',
  options: ['mask_value'],
  convert(call) {
    const { graph, layer } = call;
    const x = floatInput(call);
    const stored = layer.config.number('mask_value', 0);
    const equal = graph.node('Equal', [x.value, graph.scalar(stored)]);
    // "Any" is the greatest of bools, which ONNX Runtime reduces as uint8.
    const differs = graph.node('Cast', [graph.node('Not', [equal])], { to: onnxTypes.uint8 });
    const any = graph.node('ReduceMax', [differs, graph.int64s([-1], 'axis')], { keepdims: 1 });
    const keep = graph.node('Cast', [any], { to: onnxTypes.bool });
    const mask = graph.node('Squeeze', [keep, graph.int64s([-1], 'axis')], {}, { name: `${layer.name}_mask` });
    return [
      {
        ...x,
        value: graph.node('Where', [keep, x.value, graph.scalar(0)]),
        mask: { value: mask, shape: x.shape.slice(0, -1) },
      },
    ];
  },
};
