import type { NamedEvent } from './event-ledger.js';
import { bounded, readIso } from './instants.js';

/** Characters of a name. */
const longestName = 1000;
/** Of one that is in an index: those of PostgreSQL take 2.7 kB a row. */
const longestIndexed = 200;

/** A text that every store can hold and be asked for: not too long, without NUL and halves of characters. */
export function isName(value: unknown, longest = longestName): value is string {
  return typeof value === 'string' && value.length <= longest && isStorable(value);
}

/** Databases take no NUL, and UTF-8 has no halves of characters. */
export const isStorable = (text: string): boolean => !/[\0\p{Surrogate}]/u.test(text);

/**
 * `@timestamp` of a document: epoch milliseconds as a number, or ISO 8601. Whole milliseconds, what is finer cut off; NaN
 * for anything else.
 */
export function readTimestamp(value: unknown): number {
  if (typeof value === 'number') return Math.floor(bounded(value));
  return typeof value === 'string' ? Math.floor(readIso(value)) : Number.NaN;
}

/** A fault of one event: the field that has it, and what is expected there. */
export interface EventFault {
  readonly field: string;
  readonly expected: string;
}

const texts = [
  ['id', longestIndexed],
  ['util', longestIndexed],
  ['ecran', longestName],
  ['instance', longestName],
] as const;

/**
 * An event as `POST /events` and files have it: `id`, `util`, `ecran`, `instance`, `@timestamp`. Other members are passed
 * over. What is wrong with it comes in place of an event.
 */
export function readEvent(value: unknown): NamedEvent | { readonly faults: readonly EventFault[] } {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return { faults: [{ field: '', expected: `an object with id, util, ecran, instance and @timestamp` }] };
  }
  const event = value as Record<string, unknown>;
  const faults: EventFault[] = texts
    .filter(([field, longest]) => !isName(event[field], longest))
    .map(([field, longest]) => ({ field, expected: `a text of at most ${longest} characters` }));
  const at = readTimestamp(event['@timestamp']);
  if (Number.isNaN(at)) faults.push({ field: '@timestamp', expected: 'epoch milliseconds or an ISO 8601 text' });
  if (faults.length > 0) return { faults };
  const { id, util, ecran, instance } = event as Record<(typeof texts)[number][0], string>;
  return { id, util, ecran, instance, at };
}
