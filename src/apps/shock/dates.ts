/**
 * Reads the forms of time that monitors and their exports write.
 *
 * Result: milliseconds since 1970-01-01T00:00:00Z, rounded to a microsecond, or NaN when the value is none of
 *
 * - ISO 8601 calendar dates (`2024-06-13T06:30:00.123456+02:00`; date alone, no seconds, `Z`, `+02`, `+0200`),
 * - the same with a space instead of the `T`, as Python's `str(datetime)` and SQL write them,
 * - `DD/MM/YYYY HH:MM:SS`, day first, as the hospital's records are,
 * - the epoch in seconds (magnitude below 1e11) or milliseconds, as a number or a string of digits.
 *
 * A time without a zone counts as UTC, so that naive and zoned times of one request can be compared. A day that no
 * calendar has (31/02), 24:00 and a leap second are not read: the window would silently be in another order.
 */
export function parseTime(value: unknown): number {
  if (typeof value === 'number') return fromEpoch(value);
  if (typeof value !== 'string') return Number.NaN;
  return value.length === 19 ? parsePlain(value) : parseAny(value);
}

/** From here on a number of the epoch is milliseconds: 5138-11-16 as seconds, 1973-03-03 as milliseconds. */
const firstMilliseconds = 1e11;
/** 9999-12-31T23:59:59.999Z; microseconds and nanoseconds of our time lie above it and are refused. */
const lastMilliseconds = 253_402_300_799_999;

function fromEpoch(value: number): number {
  const magnitude = Math.abs(value);
  if (magnitude < firstMilliseconds) return Math.round(value * 1e6) / 1e3;
  return magnitude <= lastMilliseconds ? Math.round(value * 1e3) / 1e3 : Number.NaN;
}

/** `YYYY-MM-DD HH:MM:SS` (or with a T) by character codes; anything else of that length goes the long way. */
function parsePlain(text: string): number {
  const separator = text.charCodeAt(10);
  if (
    text.charCodeAt(4) !== 45 ||
    text.charCodeAt(7) !== 45 ||
    (separator !== 32 && separator !== 84) ||
    text.charCodeAt(13) !== 58 ||
    text.charCodeAt(16) !== 58
  ) {
    return parseAny(text);
  }
  const year = twoDigits(text, 0) * 100 + twoDigits(text, 2);
  return (
    timeOf(year, twoDigits(text, 5), twoDigits(text, 8)) +
    clockOf(twoDigits(text, 11), twoDigits(text, 14), twoDigits(text, 17))
  );
}

/** The number at `at`, or NaN, which every sum hands on. */
function twoDigits(text: string, at: number): number {
  const tens = text.charCodeAt(at) - 48;
  const ones = text.charCodeAt(at + 1) - 48;
  return tens >= 0 && tens <= 9 && ones >= 0 && ones <= 9 ? tens * 10 + ones : Number.NaN;
}

const clock = String.raw`(\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?`;
const isoPattern = new RegExp(String.raw`^(\d{4})-(\d\d)-(\d\d)(?:[Tt ]${clock}(Z|z|[+-]\d\d(?::?\d\d)?)?)?$`);
const dayFirstPattern = new RegExp(String.raw`^(\d\d)/(\d\d)/(\d{4})(?:[ T]${clock})?$`);
const epochPattern = /^[+-]?\d{1,15}(?:\.\d{1,9})?$/;
/** No form is longer; a hostile string of a megabyte is not worth a pattern. */
const longest = 40;

function parseAny(text: string): number {
  if (text.length > longest) return Number.NaN;
  const iso = isoPattern.exec(text);
  if (iso) {
    const [, year, month, day, hour, minute, second, fraction, zone] = iso;
    return (
      timeOf(Number(year), Number(month), Number(day)) + instantOf(hour, minute, second, fraction) - offsetOf(zone)
    );
  }
  const dayFirst = dayFirstPattern.exec(text);
  if (dayFirst) {
    const [, day, month, year, hour, minute, second, fraction] = dayFirst;
    return timeOf(Number(year), Number(month), Number(day)) + instantOf(hour, minute, second, fraction);
  }
  return epochPattern.test(text) ? fromEpoch(Number(text)) : Number.NaN;
}

const daysBeforeMonth = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334];
const daysOfMonth = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

/** Midnight of a day of the proleptic Gregorian calendar, in milliseconds; NaN for a day that does not exist. */
function timeOf(year: number, month: number, day: number): number {
  const leap = (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0;
  const length = month === 2 && leap ? 29 : daysOfMonth[month - 1];
  if (length === undefined || !(year >= 1) || !(day >= 1 && day <= length)) return Number.NaN;
  const past = year - 1;
  const leapDays = Math.floor(past / 4) - Math.floor(past / 100) + Math.floor(past / 400);
  const dayOfYear = daysBeforeMonth[month - 1]! + day - 1 + (leap && month > 2 ? 1 : 0);
  return (past * 365 + leapDays + dayOfYear - 719_162) * 86_400_000;
}

function clockOf(hour: number, minute: number, second: number): number {
  return hour < 24 && minute < 60 && second < 60 ? ((hour * 60 + minute) * 60 + second) * 1000 : Number.NaN;
}

function instantOf(hour = '0', minute = '0', second = '0', fraction = ''): number {
  const microseconds = fraction === '' ? 0 : Math.round(Number(fraction.padEnd(9, '0')) / 1000);
  return clockOf(Number(hour), Number(minute), Number(second)) + microseconds / 1000;
}

/** `+HH`, `+HHMM`, `+HH:MM` or `Z` in milliseconds; an offset of a day or more is not one. */
function offsetOf(zone = 'Z'): number {
  if (zone === 'Z' || zone === 'z') return 0;
  const magnitude = clockOf(Number(zone.slice(1, 3)), Number(zone.length > 3 ? zone.slice(-2) : 0), 0);
  return zone.startsWith('-') ? -magnitude : magnitude;
}
