import { float, onnxTypes, type Value } from '../../graph-builder.js';
import { activations } from '../activation.js';
import { nameOf } from '../config.js';
import { castTensor, type KerasTensor } from '../layer.js';
import { rectify } from '../rectify.js';
import { type OperatorArguments, promote } from './arguments.js';
import type { Operator } from './index.js';

/** Shapes broadcast as NumPy's, but for the batch. */
const binary =
  (opType: string, options: { readonly float?: boolean; readonly bool?: boolean } = {}): Operator =>
  (args) => {
    const operands = [args.operand(0, 'x1', 'x'), args.operand(1, 'x2', 'y')];
    const { values, dtype, shape } = promote(args, operands, options.float ?? false);
    if (dtype === 'bool' && !options.bool) return args.refuse('works on booleans, which is not supported');
    return [{ value: args.graph.node(opType, values), dtype: options.bool ? 'bool' : dtype, shape }];
  };

/** floor(x / y), in floats as TensorFlow does it. */
const floorDivide: Operator = (args) => {
  const { values, dtype, shape } = promote(args, [args.operand(0, 'x1', 'x'), args.operand(1, 'x2', 'y')], false);
  if (dtype !== 'float32') return args.refuse(`works on ${dtype}; cast to float first`);
  return [{ value: args.graph.node('Floor', [args.graph.node('Div', values)]), dtype, shape }];
};

/** The remainder with the sign of the divisor. */
const modulo: Operator = (args) => {
  const { graph } = args;
  const { values, dtype, shape } = promote(args, [args.operand(0, 'x1', 'x'), args.operand(1, 'x2', 'y')], false);
  if (dtype !== 'float32') return args.refuse(`works on ${dtype}; cast to float first`);
  const zero = graph.scalar(0);
  const rest = graph.node('Mod', values, { fmod: 1 });
  const signs = graph.node('Xor', [graph.node('Less', [rest, zero]), graph.node('Less', [values[1]!, zero])]);
  const nonzero = graph.node('Not', [graph.node('Equal', [rest, zero])]);
  const shifted = graph.node('Add', [rest, values[1]!]);
  return [{ value: graph.node('Where', [graph.node('And', [signs, nonzero]), shifted, rest]), dtype, shape }];
};

const notEqual: Operator = (args) => {
  const { values, shape } = promote(args, [args.operand(0, 'x1', 'x'), args.operand(1, 'x2', 'y')], false);
  return [{ value: args.graph.node('Not', [args.graph.node('Equal', values)]), dtype: 'bool', shape }];
};

const where: Operator = (args) => {
  const condition = args.tensor(0, 'condition');
  const branches = [args.operand(1, 'x1', 'x'), args.operand(2, 'x2', 'y')];
  const { values, dtype, shape } = promote(args, branches, false, [condition]);
  const test = castTensor(args.graph, condition, 'bool').value;
  return [{ value: args.graph.node('Where', [test, ...values]), dtype, shape }];
};

/** One float tensor in, one of the same shape out. */
const unary =
  (build: (args: OperatorArguments, x: Value) => Value): Operator =>
  (args) => {
    const x = castTensor(args.graph, args.tensor(0, 'x', 'a', 'features', 'input', 'logits', 'inputs'), 'float32');
    return [plain(x, build(args, x.value))];
  };

const node = (opType: string): Operator => unary((args, x) => args.graph.node(opType, [x]));
const named = (name: string): Operator => unary((args, x) => activations[name]!(args.graph, x, 3, []));

function plain(x: KerasTensor, value: Value): KerasTensor {
  return { value, dtype: x.dtype, shape: x.shape };
}

const negate: Operator = (args) => {
  const x = args.tensor(0, 'x');
  return [plain(x, args.graph.node('Neg', [x.value]))];
};

const absolute: Operator = (args) => {
  const x = args.tensor(0, 'x');
  return [plain(x, args.graph.node('Abs', [x.value]))];
};

const logicalNot: Operator = (args) => {
  const x = castTensor(args.graph, args.tensor(0, 'x'), 'bool');
  return [plain(x, args.graph.node('Not', [x.value]))];
};

const clip: Operator = (args) => {
  const x = castTensor(args.graph, args.tensor(0, 'x', 't'), 'float32');
  const low = args.number(Number.NEGATIVE_INFINITY, 1, 'x_min', 'clip_value_min');
  const high = args.number(Number.POSITIVE_INFINITY, 2, 'x_max', 'clip_value_max');
  return [plain(x, args.graph.node('Clip', [x.value, args.graph.scalar(low), args.graph.scalar(high)]))];
};

