import { fromBinary } from '@bufbuild/protobuf';
import { VitrinaError } from '../../errors.js';
import { defaultLimits, type Limits } from '../limits.js';
import {
  type AttributeProto,
  type FunctionProto,
  type GraphProto,
  type ModelProto,
  ModelProtoSchema,
  type NodeProto,
  type SparseTensorProto,
  type TensorProto,
  TensorProto_DataLocation,
} from './onnx_pb.js';
import { scanMessage } from './scan.js';

/** An ONNX model, checked to need nothing but itself and the operators that ONNX Runtime brings. */
export interface OnnxModel {
  readonly model: ModelProto;
  readonly graph: GraphProto;
  /** Domain (`''` is ai.onnx) to version. */
  readonly opsets: ReadonlyMap<string, number>;
  /** Operators in order of appearance, each once; those of other domains as `domain:Operator`. */
  readonly operators: readonly string[];
  readonly producer: string;
  readonly producerVersion: string | null;
}

/** Domains whose operators are part of ONNX Runtime. */
const domains: ReadonlySet<string> = new Set(['', 'ai.onnx', 'ai.onnx.ml', 'com.microsoft']);

/** Operators that load a compiled model from a path of the file's choosing, or call a function of Python or PyTorch. */
const refusedOperators: ReadonlySet<string> = new Set(['EPContext', 'PythonOp', 'PythonOpGrad', 'ATen', 'ATenGrad']);

/**
 * Decodes a `ModelProto`. Weights in other files (external data), operators of custom domains, and operators that load
 * files are refused by name. Specification: https://github.com/onnx/onnx/blob/main/docs/IR.md
 *
 * @throws VitrinaError `artefact-malformed`, `artefact-unsafe`, `artefact-over-limit`
 */
export function readOnnx(bytes: Uint8Array, limits: Limits = defaultLimits): OnnxModel {
  if (bytes.length > limits.fileBytes) throw overLimit('a size', bytes.length, limits, 'fileBytes');
  scanMessage(ModelProtoSchema, bytes, limits);
  const model = decode(bytes);
  const { graph } = model;
  if (graph === undefined) throw new VitrinaError('artefact-malformed', { format: 'ONNX', what: 'it has no graph' });
  const functions = new Set(model.functions.map(({ domain, name }) => `${domain}:${name}`));
  const operators = new Set<string>();
  const visitNode = (node: NodeProto): void => {
    const domain = node.domain === 'ai.onnx' ? '' : node.domain;
    const name = domain === '' ? node.opType : `${domain}:${node.opType}`;
    if (refusedOperators.has(node.opType)) {
      throw unsafe(`the operator ${name}, which runs what is not in the file`, 'export the original model');
    }
    if (!functions.has(`${node.domain}:${node.opType}`)) {
      if (!domains.has(node.domain)) {
        throw unsafe(`the custom operator ${name}`, 'export the model with standard operators alone');
      }
      operators.add(name);
    }
    for (const attribute of node.attribute) visitAttribute(attribute);
  };
  const visitAttribute = (attribute: AttributeProto): void => {
    if (attribute.t !== undefined) checkTensor(attribute.t, limits);
    for (const tensor of attribute.tensors) checkTensor(tensor, limits);
    if (attribute.sparseTensor !== undefined) visitSparse(attribute.sparseTensor);
    for (const tensor of attribute.sparseTensors) visitSparse(tensor);
    if (attribute.g !== undefined) visitGraph(attribute.g);
    for (const inner of attribute.graphs) visitGraph(inner);
  };
  const visitSparse = ({ values, indices }: SparseTensorProto): void => {
    if (values !== undefined) checkTensor(values, limits);
    if (indices !== undefined) checkTensor(indices, limits);
  };
  const visitGraph = (inner: GraphProto): void => {
    for (const tensor of inner.initializer) checkTensor(tensor, limits);
    checkMadeTensors(inner, limits);
    for (const tensor of inner.sparseInitializer) visitSparse(tensor);
    for (const node of inner.node) visitNode(node);
  };
  visitGraph(graph);
  checkFunctions(model.functions, limits);
  for (const { node, attributeProto } of model.functions) {
    for (const inner of node) visitNode(inner);
    for (const attribute of attributeProto) visitAttribute(attribute);
  }
  for (const { initialization, algorithm } of model.trainingInfo) {
    if (initialization !== undefined) visitGraph(initialization);
    if (algorithm !== undefined) visitGraph(algorithm);
  }
  return {
    model,
    graph,
    opsets: new Map(model.opsetImport.map(({ domain, version }) => [domain, Number(version)])),
    operators: [...operators],
    producer: model.producerName,
    producerVersion: model.producerVersion === '' ? null : model.producerVersion,
  };
}

/**
 * Functions of the model are put in place of their calls when it is loaded: they must not call themselves, nor multiply.
 * @throws artefact-malformed, artefact-over-limit
 */
