/** Reading times as clients and documents write them. */

/** Larger numbers of the epoch are milliseconds, and beyond that micro- and nanoseconds, as pydantic has it. */
const mostSeconds = 2e10;
/** 0001-01-01 and the last millisecond of 9999: what ISO 8601 writes with four digits. */
const earliest = -62_135_596_800_000;
const latest = 253_402_300_799_999;
/** No form is longer; a hostile text of a megabyte is not worth a pattern. */
const longest = 64;

const datePattern = String.raw`(\d{4})-(\d{1,2})-(\d{1,2})`;
const clockPattern = String.raw`(\d{1,2}):(\d{1,2})(?::(\d{1,2})(?:[.,](\d{1,12}))?)?(Z|z|[+-]\d{2}(?::?\d{2})?)?`;
const isoPattern = new RegExp(`^${datePattern}(?:[Tt ]${clockPattern})?$`);
const numberPattern = /^[+-]?\d{1,20}(?:\.\d{0,12})?$/;

/**
 * Milliseconds since 1970, fractions included, of a time as clients write it: ISO 8601 with `T` or a space, with `Z`, an
 * offset or none (then UTC), a date alone, or the epoch in seconds or milliseconds (from 2e10 on) as a number or digits. NaN for
 * anything else, days that no calendar has, and years beyond 1 to 9999.
 * Reference: pydantic 1.10, `datetime_parse.py`, which takes no date alone.
 */
export function readInstant(value: unknown): number {
  if (typeof value === 'number') return bounded(fromEpoch(value));
  if (typeof value !== 'string' || value.length > longest) return Number.NaN;
  const text = value.trim();
  return numberPattern.test(text) ? bounded(fromEpoch(Number(text))) : readIso(text);
}

/** The same for an ISO 8601 text alone. */
export function readIso(text: string): number {
  const found = text.length > longest ? null : isoPattern.exec(text);
  if (found === null) return Number.NaN;
  const [, year, month, day, hour = '0', minute = '0', second = '0', fraction = '', zone = 'Z'] = found;
  const [y, m, d, h, min, s] = [year, month, day, hour, minute, second].map(Number) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  const date = new Date(0);
  date.setUTCFullYear(y, m - 1, d);
  const exists = y >= 1 && date.getUTCMonth() === m - 1 && date.getUTCDate() === d && h < 24 && min < 60 && s < 60;
  if (!exists) return Number.NaN;
  const clock = ((h * 60 + min) * 60 + s) * 1000 + (fraction === '' ? 0 : Number(`0.${fraction}`) * 1000);
  return bounded(date.getTime() + clock - offsetOf(zone));
}

function fromEpoch(value: number): number {
  let time = Math.abs(value) <= mostSeconds ? value * 1000 : value;
  while (Math.abs(time) > mostSeconds * 1000 && Number.isFinite(time)) time /= 1000;
  // To a microsecond: what multiplying adds to 0.1 is no time.
  return Math.round(time * 1e3) / 1e3;
}

/** `+HH`, `+HHMM`, `+HH:MM` or `Z` in milliseconds; NaN for a day or more. */
function offsetOf(zone: string): number {
  if (zone === 'Z' || zone === 'z') return 0;
  const minutes = Number(zone.slice(1, 3)) * 60 + (zone.length > 3 ? Number(zone.slice(-2)) : 0);
  if (minutes >= 24 * 60) return Number.NaN;
  return (zone.startsWith('-') ? -minutes : minutes) * 60_000;
}

/** @returns `time`, or NaN where four digits cannot write its year */
export const bounded = (time: number): number => (time >= earliest && time <= latest ? time : Number.NaN);
