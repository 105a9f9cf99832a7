export interface RetryDelays {
  /** Milliseconds before the second attempt. */
  readonly firstMs: number;
  /** Milliseconds that no delay exceeds. */
  readonly mostMs: number;
}

/**
 * Milliseconds to wait after attempt number `attempt` (from 1) has failed: doubled each time up to `mostMs`, of which
 * one half is certain and the other is left to chance ("equal jitter"), so that those who failed together do not come
 * back together.
 */
export function retryDelay(attempt: number, { firstMs, mostMs }: RetryDelays, random = Math.random): number {
  const ceiling = Math.min(mostMs, firstMs * 2 ** Math.min(attempt - 1, 52));
  return Math.round(ceiling / 2 + (random() * ceiling) / 2);
}

/**
 * Milliseconds from `now` (epoch milliseconds) after which `Retry-After` (RFC 9110, 10.2.3) asks to come again: seconds
 * or one of the three forms of a date, at most `mostMs`. Nothing where the header is absent or says neither.
 */
export function retryAfterMs(
  headers: Readonly<Record<string, string | readonly string[] | undefined>>,
  now: number,
  mostMs: number,
): number | undefined {
  const value = headers['retry-after'];
  if (typeof value !== 'string') return undefined;
  const text = value.trim();
  if (/^\d+$/.test(text)) return Math.min(Number(text) * 1000, mostMs);
  if (!/^(Mon|Tue|Wed|Thu|Fri|Sat|Sun)/.test(text)) return undefined;
  // The form of asctime has no zone, and means GMT as well.
  const at = Date.parse(text.endsWith('GMT') ? text : `${text} GMT`);
  return Number.isNaN(at) ? undefined : Math.min(Math.max(at - now, 0), mostMs);
}
