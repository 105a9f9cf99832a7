import { type CsvRecord, readCsv } from '../../formats/index.js';
import type { Signature } from '../../signature.js';
import type { Tensor } from '../../tensor.js';
import { FeatureReader } from '../predictions/features.js';
import { readBody } from '../predictions/prediction-json.js';

/**
 * Reference rows as inputs: a CSV file, which may have other columns (the target, for one), or a body as predictions
 * take it. Errors: `csv-malformed`, `request-invalid`, `model-unsupported` for CSV where a row is more than values.
 */
export function readReference(signature: Signature, body: unknown): Record<string, Tensor> {
  if (!(body instanceof Uint8Array)) return readBody(signature, body).inputs;
  const reader = new FeatureReader(signature);
  const names = reader.features.map(({ name }) => name);
  return reader.readRecords(takeColumns(readCsv(body), names));
}

/** The columns of the model, where the first line names all of them; else everything. */
function takeColumns(records: readonly CsvRecord[], names: readonly string[]): readonly CsvRecord[] {
  const header = records[0]?.cells.map((cell) => cell.trim()) ?? [];
  const places = names.map((name) => header.indexOf(name));
  if (places.includes(-1) || header.length === names.length) return records;
  return records.map(({ cells, line }) => ({ cells: places.map((place) => cells[place]!), line }));
}
