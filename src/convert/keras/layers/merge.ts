import type { GraphBuilder, Value } from '../../graph-builder.js';
import { castTensor, type KerasMask, type KerasTensor, type LayerCall, type LayerConverter } from '../layer.js';
import { alignInputs, besideFeatures, broadcastShapes, joinMasks } from '../merge.js';
import { losesMasks, writtenSince } from '../version.js';

const operators: Readonly<Record<string, 'Add' | 'Sub' | 'Mul' | 'Max' | 'Min'>> = {
  Add: 'Add',
  Subtract: 'Sub',
  Multiply: 'Mul',
  Average: 'Add',
  Maximum: 'Max',
  Minimum: 'Min',
};

/**
 * Several tensors → one of the shape that they broadcast to, element by element. Since Keras 3.4, Multiply, Maximum and
 * Minimum leave out what an input's mask leaves out, and an element counts when it counts in any input; in Keras 2 masks
 * touched no number, and an element counted when it counted in all; between, the result had no mask.
 */
export const merge: LayerConverter = {
  classNames: Object.keys(operators),
  masks: 'own',
  options: [],
  convert(call) {
    const { graph, layer, inputs } = call;
    const { className, config } = layer;
    if (inputs.length === 0 || (className === 'Subtract' && inputs.length !== 2)) {
      config.refuse(`it is given ${inputs.length} tensors`);
    }
    let tensors = alignInputs(call);
    if (className === 'Average') tensors = tensors.map((tensor) => castTensor(graph, tensor, 'float32'));
    const shape = broadcastShapes(tensors.map((tensor) => tensor.shape));
    const operator = operators[className]!;
    const recent = writtenSince(layer, 3, 4);
    const masked = recent && tensors.some(({ mask }) => mask !== undefined);
    let value: Value;
    if (masked && operator === 'Mul') value = multiplyMasked(call, tensors);
    else if (masked && (operator === 'Max' || operator === 'Min')) value = extremeMasked(graph, tensors, operator);
    else value = combine(graph, tensors, operator, layer.name);
    if (className === 'Average') value = graph.node('Div', [value, graph.scalar(tensors.length)]);
    const mask = mergeMasks(call, recent);
    return [{ value, dtype: tensors[0]!.dtype, shape, ...(mask === undefined ? {} : { mask }) }];
  },
};

function combine(graph: GraphBuilder, tensors: readonly KerasTensor[], operator: string, name: string): Value {
  const [first, ...rest] = tensors.map(({ value }) => value);
  return rest.reduce((left, right) => graph.node(operator, [left, right], {}, { name }), first!);
}

function mergeMasks({ graph, inputs, layer }: LayerCall, recent: boolean): KerasMask | undefined {
  if (losesMasks(layer)) return undefined;
  const masks = inputs.flatMap(({ mask }) => (mask === undefined ? [] : [mask]));
  if (masks.length === 0 || (recent && masks.length < inputs.length)) return undefined;
  if (masks.some(({ shape }) => shape.length !== masks[0]!.shape.length)) {
    layer.config.refuse('the masks of its inputs differ in dimensions');
  }
  return joinMasks(graph, masks, recent ? 'Or' : 'And');
}

/** keras/src/layers/merging/multiply.py: what is masked counts as 1, and as 0 where no input counts. */
function multiplyMasked({ graph, layer }: LayerCall, tensors: readonly KerasTensor[]): Value {
  if (tensors.some(({ dtype }) => dtype !== 'float32')) layer.config.refuse('its inputs are masked and not floating');
  const kept = tensors.map((tensor) =>
    tensor.mask === undefined
      ? tensor
      : { ...tensor, value: graph.node('Where', [besideFeatures(graph, tensor.mask), tensor.value, graph.scalar(1)]) },
  );
  const product = combine(graph, kept, 'Mul', layer.name);
  const masks = tensors.flatMap(({ mask }) => (mask === undefined ? [] : [mask]));
  if (masks.length < tensors.length) return product;
  const any = besideFeatures(graph, joinMasks(graph, masks, 'Or'));
  return graph.node('Where', [any, product, graph.scalar(0)]);
}

/** keras/src/layers/merging/base_merge.py, `_apply_merge_op_and_or_mask`. */
function extremeMasked(graph: GraphBuilder, tensors: readonly KerasTensor[], operator: 'Max' | 'Min'): Value {
  let value = tensors[0]!.value;
  let { mask } = tensors[0]!;
  for (const tensor of tensors.slice(1)) {
    let right = tensor.value;
    if (tensor.mask !== undefined) right = graph.node('Where', [besideFeatures(graph, tensor.mask), right, value]);
    if (mask !== undefined) value = graph.node('Where', [besideFeatures(graph, mask), value, right]);
    mask = mask !== undefined && tensor.mask !== undefined ? joinMasks(graph, [mask, tensor.mask], 'Or') : undefined;
    value = graph.node(operator, [value, right]);
  }
  return value;
}
