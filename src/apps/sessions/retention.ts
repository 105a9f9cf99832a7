import { type Platform, purgeEvents, VitrinaError } from '../../index.js';

const everyMs = 3_600_000;
const dayMs = 86_400_000;

/** Removes embedded events that are older than so many days, now and every hour. Gives the function that ends it. */
export function startRetention({ storage, log }: Platform, days: number): () => Promise<void> {
  const ending = new AbortController();
  let sweeping: Promise<void> = Promise.resolve();
  const sweep = async () => {
    try {
      const removed = await purgeEvents(storage, Date.now() - days * dayMs, ending.signal);
      if (removed > 0) log.info({ removed }, `Removed ${removed} events of more than ${days} days.`);
    } catch (error) {
      // The next sweep finds what this one left.
      if (!ending.signal.aborted) {
        log.warn({ err: error }, `Old events stay for now: ${error instanceof VitrinaError ? error.message : error}`);
      }
    }
  };
  const run = () => {
    sweeping = sweeping.then(sweep);
  };
  run();
  const timer = setInterval(run, everyMs).unref();
  return async () => {
    clearInterval(timer);
    ending.abort();
    await sweeping;
  };
}
