import { onnxTypes, type Value } from '../../graph-builder.js';
import type { KerasMask, KerasTensor, LayerCall, LayerConverter } from '../layer.js';
import { castTensor } from '../layer.js';
import { commonType, joinMasks } from '../merge.js';
import { losesMasks, writtenSince } from '../version.js';

/** Several tensors → one, joined along `axis`. */
export const concatenate: LayerConverter = {
  classNames: ['Concatenate'],
  masks: 'own',
  options: ['axis'],
  convert(call) {
    const { graph, layer } = call;
    const dtype = commonType(call);
    const inputs = call.inputs.map((input) => castTensor(graph, input, dtype));
    const [first] = inputs;
    if (first === undefined) return layer.config.refuse('it is given no tensor');
    const rank = first.shape.length;
    if (inputs.some(({ shape }) => shape.length !== rank)) layer.config.refuse('its inputs differ in dimensions');
    const given = layer.config.integer('axis', -1);
    const axis = given < 0 ? given + rank : given;
    const shape = first.shape.map((size, i) => {
      if (i !== axis) return inputs.map((input) => input.shape[i]!).find((other) => other !== null) ?? size;
      let sum: number | null = 0;
      for (const input of inputs) {
        const part: number | null = input.shape[axis]!;
        sum = sum === null || part === null ? null : sum + part;
      }
      return sum;
    });
    const value = graph.node(
      'Concat',
      inputs.map((input) => input.value),
      { axis },
      { name: layer.name },
    );
    const mask = concatenateMasks(call, inputs, axis);
    return [{ value, dtype, shape, ...(mask === undefined ? {} : { mask }) }];
  },
};

/**
 * Along the features, a step counts when it counts in all inputs (in any, since Keras 3.4; before that Keras 3 made no
 * mask); along the steps, masks are
 * joined like their tensors, and a tensor without one counts throughout.
 */
function concatenateMasks(call: LayerCall, inputs: readonly KerasTensor[], axis: number): KerasMask | undefined {
  const { graph, layer } = call;
  const masks = inputs.flatMap(({ mask }) => (mask === undefined ? [] : [mask]));
  if (masks.length === 0 || losesMasks(layer)) return undefined;
  const rank = inputs[0]!.shape.length;
  if (masks.some(({ shape }) => shape.length !== rank - 1)) {
    layer.config.refuse('its masks do not have one dimension less than its inputs');
  }
  const recent = writtenSince(layer, 3, 4);
  if (axis === rank - 1) {
    // A tensor without a mask counts throughout: with "any" that decides, with "all" it adds nothing.
    if (recent && masks.length < inputs.length) return undefined;
    return joinMasks(graph, masks, recent ? 'Or' : 'And');
  }
  if (!recent && masks.length < inputs.length) layer.config.refuse('some of its inputs are masked and some are not');
  const parts = inputs.map((input) => input.mask?.value ?? allTrue(call, input));
  const shape = masks[0]!.shape.map((size, i) => (i === axis ? null : size));
  return { value: graph.node('Concat', parts, { axis }), shape };
}

function allTrue({ graph }: LayerCall, input: KerasTensor): Value {
  const sizes = graph.node('Shape', [input.value], { start: 0, end: input.shape.length - 1 });
  const one = graph.constant({ dtype: 'int32', shape: [1], data: Int32Array.of(1) });
  return graph.node('Cast', [graph.node('Expand', [one, sizes])], { to: onnxTypes.bool });
}
