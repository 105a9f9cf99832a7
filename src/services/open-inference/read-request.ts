/** A request of `infer`, from whichever door, as the inputs of a signature. */
import { hasFreeSize, type Signature, type TensorSpec } from '../../signature.js';
import { allocate, type DataType, float16ToNumber, sizeOf, type Tensor, type TensorData } from '../../tensor.js';
import { describe } from '../predictions/prediction-service.js';
import { decodeRaw, dtypeOf, invalid, knownDatatypes, widens } from './datatypes.js';

/** What a caller wants back of an output. */
export interface WantedOutput {
  readonly name: string;
  readonly binary: boolean;
  /** The k best classes as texts (`value:index:label`) in place of the numbers. */
  readonly classes: number | undefined;
}

export interface InferRequest {
  readonly id: string | undefined;
  readonly inputs: Record<string, Tensor>;
  readonly outputs: readonly WantedOutput[];
  /** Milliseconds that the caller gives the request, where its parameters say (`timeout`, in microseconds). */
  readonly timeoutMs: number | undefined;
}

export type Mapping = Readonly<Record<string, unknown>>;

/** Where a door keeps the elements of its tensors: lists or bytes in REST, typed fields or bytes in gRPC. */
export interface ElementSource {
  /** The elements of the next input, `entry`, which says that it has `shape`. Errors: `request-invalid`. */
  read(entry: Mapping, spec: TensorSpec, dtype: DataType, shape: readonly number[], path: string): TensorData;
  /** Errors: `request-invalid` for bytes that no input claimed. */
  finish(): void;
}

/** More dimensions than ONNX Runtime or NumPy know: a shape is bounded before anybody writes it into a message. */
const rankLimit = 64;

/**
 * Reads `body`, a request as the specification has it, with the elements of its tensors from `source`. A type is
 * widened where nothing is lost (FP32 for a model of FP64), and nothing else is changed.
 *
 * Errors: `request-invalid`, which names the field.
 */
export function readInferRequest(signature: Signature, body: unknown, source: ElementSource): InferRequest {
  if (!isMapping(body)) throw invalid('body', 'expected an object with "inputs"');
  const { id, inputs: given } = body;
  if (id !== undefined && typeof id !== 'string') throw invalid('id', 'expected a text');
  if (!Array.isArray(given)) throw invalid('inputs', 'expected a list of tensors');
  const specs = new Map(signature.inputs.map((spec) => [spec.name, spec]));
  const inputs: Record<string, Tensor> = Object.create(null);
  for (let i = 0; i < given.length; i++) {
    const entry: unknown = given[i];
    const path = `inputs[${i}]`;
    if (!isMapping(entry)) throw invalid(path, 'expected an object with name, shape, datatype and data');
    const spec = specs.get(entry.name as string);
    if (spec === undefined) {
      throw invalid(`${path}.name`, `is ${quote(entry.name)}; the inputs are ${listed(specs.keys())}`);
    }
    if (spec.name in inputs) throw invalid(`${path}.name`, `is "${spec.name}" for a second time`);
    const dtype = typeof entry.datatype === 'string' ? dtypeOf(entry.datatype) : undefined;
    if (dtype === undefined) {
      throw invalid(`${path}.datatype`, `is ${quote(entry.datatype)}; expected one of ${knownDatatypes}`);
    }
    const shape = readShape(entry.shape, `${path}.shape`);
    if (isMapping(entry.parameters) && entry.parameters.shared_memory_region !== undefined) {
      throw invalid(path, 'lies in shared memory, which is not served; send its data');
    }
    inputs[spec.name] = adapt({ dtype, shape, data: source.read(entry, spec, dtype, shape, path) }, spec, path);
  }
  source.finish();
  return {
    id: id as string | undefined,
    inputs,
    outputs: readOutputs(signature, body),
    timeoutMs: readTimeout(body.parameters),
  };
}

/** The whole body is one tensor, that of the only input: what a header length of 0 means. */
export function readRawRequest(signature: Signature, raw: Uint8Array): InferRequest {
  const [spec] = signature.inputs;
  if (spec === undefined || signature.inputs.length !== 1) {
    throw invalid('body', `is one raw tensor, and the model takes ${signature.inputs.length} inputs`);
  }
  if (spec.dtype === 'string') {
    const text = Buffer.from(raw.buffer, raw.byteOffset, raw.byteLength).toString('utf8');
    const shape = spec.shape.map(() => 1);
    return {
      id: undefined,
      inputs: { [spec.name]: { dtype: 'string', shape, data: [text] } },
      outputs: [],
      timeoutMs: undefined,
    };
  }
  const fixed = sizeOf(spec.shape.slice(1).map((size) => size ?? 1));
  const probe = allocate(spec.dtype, 1) as Float64Array;
  const rows = raw.length / (fixed * probe.BYTES_PER_ELEMENT);
  if (!Number.isInteger(rows) || hasFreeSize(spec)) {
    throw invalid('body', `is ${raw.length} raw bytes, which are no whole rows of ${describe(spec)}`);
  }
  const shape = [rows, ...spec.shape.slice(1).map((size) => size!)];
  const data = decodeRaw(spec.dtype, raw, sizeOf(shape), 'body');
  return {
    id: undefined,
    inputs: { [spec.name]: { dtype: spec.dtype, shape, data } },
    outputs: [],
    timeoutMs: undefined,
  };
}

