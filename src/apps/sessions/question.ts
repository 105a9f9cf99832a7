import { readInstant } from '../../index.js';
import { type Fault, faults, refusal } from './refusal.js';

/** Whose events of which time, as the store takes it. */
export interface Question {
  readonly utils: readonly string[];
  /** Whole milliseconds since 1970; both are included. */
  readonly from: number;
  readonly to: number;
}

type Place = 'body' | 'query';

/**
 * `{utils, date_min, date_max}` of a body, checked as pydantic 1 does: members beyond these are passed over, whole numbers
 * are taken for names, every fault is told.
 *
 * @throws VitrinaError `request-invalid`
 */
export function readQuestion(body: unknown, maxUtils: number): Question {
  if (body === undefined || body === null) throw refusal([faults.missing(['body'])]);
  if (typeof body !== 'object' || Array.isArray(body)) throw refusal([faults.notDict(['body'])]);
  return check(body as Record<string, unknown>, 'body', maxUtils);
}

/** The same of a query string, where each `utils` is one person. Errors: `request-invalid`. */
export function readQueryString(query: Readonly<Record<string, unknown>>, maxUtils: number): Question {
  const { utils } = query;
  const listed = utils === undefined || Array.isArray(utils) ? query : { ...query, utils: [utils] };
  return check(listed, 'query', maxUtils);
}

function check(given: Readonly<Record<string, unknown>>, place: Place, maxUtils: number): Question {
  const found: Fault[] = [];
  const utils = readUtils(given, place, maxUtils, found);
  const from = readDate(given, place, 'date_min', found);
  const to = readDate(given, place, 'date_max', found);
  if (from > to) found.push(faults.reversed([place, 'date_max']));
  if (found.length > 0) throw refusal(found);
  // Events have whole milliseconds.
  return { utils, from: Math.ceil(from), to: Math.floor(to) };
}

function readUtils(given: Readonly<Record<string, unknown>>, place: Place, most: number, found: Fault[]): string[] {
  const loc = [place, 'utils'];
  const fault = absence(given, 'utils', loc);
  const { utils } = given;
  if (fault !== undefined) found.push(fault);
  else if (!Array.isArray(utils)) found.push(faults.notList(loc));
  else if (utils.length > most) found.push(faults.tooMany(loc, most));
  else {
    const names = utils.map((util) => (Number.isSafeInteger(util) ? String(util) : util));
    for (const [i, name] of names.entries()) {
      if (name === null) found.push(faults.none([...loc, i]));
      else if (typeof name !== 'string') found.push(faults.notText([...loc, i]));
    }
    return [...new Set(names)];
  }
  return [];
}

/** NaN with a fault. */
function readDate(
  given: Readonly<Record<string, unknown>>,
  place: Place,
  name: 'date_min' | 'date_max',
  found: Fault[],
): number {
  const loc = [place, name];
  const value = given[name];
  const time = readInstant(value);
  if (!Number.isNaN(time)) return time;
  const wrongType = typeof value !== 'string' && typeof value !== 'number';
  found.push(absence(given, name, loc) ?? (wrongType ? faults.notDateType(loc) : faults.notDate(loc)));
  return time;
}

function absence(given: Readonly<Record<string, unknown>>, name: string, loc: Fault['loc']): Fault | undefined {
  if (!Object.hasOwn(given, name) || given[name] === undefined) return faults.missing(loc);
  return given[name] === null ? faults.none(loc) : undefined;
}
