/**
 * Rows of features by name: what tables, forms and spreadsheets send. JSON objects, lists by position and CSV become
 * the tensors of a signature; numbers may come as texts.
 */
import { type Problem, VitrinaError } from '../errors.js';
import type { CsvRecord } from '../formats/index.js';
import { parseDecimal } from '../formats/index.js';
import type { Signature, TensorSpec } from '../signature.js';
import type { DataType, Tensor } from '../tensor.js';
import { readRows } from './json-tensors.js';

/** One value of a row. */
export interface Feature {
  readonly name: string;
  readonly dtype: DataType;
  /** Whether it may be missing: `null` in JSON, an empty cell in CSV. */
  readonly optional: boolean;
}

/** More problems than this are not listed. */
const mostProblems = 20;

/** Reads rows for the model that has this signature. */
export class FeatureReader {
  readonly features: readonly Feature[];
  private readonly places: ReadonlyMap<string, number>;
  private readonly ignored: ReadonlySet<string>;
  /** The signature with a name for every column. */
  private readonly signature: Signature;
  /** True for inputs of shape [batch, 1]. */
  private readonly wrapped: readonly boolean[];

  /** @throws VitrinaError `model-unsupported` when the model does not take one value a feature */
  constructor(signature: Signature) {
    const [only] = signature.inputs;
    const table = signature.inputs.length === 1 && only!.shape.length === 2 ? only! : undefined;
    const width = table?.shape[1];
    if (table !== undefined && width !== undefined && width !== null && table.shape[0] === null) {
      const columns = table.columns ?? Array.from({ length: width }, (_, i) => `feature${i + 1}`);
      this.signature = { ...signature, inputs: [{ ...table, columns }] };
      this.features = columns.map((name) => featureOf(table, name));
      this.wrapped = [];
    } else {
      if (signature.inputs.length === 0 || !signature.inputs.every(isColumn)) throw notTabular(signature);
      this.signature = signature;
      this.features = signature.inputs.map((spec) => featureOf(spec, spec.name));
      this.wrapped = signature.inputs.map(({ shape }) => shape.length === 2);
    }
    this.places = new Map(this.features.map(({ name }, place) => [name, place]));
    this.ignored = new Set(signature.ignored);
  }

  /**
   * JSON: one row (`single`), as an object or as a list of plain values, or a list of such rows.
   *
   * @throws VitrinaError `request-invalid`
   */
  readJson(body: unknown): { readonly inputs: Record<string, Tensor>; readonly single: boolean } {
    const isRow = (item: unknown) => typeof item === 'object' && item !== null;
    if (Array.isArray(body) && (body.length === 0 || body.some(isRow))) {
      return { inputs: this.readList(body), single: false };
    }
    return { inputs: this.readObject(body), single: true };
  }

  /** One row: an object, or its values by position. @throws VitrinaError `request-invalid`, which names each feature at fault */
  readObject(row: unknown): Record<string, Tensor> {
    return this.read([row], (_i, name) => pathOf('', name), false);
  }

  /** A list of objects, or of lists by position. @throws VitrinaError `request-invalid` */
  readList(rows: readonly unknown[]): Record<string, Tensor> {
    return this.read(rows, (i, name) => pathOf(`[${i}]`, name), false);
  }

  /**
   * Records of a CSV file, with or without a line of names. There is one when `header` says so, or, unless it says
   * anything, when the first record holds a name, or a word where the model takes numbers alone.
   *
   * @throws VitrinaError `request-invalid`
   */
  readRecords(records: readonly CsvRecord[], header?: boolean): Record<string, Tensor> {
    const [first] = records;
    const separator = first?.cells.length === 1 && this.features.length > 1 ? /[;\t|]/.exec(first.cells[0]!) : null;
    if (separator !== null) {
      const message = `its cells seem to be separated by ${JSON.stringify(separator[0])}; send commas`;
      throw invalid([{ path: 'body', message }]);
    }
    const named = first !== undefined && (header ?? this.looksLikeHeader(first.cells));
    const rows = named ? records.slice(1) : records;
    if (rows.length === 0) throw invalid([{ path: 'body', message: 'has no rows; send at least one line of values' }]);
    if (!named)
      return this.read(
        rows.map(({ cells }) => cells),
        (i, name) => pathOf(`[${i}]`, name),
        true,
      );
    const names = first.cells.map((cell) => cell.trim());
    const twice = names.find((name, i) => names.indexOf(name) !== i);
    if (twice !== undefined)
      throw invalid([{ path: pathOf('[0]', twice), message: 'is named twice on the first line' }]);
    const objects = rows.map(({ cells }) => Object.fromEntries(names.map((name, j) => [name, cells[j]!])));
    return this.read(objects, (i, name) => pathOf(`[${i}]`, name), true);
  }

  private looksLikeHeader(cells: readonly string[]): boolean {
    const words = cells.filter((cell) => parseDecimal(cell) === undefined && cell.trim() !== '');
    if (words.some((cell) => this.places.has(cell.trim()) || this.ignored.has(cell.trim()))) return true;
    if (words.length > 0) return this.features.every(({ dtype }) => dtype !== 'string' && dtype !== 'bool');
    // Names that are numbers: a header only when it is all of them.
    return this.features.length === cells.length && cells.every((cell) => this.places.has(cell.trim()));
  }

