/** Bodies of a prediction in JSON: HTTP and the command line read and write the same. */
import { VitrinaError } from '../../errors.js';
import type { Signature } from '../../signature.js';
import type { Tensor } from '../../tensor.js';
import type { ReadyVersion } from '../repository/ready-version.js';
import { readRows, readTensor, writeRow, writeTensor } from './json-tensors.js';
import { NumberArray } from './number-array.js';
import type { Prediction } from './prediction-service.js';

/** The three forms of a body; the answer has the form of the question. */
export type Form = 'tensors' | 'row' | 'rows';

/** Reads one object (a row, or `{"inputs": {…}}` of tensors) or a list of rows. Errors: `request-invalid`. */
export function readBody(signature: Signature, body: unknown): { form: Form; inputs: Record<string, Tensor> } {
  if (Array.isArray(body)) {
    if (body.length === 0) throw invalid('body', 'the list is empty; send at least one row');
    return { form: 'rows', inputs: readRows(signature, body) };
  }
  if (typeof body !== 'object' || body === null) {
    throw invalid('body', 'expected an object (one row, or {"inputs": {…}}) or a list of objects (rows)');
  }
  const { inputs } = body as { inputs?: unknown };
  if (typeof inputs !== 'object' || inputs === null || Array.isArray(inputs) || inputs instanceof NumberArray) {
    return { form: 'row', inputs: readRows(signature, [body], 'body') };
  }
  const extra = Object.keys(body).find((key) => key !== 'inputs');
  if (extra !== undefined) throw invalid(extra, 'is unknown beside "inputs"');
  const given = inputs as Record<string, unknown>;
  const known = signature.inputs.map((spec) => spec.name);
  const unknown = Object.keys(given).find((name) => !known.includes(name));
  if (unknown !== undefined) throw invalid(`inputs.${unknown}`, `is unknown; the inputs are ${known.join(', ')}`);
  const tensors: Record<string, Tensor> = {};
  for (const spec of signature.inputs) {
    const path = `inputs.${spec.name}`;
    if (!Object.hasOwn(given, spec.name)) throw invalid(path, 'is missing');
    tensors[spec.name] = readTensor(spec, given[spec.name], path);
  }
  return { form: 'tensors', inputs: tensors };
}

/** The outputs in the form of the question. */
export function writeAnswer(form: Form, { version, outputs }: Prediction): unknown {
  const entries = Object.entries(outputs);
  if (form === 'tensors') {
    const answer: Record<string, unknown> = {};
    for (const [name, tensor] of entries) answer[name] = writeTensor(tensor);
    return { model: version.model, version: version.version, outputs: answer };
  }
  const rows = entries[0]?.[1].shape[0] ?? 0;
  const answers = Array.from({ length: rows }, (_, row) => {
    const answer: Record<string, unknown> = {};
    for (const [name, tensor] of entries) {
      answer[name] = writeRow(tensor, row);
      const label = labelOf(version, tensor, row);
      if (label !== undefined) answer[`${name}_label`] = label;
    }
    return answer;
  });
  return form === 'row' ? answers[0] : answers;
}

/** The name of the most probable class, where `model.yaml` names the classes of this output. */
export function labelOf({ labels }: ReadyVersion, { shape, data }: Tensor, row: number): string | undefined {
  if (labels === undefined || shape.length !== 2 || shape[1] !== labels.length) return undefined;
  const from = row * labels.length;
  let best = 0;
  for (let i = 1; i < labels.length; i++) if (data[from + i]! > data[from + best]!) best = i;
  return labels[best];
}

function invalid(path: string, message: string): VitrinaError {
  return new VitrinaError('request-invalid', { problems: [{ path, message }] });
}