/** A column may come as [rows] or [rows, 1]. */
function adapt(tensor: Tensor, spec: TensorSpec, path: string): Tensor {
  if (!widens(tensor.dtype, spec.dtype)) {
    const lossless = `a type that fits ${spec.dtype} without loss`;
    throw invalid(`${path}.datatype`, `is ${tensor.dtype}; the model takes ${describe(spec)}, or ${lossless}`);
  }
  const { shape } = tensor;
  const column = spec.shape.length === 1 && shape.length === 2 && shape[1] === 1;
  return { dtype: spec.dtype, shape: column ? shape.slice(0, 1) : shape, data: widen(tensor, spec) };
}

function widen({ dtype, data }: Tensor, spec: TensorSpec): TensorData {
  if (dtype === spec.dtype || dtype === 'string') return data;
  const wide = allocate(spec.dtype, data.length);
  if (wide instanceof BigInt64Array || wide instanceof BigUint64Array) {
    for (let i = 0; i < data.length; i++) wide[i] = BigInt(data[i] as number);
    return wide;
  }
  for (let i = 0; i < data.length; i++) {
    (wide as Float64Array)[i] = dtype === 'float16' ? float16ToNumber(data[i] as number) : (data[i] as number);
  }
  return wide;
}

function readShape(value: unknown, path: string): number[] {
  if (!Array.isArray(value) || !value.every((size) => Number.isSafeInteger(size) && (size as number) >= 0)) {
    throw invalid(path, 'expected a list of sizes');
  }
  if (value.length > rankLimit) throw invalid(path, `has ${value.length} dimensions, more than ${rankLimit}`);
  if (!Number.isSafeInteger(sizeOf(value as number[]))) throw invalid(path, 'has more elements than a body can hold');
  return value as number[];
}

/** Triton's parameter; 0 stands for none. */
function readTimeout(parameters: unknown): number | undefined {
  const timeout = isMapping(parameters) ? parameters.timeout : undefined;
  if (timeout === undefined || timeout === 0) return undefined;
  if (Number.isSafeInteger(timeout) && (timeout as number) > 0) return (timeout as number) / 1000;
  throw invalid('parameters.timeout', `is ${quote(timeout)}; expected a number of microseconds`);
}

/** All outputs unless the request lists some. */
function readOutputs(signature: Signature, { outputs, parameters }: Mapping): WantedOutput[] {
  const binary = isMapping(parameters) && parameters.binary_data_output === true;
  if (outputs === undefined || (Array.isArray(outputs) && outputs.length === 0)) {
    return signature.outputs.map(({ name }) => ({ name, binary, classes: undefined }));
  }
  if (!Array.isArray(outputs)) throw invalid('outputs', 'expected a list of objects with "name"');
  const specs = new Map(signature.outputs.map((spec) => [spec.name, spec]));
  const seen = new Set<string>();
  return outputs.map((entry, i): WantedOutput => {
    const name = isMapping(entry) ? entry.name : undefined;
    if (typeof name !== 'string' || !specs.has(name)) {
      throw invalid(`outputs[${i}].name`, `is ${quote(name)}; the outputs are ${listed(specs.keys())}`);
    }
    // An answer grows with what is asked for: a short request must not ask for one output a million times.
    if (seen.has(name)) throw invalid(`outputs[${i}].name`, `is "${name}" for a second time`);
    seen.add(name);
    const own = isMapping((entry as Mapping).parameters) ? ((entry as Mapping).parameters as Mapping) : {};
    const { binary_data: asBinary, classification: classes } = own;
    if (classes !== undefined && !(Number.isSafeInteger(classes) && (classes as number) > 0)) {
      throw invalid(`outputs[${i}].parameters.classification`, 'expected a number of classes');
    }
    if (own.shared_memory_region !== undefined) {
      throw invalid(`outputs[${i}]`, 'is wanted in shared memory, which is not served; leave that out');
    }
    return {
      name,
      binary: typeof asBinary === 'boolean' ? asBinary : binary,
      classes: classes as number | undefined,
    };
  });
}

/** A value of the request for a message, shortened: it may be as long as the request. */
function quote(value: unknown): string {
  if (typeof value === 'bigint') return value.toString();
  const text = JSON.stringify(value) ?? 'missing';
  return text.length > 100 ? `${text.slice(0, 100)}…` : text;
}

const listed = (names: Iterable<string>): string => [...names].slice(0, 20).join(', ');

export const isMapping = (value: unknown): value is Mapping =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
