/** Answers as text, chunk by chunk: CSV, NDJSON, a JSON list. */
import type { VitrinaError } from '../../errors.js';
import { writeCsvCell } from '../../formats/index.js';
import { labelOf, writeAnswer } from '../predictions/prediction-json.js';
import type { Prediction } from '../predictions/prediction-service.js';
import { answerOutputs, cellText, unequal } from './answer-columns.js';

/** Writes the answers of one body. Every method gives the bytes to send next. */
export interface AnswerWriter {
  /** The rows of the next chunk, in order; with what goes before them, the first time. */
  rows(prediction: Prediction): Uint8Array;
  /** What goes behind the last row. */
  end(): Uint8Array;
  /**
   * The last line of an answer that cannot be finished; nothing where no line could be told from data, and the
   * connection has to be cut.
   */
  failure(error: VitrinaError): Uint8Array | undefined;
}

const nothing = new Uint8Array(0);

/** A line of names, then a line a row. */
export function csvWriter(): AnswerWriter {
  let header: string | undefined;
  return {
    rows(prediction) {
      const outputs = answerOutputs(prediction);
      const names = outputs.flatMap(({ name, names: own, labelled }) => (labelled ? [...own, `${name}_label`] : own));
      const lines: string[] = [];
      const own = names.map((name) => writeCsvCell(name, names.length)).join(',');
      if (header === undefined) lines.push(own);
      else if (header !== own) throw unequal();
      header = own;
      const rows = outputs[0]?.tensor.shape[0] ?? 0;
      for (let row = 0; row < rows; row++) {
        let line = '';
        let separator = '';
        for (const { tensor, width, labelled } of outputs) {
          const text = tensor.dtype === 'string';
          for (let at = row * width; at < (row + 1) * width; at++) {
            const cell = cellText(tensor, at);
            line += separator + (text ? writeCsvCell(cell, names.length) : cell);
            separator = ',';
          }
          if (labelled) line += `,${writeCsvCell(labelOf(prediction.version, tensor, row)!, names.length)}`;
        }
        lines.push(line);
      }
      return Buffer.from(`${lines.join('\r\n')}\r\n`);
    },
    end: () => nothing,
    failure: () => undefined,
  };
}

/** An object a line, as a JSON list has them. A failure is `{"error": {…}}`, unless that is what an output is called. */
export function ndjsonWriter(): AnswerWriter {
  let ambiguous = false;
  return {
    rows(prediction) {
      ambiguous ||= 'error' in prediction.outputs;
      let text = '';
      for (const row of writeAnswer('rows', prediction) as readonly unknown[]) text += `${JSON.stringify(row)}\n`;
      return Buffer.from(text);
    },
    end: () => nothing,
    failure: ({ code, status, message, fields }) =>
      ambiguous
        ? undefined
        : Buffer.from(
            `${JSON.stringify({
              error: { code, status, detail: message, ...('problems' in fields ? { problems: fields.problems } : {}) },
            })}\n`,
          ),
  };
}

/** A list of objects. */
export function jsonWriter(): AnswerWriter {
  let opened = false;
  return {
    rows(prediction) {
      const rows = (writeAnswer('rows', prediction) as readonly unknown[]).map((row) => JSON.stringify(row));
      const text = `${opened ? ',' : '['}${rows.join(',')}`;
      opened = true;
      return Buffer.from(text);
    },
    end: () => Buffer.from(opened ? ']' : '[]'),
    failure: () => undefined,
  };
}