const cast: Operator = (args) => {
  const x = args.tensor(0, 'x');
  const dtype = args.find(1, 'dtype');
  if (dtype !== 'float32' && dtype !== 'int32' && dtype !== 'int64' && dtype !== 'bool') {
    return args.refuse(`casts to ${nameOf(dtype).slice(0, 20)}; float32, int32, int64 and bool are supported`);
  }
  const { mask: _, ...tensor } = castTensor(args.graph, x, dtype);
  return [tensor];
};

const addAll: Operator = (args) => {
  const tensors = args.tensors(0, 'inputs');
  const { values, dtype, shape } = promote(
    args,
    tensors.map((tensor) => ({ ...tensor, constant: false })),
    false,
  );
  return [{ value: args.graph.node('Sum', values), dtype, shape }];
};

const gelu = (fallback: boolean): Operator =>
  unary((args, x) =>
    args.graph.node('Gelu', [x], { approximate: args.boolean(fallback, 1, 'approximate') ? 'tanh' : 'none' }),
  );

/** log(1 + x) and eˣ − 1, in the plain form: absolute errors are those of one rounding. */
const log1p = unary((args, x) => args.graph.node('Log', [args.graph.node('Add', [x, args.graph.scalar(1)])]));
const expm1 = unary((args, x) => args.graph.node('Sub', [args.graph.node('Exp', [x]), args.graph.scalar(1)]));

const silu = unary((args, x) => {
  if (args.number(1, 1, 'beta') !== 1) args.refuse('has a beta other than 1');
  return activations.silu!(args.graph, x, 3, []);
});

const like =
  (value: number | undefined): Operator =>
  (args) => {
    const x = args.tensor(0, 'x', 'input');
    const fill = value ?? args.number(0, 1, 'fill_value');
    const shape = args.graph.node('Shape', [x.value]);
    const filled = args.graph.node('Expand', [args.graph.scalar(fill), shape]);
    // Keras 3 forms masks out of these, and saves them in the model.
    if (args.find(value === undefined ? 2 : 1, 'dtype') === 'bool') {
      return [{ value: args.graph.node('Cast', [filled], { to: onnxTypes.bool }), dtype: 'bool', shape: x.shape }];
    }
    return [{ value: filled, dtype: 'float32', shape: x.shape }];
  };

/** Keras 3 leaves this behind where a layer hands a mask on. */
const convertToTensor: Operator = (args) => [args.tensor(0, 'x')];

