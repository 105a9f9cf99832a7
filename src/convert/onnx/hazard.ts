import type {
  AttributeProto,
  GraphProto,
  ModelProto,
  NodeProto,
  TensorProto,
  TypeProto,
} from '../../formats/onnx/onnx_pb.js';
import type { Conversion } from '../../signature.js';
import { onnxTypes } from '../graph-builder.js';

/**
 * Operators whose kernels in ONNX Runtime were tried with hostile values and sizes and gave numbers or errors. Any other
 * is taken for one that may end its process.
 */
const tried: ReadonlySet<string> = new Set(
  [
    'Abs Acos Acosh Add And ArgMax ArgMin Asin Asinh Atan Atanh AveragePool BatchNormalization BitShift BitwiseAnd',
    'BitwiseNot BitwiseOr BitwiseXor Cast CastLike Ceil Celu Clip Compress Concat Constant ConstantOfShape Conv',
    'ConvInteger ConvTranspose Cos Cosh CumSum DepthToSpace DequantizeLinear Div Dropout DynamicQuantizeLinear Einsum Elu',
    'Equal Erf Exp Expand EyeLike Flatten Floor GRU Gather GatherElements GatherND Gelu Gemm GlobalAveragePool',
    'GlobalLpPool GlobalMaxPool Greater GreaterOrEqual GroupNormalization HardSigmoid HardSwish Hardmax Identity If',
    'InstanceNormalization IsInf IsNaN LRN LSTM LayerNormalization LeakyRelu Less LessOrEqual Log LogSoftmax Loop',
    'LpNormalization LpPool MatMul MatMulInteger Max MaxPool Mean MeanVarianceNormalization Min Mish Mod Mul Neg',
    'NonMaxSuppression NonZero Not OneHot Or PRelu Pad Pow QLinearConv QLinearMatMul QuantizeLinear RNN Range Reciprocal',
    'ReduceL1 ReduceL2 ReduceLogSum ReduceLogSumExp ReduceMax ReduceMean ReduceMin ReduceProd ReduceSum ReduceSumSquare',
    'RegexFullMatch Relu Reshape Resize ReverseSequence Round Scan ScatterElements ScatterND Selu Shape Shrink Sigmoid Sign',
    'Sin Sinh Size Slice Softmax Softplus Softsign SpaceToDepth Split Sqrt Squeeze StringConcat StringNormalizer',
    'StringSplit Sub Sum Tan Tanh TfIdfVectorizer ThresholdedRelu Tile TopK Transpose Trilu Unique Unsqueeze Where Xor',
    'ai.onnx.ml:ArrayFeatureExtractor ai.onnx.ml:Binarizer ai.onnx.ml:Imputer ai.onnx.ml:LabelEncoder',
    'ai.onnx.ml:LinearClassifier ai.onnx.ml:LinearRegressor ai.onnx.ml:Normalizer ai.onnx.ml:OneHotEncoder',
    'ai.onnx.ml:SVMClassifier ai.onnx.ml:SVMRegressor ai.onnx.ml:Scaler ai.onnx.ml:TreeEnsemble',
    'ai.onnx.ml:TreeEnsembleClassifier ai.onnx.ml:TreeEnsembleRegressor',
  ].flatMap((line) => line.split(' ')),
);

/** Operators among them that end the process over a tensor without elements. */
const fragile: ReadonlySet<string> = new Set(
  'ConvInteger ConvTranspose GRU InstanceNormalization LSTM QLinearConv RNN Scan'.split(' '),
);

/** Operators that can leave a tensor without elements where sizes are free. */
const shrinking: ReadonlySet<string> = new Set(
  'ConstantOfShape Expand Pad Range Resize Slice Split Tile TopK'.split(' '),
);
/** Operators whose result has no elements only where a size that they are given is 0. */
const sized: ReadonlySet<string> = new Set('ConstantOfShape Expand Tile TopK'.split(' '));
/** Operators that make positive integers of positive ones, none of which overflows. */
const keepingPositive: ReadonlySet<string> = new Set(
  'Concat Gather Identity Max Min Reshape Slice Squeeze Unsqueeze'.split(' '),
);
/** Operators whose result has as many elements as the values tell, none among others. */
const choosing: ReadonlySet<string> = new Set(
  'Compress NonZero NonMaxSuppression StringSplit Unique If Loop Scan'.split(' '),
);

/** Operators that make a square of two free sizes, as attention does of a sequence with itself. */
const multiplying: ReadonlySet<string> = new Set('Einsum Gemm MatMul'.split(' '));

