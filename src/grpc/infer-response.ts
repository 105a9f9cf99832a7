import { datatypeOf, encodeRaw } from '../services/open-inference/datatypes.js';
import type { InferRequest } from '../services/open-inference/read-request.js';
import { type Answered, selectOutputs } from '../services/open-inference/write-response.js';
import type { Prediction } from '../services/predictions/prediction-service.js';
import type { Tensor } from '../tensor.js';
import { contentsFields } from './message-elements.js';
import { sizeOfField, sizeOfVarint, WireWriter, wireTypes } from './wire.js';

export interface ResponseOptions {
  /** `raw_output_contents` rather than typed `contents`: how the request came. */
  readonly raw: boolean;
  /** Adds the parameter that tells a streaming client of Triton that no more answers to the request will come. */
  readonly final: boolean;
}

/** Numbers of the fields of `inference.InferTensorContents`. */
const contentsNumbers = {
  bool_contents: 1,
  int_contents: 2,
  int64_contents: 3,
  uint_contents: 4,
  uint64_contents: 5,
  fp32_contents: 6,
  fp64_contents: 7,
  bytes_contents: 8,
} as const;

/** A part of a message that knows its size before it is written. */
interface Part {
  readonly size: number;
  write(writer: WireWriter): void;
}

/** `inference.ModelInferResponse`. */
export function encodeInferResponse(
  { id, outputs }: InferRequest,
  prediction: Prediction,
  { raw, final }: ResponseOptions,
): Buffer {
  return written(responseParts(id, selectOutputs(outputs, prediction), prediction, raw, final));
}

/** `inference.ModelStreamInferResponse` around an answer. */
export function wrapResponse(response: Buffer): Buffer {
  return written([block(2, response)]);
}

/** `inference.ModelStreamInferResponse` of a request that failed; `id` says which. */
export function encodeStreamError(message: string, model: string, id: string): Buffer {
  return written([text(1, message), nested(2, [text(1, model), text(3, id)])]);
}

function responseParts(
  id: string | undefined,
  answered: readonly Answered[],
  { version: { model, version } }: Prediction,
  asRaw: boolean,
  final: boolean,
): Part[] {
  // The protocol has all outputs raw or none, and FP16 cannot come otherwise.
  const raw = asRaw || answered.some(({ tensor }) => contentsFields[tensor.dtype] === undefined);
  const parts = [text(1, model), text(2, version), text(3, id ?? '')];
  if (final) parts.push(nested(4, [text(1, 'triton_final_response'), nested(2, [truth(1)])]));
  for (const { name, tensor } of answered) {
    const fields = [text(1, name), text(2, datatypeOf(tensor.dtype)), packed(3, tensor.shape)];
    parts.push(nested(5, raw ? fields : [...fields, nested(5, contentsParts(tensor))]));
  }
  if (raw) for (const { tensor } of answered) parts.push(block(6, encodeRaw(tensor)));
  return parts;
}

function contentsParts({ dtype, data }: Tensor): Part[] {
  const field = contentsFields[dtype]!;
  const number = contentsNumbers[field];
  if (dtype === 'string') return (data as string[]).map((element) => blockOfText(number, element));
  if (dtype === 'float32') {
    return [fixed(number, 4, data as Float32Array, (writer, value) => writer.float(value))];
  }
  if (dtype === 'float64') {
    return [fixed(number, 8, data as Float64Array, (writer, value) => writer.double(value))];
  }
  return [packed(number, data as Exclude<typeof data, string[]>)];
}

function written(parts: readonly Part[]): Buffer {
  const writer = new WireWriter(parts.reduce((sum, { size }) => sum + size, 0));
  for (const part of parts) part.write(writer);
  return writer.finish();
}

const nothing: Part = { size: 0, write: () => undefined };

/** A field that is a text; the default is not written. */
const text = (field: number, value: string): Part => (value === '' ? nothing : blockOfText(field, value));

function blockOfText(field: number, value: string): Part {
  const size = Buffer.byteLength(value);
  return { size: sizeOfField(size), write: (writer) => writer.text(field, value, size) };
}

const block = (field: number, bytes: Uint8Array): Part => ({
  size: sizeOfField(bytes.length),
  write: (writer) => writer.block(field, bytes),
});

const truth = (field: number): Part => ({
  size: 2,
  write: (writer) => {
    writer.tag(field, wireTypes.varint);
    writer.varint(1);
  },
});

function nested(field: number, parts: readonly Part[]): Part {
  const size = parts.reduce((sum, part) => sum + part.size, 0);
  return {
    size: sizeOfField(size),
    write: (writer) => {
      writer.head(field, size);
      for (const part of parts) part.write(writer);
    },
  };
}

/** Integers in one block. */
function packed(field: number, values: ArrayLike<number | bigint>): Part {
  if (values.length === 0) return nothing;
  let size = 0;
  for (let i = 0; i < values.length; i++) size += sizeOfInteger(values[i]!);
  return {
    size: sizeOfField(size),
    write: (writer) => {
      writer.head(field, size);
      for (let i = 0; i < values.length; i++) {
        const value = values[i]!;
        if (typeof value === 'number' && value >= 0) writer.varint(value);
        else writer.bigVarint(BigInt(value));
      }
    },
  };
}

/** What is negative takes ten bytes, as the specification has it. */
function sizeOfInteger(value: number | bigint): number {
  if (value < 0) return 10;
  if (value <= Number.MAX_SAFE_INTEGER) return sizeOfVarint(Number(value));
  return sizeOfVarint(Number((value as bigint) >> 49n)) + 7;
}

function fixed(
  field: number,
  width: number,
  values: Float32Array | Float64Array,
  put: (writer: WireWriter, value: number) => void,
): Part {
  if (values.length === 0) return nothing;
  const size = values.length * width;
  return {
    size: sizeOfField(size),
    write: (writer) => {
      writer.head(field, size);
      for (const value of values) put(writer, value);
    },
  };
}
