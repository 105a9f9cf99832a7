/**
 * Rows of features by name: what tables, forms and spreadsheets send. JSON objects, lists by position and CSV become
 * the tensors of a signature; numbers may come as texts.
 */
import { type Problem, VitrinaError } from '../../errors.js';
import type { CsvRecord } from '../../formats/index.js';
import { parseDecimal } from '../../formats/index.js';
import type { Signature, TensorSpec } from '../../signature.js';
import { allocateBriefly, type DataType, type Tensor, type TensorData } from '../../tensor.js';
import { type Store, storeOf } from './json-tensors.js';
import { NumberRow } from './number-row.js';

/** One value of a row. */
export interface Feature {
  readonly name: string;
  readonly dtype: DataType;
  /** Whether it may be missing: `null` in JSON, an empty cell in CSV. */
  readonly optional: boolean;
  /** The largest absolute value taken. */
  readonly largest?: number;
}

/** More problems than this are not listed. */
const mostProblems = 20;

/** Where a feature's values go. */
export interface FeatureColumn {
  readonly feature: Feature;
  /** Which of the tensors, how wide it is, and which of its columns. */
  readonly tensor: number;
  readonly width: number;
  readonly offset: number;
  readonly store: Store;
}

/** Names a value in messages: of row `row`, the feature `name` (`''` is the row itself). */
type Path = (row: number, name: string) => string;

/** Reads rows for the model that has this signature. */
export class FeatureReader {
  readonly features: readonly Feature[];
  /** One a feature, in the same order. */
  readonly columns: readonly FeatureColumn[];
  private readonly inputs: readonly TensorSpec[];
  private readonly places: ReadonlyMap<string, number>;
  private readonly ignored: ReadonlySet<string>;
  /** What `completePlaces` gave, by the lists that rows share. */
  private readonly placesByNames = new WeakMap<readonly string[], Int32Array | null>();

  /** @throws VitrinaError `model-unsupported` when the model does not take one value a feature */
  constructor(signature: Signature) {
    const { inputs } = signature;
    const [table] = inputs;
    const width = inputs.length === 1 && table!.shape.length === 2 && table!.shape[0] === null ? table!.shape[1] : null;
    if (typeof width === 'number') {
      const names = table!.columns ?? Array.from({ length: width }, (_, i) => `feature${i + 1}`);
      const store = storeOf(table!);
      this.columns = names.map((name, offset) => ({
        feature: featureOf(table!, name),
        tensor: 0,
        width,
        offset,
        store,
      }));
    } else {
      if (inputs.length === 0 || !inputs.every(isColumn)) throw notTabular(signature);
      this.columns = inputs.map((spec, tensor) => ({
        feature: featureOf(spec, spec.name),
        tensor,
        width: 1,
        offset: 0,
        store: storeOf(spec),
      }));
    }
    this.inputs = inputs;
    this.features = this.columns.map(({ feature }) => feature);
    this.places = new Map(this.features.map(({ name }, place) => [name, place]));
    this.ignored = new Set(signature.ignored);
  }

  /**
   * JSON: one row (`single`), as an object, a `NumberRow` or a list of plain values, or a list of such rows.
   *
   * @throws VitrinaError `request-invalid`
   */
  readJson(body: unknown): { readonly inputs: Record<string, Tensor>; readonly single: boolean } {
    if (body instanceof NumberRow) return { inputs: this.readNumberRow(body), single: true };
    const isRow = (item: unknown) => typeof item === 'object' && item !== null;
    if (Array.isArray(body) && (body.length === 0 || body.some(isRow))) {
      return { inputs: this.readList(body), single: false };
    }
    return { inputs: this.readObject(body), single: true };
  }

  private readNumberRow(row: NumberRow): Record<string, Tensor> {
    let places = this.placesByNames.get(row.names);
    if (places === undefined) {
      places = this.completePlaces(row.names);
      this.placesByNames.set(row.names, places);
    }
    if (places === null) return this.readObject(row.toObject());
    const data = this.allocate(1);
    for (let i = 0; i < places.length; i++) {
      const place = places[i]!;
      if (place < 0) continue;
      const fault = storeValue(this.columns[place]!, data, 0, row.values[i], false);
      // Told with all the others.
      if (fault !== undefined) return this.readObject(row.toObject());
    }
    return this.assemble(data, 1);
  }

