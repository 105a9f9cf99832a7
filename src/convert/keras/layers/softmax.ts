import { onnxTypes } from '../../graph-builder.js';
import { floatInput, type LayerConverter } from '../layer.js';
import { writtenSince } from '../version.js';

/** any → same shape: sums to 1 along `axis`, or over several axes together; a mask of the same shape leaves out. */
export const softmax: LayerConverter = {
  classNames: ['Softmax'],
  masks: 'pass',
  options: ['axis', 'robust_masking'],
  convert(call) {
    const { graph, layer } = call;
    const x = floatInput(call);
    const axes = layer.config.integers('axis', [-1]);
    let value = x.value;
    if (x.mask !== undefined) {
      if (x.mask.shape.length > x.shape.length) layer.config.refuse('its mask has more dimensions than its input');
      // Until 3.13 Keras added −1e9; only since 3.10 is what is masked 0 where everything is.
      if (!writtenSince(layer, 3, 13) && !layer.config.boolean('robust_masking', false)) {
        const left = graph.node('Cast', [graph.node('Not', [x.mask.value])], { to: onnxTypes.float32 });
        value = graph.node('Add', [value, graph.node('Mul', [left, graph.scalar(-1e9)])]);
      } else {
        value = graph.node('Where', [x.mask.value, value, graph.scalar(-1e9)]);
      }
    }
    if (axes.length === 1) value = graph.node('Softmax', [value], { axis: axes[0]! });
    else {
      const over = graph.int64s(axes, 'axes');
      value = graph.node('Exp', [graph.node('Sub', [value, graph.node('ReduceLogSumExp', [value, over])])]);
    }
    if (x.mask !== undefined && writtenSince(layer, 3, 10)) {
      value = graph.node('Where', [x.mask.value, value, graph.scalar(0)]);
    }
    return [{ ...x, value }];
  },
};
