/** The answers of the app, in JSON and CSV. */
import { answerObjects, answerRecords, type TabularAnswer, writeCsv } from '../../index.js';
import type { Form } from './negotiation.js';
import type { Representation } from './tabular-model.js';

/** One answer for one row, a list for a list; CSV always has its line of names. */
export function writeAnswer(form: Form, answer: TabularAnswer, single: boolean, withProbabilities: boolean): string {
  if (form === 'csv') return writeCsv(answerRecords(answer, withProbabilities));
  const rows = answerObjects(answer, withProbabilities);
  return JSON.stringify(single ? rows[0] : rows);
}

/** In CSV one line a value, named by its path: `features.1.name`. */
export function writeRepresentation(form: Form, representation: Representation): string {
  if (form === 'json') return JSON.stringify(representation);
  return writeCsv([['property', 'value'], ...flatten('', representation)]);
}

function* flatten(path: string, value: unknown): Generator<string[]> {
  if (typeof value !== 'object' || value === null) {
    yield [path, value === null ? '' : String(value)];
    return;
  }
  const entries = Array.isArray(value)
    ? value.map((item, i): [string, unknown] => [String(i + 1), item])
    : Object.entries(value);
  for (const [key, inner] of entries) yield* flatten(path === '' ? key : `${path}.${key}`, inner);
}