  /** The place of each name; -1 for what the model does not look at, `null` when names are missing or unknown. */
  private completePlaces(names: readonly string[]): Int32Array | null {
    const places = Int32Array.from(names, (name) => this.places.get(name) ?? -1);
    const known = places.filter((place) => place >= 0).length;
    const strange = names.some((name, i) => places[i]! < 0 && !this.ignored.has(name));
    return known === this.columns.length && !strange ? places : null;
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
    const named = first !== undefined && this.isHeader(first.cells, header);
    const rows = named ? records.slice(1) : records;
    if (rows.length === 0) throw invalid([{ path: 'body', message: 'has no rows; send at least one line of values' }]);
    if (!named)
      return this.read(
        rows.map(({ cells }) => cells),
        (i, name) => pathOf(`[${i}]`, name),
        true,
      );
    const names = first.cells.map((cell) => cell.trim());
    refuseTwice(names);
    const objects = rows.map(({ cells }) => Object.fromEntries(names.map((name, j) => [name, cells[j]!])));
    return this.read(objects, (i, name) => pathOf(`[${i}]`, name), true);
  }

  /**
   * Whether the first record of a CSV file is its line of names: as `header` says, else by its look.
   *
   * @throws VitrinaError `request-invalid` for one that seems to be separated by something else than commas
   */
  isHeader(cells: readonly string[], header?: boolean): boolean {
    const separator = cells.length === 1 && this.features.length > 1 ? /[;\t|]/.exec(cells[0]!) : null;
    if (separator === null) return header ?? this.looksLikeHeader(cells);
    const message = `its cells seem to be separated by ${JSON.stringify(separator[0])}; send commas`;
    throw invalid([{ path: 'body', message }]);
  }

  /**
   * The place among the features of each cell of a record; -1 for what the model does not look at. `cells` are names,
   * or only their number where there are none.
   *
   * @throws VitrinaError `request-invalid`, which names what is missing, unknown or there twice
   */
  placesOf(cells: readonly string[] | number): Int32Array {
    if (typeof cells === 'number') {
      if (cells === this.columns.length) return Int32Array.from({ length: cells }, (_, place) => place);
      const message = `has ${cells} values; the model takes ${this.columns.length}: ${this.names()}`;
      throw invalid([{ path: pathOf('[0]', ''), message }]);
    }
    const names = cells.map((cell) => cell.trim());
    refuseTwice(names);
    const problems: Problem[] = [];
    const places = Int32Array.from(names, (name) => {
      const place = this.places.get(name);
      if (place === undefined && !this.ignored.has(name) && problems.length < mostProblems) {
        problems.push({ path: pathOf('[0]', name), message: `is unknown; the features are ${this.names()}` });
      }
      return place ?? -1;
    });
    const given = new Set(names);
    for (const { name } of this.features) {
      if (!given.has(name) && problems.length < mostProblems) {
        problems.push({ path: pathOf('[0]', name), message: 'is missing' });
      }
    }
    if (problems.length > 0) throw invalid(problems);
    return places;
  }

  /** Data of every input for `rows` rows. */
  allocate(rows: number): TensorData[] {
    return this.inputs.map(({ dtype, shape }) => allocateBriefly(dtype, rows * (shape[1] ?? 1)));
  }

  /** The first `rows` rows of what `allocate` gave, as tensors. */
  assemble(data: readonly TensorData[], rows: number): Record<string, Tensor> {
    const tensors: Record<string, Tensor> = {};
    for (let i = 0; i < this.inputs.length; i++) {
      const { name, dtype, shape } = this.inputs[i]!;
      const size = rows * (shape[1] ?? 1);
      const own = data[i]!;
      const tensor: Tensor = {
        dtype,
        shape: [rows, ...(shape.slice(1) as number[])],
        data: own.length === size ? own : (own.slice(0, size) as TensorData),
      };
      // An input may be called so, as any column of a table.
      if (name !== '__proto__') tensors[name] = tensor;
      else
        Object.defineProperty(tensors, name, { value: tensor, enumerable: true, writable: true, configurable: true });
    }
    return tensors;
  }

  private looksLikeHeader(cells: readonly string[]): boolean {
    const words = cells.filter((cell) => parseDecimal(cell) === undefined && cell.trim() !== '');
    if (words.some((cell) => this.places.has(cell.trim()) || this.ignored.has(cell.trim()))) return true;
    if (words.length > 0) return this.features.every(({ dtype }) => dtype !== 'string' && dtype !== 'bool');
    // Names that are numbers: a header only when it is all of them.
    return this.features.length === cells.length && cells.every((cell) => this.places.has(cell.trim()));
  }

  private read(rows: readonly unknown[], path: Path, fromText: boolean): Record<string, Tensor> {
    if (rows.length === 0) throw invalid([{ path: 'body', message: 'the list is empty; send at least one row' }]);
    const data = this.allocate(rows.length);
    const problems: Problem[] = [];
    const values = new Array<unknown>(this.columns.length);
    for (let row = 0; row < rows.length && problems.length < mostProblems; row++) {
      this.arrange(rows[row], values, (name, message) => problems.push({ path: path(row, name), message }));
      for (let place = 0; place < values.length; place++) {
        const value = values[place];
        if (value === undefined) continue;
        const column = this.columns[place]!;
        const fault = storeValue(column, data, row, value, fromText);
        if (fault !== undefined) problems.push({ path: path(row, column.feature.name), message: fault });
      }
    }
    if (problems.length > 0) throw invalid(problems.slice(0, mostProblems));
    return this.assemble(data, rows.length);
  }

