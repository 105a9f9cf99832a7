import { onnxTypes, type Value } from '../../graph-builder.js';
import { nameOf } from '../config.js';
import { castTensor, type KerasTensor } from '../layer.js';
import type { OperatorArguments } from './arguments.js';
import type { Operator } from './index.js';

interface Reduction {
  readonly x: KerasTensor;
  readonly axes: Value;
  readonly keepdims: number;
}

/** [batch, …] → [batch, …] without `axis`, or with 1 in its place; the batch itself is never reduced. */
const reduction =
  (build: (args: OperatorArguments, reduction: Reduction) => Value): Operator =>
  (args) => {
    const x = castTensor(args.graph, args.tensor(0, 'x', 'input_tensor'), 'float32');
    if (args.find(1, 'axis') === undefined) return args.refuse('has no axis, so that it reduces the batch too');
    const rank = x.shape.length;
    const axes = args.integers(1, 'axis').map((axis) => args.axis(axis, rank));
    const keepdims = args.boolean(false, 2, 'keepdims');
    const value = build(args, { x, axes: args.graph.int64s(axes, 'axes'), keepdims: keepdims ? 1 : 0 });
    const shape = x.shape.flatMap((size, axis) => (axes.includes(axis) ? (keepdims ? [1] : []) : [size]));
    return [{ value, dtype: 'float32', shape }];
  };

const reduce = (opType: string): Operator =>
  reduction((args, { x, axes, keepdims }) => args.graph.node(opType, [x.value, axes], { keepdims }));

function variance(args: OperatorArguments, { x, axes, keepdims }: Reduction): Value {
  const { graph } = args;
  const mean = graph.node('ReduceMean', [x.value, axes], { keepdims: 1 });
  const distance = graph.node('Sub', [x.value, mean]);
  return graph.node('ReduceMean', [graph.node('Mul', [distance, distance]), axes], { keepdims });
}

const deviation = reduction((args, parts) => args.graph.node('Sqrt', [variance(args, parts)]));

/** Indices of the extreme: int32 in Keras 3, int64 in TensorFlow. */
const extreme =
  (opType: string): Operator =>
  (args) => {
    const x = castTensor(args.graph, args.tensor(0, 'x', 'input'), 'float32');
    const rank = x.shape.length;
    const axis = args.axis(args.number(0, 1, 'axis'), rank);
    const keepdims = args.boolean(false, 2, 'keepdims');
    const type = args.find(-1, 'output_type') ?? (args.call.layer.generation === 3 ? 'int32' : 'int64');
    if (type !== 'int32' && type !== 'int64') return args.refuse(`gives ${nameOf(type).slice(0, 20)}`);
    const index = args.graph.node(opType, [x.value], { axis, keepdims: keepdims ? 1 : 0 });
    const shape = x.shape.flatMap((size, i) => (i === axis ? (keepdims ? [1] : []) : [size]));
    return [castTensor(args.graph, { value: index, dtype: 'int64', shape }, type)];
  };

/** any → same shape, over one axis. */
const along =
  (opType: string, fallback: number | undefined): Operator =>
  (args) => {
    const x = castTensor(args.graph, args.tensor(0, 'x', 'logits'), 'float32');
    if (fallback === undefined && args.find(1, 'axis') === undefined) return args.refuse('has no axis');
    const axis = args.axis(args.number(fallback ?? 0, 1, 'axis'), x.shape.length);
    return [{ value: args.graph.node(opType, [x.value], { axis }), dtype: 'float32', shape: x.shape }];
  };

const cumulate: Operator = (args) => {
  const x = castTensor(args.graph, args.tensor(0, 'x'), 'float32');
  const axis = args.axis(args.number(0, 1, 'axis'), x.shape.length);
  const position = args.graph.constant({ dtype: 'int64', shape: [], data: BigInt64Array.of(BigInt(axis)) });
  return [{ value: args.graph.node('CumSum', [x.value, position]), dtype: 'float32', shape: x.shape }];
};

/** x over its Euclidean norm. Keras 3 caps 1 / norm by 1 / epsilon, TensorFlow the squared norm by epsilon. */
const normalize: Operator = (args) => {
  const { graph } = args;
  const x = castTensor(graph, args.tensor(0, 'x'), 'float32');
  const axes = args.integers(1, 'axis').map((axis) => args.axis(axis, x.shape.length));
  if (args.number(2, 2, 'order') !== 2) return args.refuse('has an order other than 2');
  const squares = graph.node('ReduceSumSquare', [x.value, graph.int64s(axes, 'axes')], { keepdims: 1 });
  const keras3 = args.call.layer.generation === 3;
  const epsilon = args.number(keras3 ? 1e-7 : 1e-12, 3, 'epsilon');
  const capped = keras3 ? squares : graph.node('Max', [squares, graph.scalar(epsilon)]);
  const inverse = graph.node('Reciprocal', [graph.node('Sqrt', [capped])]);
  const factor = keras3 ? graph.node('Min', [inverse, graph.scalar(1 / epsilon)]) : inverse;
  return [{ value: graph.node('Mul', [x.value, factor]), dtype: 'float32', shape: x.shape }];
};

const anyOrAll =
  (opType: 'ReduceMax' | 'ReduceMin'): Operator =>
  (args) => {
    const { graph } = args;
    const x = castTensor(graph, castTensor(graph, args.tensor(0, 'x', 'input_tensor'), 'bool'), 'uint8');
    const axes = args.integers(1, 'axis').map((axis) => args.axis(axis, x.shape.length));
    const keepdims = args.boolean(false, 2, 'keepdims');
    const value = graph.node(opType, [x.value, graph.int64s(axes, 'axes')], { keepdims: keepdims ? 1 : 0 });
    const shape = x.shape.flatMap((size, i) => (axes.includes(i) ? (keepdims ? [1] : []) : [size]));
    return [{ value: graph.node('Cast', [value], { to: onnxTypes.bool }), dtype: 'bool', shape }];
  };

export const reductions: Readonly<Record<string, Operator>> = {
  Mean: reduce('ReduceMean'),
  'math.reduce_mean': reduce('ReduceMean'),
  Sum: reduce('ReduceSum'),
  'math.reduce_sum': reduce('ReduceSum'),
  Max: reduce('ReduceMax'),
  'math.reduce_max': reduce('ReduceMax'),
  Min: reduce('ReduceMin'),
  'math.reduce_min': reduce('ReduceMin'),
  Prod: reduce('ReduceProd'),
  'math.reduce_prod': reduce('ReduceProd'),
  Logsumexp: reduce('ReduceLogSumExp'),
  'math.reduce_logsumexp': reduce('ReduceLogSumExp'),
  Var: reduction(variance),
  'math.reduce_variance': reduction(variance),
  Std: deviation,
  'math.reduce_std': deviation,
  Any: anyOrAll('ReduceMax'),
  'math.reduce_any': anyOrAll('ReduceMax'),
  All: anyOrAll('ReduceMin'),
  'math.reduce_all': anyOrAll('ReduceMin'),
  Argmax: extreme('ArgMax'),
  'math.argmax': extreme('ArgMax'),
  Argmin: extreme('ArgMin'),
  'math.argmin': extreme('ArgMin'),
  Softmax: along('Softmax', -1),
  'nn.softmax': along('Softmax', -1),
  LogSoftmax: along('LogSoftmax', -1),
  'nn.log_softmax': along('LogSoftmax', -1),
  Cumsum: cumulate,
  'math.cumsum': cumulate,
  Normalize: normalize,
  'math.l2_normalize': normalize,
};
