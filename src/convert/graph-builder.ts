import { create, toBinary } from '@bufbuild/protobuf';
import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import { VitrinaError } from '../errors.js';
import {
  type AttributeProto,
  AttributeProtoSchema,
  AttributeProto_AttributeType as AttributeType,
  type GraphProto,
  GraphProtoSchema,
  ModelProtoSchema,
  type NodeProto,
  NodeProtoSchema,
  TensorProto_DataType as OnnxType,
  type TensorProto,
  TensorProtoSchema,
  type ValueInfoProto,
  ValueInfoProtoSchema,
} from '../formats/onnx/onnx_pb.js';
import type { TensorSpec } from '../signature.js';
import type { DataType, Tensor } from '../tensor.js';

export const onnxTypes = {
  float16: OnnxType.FLOAT16,
  float32: OnnxType.FLOAT,
  float64: OnnxType.DOUBLE,
  int8: OnnxType.INT8,
  int16: OnnxType.INT16,
  int32: OnnxType.INT32,
  int64: OnnxType.INT64,
  uint8: OnnxType.UINT8,
  uint16: OnnxType.UINT16,
  uint32: OnnxType.UINT32,
  uint64: OnnxType.UINT64,
  bool: OnnxType.BOOL,
  string: OnnxType.STRING,
} as const satisfies Record<DataType, OnnxType>;

/** A value of the graph under construction: the name of an edge. `''` stands for an optional input left out. */
export type Value = string;

/**
 * Integers become INT, `float()` FLOAT; lists of integers INTS, `floats()` FLOATS; strings, lists of strings, tensors;
 * a `Subgraph` becomes GRAPH. A typed array becomes INTS as well, at the pace that a forest of a million nodes needs;
 * none of its numbers may be negative.
 */
export type Attribute =
  | number
  | string
  | readonly number[]
  | readonly string[]
  | Int32Array
  | Uint8Array
  | Float
  | Floats
  | Tensor
  | Subgraph;
interface Float {
  readonly float: number;
}
interface Floats {
  readonly floats: readonly number[];
}
/** The body of a Scan, Loop or If. It sees every value of the graph around it. */
export interface Subgraph {
  readonly graph: GraphProto;
}
/** @throws VitrinaError model-unsupported for a number that single precision, which attributes have, does not hold */
export function float(value: number): Float {
  if (Number.isFinite(value) && !Number.isFinite(Math.fround(value))) {
    throw new VitrinaError('model-unsupported', {
      what: `An option of the model is ${value}, beyond what float32 holds`,
      next: 'make it a number of magnitude up to 3.4e38, and save the model again',
    });
  }
  return { float: value };
}
export const floats = (values: readonly number[]): Floats => ({ floats: values });

export interface NodeOptions {
  /** `''` (the default) or `ai.onnx.ml`. */
  readonly domain?: string;
  /** Number of outputs; 1 unless told. */
  readonly outputs?: number;
  /** Stem of the names of the outputs; the operator unless told. */
  readonly name?: string;
}

/** ai.onnx 21 and ai.onnx.ml 5: `TreeEnsemble` with double kernels, and what ONNX Runtime 1.30 runs. */
const opset = 21;
const mlOpset = 5;
const irVersion = 10;

/**
 * Builds one ONNX graph node by node. Values are named by the builder, constants with equal content are kept once,
 * and nothing is validated here beyond types: ONNX Runtime checks the whole when it loads.
 * Specification: https://github.com/onnx/onnx/blob/main/docs/IR.md
 */
export class GraphBuilder {
  private readonly nodes: ReturnType<typeof create<typeof NodeProtoSchema>>[] = [];
  private readonly prelude: ReturnType<typeof create<typeof NodeProtoSchema>>[] = [];
  private readonly initializers: TensorProto[] = [];
  private readonly inputs: ValueInfoProto[] = [];
  private readonly outputs: ValueInfoProto[] = [];
  private readonly taken: Set<string>;
  private readonly constants = new Map<string, Value>();
  private usesMl = false;

  /** `parent` is given for a subgraph: it shares the names and the constants of the graph around it. */
  constructor(
    private readonly name: string,
    private readonly parent?: GraphBuilder,
  ) {
    this.taken = parent?.taken ?? new Set();
  }

  /** A name that no value has yet, made from `stem`. */
  unique(stem: string): Value {
    let name = stem;
    for (let i = 1; this.taken.has(name); i++) name = `${stem}_${i}`;
    this.taken.add(name);
    return name;
  }

  input(spec: TensorSpec): Value {
    const name = this.unique(spec.name);
    this.inputs.push(valueInfo({ ...spec, name }));
    return name;
  }

  /** Declares `value` as an output called `spec.name`; the names of inputs and outputs are the caller's to keep apart. */
  output(spec: TensorSpec, value: Value): void {
    if (value !== spec.name) {
      this.taken.add(spec.name);
      this.nodes.push(create(NodeProtoSchema, { opType: 'Identity', input: [value], output: [spec.name] }));
    }
    this.outputs.push(valueInfo(spec));
  }

