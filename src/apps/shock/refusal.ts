/**
 * What the shock app refuses, and in which words.
 *
 * A problem has the three members that clients of a FastAPI service know: `loc` (where in the body), `msg` (for
 * people) and `type` (for programs). Every text about a patient names the patient, the signal and the numbers.
 */
export interface Problem {
  readonly loc: readonly (string | number)[];
  readonly msg: string;
  readonly type: string;
}

export type Location = Problem['loc'];

/** A body that cannot be served at all; answered with 422 and `{"detail": problems}`. */
export class BodyRefused extends Error {
  readonly status = 422;
  readonly problems: readonly Problem[];

  constructor(problems: readonly Problem[]) {
    super(problems.map((problem) => problem.msg).join(' '));
    this.name = 'BodyRefused';
    this.problems = problems;
  }
}

const longestQuote = 60;

/** A short, one-line quotation of any JSON value; never walks into a nested one. */
export function quote(value: unknown): string {
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object' && value !== null) return 'an object';
  if (value === undefined) return 'nothing';
  if (typeof value !== 'string') return String(value);
  return JSON.stringify(value.length > longestQuote ? `${value.slice(0, longestQuote)}…` : value);
}

/** `"a", "b" and 3 more`. */
export function enumerate(names: readonly string[], most = 5): string {
  const shown = names.slice(0, most).map((name) => quote(name));
  const rest = names.length - shown.length;
  return rest > 0 ? `${shown.join(', ')} and ${rest} more` : shown.join(', ');
}

/** The texts, in one place. Each ends with the next step. */
export const refusals = {
  notABody: (loc: Location, found: unknown): Problem => ({
    loc,
    msg: `A body is an object with idAtencion, idSigno, nomSigno, valor and fecRegistro, or a list of such objects; found ${quote(found)}.`,
    type: 'dict_type',
  }),
  missingField: (loc: Location, patient: string, field: string): Problem => ({
    loc: [...loc, field],
    msg: `${patient}: the field ${field} is missing; a body has idAtencion, idSigno, nomSigno, valor and fecRegistro.`,
    type: 'missing',
  }),
  unknownField: (loc: Location, patient: string, field: string): Problem => ({
    loc: [...loc, field],
    msg: `${patient}: the field ${quote(field)} is unknown; a body has idAtencion, idSigno, nomSigno, valor and fecRegistro, and nothing else.`,
    type: 'extra_forbidden',
  }),
  notAPatient: (loc: Location, found: unknown): Problem => ({
    loc,
    msg: `idAtencion is an integer between -9007199254740991 and 9007199254740991, or a column of them; found ${quote(found)}.`,
    type: 'int_type',
  }),
  notAColumn: (loc: Location, patient: string, field: string, found: unknown): Problem => ({
    loc: [...loc, field],
    msg: `${patient}: ${field} is a column, so a dictionary keyed by row or a list; found ${quote(found)}.`,
    type: 'dict_type',
  }),
  differentKeys: (loc: Location, patient: string, field: string, what: string): Problem => ({
    loc: [...loc, field],
    msg: `${patient}: the dictionaries have different keys: ${what}; send one entry a record in each.`,
    type: 'key_mismatch',
  }),
  noRecords: (loc: Location): Problem => ({
    loc,
    msg: 'The request holds no patient: 0 bodies or 0 records; send the recent records of at least one.',
    type: 'too_short',
  }),
  tooManyRecords: (loc: Location, found: number, limit: number): Problem => ({
    loc,
    msg: `The request holds ${found} records or more, over the limit of ${limit}; send fewer patients at once, or only their recent records.`,
    type: 'too_long',
  }),
  tooManyPatients: (loc: Location, found: number, limit: number): Problem => ({
    loc,
    msg: `The request holds ${found} patients or more, over the limit of ${limit}; send them in several requests.`,
    type: 'too_long',
  }),
  notASignal: (loc: Location, patient: string, record: string, found: unknown): Problem => ({
    loc,
    msg: `${patient}, record ${quote(record)}: nomSigno is the name of a signal, a string; found ${quote(found)}.`,
    type: 'string_type',
  }),
  notFinite: (loc: Location, patient: string, signal: string, record: string, found: unknown): Problem => ({
    loc,
    msg: `${patient}, signal ${signal}, record ${quote(record)}: ${quote(found)} is no finite number; send a number, or leave the record out.`,
    type: 'finite_number',
  }),
  notADate: (loc: Location, patient: string, signal: string, record: string, found: unknown): Problem => ({
    loc,
    msg: `${patient}, signal ${signal}, record ${quote(record)}: the date ${quote(found)} cannot be read; send ISO 8601, YYYY-MM-DD HH:MM:SS, DD/MM/YYYY HH:MM:SS, or the epoch in seconds or milliseconds.`,
    type: 'datetime_parsing',
  }),
  tooFewRows: (loc: Location, patient: string, found: number, wanted: number, signals: readonly string[]): Problem => ({
    loc,
    msg: `${patient} has ${found} of the ${wanted} rows that the model needs (a row is one time at which any of ${signals.join(', ')} was measured); send the records of ${wanted} times.`,
    type: 'too_few_rows',
  }),
  neverSeen: (
    loc: Location,
    patient: string,
    missing: readonly string[],
    rows: number,
    ignored: readonly string[],
  ): Problem => ({
    loc,
    msg: `${patient}: ${missing.length === 1 ? 'signal' : 'signals'} ${missing.join(', ')} ${missing.length === 1 ? 'has' : 'have'} no value in the last ${rows} rows${ignored.length > 0 ? ` (ignored, since the model does not know them: ${enumerate(ignored)})` : ''}; send at least one value of each.`,
    type: 'missing_signal',
  }),
  outOfRange: (loc: Location, patient: string, signal: string, value: number): Problem => ({
    loc,
    msg: `${patient}, signal ${signal}: ${value} is beyond what the model can compute with (single precision); send the value in the signal's usual unit.`,
    type: 'finite_number',
  }),
  noAnswer: (loc: Location, patient: string): Problem => ({
    loc,
    msg: `${patient}: the model answers with no finite number for these values; check that each signal is in its usual unit.`,
    type: 'finite_number',
  }),
} as const;
