import { JobPostponed, JobRefused, type OutboundClient, retryAfterMs, VitrinaError } from '../../index.js';

/** Milliseconds for one attempt to be heard. */
const tellMs = 30_000;
/** A server may ask for patience, but not for ever. */
const mostPatienceMs = 3_600_000;

/**
 * Posts `body` as JSON, signed where there is a secret (`X-Vitrina-Signature`), and gives what was answered. Anything but
 * 2xx is worth another attempt: whoever is to hear it may be down, or be put right.
 */
export async function tell(
  client: OutboundClient,
  url: string | undefined,
  body: unknown,
  signal: AbortSignal,
  secret: string | undefined,
): Promise<{ readonly status: number }> {
  if (url === undefined) throw new JobRefused('There is no address to tell any more: its setting was removed.');
  const { status, headers } = await client
    .send({
      url,
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
      timeoutMs: tellMs,
      signal,
      ...(secret === undefined ? {} : { sign: { secret } }),
    })
    .catch((error: unknown) => {
      throw error instanceof VitrinaError ? new JobPostponed(error.message, 0) : error;
    });
  if (status >= 200 && status < 300) return { status };
  const patience = retryAfterMs(headers, Date.now(), mostPatienceMs) ?? 0;
  throw new JobPostponed(`The answer was ${status}, and 2xx was expected.`, patience);
}
