import { type GraphBuilder, onnxTypes, type Value } from '../../graph-builder.js';
import { isObject } from '../config.js';
import { type KerasMask, type KerasTensor, type LayerConverter, singleInput } from '../layer.js';

/**
 * [batch, time, …] → [batch, time, …]: the wrapped layer on every step alone. Steps become rows of one larger batch.
 */
export const timeDistributed: LayerConverter = {
  classNames: ['TimeDistributed'],
  masks: 'own',
  options: ['layer'],
  convert(call) {
    const { graph, layer, weights } = call;
    const { config } = layer;
    const json = config.get('layer');
    if (!isObject(json) || !isObject(json.config)) return config.refuse('it wraps no layer');
    const x = singleInput(call);
    if (x.shape.length < 3) return config.refuse(`it takes [batch, time, …] and is given ${x.shape.length} dimensions`);
    const mask = x.mask;
    const leading = graph.node('Shape', [x.value], { start: 0, end: 2 });
    const inner: KerasTensor = {
      value: foldSteps(graph, x.value, x.shape.length),
      dtype: x.dtype,
      shape: [null, ...x.shape.slice(2)],
      // A mask [batch, time] says nothing inside a step.
      ...(mask !== undefined &&
        mask.shape.length > 2 && {
          mask: { value: foldSteps(graph, mask.value, mask.shape.length), shape: [null, ...mask.shape.slice(2)] },
        }),
    };
    const outputs = call.callInner(json, weights.child('layer'), [inner]);
    return outputs.map(({ mask: innerMask, ...output }) => {
      const unfold = (value: Value, rank: number): Value => unfoldSteps(graph, value, leading, rank);
      const shape = [...x.shape.slice(0, 2), ...output.shape.slice(1)];
      let own = mask;
      if (layer.generation === 2 && innerMask !== undefined) {
        own = {
          value: unfold(innerMask.value, innerMask.shape.length),
          shape: [...x.shape.slice(0, 2), ...innerMask.shape.slice(1)],
        };
      } else if (layer.generation === 2 && mask !== undefined) {
        own = reduceMask(graph, mask);
      }
      return {
        ...output,
        value: unfold(output.value, output.shape.length),
        shape,
        ...(own !== undefined && { mask: own }),
      };
    });
  },
};

/** [batch, time, …] → [batch · time, …], whatever is free. */
function foldSteps(graph: GraphBuilder, value: Value, rank: number): Value {
  const rest = graph.node('Shape', [value], { start: 2, end: rank });
  return graph.node('Reshape', [value, graph.node('Concat', [graph.int64s([-1]), rest], { axis: 0 })]);
}

function unfoldSteps(graph: GraphBuilder, value: Value, leading: Value, rank: number): Value {
  const rest = graph.node('Shape', [value], { start: 1, end: rank });
  return graph.node('Reshape', [value, graph.node('Concat', [leading, rest], { axis: 0 })]);
}

/** Keras 2 reduces a deeper mask to [batch, time], where any of its parts counts. */
function reduceMask(graph: GraphBuilder, mask: KerasMask): KerasMask {
  if (mask.shape.length === 2) return mask;
  const axes = Array.from({ length: mask.shape.length - 2 }, (_, i) => i + 2);
  const numbers = graph.node('Cast', [mask.value], { to: onnxTypes.uint8 });
  const any = graph.node('ReduceMax', [numbers, graph.int64s(axes, 'axes')], { keepdims: 0 });
  return { value: graph.node('Cast', [any], { to: onnxTypes.bool }), shape: mask.shape.slice(0, 2) };
}