/** Which inputs of an operator say how large its result is. */
const sizeInputs: ReadonlyMap<string, readonly number[]> = new Map([
  ['ConstantOfShape', [0]],
  ['Expand', [1]],
  ['OneHot', [1]],
  ['Pad', [1]],
  ['Range', [0, 1, 2]],
  ['Resize', [2, 3]],
  ['Tile', [1]],
]);

/** Operators whose result has the type of an input, and of which one. */
const typedBy: ReadonlyMap<string, number> = new Map([
  ...[
    'Abs Add Clip Compress Concat CumSum DepthToSpace Div Dropout Einsum Expand Flatten Gather GatherElements GatherND',
    'Gemm Identity MatMul Max MaxPool Mean Min Mod Mul Neg Pad Pow ReduceL1 ReduceL2 ReduceMax ReduceMean ReduceMin',
    'ReduceProd ReduceSum ReduceSumSquare Relu Reshape Resize ReverseSequence ScatterElements ScatterND Sign Slice',
    'SpaceToDepth Split Squeeze Sub Sum Tile TopK Transpose Trilu Unique Unsqueeze',
  ]
    .flatMap((line) => line.split(' '))
    .map((name) => [name, 0] as const),
  ['Where', 1],
  ['CastLike', 1],
  ['OneHot', 2],
]);

/** Operators whose result (the first, that is) is of floating point always. */
const floating: ReadonlySet<string> = new Set(
  [
    'Acos Acosh Asin Asinh Atan Atanh AveragePool BatchNormalization Celu Conv ConvTranspose Cos Cosh DequantizeLinear Elu',
    'Erf Exp GRU Gelu GlobalAveragePool GlobalLpPool GlobalMaxPool GroupNormalization HardSigmoid HardSwish Hardmax',
    'InstanceNormalization LRN LSTM LayerNormalization LeakyRelu Log LogSoftmax LpNormalization LpPool Mish RNN',
    'Reciprocal Selu Sigmoid Sin Sinh Softmax Softplus Softsign Sqrt Tan Tanh ThresholdedRelu Ceil Floor Round',
    'MeanVarianceNormalization ai.onnx.ml:Imputer ai.onnx.ml:LinearRegressor ai.onnx.ml:Normalizer',
    'ai.onnx.ml:OneHotEncoder ai.onnx.ml:SVMRegressor ai.onnx.ml:Scaler ai.onnx.ml:TreeEnsemble',
    'ai.onnx.ml:TreeEnsembleRegressor',
  ].flatMap((line) => line.split(' ')),
);

const floatTypes: ReadonlySet<number> = new Set([onnxTypes.float16, onnxTypes.float32, onnxTypes.float64, 16]);

/** What is known of a value, whoever sends requests. */
interface Fact {
  /** Its elements, not its sizes alone, depend on the request. */
  readonly sent: boolean;
  readonly empty: boolean;
  readonly float: boolean;
  /** Integers that are 1 at least. */
  readonly positive?: boolean;
  /** Of short constants. */
  readonly values?: readonly number[];
}

type Facts = ReadonlyMap<string, Fact>;

const unknown: Fact = { sent: true, empty: true, float: false };

/**
 * Why a graph may end the process that runs it, by what somebody sends: as ONNX Runtime does on a tensor without
 * elements in an LSTM, on the least integer divided by -1, when memory runs out, or by never coming to an end.
 * `undefined` when nothing of that kind can be seen: then requests whose sizes are 1 at least do no harm.
 */
export function findHazard({ graph, functions }: ModelProto): string | undefined {
  if (graph === undefined) return undefined;
  if (functions.length > 0) return 'it brings functions of its own';
  const constants = new Set(graph.initializer.map(({ name }) => name));
  const inputs = graph.input.filter(({ name }) => !constants.has(name));
  const free = inputs.some(({ type }) =>
    sizesOf(type)
      .slice(1)
      .some((size) => size === undefined),
  );
  const sent = inputs.map(({ name, type }) => [name, { sent: true, empty: false, float: isFloat(type) }] as const);
  return visit(graph, new Map(sent), free);
}

/** A conversion that knows of its hazard, and tells of it. */
export function withHazard(conversion: Conversion, hazard: string | undefined): Conversion {
  if (hazard === undefined) return conversion;
  const { provenance } = conversion;
  const note = `It computes in a process of its own, since ${hazard}. "placement" in model.yaml says otherwise.`;
  return { ...conversion, hazard, provenance: { ...provenance, notes: [...provenance.notes, note] } };
}