  /** An initializer. Small equal constants share one. */
  constant(tensor: Tensor, stem = 'constant'): Value {
    if (this.parent !== undefined) return this.parent.constant(tensor, stem);
    const proto = tensorProto(tensor);
    const key =
      proto.rawData.length <= 1024 && tensor.dtype !== 'string'
        ? `${tensor.dtype}[${tensor.shape.join()}]${Buffer.from(proto.rawData).toString('latin1')}`
        : undefined;
    const known = key === undefined ? undefined : this.constants.get(key);
    if (known !== undefined) return known;
    proto.name = this.unique(stem);
    this.initializers.push(proto);
    if (key !== undefined) this.constants.set(key, proto.name);
    return proto.name;
  }

  /** An int64 vector: shapes, axes, pads. */
  int64s(values: readonly number[], stem = 'shape'): Value {
    return this.constant({ dtype: 'int64', shape: [values.length], data: BigInt64Array.from(values, BigInt) }, stem);
  }

  /** A scalar of a floating type. */
  scalar(value: number, dtype: 'float32' | 'float64' = 'float32'): Value {
    const data = dtype === 'float32' ? Float32Array.of(value) : Float64Array.of(value);
    return this.constant({ dtype, shape: [], data }, 'scalar');
  }

  /** Adds a node with one output and names it. */
  node(
    opType: string,
    inputs: readonly Value[],
    attributes: Readonly<Record<string, Attribute>> = {},
    options: NodeOptions = {},
  ): Value {
    return this.multi(opType, inputs, attributes, { ...options, outputs: 1 })[0]!;
  }

  /**
   * Gives a value that nodes already read its definition: a node of one output that reads inputs, constants and values
   * defined so before. It goes in front of the nodes added by `node`.
   */
  define(
    value: Value,
    opType: string,
    inputs: readonly Value[],
    attributes: Readonly<Record<string, Attribute>> = {},
  ): Value {
    this.prelude.push(
      create(NodeProtoSchema, {
        opType,
        name: value,
        input: [...inputs],
        output: [value],
        attribute: Object.entries(attributes).map(([name, content]) => attributeProto(name, content)),
      }),
    );
    return value;
  }

  /** Adds a node with several outputs. */
  multi(
    opType: string,
    inputs: readonly Value[],
    attributes: Readonly<Record<string, Attribute>> = {},
    options: NodeOptions = {},
  ): Value[] {
    const stem = options.name ?? opType.toLowerCase();
    const output = Array.from({ length: options.outputs ?? 1 }, () => this.unique(stem));
    if (options.domain === 'ai.onnx.ml') this.usesMl = true;
    this.nodes.push(
      create(NodeProtoSchema, {
        opType,
        domain: options.domain ?? '',
        name: output[0]!,
        input: [...inputs],
        output,
        attribute: Object.entries(attributes).map(([name, value]) => attributeProto(name, value)),
      }),
    );
    return output;
  }

  /**
   * A subgraph for an attribute of a node (`body` of a Scan). `build` adds its inputs, nodes and outputs, in the order
   * that the operator asks for; sizes of its inputs and outputs are left to ONNX Runtime.
   */
  subgraph(name: string, build: (inner: GraphBuilder) => void): Subgraph {
    const inner = new GraphBuilder(this.unique(name), this);
    build(inner);
    return { graph: inner.toProto() };
  }

  /** Declares an input of a subgraph, by its type alone. */
  parameter(stem: string, dtype: DataType): Value {
    const name = this.unique(stem);
    this.inputs.push(untypedShape(name, dtype));
    return name;
  }

  /** Declares `value` as the next output of a subgraph. */
  result(value: Value, dtype: DataType): void {
    const name = this.unique('result');
    this.nodes.push(create(NodeProtoSchema, { opType: 'Identity', input: [value], output: [name] }));
    this.outputs.push(untypedShape(name, dtype));
  }

  /** The serialised `ModelProto`, without what no output needs. `metadata` is kept in it by key. */
  build(metadata: Readonly<Record<string, string>> = {}): Uint8Array {
    this.nodes.unshift(...this.prelude.splice(0));
    this.prune();
    return toBinary(
      ModelProtoSchema,
      create(ModelProtoSchema, {
        irVersion: BigInt(irVersion),
        producerName: 'vitrina',
        opsetImport: [
          { domain: '', version: BigInt(opset) },
          ...(this.usesMl ? [{ domain: 'ai.onnx.ml', version: BigInt(mlOpset) }] : []),
        ],
        graph: this.toProto(),
        metadataProps: Object.entries(metadata).map(([key, value]) => ({ key, value })),
      }),
    );
  }

