import { VitrinaError } from '../../errors.js';

/** What may be used; `null`: any number. */
export interface Limits {
  /** Rows predicted in a calendar month, and in a day. */
  readonly monthly: number | null;
  readonly daily: number | null;
  /** Requests, of whatever kind, within any so many seconds. */
  readonly rate: RateLimit | null;
}

export interface RateLimit {
  readonly requests: number;
  readonly seconds: number;
}

export const unlimited: Limits = Object.freeze({ monthly: null, daily: null, rate: null });

const largest = 2_000_000_000;
const longestSeconds = 86_400;

const isCount = (value: number): boolean => Number.isSafeInteger(value) && value >= 1 && value <= largest;

/** @throws VitrinaError `limit-invalid` */
export function checkLimits({ monthly, daily, rate }: Limits): void {
  const fault = (limit: string, value: string, expected: string) =>
    new VitrinaError('limit-invalid', { limit, value, expected });
  for (const [limit, value] of Object.entries({ monthly, daily })) {
    if (value !== null && !isCount(value)) throw fault(limit, String(value), `a whole number from 1 to ${largest}`);
  }
  if (rate === null) return;
  const { requests, seconds } = rate;
  if (!isCount(requests)) throw fault('rate', String(requests), `a whole number of requests from 1 to ${largest}`);
  if (!Number.isSafeInteger(seconds) || seconds < 1 || seconds > longestSeconds) {
    throw fault('rate', `${seconds} s`, `a whole number of seconds from 1 to ${longestSeconds}`);
  }
}

const units = { s: 1, m: 60, h: 3600, d: 86_400 } as const;

/** `100/m`, `5/10s`: requests within so many seconds. @throws VitrinaError `limit-invalid` */
export function parseRate(text: string): RateLimit {
  const [, requests, count, unit] = /^(\d{1,10})\/(\d{0,5})([smhd])$/.exec(text) ?? [];
  if (requests === undefined) {
    const expected = 'a number of requests and a length of time, like 100/m or 5/10s';
    throw new VitrinaError('limit-invalid', { limit: 'rate', value: text.slice(0, 40), expected });
  }
  const rate = {
    requests: Number(requests),
    seconds: (count === '' ? 1 : Number(count)) * units[unit as keyof typeof units],
  };
  checkLimits({ ...unlimited, rate });
  return rate;
}