  private read(
    rows: readonly unknown[],
    path: (row: number, name: string) => string,
    fromText: boolean,
  ): Record<string, Tensor> {
    if (rows.length === 0) throw invalid([{ path: 'body', message: 'the list is empty; send at least one row' }]);
    const problems: Problem[] = [];
    const ready: Record<string, unknown>[] = [];
    for (const [i, row] of rows.entries()) {
      const values = this.arrange(row, (name) => path(i, name), problems);
      const object = Object.create(null) as Record<string, unknown>;
      for (const [place, feature] of this.features.entries()) {
        const value = values?.[place];
        if (value === undefined) continue;
        const read = readValue(feature, value, fromText);
        if (read.fault !== undefined) problems.push({ path: path(i, feature.name), message: read.fault });
        else object[feature.name] = this.wrapped[place] ? [read.value] : read.value;
      }
      ready.push(object);
      if (problems.length >= mostProblems) break;
    }
    if (problems.length > 0) throw invalid(problems.slice(0, mostProblems));
    return readRows(this.signature, ready);
  }

  /** The values of a row in the order of the features; what is missing or unknown becomes a problem. */
  private arrange(row: unknown, path: (name: string) => string, problems: Problem[]): unknown[] | undefined {
    const names = () =>
      this.features
        .slice(0, 20)
        .map(({ name }) => name)
        .join(', ');
    if (Array.isArray(row)) {
      if (row.length === this.features.length) return row;
      const message = `has ${row.length} values; the model takes ${this.features.length}: ${names()}`;
      problems.push({ path: path(''), message });
      return undefined;
    }
    if (typeof row !== 'object' || row === null) {
      const message = `expected an object with ${names()}, or their values as a list, got ${show(row)}`;
      problems.push({ path: path(''), message });
      return undefined;
    }
    const values = new Array<unknown>(this.features.length);
    for (const [name, value] of Object.entries(row)) {
      const place = this.places.get(name);
      if (place !== undefined) values[place] = value;
      else if (!this.ignored.has(name)) {
        problems.push({ path: path(name), message: `is unknown; the features are ${names()}` });
      }
    }
    for (const [place, { name }] of this.features.entries()) {
      if (!Object.hasOwn(row, name)) problems.push({ path: path(name), message: 'is missing' });
      else if (values[place] === undefined) values[place] = null;
    }
    return values;
  }
}

/** [batch] or [batch, 1]. */
function isColumn({ shape }: TensorSpec): boolean {
  return shape[0] === null && (shape.length === 1 || (shape.length === 2 && shape[1] === 1));
}

function featureOf({ dtype, missing }: TensorSpec, name: string): Feature {
  return { name, dtype, optional: missing !== undefined };
}

type Read = { readonly value: unknown; readonly fault?: undefined } | { readonly fault: string };

/** A value of JSON or a cell as `readRows` takes it. */
function readValue({ dtype, optional }: Feature, value: unknown, fromText: boolean): Read {
  if (value === null || (fromText && optional && (value as string).trim() === '')) {
    return optional ? { value: null } : { fault: 'is null; the model takes no missing values' };
  }
  if (dtype === 'string') return { value };
  if (dtype === 'bool') return readTruth(value);
  if (typeof value === 'number') return { value };
  if (typeof value !== 'string') return { fault: `expected a number, got ${show(value)}` };
  if (optional && value === 'NaN') return { value: null };
  const number = parseDecimal(value);
  if (number !== undefined) return { value: number };
  return { fault: value.trim() === '' ? 'is empty; expected a number' : `expected a number, got ${show(value)}` };
}

function readTruth(value: unknown): Read {
  const text = typeof value === 'string' ? value.trim().toLowerCase() : value;
  if (text === true || text === 'true' || text === 1 || text === '1') return { value: true };
  if (text === false || text === 'false' || text === 0 || text === '0') return { value: false };
  return { fault: `expected true or false, got ${show(value)}` };
}

function show(value: unknown): string {
  if (Array.isArray(value)) return `a list of ${value.length}`;
  if (typeof value === 'object' && value !== null) return 'an object';
  const text = String(JSON.stringify(value));
  return text.length <= 60 ? text : `${text.slice(0, 57)}…`;
}

/** A path into the body; a name that would read as more than one step is quoted. */
function pathOf(row: string, name: string): string {
  if (name === '') return row === '' ? 'body' : row;
  if (/[.[\]"]|^\d+$|^body$/.test(name)) return `${row}[${JSON.stringify(name)}]`;
  return row === '' ? name : `${row}.${name}`;
}

function invalid(problems: readonly Problem[]): VitrinaError {
  return new VitrinaError('request-invalid', { problems });
}

function notTabular({ inputs }: Signature): VitrinaError {
  const found = inputs.map(
    ({ name, dtype, shape }) => `${name}: ${dtype}[${shape.map((size) => size ?? '?').join(', ')}]`,
  );
  return new VitrinaError('model-unsupported', {
    what: `The model does not take rows of features: its inputs are ${found.join('; ')}`,
    next: 'ask it at POST /models/{name}/predict',
  });
}
