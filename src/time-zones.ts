const formats = new Map<string, Intl.DateTimeFormat>();

/** Whether there is a time zone of that name. */
export function isTimeZone(name: string): boolean {
  try {
    formatIn(name);
    return true;
  } catch {
    return false;
  }
}

function formatIn(timeZone: string): Intl.DateTimeFormat {
  let format = formats.get(timeZone);
  if (format === undefined) {
    format = new Intl.DateTimeFormat('en-CA', {
      timeZone,
      calendar: 'gregory',
      hourCycle: 'h23',
      year: 'numeric',
      month: '2-digit',
      day: '2-digit',
      hour: '2-digit',
      minute: '2-digit',
      second: '2-digit',
    });
    formats.set(timeZone, format);
  }
  return format;
}

/** What the clocks and calendars of an IANA time zone show at `time`, epoch milliseconds; months count from 1. */
export function dateIn(timeZone: string, time: number) {
  const parts = { year: 0, month: 0, day: 0, hour: 0, minute: 0, second: 0 };
  for (const { type, value } of formatIn(timeZone).formatToParts(time)) {
    if (type in parts) parts[type as keyof typeof parts] = Number(value);
  }
  return parts;
}

/**
 * The first moment of a day, epoch milliseconds; months and days beyond the calendar's carry over, as in `Date.UTC`. Where the clocks go
 * forward at midnight, and there is none, it is the moment when they do.
 */
export function startOfDay(year: number, month: number, day: number, timeZone: string): number {
  const wanted = Date.UTC(year, month - 1, day);
  /** What the clocks of the zone show at `time`, as if they showed UTC. */
  const shown = (time: number) => {
    const at = dateIn(timeZone, time);
    return Date.UTC(at.year, at.month - 1, at.day, at.hour, at.minute, at.second);
  };
  // No zone is more than a day from UTC, and between two hours of that span the date changes once.
  let before = wanted - 86_400_000;
  let after = wanted + 86_400_000;
  while (after - before > 1000) {
    const middle = Math.floor((before + after) / 2000) * 1000;
    if (middle <= before || middle >= after) break;
    if (shown(middle) >= wanted) after = middle;
    else before = middle;
  }
  return after;
}

/** Whether the calendar has a day that is written so: `2026-02-28`. `Date.parse` takes 31 February for 3 March. */
export function isRealDay(day: string): boolean {
  const time = /^\d{4}-\d\d-\d\d$/.test(day) ? Date.parse(day) : Number.NaN;
  return !Number.isNaN(time) && new Date(time).toISOString().startsWith(day);
}