function visit(graph: GraphProto, outer: Facts, free: boolean): string | undefined {
  const facts = new Map(outer);
  const types = new Map(graph.valueInfo.map(({ name, type }) => [name, isFloat(type)]));
  for (const tensor of graph.initializer) facts.set(tensor.name, factOf(tensor));
  for (const { values } of graph.sparseInitializer) {
    if (values !== undefined) facts.set(values.name, factOf(values));
  }
  for (const node of graph.node) {
    const operator = nameOf(node);
    const inputs = node.input.map((name) => (name === '' ? undefined : (facts.get(name) ?? unknown)));
    const hazard = hazardOf(operator, inputs, free) ?? visitBodies(node, facts, free);
    if (hazard !== undefined) return hazard;
    const fact = resultOf(node, operator, inputs, free);
    for (const [i, name] of node.output.entries()) {
      facts.set(name, { ...fact, float: (i === 0 && fact.float) || types.get(name) === true });
    }
  }
  return undefined;
}

function hazardOf(operator: string, inputs: readonly (Fact | undefined)[], free: boolean): string | undefined {
  if (!tried.has(operator)) return `the operator ${operator} may end the process that computes it`;
  if (fragile.has(operator) && inputs.some((input) => input?.empty === true)) {
    return `the operator ${operator}, given nothing, ends the process that computes it`;
  }
  for (const i of sizeInputs.get(operator) ?? []) {
    if (inputs[i]?.sent === true) return `requests say how much memory the operator ${operator} takes`;
  }
  if (free && multiplying.has(operator) && inputs[0]?.sent === true && inputs[1]?.sent === true) {
    return `what the operator ${operator} takes of memory grows with the square of a size that requests choose`;
  }
  const [value, divisor] = inputs;
  if ((operator === 'Div' || operator === 'Mod') && value !== undefined && divisor !== undefined) {
    const harmless = divisor.values?.includes(-1) === false;
    if (value.float || divisor.float || harmless || !(value.sent || divisor.sent)) return undefined;
    return `the operator ${operator} of integers ends the process that computes it when the least is divided by -1`;
  }
  if (operator === 'Loop' && (inputs[0] === undefined || inputs[0].sent)) {
    return 'requests say how often the operator Loop computes';
  }
  return undefined;
}

/** The graphs of a Loop, a Scan or an If see what is around them; of their own inputs nothing is known but the types. */
function visitBodies({ attribute }: NodeProto, facts: Facts, free: boolean): string | undefined {
  for (const body of bodiesOf(attribute)) {
    const own = body.input.map(({ name, type }) => [name, { ...unknown, float: isFloat(type) }] as const);
    const hazard = visit(body, new Map([...facts, ...own]), free);
    if (hazard !== undefined) return hazard;
  }
  return undefined;
}

function bodiesOf(attributes: readonly AttributeProto[]): GraphProto[] {
  return attributes.flatMap(({ g, graphs }) => (g === undefined ? graphs : [g, ...graphs]));
}

function resultOf(node: NodeProto, operator: string, inputs: readonly (Fact | undefined)[], free: boolean): Fact {
  const [first] = inputs;
  if (operator === 'Shape' || operator === 'Size') {
    return { sent: false, empty: false, float: false, positive: first?.empty === false };
  }
  const attribute = (wanted: string) => node.attribute.find(({ name }) => name === wanted);
  if (operator === 'Constant') return constantOf(attribute);
  const sent = inputs.some((input) => input?.sent === true);
  // The indices of a Gather, and what is around data in general, need not be positive.
  const counted = operator === 'Gather' || operator === 'Slice' ? [first] : inputs;
  return {
    sent,
    empty: mayBeEmpty(operator, inputs, free),
    float: isFloatResult(operator, inputs, attribute),
    positive: keepingPositive.has(operator) && counted.every((input) => input?.positive === true),
  };
}

function constantOf(attribute: (name: string) => AttributeProto | undefined): Fact {
  const tensor = attribute('value')?.t;
  if (tensor !== undefined) return factOf(tensor);
  const whole = attribute('value_ints')?.ints ?? [attribute('value_int')?.i ?? 0n];
  const float = attribute('value_float') !== undefined || attribute('value_floats') !== undefined;
  return { sent: false, empty: false, float, ...(float ? {} : ofValues(whole.map(Number))) };
}

const ofValues = (values: readonly number[]) => ({ values, positive: values.every((value) => value > 0) });

function mayBeEmpty(operator: string, inputs: readonly (Fact | undefined)[], free: boolean): boolean {
  if (choosing.has(operator) || inputs.some((input) => input?.empty === true)) return true;
  if (!shrinking.has(operator) || leavesSome(operator, inputs)) return false;
  return free || inputs.slice(1).some((input) => input?.sent === true);
}

