import { VitrinaError } from '../errors.js';

/** Milliseconds that an answer may take, and for which it is believed. */
const pingMs = 1_000;

/**
 * Asks the database whether it is there by `ask`, not more often than once a second however many want to know, since
 * health checks are open to anybody.
 */
export function boundedPing(ask: () => Promise<unknown>): () => Promise<void> {
  let last: { readonly until: number; readonly answer: Promise<void> } | undefined;
  return () => {
    const now = performance.now();
    if (last === undefined || now >= last.until) {
      const answer = withinASecond(ask());
      // Whoever asks waits for it; with nobody left, the refusal is no fault of the program.
      answer.catch(() => undefined);
      last = { until: now + pingMs, answer };
    }
    return last.answer;
  };
}

async function withinASecond(answer: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(unavailable(`it said nothing for ${pingMs} ms`)), pingMs);
  });
  try {
    await Promise.race([answer, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** The error of the catalogue for a database that may be back in a moment. */
export function unavailable(why: string, cause?: unknown): VitrinaError<'storage-unavailable'> {
  return new VitrinaError('storage-unavailable', { why }, { cause, headers: { 'Retry-After': '1' } });
}
