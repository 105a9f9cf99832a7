import type { Tensor, TensorData } from '../../tensor.js';
import { checkAnswerSize } from '../predictions/answer-size.js';
import { writeTensor } from '../predictions/json-tensors.js';
import type { Prediction } from '../predictions/prediction-service.js';
import { datatypeOf, encodeRaw, invalid } from './datatypes.js';
import type { InferRequest, WantedOutput } from './read-request.js';

export interface InferResponse {
  /** The JSON object. */
  readonly body: unknown;
  /** Raw tensors behind it, in the order of the outputs that say `binary_data_size`. */
  readonly raw: readonly Buffer[];
}

/** One output as the caller wants it. */
export interface Answered {
  readonly name: string;
  readonly tensor: Tensor;
  /** Raw, not in JSON or in typed fields. */
  readonly binary: boolean;
}

/** The outputs of the answer to a request, in the order asked for; all of them where it names none. */
export function selectOutputs(wanted: readonly WantedOutput[], { version, outputs }: Prediction): Answered[] {
  const all = wanted.length > 0 ? wanted : Object.keys(outputs).map((name) => ({ name, ...unless }));
  return all.map(({ name, binary, classes }) => {
    const names = version.labels ?? version.signature.outputs.find((spec) => spec.name === name)?.columns;
    const tensor = classes === undefined ? outputs[name]! : bestClasses(outputs[name]!, classes, names);
    return { name, tensor, binary };
  });
}

const unless = { binary: true, classes: undefined } as const;

/** The answer to `request` over HTTP: its outputs each in JSON or raw. Errors: `answer-too-large` */
export function writeInferResponse(
  { id, outputs }: InferRequest,
  prediction: Prediction,
  bodyLimit: number,
): InferResponse {
  const raw: Buffer[] = [];
  const selected = selectOutputs(outputs, prediction);
  checkAnswerSize(
    selected.filter(({ binary }) => !binary).map(({ tensor }) => tensor),
    bodyLimit,
  );
  const written = selected.map(({ name, tensor, binary }) => {
    const head = { name, datatype: datatypeOf(tensor.dtype), shape: tensor.shape };
    if (!binary) return { ...head, data: flat(tensor) };
    const bytes = encodeRaw(tensor);
    raw.push(bytes);
    return { ...head, parameters: { binary_data_size: bytes.length } };
  });
  const { model, version } = prediction.version;
  const body = {
    model_name: model,
    model_version: version,
    ...(id === undefined ? {} : { id }),
    outputs: written,
  };
  return { body, raw };
}

const flat = ({ dtype, data }: Tensor): unknown =>
  writeTensor({ dtype, shape: [data.length], data: data as TensorData });

/** The `count` highest of each row as `value:index` or `value:index:label`, highest first, the first among equals. */
function bestClasses({ dtype, shape, data }: Tensor, count: number, labels: readonly string[] | undefined): Tensor {
  const width = shape.at(-1) ?? 1;
  if (dtype === 'string' || dtype === 'bool') {
    throw invalid('outputs', `asks for classes of an output of type ${datatypeOf(dtype)}, which has none`);
  }
  const kept = Math.min(count, width);
  const rows = data.length / width;
  const texts: string[] = [];
  for (let row = 0; row < rows; row++) {
    const values = Array.from({ length: width }, (_, i) => Number(data[row * width + i]));
    const order = values.map((_, i) => i).sort((a, b) => values[b]! - values[a]! || a - b);
    for (const index of order.slice(0, kept)) {
      const label = labels?.[index];
      texts.push(label === undefined ? `${values[index]}:${index}` : `${values[index]}:${index}:${label}`);
    }
  }
  return { dtype: 'string', shape: [...shape.slice(0, -1), kept], data: texts };
}
