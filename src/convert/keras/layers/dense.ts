import { applyActivation } from '../activation.js';
import { fixedSize, floatInput, type LayerConverter } from '../layer.js';

/** [batch, …, in] → [batch, …, units]: `activation(x · kernel + bias)`. */
export const dense: LayerConverter = {
  classNames: ['Dense'],
  masks: 'pass',
  options: ['units', 'activation', 'use_bias'],
  convert(call) {
    const { graph, layer, weights } = call;
    const x = floatInput(call);
    const units = layer.config.integer('units');
    const kernel = call.constant('kernel', () => weights.read('kernel', [fixedSize(call, x, -1), units]));
    let value: string;
    if (!layer.config.boolean('use_bias', true)) {
      value = graph.node('MatMul', [x.value, kernel], {}, { name: layer.name });
    } else {
      const bias = call.constant('bias', () => weights.read('bias', [units]));
      // ONNX Runtime fuses MatMul and Add to Gemm by itself only for matrices of known rank.
      value =
        x.shape.length === 2
          ? graph.node('Gemm', [x.value, kernel, bias], {}, { name: layer.name })
          : graph.node('Add', [graph.node('MatMul', [x.value, kernel], {}, { name: layer.name }), bias]);
    }
    const output = { value, dtype: x.dtype, shape: [...x.shape.slice(0, -1), units] };
    return [applyActivation(call, layer.config.get('activation'), output)];
  },
};
