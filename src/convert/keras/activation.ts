import { float, type GraphBuilder, onnxTypes, type Value } from '../graph-builder.js';
import { isObject, type Json, show } from './config.js';
import type { KerasTensor, LayerCall } from './layer.js';

/**
 * Adds the nodes of an activation function to a float32 tensor. Formulas follow keras/activations.py of both
 * generations; where they differ, `generation` decides.
 */
type Activation = (graph: GraphBuilder, x: Value, generation: 2 | 3, shape: KerasTensor['shape']) => Value;

const hardSigmoid: Activation = (graph, x, generation) =>
  // Keras 2: clip(0.2 x + 0.5); Keras 3: relu6(x + 3) / 6.
  graph.node('HardSigmoid', [x], { alpha: float(generation === 2 ? 0.2 : 1 / 6), beta: float(0.5) });

const clip = (graph: GraphBuilder, x: Value, low: number, high: number): Value =>
  graph.node('Clip', [x, graph.scalar(low), graph.scalar(high)]);

const silu: Activation = (graph, x) => graph.node('Mul', [x, graph.node('Sigmoid', [x])]);

const hardSilu: Activation = (graph, x) =>
  graph.node('Mul', [x, graph.node('HardSigmoid', [x], { alpha: float(1 / 6), beta: float(0.5) })]);

/** 0 below −1, 1 above 1, straight between. */
const sparseSigmoid: Activation = (graph, x) =>
  clip(graph, graph.node('Mul', [graph.node('Add', [x, graph.scalar(1)]), graph.scalar(0.5)]), 0, 1);

/** 0 below −1, (x + 1)²/4 up to 1, then x. */
const sparsePlus: Activation = (graph, x) => {
  const shifted = graph.node('Add', [x, graph.scalar(1)]);
  const curve = graph.node('Mul', [graph.node('Mul', [shifted, shifted]), graph.scalar(0.25)]);
  const upper = graph.node('Where', [graph.node('Less', [x, graph.scalar(1)]), curve, x]);
  return graph.node('Where', [graph.node('LessOrEqual', [x, graph.scalar(-1)]), graph.scalar(0), upper]);
};

const squareplus: Activation = (graph, x) => {
  const root = graph.node('Sqrt', [graph.node('Add', [graph.node('Mul', [x, x]), graph.scalar(4)])]);
  return graph.node('Mul', [graph.node('Add', [x, root]), graph.scalar(0.5)]);
};

const logSigmoid: Activation = (graph, x) => graph.node('Neg', [graph.node('Softplus', [graph.node('Neg', [x])])]);

const mish: Activation = (graph, x) => graph.node('Mul', [x, graph.node('Tanh', [graph.node('Softplus', [x])])]);

const glu: Activation = (graph, x) => {
  const [left, right] = graph.multi('Split', [x], { axis: -1, num_outputs: 2 }, { outputs: 2 });
  return graph.node('Mul', [left!, graph.node('Sigmoid', [right!])]);
};

/** Martins and Astudillo, 2016: the projection on the simplex along the last axis. */
const sparsemax: Activation = (graph, x, _generation, shape) => {
  const size = shape.at(-1)!;

  const last = graph.int64s([-1], 'axis');
  const [sorted] = graph.multi('TopK', [x, graph.int64s([size])], { axis: -1, largest: 1, sorted: 1 }, { outputs: 2 });
  const sums = graph.node('CumSum', [
    sorted!,
    graph.constant({ dtype: 'int64', shape: [], data: BigInt64Array.of(-1n) }),
  ]);
  const ranks = graph.constant({
    dtype: 'float32',
    shape: [size],
    data: Float32Array.from({ length: size }, (_, i) => i + 1),
  });
  const rest = graph.node('Div', [graph.node('Sub', [sums, graph.scalar(1)]), ranks]);
  const support = graph.node('Greater', [graph.node('Sub', [sorted!, rest]), graph.scalar(0)]);
  const kept = graph.node('Where', [support, sums, graph.scalar(0)]);
  // As Keras writes it: the cumulative sums over the support, summed once more.
  const count = graph.node('ReduceSum', [graph.node('Cast', [support], { to: onnxTypes.float32 }), last], {
    keepdims: 1,
  });
  const total = graph.node('ReduceSum', [kept, last], { keepdims: 1 });
  const tau = graph.node('Div', [graph.node('Sub', [total, graph.scalar(1)]), count]);
  return graph.node('Relu', [graph.node('Sub', [x, tau])]);
};

