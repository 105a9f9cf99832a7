/** A request of `infer`: JSON, with or without raw tensors behind it, as the inputs of a signature. */
import type { Signature, TensorSpec } from '../../signature.js';
import { allocate, float16ToNumber, sizeOf, type Tensor, type TensorData } from '../../tensor.js';
import { readTensor } from '../json-tensors.js';
import { describe } from '../prediction-service.js';
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
}

type Mapping = Readonly<Record<string, unknown>>;

/**
 * Reads the JSON object `body`; `raw` holds the bytes behind it, in the order of the inputs that say
 * `binary_data_size`. A type is widened where nothing is lost (FP32 for a model of FP64), and nothing else is changed.
 *
 * Errors: `request-invalid`, which names the field.
 */
export function readInferRequest(signature: Signature, body: unknown, raw: Uint8Array): InferRequest {
  if (!isMapping(body)) throw invalid('body', 'expected an object with "inputs"');
  const { id, inputs: given } = body;
  if (id !== undefined && typeof id !== 'string') throw invalid('id', 'expected a text');
  if (!Array.isArray(given)) throw invalid('inputs', 'expected a list of tensors');
  const specs = new Map(signature.inputs.map((spec) => [spec.name, spec]));
  const inputs: Record<string, Tensor> = {};
  let at = 0;
  for (const [i, entry] of given.entries()) {
    const path = `inputs[${i}]`;
    if (!isMapping(entry)) throw invalid(path, 'expected an object with name, shape, datatype and data');
    const spec = specs.get(entry.name as string);
    if (spec === undefined) {
      throw invalid(
        `${path}.name`,
        `is ${JSON.stringify(entry.name) ?? 'missing'}; the inputs are ${[...specs.keys()].join(', ')}`,
      );
    }
    if (Object.hasOwn(inputs, spec.name)) throw invalid(`${path}.name`, `is "${spec.name}" for a second time`);
    const size = binarySize(entry.parameters, path);
    if (size !== undefined && at + size > raw.length) {
      throw invalid(
        `${path}.parameters.binary_data_size`,
        `is ${size}; ${raw.length - at} bytes are left behind the JSON`,
      );
    }
    inputs[spec.name] = readInput(spec, entry, size === undefined ? undefined : raw.subarray(at, at + size), path);
    at += size ?? 0;
  }
  if (at !== raw.length) throw invalid('body', `has ${raw.length - at} bytes behind the JSON that no input claims`);
  return { id: id as string | undefined, inputs, outputs: readOutputs(signature, body) };
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
    return { id: undefined, inputs: { [spec.name]: { dtype: 'string', shape, data: [text] } }, outputs: [] };
  }
  const fixed = sizeOf(spec.shape.slice(1).map((size) => size ?? 1));
  const probe = allocate(spec.dtype, 1) as Float64Array;
  const rows = raw.length / (fixed * probe.BYTES_PER_ELEMENT);
  if (!Number.isInteger(rows) || spec.shape.slice(1).includes(null)) {
    throw invalid('body', `is ${raw.length} raw bytes, which are no whole rows of ${describe(spec)}`);
  }
  const shape = [rows, ...spec.shape.slice(1).map((size) => size!)];
  const data = decodeRaw(spec.dtype, raw, sizeOf(shape), 'body');
  return { id: undefined, inputs: { [spec.name]: { dtype: spec.dtype, shape, data } }, outputs: [] };
}

function readInput(spec: TensorSpec, entry: Mapping, bytes: Uint8Array | undefined, path: string): Tensor {
  const dtype = typeof entry.datatype === 'string' ? dtypeOf(entry.datatype) : undefined;
  if (dtype === undefined) {
    throw invalid(
      `${path}.datatype`,
      `is ${JSON.stringify(entry.datatype) ?? 'missing'}; expected one of ${knownDatatypes}`,
    );
  }
  const shape = readShape(entry.shape, `${path}.shape`);
  const elements = sizeOf(shape);
  if (bytes === undefined) {
    if (!Array.isArray(entry.data)) throw invalid(`${path}.data`, 'expected a list');
    const flat = (entry.data as unknown[]).flat(Number.POSITIVE_INFINITY);
    if (flat.length !== elements) {
      throw invalid(`${path}.data`, `has ${flat.length} elements; the shape [${shape.join(', ')}] has ${elements}`);
    }
    const { data } =
      elements === 0
        ? { data: allocate(dtype, 0) }
        : readTensor({ ...spec, dtype, shape: [null] }, flat, `${path}.data`);
    return adapt({ dtype, shape, data }, spec, path);
  }
  if (entry.data !== undefined) throw invalid(path, 'has both "data" and "binary_data_size"');
  return adapt({ dtype, shape, data: decodeRaw(dtype, bytes, elements, path) }, spec, path);
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
  if (!Number.isSafeInteger(sizeOf(value as number[]))) throw invalid(path, 'has more elements than a body can hold');
  return value as number[];
}

function binarySize(parameters: unknown, path: string): number | undefined {
  const size = isMapping(parameters) ? parameters.binary_data_size : undefined;
  if (size === undefined) return undefined;
  if (Number.isSafeInteger(size) && (size as number) >= 0) return size as number;
  throw invalid(`${path}.parameters.binary_data_size`, 'expected a number of bytes');
}

/** All outputs unless the request lists some. */
function readOutputs(signature: Signature, { outputs, parameters }: Mapping): WantedOutput[] {
  const binary = isMapping(parameters) && parameters.binary_data_output === true;
  if (outputs === undefined || (Array.isArray(outputs) && outputs.length === 0)) {
    return signature.outputs.map(({ name }) => ({ name, binary, classes: undefined }));
  }
  if (!Array.isArray(outputs)) throw invalid('outputs', 'expected a list of objects with "name"');
  const known = signature.outputs.map(({ name }) => name);
  return outputs.map((entry, i): WantedOutput => {
    const name = isMapping(entry) ? entry.name : undefined;
    if (typeof name !== 'string' || !known.includes(name)) {
      throw invalid(
        `outputs[${i}].name`,
        `is ${JSON.stringify(name) ?? 'missing'}; the outputs are ${known.join(', ')}`,
      );
    }
    const own = isMapping((entry as Mapping).parameters) ? ((entry as Mapping).parameters as Mapping) : {};
    const { binary_data: asBinary, classification: classes } = own;
    if (classes !== undefined && !(Number.isSafeInteger(classes) && (classes as number) > 0)) {
      throw invalid(`outputs[${i}].parameters.classification`, 'expected a number of classes');
    }
    return {
      name,
      binary: typeof asBinary === 'boolean' ? asBinary : binary,
      classes: classes as number | undefined,
    };
  });
}

const isMapping = (value: unknown): value is Mapping =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
