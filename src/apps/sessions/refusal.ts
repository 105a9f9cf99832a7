import { type Problem, VitrinaError } from '../../index.js';

/** A fault as FastAPI on pydantic 1 tells it: where it is, for people, for programs. */
export interface Fault {
  readonly loc: readonly (string | number)[];
  readonly msg: string;
  readonly type: string;
  readonly ctx?: Readonly<Record<string, unknown>>;
}

/** Faults that one answer tells: a list of a million wrong elements needs no million. */
const mostFaults = 100;

/** A request that cannot be answered; 422 with `{"detail": faults}`. */
export class Refused extends Error {
  readonly faults: readonly Fault[];

  constructor(faults: readonly Fault[]) {
    super('The request cannot be answered');
    this.faults = faults.slice(0, mostFaults);
  }
}

/** The faults as an error of the platform; `renderDetail` finds them again. */
export function refusal(faults: readonly Fault[]): VitrinaError {
  const cause = new Refused(faults);
  const problems: Problem[] = cause.faults.map(({ loc, msg }) => ({ path: loc.slice(1).join('.'), message: msg }));
  return new VitrinaError('request-invalid', { problems }, { cause });
}

/** What the app says in its own way; everything else is said as the platform says it. */
export function renderDetail(error: VitrinaError): unknown {
  return error.cause instanceof Refused ? error.cause.faults : undefined;
}

/** pydantic's words. */
export const faults = {
  missing: (loc: Fault['loc']): Fault => ({ loc, msg: 'field required', type: 'value_error.missing' }),
  none: (loc: Fault['loc']): Fault => ({
    loc,
    msg: 'none is not an allowed value',
    type: 'type_error.none.not_allowed',
  }),
  notDict: (loc: Fault['loc']): Fault => ({ loc, msg: 'value is not a valid dict', type: 'type_error.dict' }),
  notList: (loc: Fault['loc']): Fault => ({ loc, msg: 'value is not a valid list', type: 'type_error.list' }),
  notText: (loc: Fault['loc']): Fault => ({ loc, msg: 'str type expected', type: 'type_error.str' }),
  tooMany: (loc: Fault['loc'], limit: number): Fault => ({
    loc,
    msg: `ensure this value has at most ${limit} items`,
    type: 'value_error.list.max_items',
    ctx: { limit_value: limit },
  }),
  notDateType: (loc: Fault['loc']): Fault => ({
    loc,
    msg: 'invalid type; expected datetime, string, bytes, int or float',
    type: 'type_error',
  }),
  notDate: (loc: Fault['loc']): Fault => ({ loc, msg: 'invalid datetime format', type: 'value_error.datetime' }),
  reversed: (loc: Fault['loc']): Fault => ({ loc, msg: 'date_max is before date_min', type: 'value_error' }),
  notJson: (problem: string): Fault => ({ loc: ['body'], msg: problem, type: 'value_error.jsondecode' }),
} as const;