function checkFunctions(list: readonly FunctionProto[], limits: Limits): void {
  const functions = new Map(list.map((each) => [`${each.domain}:${each.name}`, each]));
  const sizes = new Map<FunctionProto, number>();
  const sizeOfNodes = (nodes: readonly NodeProto[], depth: number): number => {
    let size = nodes.length;
    for (const node of nodes) {
      const called = functions.get(`${node.domain}:${node.opType}`);
      if (called !== undefined) size += sizeOfFunction(called, depth + 1);
      for (const { g, graphs } of node.attribute) {
        for (const inner of g === undefined ? graphs : [g, ...graphs]) size += sizeOfNodes(inner.node, depth + 1);
      }
    }
    if (size > limits.count) throw overLimit('a number of nodes in its functions', size, limits, 'count');
    return size;
  };
  const sizeOfFunction = (each: FunctionProto, depth: number): number => {
    const known = sizes.get(each);
    if (known === -1) {
      const what = `the function ${each.name.slice(0, 80)} calls itself`;
      throw new VitrinaError('artefact-malformed', { format: 'ONNX', what });
    }
    if (known !== undefined) return known;
    if (depth > limits.depth) throw overLimit('a nesting of functions', depth, limits, 'depth');
    sizes.set(each, -1);
    const size = sizeOfNodes(each.node, depth);
    sizes.set(each, size);
    return size;
  };
  for (const each of list) sizeOfFunction(each, 1);
}

function decode(bytes: Uint8Array): ModelProto {
  try {
    return fromBinary(ModelProtoSchema, bytes);
  } catch (cause) {
    throw new VitrinaError(
      'artefact-malformed',
      { format: 'ONNX', what: `it is not a ModelProto (${(cause as Error).message})` },
      { cause },
    );
  }
}

function checkTensor(tensor: TensorProto, limits: Limits): void {
  if (tensor.dataLocation === TensorProto_DataLocation.EXTERNAL || tensor.externalData.length > 0) {
    throw unsafe(
      `external data (the tensor "${tensor.name}" is in another file)`,
      'save one file: onnx.save_model(model, path, save_as_external_data=False)',
    );
  }
  const name = `the tensor "${tensor.name.slice(0, 80)}"`;
  let size = 1;
  for (const dimension of tensor.dims) {
    if (dimension < 0n) throw malformed(`${name} has a size of ${dimension}`);
    size *= Number(dimension);
  }
  if (size > limits.tensorBytes)
    throw overLimit(`a tensor ("${tensor.name.slice(0, 80)}")`, size, limits, 'tensorBytes');
  const width = elementBytes.get(tensor.dataType);
  if (width === undefined || size === 0) return;
  const { rawData, floatData, doubleData, int32Data, int64Data, uint64Data } = tensor;
  const stored = floatData.length + doubleData.length + int32Data.length + int64Data.length + uint64Data.length;
  if (rawData.length === 0 ? stored < size : rawData.length !== size * width) {
    const found = rawData.length === 0 ? `${stored} values` : `${rawData.length} bytes`;
    throw malformed(`${name} has ${size} elements and ${found}`);
  }
}

/** Bytes of an element of the types that are stored one by one, by ONNX's numbers of types. */
const elementBytes: ReadonlyMap<number, number> = new Map([
  [1, 4], // float
  [2, 1], // uint8
  [3, 1], // int8
  [4, 2], // uint16
  [5, 2], // int16
  [6, 4], // int32
  [7, 8], // int64
  [9, 1], // bool
  [10, 2], // float16
  [11, 8], // double
  [12, 4], // uint32
  [13, 8], // uint64
  [16, 2], // bfloat16
]);

/** Operators that make a tensor of a shape that another tensor states. */
const makers: ReadonlySet<string> = new Set(['ConstantOfShape', 'Expand']);

/**
 * A shape in the file may ask for any size, and ONNX Runtime makes what is constant when it loads the model.
 * @throws artefact-over-limit
 */
function checkMadeTensors(graph: GraphProto, limits: Limits): void {
  const shapes = new Map(graph.initializer.map((tensor) => [tensor.name, tensor]));
  for (const { opType, output, attribute } of graph.node) {
    const value = opType === 'Constant' ? attribute.find(({ name }) => name === 'value')?.t : undefined;
    if (value !== undefined && output[0] !== undefined) shapes.set(output[0], value);
  }
  for (const { opType, input } of graph.node) {
    const shape = makers.has(opType) ? shapes.get(input[opType === 'Expand' ? 1 : 0] ?? '') : undefined;
    if (shape === undefined || shape.dataType !== 7) continue;
    const raw = Buffer.from(shape.rawData);
    const sizes =
      raw.length === 0
        ? shape.int64Data
        : Array.from({ length: Math.floor(raw.length / 8) }, (_, i) => raw.readBigInt64LE(i * 8));
    const size = sizes.reduce((product, length) => product * Math.max(Number(length), 1), 1);
    if (size > limits.tensorBytes / 4) throw overLimit(`a ${opType} of elements`, size, limits, 'tensorBytes');
  }
}

function malformed(what: string): VitrinaError {
  return new VitrinaError('artefact-malformed', { format: 'ONNX', what });
}

function unsafe(what: string, next: string): VitrinaError {
  return new VitrinaError('artefact-unsafe', { format: 'ONNX', what, next });
}

function overLimit(what: string, value: number, limits: Limits, setting: keyof Limits): VitrinaError {
  return new VitrinaError('artefact-over-limit', { format: 'ONNX', what, value, limit: limits[setting], setting });
}
