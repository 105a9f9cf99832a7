import { fromBinary } from '@bufbuild/protobuf';
import { VitrinaError } from '../../errors.js';
import { defaultLimits, type Limits } from '../limits.js';
import {
  type GraphProto,
  type ModelProto,
  ModelProtoSchema,
  type NodeProto,
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

/** Operators that load a compiled model from a path of the file's choosing. */
const refusedOperators: ReadonlySet<string> = new Set(['EPContext']);

/**
 * Decodes a `ModelProto`. Weights in other files (external data), operators of custom domains, and operators that load
 * files are refused by name. Specification: https://github.com/onnx/onnx/blob/main/docs/IR.md
 *
 * @throws VitrinaError `artefact-malformed`, `artefact-unsupported`, `artefact-over-limit`
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
    if (!functions.has(`${node.domain}:${node.opType}`)) {
      if (!domains.has(node.domain)) {
        throw unsupported(`the custom operator ${name}`, 'export the model with standard operators alone');
      }
      if (refusedOperators.has(node.opType)) {
        throw unsupported(`the operator ${name}, which loads another file`, 'export the original model');
      }
      operators.add(name);
    }
    for (const attribute of node.attribute) {
      if (attribute.t !== undefined) checkTensor(attribute.t, limits);
      for (const tensor of attribute.tensors) checkTensor(tensor, limits);
      if (attribute.g !== undefined) visitGraph(attribute.g);
      for (const inner of attribute.graphs) visitGraph(inner);
    }
  };
  const visitGraph = (inner: GraphProto): void => {
    for (const tensor of inner.initializer) checkTensor(tensor, limits);
    for (const { values, indices } of inner.sparseInitializer) {
      if (values !== undefined) checkTensor(values, limits);
      if (indices !== undefined) checkTensor(indices, limits);
    }
    for (const node of inner.node) visitNode(node);
  };
  visitGraph(graph);
  for (const { node } of model.functions) for (const inner of node) visitNode(inner);
  return {
    model,
    graph,
    opsets: new Map(model.opsetImport.map(({ domain, version }) => [domain, Number(version)])),
    operators: [...operators],
    producer: model.producerName,
    producerVersion: model.producerVersion === '' ? null : model.producerVersion,
  };
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
    throw unsupported(
      `external data (the tensor "${tensor.name}" is in another file)`,
      'save one file: onnx.save_model(model, path, save_as_external_data=False)',
    );
  }
  let size = 1;
  for (const dimension of tensor.dims) size *= Math.max(Number(dimension), 0);
  if (size > limits.tensorBytes) throw overLimit(`a tensor ("${tensor.name}")`, size, limits, 'tensorBytes');
}

function unsupported(what: string, next: string): VitrinaError {
  return new VitrinaError('artefact-unsupported', { format: 'ONNX', what, next });
}

function overLimit(what: string, value: number, limits: Limits, setting: 'fileBytes' | 'tensorBytes'): VitrinaError {
  return new VitrinaError('artefact-over-limit', { format: 'ONNX', what, value, limit: limits[setting], setting });
}