  /** Drops nodes, optional outputs and initializers that lead nowhere: converters may add more than a model uses. */
  private prune(): void {
    const needed = new Set(this.outputs.map(({ name }) => name));
    const kept = this.nodes.toReversed().filter((node) => {
      if (!node.output.some((name) => needed.has(name))) return false;
      for (const name of inputsOf(node)) needed.add(name);
      if (optionalOutputs.has(node.opType)) node.output = node.output.map((name) => (needed.has(name) ? name : ''));
      return true;
    });
    this.nodes.splice(0, this.nodes.length, ...kept.reverse());
    const initializers = this.initializers.filter(({ name }) => needed.has(name));
    this.initializers.splice(0, this.initializers.length, ...initializers);
  }

  private toProto(): GraphProto {
    return create(GraphProtoSchema, {
      name: this.name,
      node: this.nodes,
      initializer: this.initializers,
      input: this.inputs,
      output: this.outputs,
    });
  }
}

/** Operators of which any output may be left out; the first that a sequence gives is costly to keep. */
const optionalOutputs: ReadonlySet<string> = new Set(['LSTM', 'GRU', 'RNN']);

/** Every value that a node reads, those that its subgraphs take from the graph around them included. */
function* inputsOf(node: NodeProto): Generator<string> {
  yield* node.input;
  for (const { g } of node.attribute) {
    if (g === undefined) continue;
    for (const inner of g.node) yield* inputsOf(inner);
    for (const { name } of g.output) yield name;
  }
}

function untypedShape(name: string, dtype: DataType): ValueInfoProto {
  return create(ValueInfoProtoSchema, {
    name,
    type: { value: { case: 'tensorType', value: { elemType: onnxTypes[dtype] } } },
  });
}

function valueInfo(spec: TensorSpec): ValueInfoProto {
  return create(ValueInfoProtoSchema, {
    name: spec.name,
    type: {
      value: {
        case: 'tensorType',
        value: {
          elemType: onnxTypes[spec.dtype],
          shape: {
            dim: spec.shape.map((size, axis) => ({
              value:
                size === null
                  ? { case: 'dimParam' as const, value: axis === 0 ? 'batch' : `${spec.name}_${axis}` }
                  : { case: 'dimValue' as const, value: BigInt(size) },
            })),
          },
        },
      },
    },
  });
}

/** A tensor as ONNX stores it: raw little-endian bytes, strings as UTF-8. */
export function tensorProto(tensor: Tensor): TensorProto {
  const proto = create(TensorProtoSchema, { dataType: onnxTypes[tensor.dtype], dims: tensor.shape.map(BigInt) });
  if (Array.isArray(tensor.data)) proto.stringData = tensor.data.map((text) => Buffer.from(text, 'utf8'));
  else proto.rawData = new Uint8Array(tensor.data.buffer, tensor.data.byteOffset, tensor.data.byteLength);
  return proto;
}

function attributeProto(name: string, value: Attribute): AttributeProto {
  const attribute = create(AttributeProtoSchema, { name });
  if (typeof value === 'number') {
    attribute.type = AttributeType.INT;
    attribute.i = BigInt(value);
  } else if (typeof value === 'string') {
    attribute.type = AttributeType.STRING;
    attribute.s = Buffer.from(value, 'utf8');
  } else if (value instanceof Int32Array || value instanceof Uint8Array) {
    attribute.type = AttributeType.INTS;
    attribute.$unknown = [{ no: 8, wireType: WireType.LengthDelimited, data: packedVarints(value) }];
  } else if ('graph' in value) {
    attribute.type = AttributeType.GRAPH;
    attribute.g = value.graph;
  } else if ('float' in value) {
    attribute.type = AttributeType.FLOAT;
    attribute.f = value.float;
  } else if ('floats' in value) {
    attribute.type = AttributeType.FLOATS;
    attribute.floats = [...value.floats];
  } else if ('dtype' in value) {
    attribute.type = AttributeType.TENSOR;
    attribute.t = tensorProto(value);
  } else if (typeof value[0] === 'string') {
    attribute.type = AttributeType.STRINGS;
    attribute.strings = (value as readonly string[]).map((text) => Buffer.from(text, 'utf8'));
  } else {
    attribute.type = AttributeType.INTS;
    attribute.ints = (value as readonly number[]).map(BigInt);
  }
  return attribute;
}

/** A packed repeated field of varints, its length first: what parsers take for `ints` as they take single ones. */
function packedVarints(values: Int32Array | Uint8Array): Uint8Array {
  const encoded = new Uint8Array(values.length * 5);
  let at = 0;
  for (let i = 0; i < values.length; i++) {
    let rest = values[i]!;
    for (; rest > 127; rest >>>= 7) encoded[at++] = (rest & 127) | 128;
    encoded[at++] = rest;
  }
  return new BinaryWriter().bytes(encoded.subarray(0, at)).finish();
}
