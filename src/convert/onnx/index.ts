import { create, toBinary } from '@bufbuild/protobuf';
import { VitrinaError } from '../../errors.js';
import { defaultLimits, type Limits } from '../../formats/limits.js';
import { readOnnx } from '../../formats/onnx/index.js';
import {
  type GraphProto,
  ModelProtoSchema,
  type NodeProto,
  TensorShapeProtoSchema,
  TypeProto_TensorSchema,
  TypeProtoSchema,
  type ValueInfoProto,
} from '../../formats/onnx/onnx_pb.js';
import type { Conversion, TensorSpec } from '../../signature.js';
import type { DataType } from '../../tensor.js';
import { onnxTypes } from '../graph-builder.js';
import { findHazard, withHazard } from './hazard.js';
import { readMetadata } from './metadata.js';

const dtypes = new Map<number, DataType>(Object.entries(onnxTypes).map(([dtype, type]) => [type, dtype as DataType]));

/**
 * Takes an ONNX model as it is: the graph is passed on byte for byte, its typed inputs and outputs become the
 * signature. What Vitrina wrote carries a signature of its own, with what ONNX has no place for (`metadata.ts`). The one
 * change made to others: a `ZipMap` at an output (sklearn-onnx's default, a list of dictionaries) becomes the tensor of
 * probabilities that it wraps, one column a class.
 *
 * @throws VitrinaError what `readOnnx` throws; `model-unsupported` for inputs and outputs that are not tensors
 */
export function convertOnnx(bytes: Uint8Array, limits: Limits = defaultLimits): Conversion {
  const { model, graph, operators, producer, producerVersion } = readOnnx(bytes, limits);
  const { notes, classes } = unwrapZipMaps(graph);
  const initialized = new Set(graph.initializer.map(({ name }) => name));
  const inputs = graph.input.filter(({ name }) => !initialized.has(name)).map((value) => tensorSpec(value, 'Input'));
  const outputs = graph.output.map((value) => {
    const columns = classes.get(value.name);
    return { ...tensorSpec(value, 'Output'), ...(columns === undefined ? {} : { columns }) };
  });
  if (outputs.length === 0) {
    throw new VitrinaError('model-unsupported', { what: 'The graph has no outputs', next: 'export the model again' });
  }
  const metadata = readMetadata(model, { inputs, outputs });
  const hazard = findHazard(model);
  if (metadata !== undefined) return withHazard({ graph: bytes, ...metadata }, hazard);
  const conversion = {
    graph: notes.length === 0 ? bytes : toBinary(ModelProtoSchema, model),
    signature: { inputs, outputs },
    provenance: {
      format: 'onnx',
      library: producer === '' ? 'onnx' : producer,
      libraryVersion: producerVersion,
      components: operators,
      notes,
    },
  };
  return withHazard(conversion, hazard);
}

/** Turns every ZipMap whose output is the graph's into an Identity on the tensor, and says so; keeps the classes. */
function unwrapZipMaps(graph: GraphProto): { notes: string[]; classes: ReadonlyMap<string, readonly string[]> } {
  const notes: string[] = [];
  const named = new Map<string, readonly string[]>();
  for (const node of graph.node) {
    if (node.opType !== 'ZipMap' || node.domain !== 'ai.onnx.ml') continue;
    const output = graph.output.find(({ name }) => name === node.output[0]);
    if (output === undefined) continue;
    const classes = zipMapClasses(node);
    node.opType = 'Identity';
    node.domain = '';
    node.attribute = [];
    output.type = create(TypeProtoSchema, {
      value: {
        case: 'tensorType',
        value: create(TypeProto_TensorSchema, {
          elemType: onnxTypes.float32,
          shape: create(TensorShapeProtoSchema, {
            dim: [
              { value: { case: 'dimParam', value: 'batch' } },
              { value: { case: 'dimValue', value: BigInt(classes.length) } },
            ],
          }),
        }),
      },
    });
    named.set(output.name, classes);
    notes.push(`Output "${output.name}" is given as a tensor with one column for each class: ${classes.join(', ')}.`);
  }
  return { notes, classes: named };
}

function zipMapClasses(node: NodeProto): string[] {
  const labels = node.attribute.find(({ name }) => name === 'classlabels_strings');
  if (labels !== undefined) return labels.strings.map((bytes) => Buffer.from(bytes).toString('utf8'));
  return node.attribute.find(({ name }) => name === 'classlabels_int64s')?.ints.map(String) ?? [];
}

function tensorSpec({ name, type }: ValueInfoProto, place: 'Input' | 'Output'): TensorSpec {
  const refuse = (what: string, next: string): never => {
    throw new VitrinaError('model-unsupported', { what: `${place} "${name}" ${what}`, next });
  };
  if (type?.value.case !== 'tensorType') {
    const kind = type?.value.case?.replace('Type', '') ?? 'of no type';
    return refuse(`is not a tensor (${kind})`, 'export it with tensors alone (for scikit-learn: zipmap=False)');
  }
  const { elemType, shape } = type.value.value;
  const dtype = dtypes.get(elemType);
  if (dtype === undefined) return refuse(`has the element type ${elemType}`, 'export it with a type that NumPy has');
  if (shape === undefined) {
    return refuse('states no shape', 'run onnx.shape_inference.infer_shapes on it, then save it again');
  }
  return {
    name,
    dtype,
    shape: shape.dim.map(({ value }) => (value.case === 'dimValue' && value.value >= 0n ? Number(value.value) : null)),
  };
}