const single =
  (opType: string, attributes: Parameters<GraphBuilder['node']>[2] = {}): Activation =>
  (graph, x) =>
    graph.node(opType, [x], attributes);

/** Every name that `keras.activations.get` knows in either generation. */
export const activations: Readonly<Record<string, Activation>> = Object.assign(
  Object.create(null) as Record<string, Activation>,
  {
    linear: (_graph, x) => x,
    relu: single('Relu'),
    relu6: (graph, x) => clip(graph, x, 0, 6),
    leaky_relu: single('LeakyRelu', { alpha: float(0.2) }),
    elu: single('Elu'),
    selu: single('Selu'),
    celu: single('Celu'),
    gelu: single('Gelu'),
    sigmoid: single('Sigmoid'),
    hard_sigmoid: hardSigmoid,
    log_sigmoid: logSigmoid,
    sparse_sigmoid: sparseSigmoid,
    silu,
    swish: silu,
    hard_silu: hardSilu,
    hard_swish: hardSilu,
    mish,
    tanh: single('Tanh'),
    hard_tanh: (graph, x) => clip(graph, x, -1, 1),
    tanh_shrink: (graph, x) => graph.node('Sub', [x, graph.node('Tanh', [x])]),
    hard_shrink: single('Shrink', { lambd: float(0.5), bias: float(0) }),
    soft_shrink: single('Shrink', { lambd: float(0.5), bias: float(0.5) }),
    softplus: single('Softplus'),
    softsign: single('Softsign'),
    sparse_plus: sparsePlus,
    squareplus,
    exponential: single('Exp'),
    softmax: single('Softmax', { axis: -1 }),
    log_softmax: single('LogSoftmax', { axis: -1 }),
    sparsemax,
    glu,
  } satisfies Record<string, Activation>,
);

/**
 * The name inside an `activation` option, or the layer object that stands there; `linear` when it is not set.
 * Keras writes a name, `{class_name: "function", config: name}`, or a whole layer (`LeakyReLU`).
 */
export function readActivation(call: LayerCall, option: Json): string | { readonly layer: Record<string, Json> } {
  if (option === null) return 'linear';
  // `tf.nn.softmax` and `tf.nn.log_softmax` go by these names.
  if (option === 'softmax_v2' || option === 'log_softmax_v2') return option.slice(0, -'_v2'.length);
  if (typeof option === 'string' && option in activations) return option;
  if (isObject(option) && typeof option.class_name === 'string') {
    if (option.class_name === 'function' && typeof option.config === 'string')
      return readActivation(call, option.config);
    if (isObject(option.config)) return { layer: option as Record<string, Json> };
  }
  return call.layer.config.refuse(
    `its activation ${show(option)} is not one of Keras' own; save the model with one of ${Object.keys(activations).join(', ')}`,
  );
}

/** Applies an `activation` option; the output keeps dtype, shape and mask (glu halves the last size). */
export function applyActivation(call: LayerCall, option: Json, tensor: KerasTensor): KerasTensor {
  const activation = readActivation(call, option);
  if (typeof activation !== 'string')
    return call.callInner(activation.layer, call.weights.child('activation'), [tensor])[0]!;
  const { graph, layer } = call;
  if (activation === 'sparsemax' || activation === 'glu') {
    const size = tensor.shape.at(-1);
    if (typeof size !== 'number') return layer.config.refuse(`${activation} needs a fixed last size`);
    if (activation === 'glu') {
      if (size % 2 !== 0) return layer.config.refuse(`glu needs an even last size, not ${size}`);
      return {
        ...tensor,
        value: activations.glu!(graph, tensor.value, layer.generation, tensor.shape),
        shape: [...tensor.shape.slice(0, -1), size / 2],
      };
    }
  }
  return { ...tensor, value: activations[activation]!(graph, tensor.value, layer.generation, tensor.shape) };
}
