import { malformed, type WireReader } from './wire.js';

/** `inference.ModelInferRequest`, as JSON would have it: what both doors have in common is read by the same code. */
export interface InferMessage {
  model_name: string;
  model_version: string;
  id: string;
  parameters: Parameters;
  inputs: InputMessage[];
  outputs: { name: string; parameters: Parameters }[];
  raw_input_contents: Buffer[];
}

export interface InputMessage {
  name: string;
  datatype: string;
  shape: (number | bigint)[];
  parameters: Parameters;
  contents: Contents | undefined;
}

/** Fields of `inference.InferTensorContents` that the message has; 64 bits are a bigint where a number cannot hold them. */
export type Contents = { [field in ContentsField]?: (number | bigint)[] | string[] };
export type ContentsField =
  | 'bool_contents'
  | 'int_contents'
  | 'int64_contents'
  | 'uint_contents'
  | 'uint64_contents'
  | 'fp32_contents'
  | 'fp64_contents'
  | 'bytes_contents';

export type Parameters = Record<string, boolean | number | bigint | string | undefined>;

/**
 * Tensors, outputs and parameters of one message: an empty one takes two bytes of a body and a hundred of memory.
 */
const countLimit = 10_000;

/** Decodes the whole of `message`; fields that the protocol does not have are passed over. Errors: `request-malformed`. */
export function decodeInferRequest(message: WireReader): InferMessage {
  const decoded: InferMessage = {
    model_name: '',
    model_version: '',
    id: '',
    parameters: Object.create(null),
    inputs: [],
    outputs: [],
    raw_input_contents: [],
  };
  let parameters = 0;
  while (message.next()) {
    switch (message.field) {
      case 1:
        decoded.model_name = message.text();
        break;
      case 2:
        decoded.model_version = message.text();
        break;
      case 3:
        decoded.id = message.text();
        break;
      case 4:
        bound(++parameters, 'parameters');
        decodeParameter(message.message(), decoded.parameters);
        break;
      case 5:
        bound(decoded.inputs.push(decodeInput(message.message())), 'inputs');
        break;
      case 6:
        bound(decoded.outputs.push(decodeOutput(message.message())), 'outputs');
        break;
      case 7:
        bound(decoded.raw_input_contents.push(message.block()), 'raw_input_contents');
        break;
      default:
        message.skip();
    }
  }
  return decoded;
}

function bound(count: number, what: string): void {
  if (count > countLimit) throw malformed(`it has more than ${countLimit} ${what}`);
}

function decodeInput(message: WireReader): InputMessage {
  const input: InputMessage = {
    name: '',
    datatype: '',
    shape: [],
    parameters: Object.create(null),
    contents: undefined,
  };
  let parameters = 0;
  while (message.next()) {
    switch (message.field) {
      case 1:
        input.name = message.text();
        break;
      case 2:
        input.datatype = message.text();
        break;
      case 3:
        message.int64s(input.shape);
        break;
      case 4:
        bound(++parameters, 'parameters');
        decodeParameter(message.message(), input.parameters);
        break;
      case 5:
        input.contents ??= {};
        decodeContents(message.message(), input.contents);
        break;
      default:
        message.skip();
    }
  }
  return input;
}

function decodeOutput(message: WireReader): InferMessage['outputs'][number] {
  const output = { name: '', parameters: Object.create(null) as Parameters };
  let parameters = 0;
  while (message.next()) {
    if (message.field === 1) output.name = message.text();
    else if (message.field === 2) {
      bound(++parameters, 'parameters');
      decodeParameter(message.message(), output.parameters);
    } else message.skip();
  }
  return output;
}

/** One entry of a map: its key is field 1, its value, an `InferParameter`, field 2. */
function decodeParameter(entry: WireReader, into: Parameters): void {
  let key = '';
  let value: Parameters[string];
  while (entry.next()) {
    if (entry.field === 1) key = entry.text();
    else if (entry.field === 2) value = decodeChoice(entry.message());
    else entry.skip();
  }
  into[key] = value;
}

function decodeChoice(message: WireReader): Parameters[string] {
  let value: Parameters[string];
  while (message.next()) {
    if (message.field === 1) value = message.bool();
    else if (message.field === 2) value = message.int64();
    else if (message.field === 3) value = message.text();
    else if (message.field === 4) value = message.double();
    else if (message.field === 5) value = message.uint64();
    else message.skip();
  }
  return value;
}

function decodeContents(message: WireReader, into: Contents): void {
  const numbers = (field: ContentsField) => {
    into[field] ??= [];
    return into[field] as number[];
  };
  while (message.next()) {
    switch (message.field) {
      case 1:
        message.bools(numbers('bool_contents'));
        break;
      case 2:
        message.int32s(numbers('int_contents'));
        break;
      case 3:
        message.int64s(numbers('int64_contents'));
        break;
      case 4:
        message.uint32s(numbers('uint_contents'));
        break;
      case 5:
        message.uint64s(numbers('uint64_contents'));
        break;
      case 6:
        message.floats(numbers('fp32_contents'));
        break;
      case 7:
        message.doubles(numbers('fp64_contents'));
        break;
      case 8:
        into.bytes_contents ??= [];
        (into.bytes_contents as string[]).push(message.text());
        break;
      default:
        message.skip();
    }
  }
}
