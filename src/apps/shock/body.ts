import { TextColumn } from '../../index.js';
import { BodyRefused, enumerate, type Location, type Problem, quote, refusals } from './refusal.js';

/** Caps on one request, so that a hostile body costs no more than a ward's. */
export interface BodyLimits {
  /** Records of all patients together. */
  readonly maxRecords: number;
  readonly maxPatients: number;
}

export const defaultLimits: BodyLimits = { maxRecords: 50_000, maxPatients: 1_000 };

/** A column whose values repeat: each is looked at once. */
export interface Repeating {
  /** Distinct; not each need be in the column. */
  readonly values: readonly unknown[];
  /** For each record, which of the values. */
  readonly codes: ArrayLike<number>;
}

export const valueAt = ({ values, codes }: Repeating, record: number): unknown => values[codes[record]!];

/** Records as columns that belong together by index. Their elements are not checked yet. */
export interface Records {
  /** Where they stand in the body, for the texts of refusals. */
  readonly loc: Location;
  readonly names: Repeating;
  readonly values: ArrayLike<unknown>;
  readonly times: Repeating;
  /** The key of each record; `null` when record i has the key "i". */
  readonly keys: readonly (string | number)[] | null;
}

export interface Patient {
  readonly idAtencion: number;
  readonly records: readonly Records[];
  /** Not empty when the patient's records cannot even be paired. */
  readonly problems: readonly Problem[];
}

export interface PatientRequest {
  /** True when the answer is a list: a list of bodies, or `idAtencion` as a column. */
  readonly mass: boolean;
  /** In the order of first appearance, each once. */
  readonly patients: readonly Patient[];
}

const columnNames = ['idSigno', 'nomSigno', 'valor', 'fecRegistro'] as const;
type ColumnName = (typeof columnNames)[number] | 'idAtencion';
const fieldNames: ReadonlySet<string> = new Set<ColumnName>(['idAtencion', ...columnNames]);

type Fields = Readonly<Record<string, unknown> & { idAtencion?: unknown }>;
type Draft = { records: Records[]; problems: Problem[] };

/**
 * Reads the body of `POST /predict`: one body, a list of bodies, or one body whose `idAtencion` is a column.
 *
 * `idAtencion` is an integer; a string of digits counts as one, as pydantic reads it (a boolean does not). Columns are
 * dictionaries keyed by row or lists (keyed by position) and are paired by key, whatever the order. Bodies of the same
 * patient are put together.
 *
 * @throws BodyRefused when the body's structure is wrong, so that no patient can be told from another. What is wrong
 *   with one identified patient alone is kept in the `problems` of that patient.
 */
export function parseBody(body: unknown, limits: BodyLimits = defaultLimits): PatientRequest {
  const reader = new BodyReader(limits);
  if (!Array.isArray(body)) {
    const mass = reader.readBody(body, ['body']);
    return { mass, patients: reader.patients(['body']) };
  }
  if (body.length > limits.maxPatients) {
    throw new BodyRefused([refusals.tooManyPatients(['body'], body.length, limits.maxPatients)]);
  }
  for (let index = 0; index < body.length; index++) reader.readBody(body[index], ['body', index]);
  return { mass: true, patients: reader.patients(['body']) };
}

class BodyReader {
  readonly #limits: BodyLimits;
  readonly #drafts = new Map<number, Draft>();
  #records = 0;

  constructor(limits: BodyLimits) {
    this.#limits = limits;
  }

  /** Reads one body; answers whether its `idAtencion` is a column. */
  readBody(body: unknown, loc: Location): boolean {
    if (typeof body !== 'object' || body === null || Array.isArray(body)) {
      throw new BodyRefused([refusals.notABody(loc, body)]);
    }
    const fields = body as Fields;
    const identifier = fields.idAtencion;
    const columnOfPatients = typeof identifier === 'object' && identifier !== null;
    const known = !columnOfPatients && identifier !== undefined;
    const problems = checkFields(fields, loc, known ? `Patient ${quote(identifier)}` : 'The request');
    if (problems.length > 0 && !known) throw new BodyRefused(problems);
    if (columnOfPatients) {
      this.#readColumnOfPatients(fields, loc);
      return true;
    }
    const id = readIdentifier(identifier, [...loc, 'idAtencion']);
    const draft = this.#draftOf(id, loc);
    if (problems.length > 0) {
      draft.problems.push(...problems);
      return false;
    }
    const columns = pairColumns(fields, columnNames, loc, `Patient ${id}`);
    if ('msg' in columns) {
      draft.problems.push(columns);
    } else {
      this.#count(columns.count, loc);
      draft.records.push(columns);
    }
    return false;
  }