/** Whether the sizes and places that an operator is given leave something of what is there. */
function leavesSome(operator: string, inputs: readonly (Fact | undefined)[]): boolean {
  const every = (i: number, fits: (value: number) => boolean) => inputs[i]?.values?.every(fits) === true;
  if (sized.has(operator)) return inputs.at(-1)?.positive === true;
  if (operator === 'Pad') return every(1, (value) => value >= 0);
  if (operator === 'Resize') return inputs[3]?.positive === true || every(2, (value) => value >= 1);
  if (operator === 'Range') {
    return every(0, (value) => value === 0) && inputs[1]?.positive === true && every(2, (value) => value === 1);
  }
  if (operator !== 'Slice') return false;
  const forwards = every(1, (value) => value === 0) && every(2, (value) => value >= farthest);
  const backwards = every(1, (value) => value === -1) && every(2, (value) => value <= -farthest);
  const [, , , , steps] = inputs;
  return (
    (forwards && (steps === undefined || steps.positive === true)) || (backwards && every(4, (value) => value < 0))
  );
}

/** No axis is longer. */
const farthest = 2 ** 31 - 1;

function isFloatResult(
  operator: string,
  inputs: readonly (Fact | undefined)[],
  attribute: (name: string) => AttributeProto | undefined,
): boolean {
  if (floating.has(operator)) return true;
  if (operator === 'Cast') return floatTypes.has(Number(attribute('to')?.i ?? 0n));
  if (operator === 'ConstantOfShape') return floatTypes.has(attribute('value')?.t?.dataType ?? onnxTypes.float32);
  return inputs[typedBy.get(operator) ?? -1]?.float === true;
}

function factOf(tensor: TensorProto): Fact {
  const float = floatTypes.has(tensor.dataType);
  const values = valuesOf(tensor);
  const rest = float ? { values } : ofValues(values);
  return { sent: false, empty: tensor.dims.includes(0n), float, ...(values.length === 0 ? {} : rest) };
}

/** Constants longer than this are tables, not sizes. */
const mostValues = 1024;

/** The elements of a short tensor of whole numbers or float32; none of any other. */
function valuesOf(tensor: TensorProto): number[] {
  const { dataType, rawData } = tensor;
  const read = readers.get(dataType);
  if (read === undefined) return [];
  const [width, at] = read;
  const { int32Data, int64Data, uint64Data, floatData } = tensor;
  const stored = [int32Data, int64Data, uint64Data, floatData].find((values) => values.length > 0) ?? [];
  if (stored.length > mostValues || rawData.length > mostValues * width) return [];
  if (stored.length > 0) return Array.from(stored as readonly (number | bigint)[], Number);
  const view = new DataView(rawData.buffer, rawData.byteOffset, rawData.byteLength);
  return Array.from({ length: Math.floor(rawData.length / width) }, (_, i) => Number(at(view, i * width)));
}

/** Bytes of an element, and how it is read where it is stored raw. */
const readers: ReadonlyMap<number, readonly [number, (view: DataView, at: number) => bigint | number]> = new Map([
  [onnxTypes.int8, [1, (view, at) => view.getInt8(at)]],
  [onnxTypes.uint8, [1, (view, at) => view.getUint8(at)]],
  [onnxTypes.int16, [2, (view, at) => view.getInt16(at, true)]],
  [onnxTypes.uint16, [2, (view, at) => view.getUint16(at, true)]],
  [onnxTypes.int32, [4, (view, at) => view.getInt32(at, true)]],
  [onnxTypes.uint32, [4, (view, at) => view.getUint32(at, true)]],
  [onnxTypes.int64, [8, (view, at) => view.getBigInt64(at, true)]],
  [onnxTypes.uint64, [8, (view, at) => view.getBigUint64(at, true)]],
  [onnxTypes.float32, [4, (view, at) => view.getFloat32(at, true)]],
]);

function nameOf({ domain, opType }: NodeProto): string {
  return domain === '' || domain === 'ai.onnx' ? opType : `${domain}:${opType}`;
}

function isFloat(type: TypeProto | undefined): boolean {
  return type?.value.case === 'tensorType' && floatTypes.has(type.value.value.elemType);
}

/** Sizes of a tensor; `undefined` where it is free. */
function sizesOf(type: TypeProto | undefined): (bigint | undefined)[] {
  if (type?.value.case !== 'tensorType') return [];
  const dims = type.value.value.shape?.dim ?? [];
  return dims.map(({ value }) => (value.case === 'dimValue' && value.value >= 0n ? value.value : undefined));
}
