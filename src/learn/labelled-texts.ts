import { isUtf8 } from 'node:buffer';
import { readCsv } from '../formats/csv/index.js';
import type { Labels } from './labels.js';
import { TrainingTable } from './training-table.js';

export interface LabelledTexts {
  /** [rows] */
  readonly texts: readonly string[];
  readonly labels: Labels;
}

/**
 * Texts and their classes from two columns of a CSV file. Spreadsheets on Windows save latin-1, which is no UTF-8 as
 * soon as there is a letter beyond ASCII: what is no UTF-8 is read as latin-1.
 *
 * @throws VitrinaError `csv-malformed`, `training-data-invalid`
 */
export function readLabelledTexts(csv: Uint8Array, text: string, label: string): LabelledTexts {
  const table = new TrainingTable(readCsv(isUtf8(csv) ? csv : Buffer.from(csv).toString('latin1')));
  const { features } = table.names(label, [text]);
  return { texts: table.texts(features[0]!), labels: table.labels(label) };
}