  /** The patients read, in the order of first appearance. */
  patients(loc: Location): Patient[] {
    if (this.#drafts.size === 0) throw new BodyRefused([refusals.noRecords(loc)]);
    return Array.from(this.#drafts, ([idAtencion, draft]) => ({ idAtencion, ...draft }));
  }

  #readColumnOfPatients(fields: Fields, loc: Location): void {
    const columns = pairColumns(fields, [...columnNames, 'idAtencion'], loc, 'The request');
    if ('msg' in columns) throw new BodyRefused([columns]);
    this.#count(columns.count, loc);
    type Gathered = { names: unknown[]; values: unknown[]; times: unknown[]; keys: (string | number)[] };
    const gathered = new Map<number, Gathered>();
    for (let record = 0; record < columns.count; record++) {
      const key = columns.keys?.[record] ?? record;
      const id = readIdentifier(columns.patients[record], [...loc, 'idAtencion', key]);
      let records = gathered.get(id);
      if (records === undefined) {
        records = { names: [], values: [], times: [], keys: [] };
        gathered.set(id, records);
      }
      records.names.push(valueAt(columns.names, record));
      records.values.push(columns.values[record]);
      records.times.push(valueAt(columns.times, record));
      records.keys.push(key);
    }
    for (const [id, { names, values, times, keys }] of gathered) {
      const records = { loc, names: repeating(names), values, times: repeating(times), keys };
      this.#draftOf(id, loc).records.push(records);
    }
  }

  #draftOf(id: number, loc: Location): Draft {
    let draft = this.#drafts.get(id);
    if (draft === undefined) {
      if (this.#drafts.size === this.#limits.maxPatients) {
        throw new BodyRefused([refusals.tooManyPatients(loc, this.#drafts.size + 1, this.#limits.maxPatients)]);
      }
      draft = { records: [], problems: [] };
      this.#drafts.set(id, draft);
    }
    return draft;
  }

  #count(records: number, loc: Location): void {
    this.#records += records;
    if (this.#records > this.#limits.maxRecords) {
      throw new BodyRefused([refusals.tooManyRecords(loc, this.#records, this.#limits.maxRecords)]);
    }
  }
}

function checkFields(fields: Fields, loc: Location, patient: string): Problem[] {
  const problems: Problem[] = [];
  for (const field of fieldNames) {
    if (!Object.hasOwn(fields, field)) problems.push(refusals.missingField(loc, patient, field));
  }
  for (const field in fields) {
    if (!fieldNames.has(field)) problems.push(refusals.unknownField(loc, patient, field));
  }
  return problems;
}

const digits = /^[+-]?\d{1,16}$/;

function readIdentifier(value: unknown, loc: Location): number {
  const id = typeof value === 'string' && digits.test(value) ? Number(value) : value;
  // Beyond 2^53 two patients could become one.
  if (!Number.isSafeInteger(id)) throw new BodyRefused([refusals.notAPatient(loc, value)]);
  return id as number;
}

interface PairedColumns extends Records {
  readonly count: number;
  readonly patients: ArrayLike<unknown>;
}

/** Lays the columns of a body side by side, record for record. */
function pairColumns(
  fields: Fields,
  wanted: readonly ColumnName[],
  loc: Location,
  patient: string,
): PairedColumns | Problem {
  for (const name of wanted) {
    const column = fields[name];
    if (typeof column !== 'object' || column === null) return refusals.notAColumn(loc, patient, name, column);
  }
  const lengths = wanted.map((name) => countDense(fields[name] as object));
  const count = lengths[0]!;
  if (count >= 0 && lengths.every((length) => length === count)) {
    const column = (name: ColumnName) => fields[name] as object;
    return {
      loc,
      count,
      keys: null,
      names: repeating(column('nomSigno')),
      values: listOf(column('valor')),
      times: repeating(column('fecRegistro')),
      patients: wanted.includes('idAtencion') ? listOf(column('idAtencion')) : [],
    };
  }
  return pairByKey(fields, wanted, loc, patient);
}

function listOf(column: object): ArrayLike<unknown> {
  if (column instanceof TextColumn) return column.toList();
  return Array.isArray(column) || column instanceof Float64Array ? column : Object.values(column);
}

function repeating(column: object): Repeating {
  if (column instanceof TextColumn) return column;
  const places = new Map<unknown, number>();
  const codes = Array.from(listOf(column), (value) => {
    const known = places.get(value);
    if (known !== undefined) return known;
    places.set(value, places.size);
    return places.size - 1;
  });
  return { values: [...places.keys()], codes };
}

/**
 * The number of entries of a column whose keys are "0", "1", … "n-1", or -1 when they are others. JSON puts such keys
 * in ascending order, so `Object.values` of it is the list of records; no key becomes a string on the way.
 */
function countDense(column: object): number {
  if (column instanceof TextColumn) return column.codes.length;
  if (Array.isArray(column) || column instanceof Float64Array) return column.length;
  const entries = column as Readonly<Record<number, unknown>>;
  const count = Object.values(column).length;
  for (let index = 0; index < count; index++) if (entries[index] === undefined) return -1;
  return count;
}

function pairByKey(
  fields: Fields,
  wanted: readonly ColumnName[],
  loc: Location,
  patient: string,
): PairedColumns | Problem {
  const [first, ...others] = wanted;
  const entriesOf = (name: ColumnName) => {
    const column = fields[name] as object;
    return (column instanceof TextColumn ? column.toList() : column) as Readonly<Record<string, unknown>>;
  };
  const keys = Object.keys(entriesOf(first!));
  for (const name of others) {
    const known = new Set(keys);
    const found = new Set(Object.keys(entriesOf(name)));
    const missing = keys.filter((key) => !found.has(key));
    const extra = [...found].filter((key) => !known.has(key));
    if (missing.length === 0 && extra.length === 0) continue;
    const parts: string[] = [];
    if (missing.length > 0) parts.push(`${name} lacks ${enumerate(missing)}, which ${first} has`);
    if (extra.length > 0) parts.push(`${first} lacks ${enumerate(extra)}, which ${name} has`);
    return refusals.differentKeys(loc, patient, name, parts.join('; '));
  }
  const column = (name: ColumnName) => {
    const entries = entriesOf(name);
    return keys.map((key) => entries[key]);
  };
  return {
    loc,
    count: keys.length,
    keys,
    names: repeating(column('nomSigno')),
    values: column('valor'),
    times: repeating(column('fecRegistro')),
    patients: wanted.includes('idAtencion') ? column('idAtencion') : [],
  };
}
