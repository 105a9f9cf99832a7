import { VitrinaError } from '../../errors.js';
import { isRealDay } from '../../time-zones.js';

const hour = 3_600_000;
const lengths = { m: hour / 60, h: hour, d: 24 * hour, w: 7 * 24 * hour, y: 365 * 24 * hour } as const;

/**
 * A length from now (`30m`, `12h`, `90d`, `4w`, `1y` of 365 days), a day in UTC (`2030-01-31`, its beginning) or an
 * RFC 3339 time, as epoch milliseconds.
 *
 * @throws VitrinaError `expiry-invalid` for anything else, and for what is past
 */
export function parseExpiry(text: string, now: number): number {
  const [, count, unit] = /^([1-9]\d{0,4})([mhdwy])$/.exec(text) ?? [];
  const time =
    count !== undefined
      ? now + Number(count) * lengths[unit as keyof typeof lengths]
      : /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d))?$/.test(text)
        ? Date.parse(text)
        : Number.NaN;
  const isDay = count !== undefined || isRealDay(text.slice(0, 10));
  if (Number.isNaN(time) || time <= now || !isDay) throw new VitrinaError('expiry-invalid', { value: text });
  return time;
}
