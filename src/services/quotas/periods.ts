import { dateIn, startOfDay } from '../../time-zones.js';

/** A stretch of time in which something may be used so often. Times are epoch milliseconds. */
export interface Period {
  /** Names it among all others: `month:2026-11`, `day:2026-11-21`. */
  readonly name: string;
  readonly endsAt: number;
}

/** The last period that was asked for, by kind and time zone, and when that was: finding its end takes a while. */
const latest = new Map<string, { readonly period: Period; readonly at: number }>();

/** The calendar month or day of `now` in an IANA time zone. */
export function periodOf(kind: 'month' | 'day', now: number, timeZone: string): Period {
  const key = `${kind} ${timeZone}`;
  const known = latest.get(key);
  if (known !== undefined && known.at <= now && now < known.period.endsAt) return known.period;
  const period = findPeriod(kind, now, timeZone);
  latest.set(key, { period, at: now });
  return period;
}

function findPeriod(kind: 'month' | 'day', now: number, timeZone: string): Period {
  const { year, month, day } = dateIn(timeZone, now);
  const digits = (value: number) => String(value).padStart(2, '0');
  return kind === 'month'
    ? { name: `month:${year}-${digits(month)}`, endsAt: startOfDay(year, month + 1, 1, timeZone) }
    : {
        name: `day:${year}-${digits(month)}-${digits(day)}`,
        endsAt: startOfDay(year, month, day + 1, timeZone),
      };
}