  /** Puts the values of a row into the order of the features; what is missing or unknown stays `undefined`, and is told. */
  private arrange(row: unknown, values: unknown[], fault: (name: string, message: string) => void): void {
    values.fill(undefined);
    if (Array.isArray(row)) {
      if (row.length === values.length) for (let place = 0; place < values.length; place++) values[place] = row[place];
      else fault('', `has ${row.length} values; the model takes ${values.length}: ${this.names()}`);
      return;
    }
    if (typeof row !== 'object' || row === null) {
      fault('', `expected an object with ${this.names()}, or their values as a list, got ${show(row)}`);
      return;
    }
    const fields = row as Readonly<Record<string, unknown>>;
    let known = 0;
    for (const name in fields) {
      const place = this.places.get(name);
      if (place !== undefined) {
        values[place] = fields[name];
        known++;
      } else if (!this.ignored.has(name)) fault(name, `is unknown; the features are ${this.names()}`);
    }
    if (known === values.length) return;
    for (const { name } of this.features) if (!Object.hasOwn(fields, name)) fault(name, 'is missing');
  }

  /** For messages. */
  private names(): string {
    const shown = this.features.slice(0, 20).map(({ name }) => name);
    return shown.join(', ');
  }
}

/** [batch] or [batch, 1]. */
function isColumn({ shape }: TensorSpec): boolean {
  return shape[0] === null && (shape.length === 1 || (shape.length === 2 && shape[1] === 1));
}

function featureOf({ dtype, missing, largest }: TensorSpec, name: string): Feature {
  return { name, dtype, optional: missing !== undefined, ...(largest === undefined ? {} : { largest }) };
}

/** Puts a cell of a CSV file into row `row`, or says why not. */
export function storeCell(
  column: FeatureColumn,
  data: readonly TensorData[],
  row: number,
  text: string,
): string | undefined {
  return storeValue(column, data, row, text, true);
}

function storeValue(
  { feature, tensor, width, offset, store }: FeatureColumn,
  data: readonly TensorData[],
  row: number,
  value: unknown,
  fromText: boolean,
): string | undefined {
  const read = typeof value === 'number' && feature.dtype !== 'bool' ? value : readValue(feature, value, fromText);
  return read instanceof Fault ? read.message : store(data[tensor]!, row * width + offset, read);
}

function refuseTwice(names: readonly string[]): void {
  const met = new Set<string>();
  for (const name of names) {
    if (met.has(name)) throw invalid([{ path: pathOf('[0]', name), message: 'is named twice on the first line' }]);
    met.add(name);
  }
}

/** Why a value is none of its feature. */
class Fault {
  constructor(readonly message: string) {}
}

/** A value of JSON or a cell as the input's store takes it. */
function readValue({ dtype, optional }: Feature, value: unknown, fromText: boolean): unknown {
  if (value === null || (fromText && optional && (value as string).trim() === '')) {
    return optional ? null : new Fault('is null; the model takes no missing values');
  }
  if (dtype === 'string') return value;
  if (dtype === 'bool') return readTruth(value);
  if (typeof value !== 'string') return new Fault(`expected a number, got ${show(value)}`);
  if (optional && value === 'NaN') return null;
  // An integer beyond 2^53 is none of JSON's numbers, and a text keeps its digits.
  if ((dtype === 'int64' || dtype === 'uint64') && /^[ \t]*[+-]?\d{16,20}[ \t]*$/.test(value)) {
    return BigInt(value.trim().replace(/^\+/, ''));
  }
  const number = parseDecimal(value);
  if (number !== undefined) return number;
  return new Fault(value.trim() === '' ? 'is empty; expected a number' : `expected a number, got ${show(value)}`);
}

function readTruth(value: unknown): unknown {
  const text = typeof value === 'string' ? value.trim().toLowerCase() : value;
  if (text === true || text === 'true' || text === 1 || text === '1') return true;
  if (text === false || text === 'false' || text === 0 || text === '0') return false;
  return new Fault(`expected true or false, got ${show(value)}`);
}

function show(value: unknown): string {
  if (Array.isArray(value)) return `a list of ${value.length}`;
  if (typeof value === 'object' && value !== null) return 'an object';
  const text = String(JSON.stringify(value));
  return text.length <= 60 ? text : `${text.slice(0, 57)}…`;
}

/** A path into the body; a name that would read as more than one step is quoted. */
export function pathOf(row: string, name: string): string {
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