/** By Keras 3 class and by TensorFlow function. */
export const elementwise: Readonly<Record<string, Operator>> = {
  Add: binary('Add'),
  'math.add': binary('Add'),
  '__operators__.add': binary('Add'),
  'math.add_n': addAll,
  Subtract: binary('Sub'),
  'math.subtract': binary('Sub'),
  Multiply: binary('Mul'),
  'math.multiply': binary('Mul'),
  Divide: binary('Div', { float: true }),
  TrueDivide: binary('Div', { float: true }),
  'math.truediv': binary('Div', { float: true }),
  'math.divide': binary('Div', { float: true }),
  FloorDivide: floorDivide,
  'compat.v1.floor_div': floorDivide,
  'math.floordiv': floorDivide,
  Mod: modulo,
  'math.floormod': modulo,
  Power: binary('Pow'),
  'math.pow': binary('Pow'),
  Maximum: binary('Max'),
  'math.maximum': binary('Max'),
  Minimum: binary('Min'),
  'math.minimum': binary('Min'),
  Greater: binary('Greater', { bool: true }),
  'math.greater': binary('Greater', { bool: true }),
  GreaterEqual: binary('GreaterOrEqual', { bool: true }),
  'math.greater_equal': binary('GreaterOrEqual', { bool: true }),
  Less: binary('Less', { bool: true }),
  'math.less': binary('Less', { bool: true }),
  LessEqual: binary('LessOrEqual', { bool: true }),
  'math.less_equal': binary('LessOrEqual', { bool: true }),
  Equal: binary('Equal', { bool: true }),
  'math.equal': binary('Equal', { bool: true }),
  '__operators__.eq': binary('Equal', { bool: true }),
  NotEqual: notEqual,
  'math.not_equal': notEqual,
  '__operators__.ne': notEqual,
  LogicalAnd: binary('And', { bool: true }),
  'math.logical_and': binary('And', { bool: true }),
  LogicalOr: binary('Or', { bool: true }),
  'math.logical_or': binary('Or', { bool: true }),
  LogicalNot: logicalNot,
  'math.logical_not': logicalNot,
  Where: where,
  where,
  Negative: negate,
  'math.negative': negate,
  Absolute: absolute,
  Abs: absolute,
  'math.abs': absolute,
  ConvertToTensor: convertToTensor,
  Cast: cast,
  cast,
  Clip: clip,
  clip_by_value: clip,
  Square: unary((args, x) => args.graph.node('Mul', [x, x])),
  'math.square': unary((args, x) => args.graph.node('Mul', [x, x])),
  Sqrt: node('Sqrt'),
  'math.sqrt': node('Sqrt'),
  Rsqrt: unary((args, x) => args.graph.node('Reciprocal', [args.graph.node('Sqrt', [x])])),
  'math.rsqrt': unary((args, x) => args.graph.node('Reciprocal', [args.graph.node('Sqrt', [x])])),
  Reciprocal: node('Reciprocal'),
  'math.reciprocal': node('Reciprocal'),
  Exp: node('Exp'),
  'math.exp': node('Exp'),
  Expm1: expm1,
  'math.expm1': expm1,
  Log: node('Log'),
  'math.log': node('Log'),
  Log1p: log1p,
  'math.log1p': log1p,
  Sin: node('Sin'),
  'math.sin': node('Sin'),
  Cos: node('Cos'),
  'math.cos': node('Cos'),
  Tan: node('Tan'),
  'math.tan': node('Tan'),
  Arctan: node('Atan'),
  'math.atan': node('Atan'),
  Floor: node('Floor'),
  'math.floor': node('Floor'),
  Ceil: node('Ceil'),
  'math.ceil': node('Ceil'),
  Round: unary((args, x) => {
    if (args.number(0, 1, 'decimals') !== 0) args.refuse('rounds to decimals');
    return args.graph.node('Round', [x]);
  }),
  'math.round': node('Round'),
  Sign: node('Sign'),
  'math.sign': node('Sign'),
  Erf: node('Erf'),
  'math.erf': node('Erf'),
  Tanh: node('Tanh'),
  'math.tanh': node('Tanh'),
  Sigmoid: node('Sigmoid'),
  'math.sigmoid': node('Sigmoid'),
  Relu: node('Relu'),
  'nn.relu': node('Relu'),
  ReLU: unary((args, x) => {
    const cap = args.find(2, 'max_value');
    if (cap !== undefined && typeof cap !== 'number') return args.refuse('has a max_value that is not a number');
    return rectify(args.graph, x, {
      negativeSlope: args.number(0, 1, 'negative_slope'),
      threshold: args.number(0, 3, 'threshold'),
      maxValue: cap,
    });
  }),
  Relu6: named('relu6'),
  'nn.relu6': named('relu6'),
  LeakyRelu: unary((args, x) =>
    args.graph.node('LeakyRelu', [x], { alpha: float(args.number(0.2, 1, 'negative_slope', 'alpha')) }),
  ),
  'nn.leaky_relu': unary((args, x) =>
    args.graph.node('LeakyRelu', [x], { alpha: float(args.number(0.2, 1, 'alpha')) }),
  ),
  Elu: unary((args, x) => args.graph.node('Elu', [x], { alpha: float(args.number(1, 1, 'alpha')) })),
  'nn.elu': named('elu'),
  Selu: named('selu'),
  'nn.selu': named('selu'),
  Celu: unary((args, x) => args.graph.node('Celu', [x], { alpha: float(args.number(1, 1, 'alpha')) })),
  Gelu: gelu(true),
  'nn.gelu': gelu(false),
  Silu: silu,
  'nn.silu': silu,
  Mish: named('mish'),
  Softplus: named('softplus'),
  'math.softplus': named('softplus'),
  Softsign: named('softsign'),
  'nn.softsign': named('softsign'),
  LogSigmoid: named('log_sigmoid'),
  'math.log_sigmoid': named('log_sigmoid'),
  HardSigmoid: named('hard_sigmoid'),
  HardSilu: named('hard_silu'),
  HardTanh: named('hard_tanh'),
  TanhShrink: named('tanh_shrink'),
  Squareplus: named('squareplus'),
  SparsePlus: named('sparse_plus'),
  SparseSigmoid: named('sparse_sigmoid'),
  ZerosLike: like(0),
  zeros_like: like(0),
  OnesLike: like(1),
  ones_like: like(1),
  FullLike: like(undefined),
};
