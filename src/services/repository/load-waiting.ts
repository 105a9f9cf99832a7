import { VitrinaError } from '../../errors.js';
import type { Caller } from '../batching/batcher.js';

/** Requests that wait for versions to be loaded: no more than `limit`, each as long as its caller. */
export class LoadWaiting {
  private count = 0;

  constructor(private readonly limit: number) {}

  /**
   * Takes steps until one gives a value rather than something to wait for.
   * Errors: `loads-waiting`, `deadline-exceeded`, `request-abandoned`, those of `step`.
   */
  async wait<T>(model: string, caller: Caller | undefined, step: () => T | Promise<void>): Promise<T> {
    const { limit } = this;
    if (this.count >= limit) {
      throw new VitrinaError('loads-waiting', { model, limit }, { headers: { 'retry-after': '1' } });
    }
    this.count++;
    const arrived = performance.now();
    try {
      for (;;) {
        const next = step();
        if (!(next instanceof Promise)) return next;
        await before(next, caller?.deadline);
        if (caller?.gone) throw new VitrinaError('request-abandoned', {});
        if (caller?.deadline !== undefined && performance.now() >= caller.deadline) {
          throw new VitrinaError('deadline-exceeded', { waitedMs: performance.now() - arrived });
        }
      }
    } finally {
      this.count--;
    }
  }
}

/** Settles with `work`, or at `deadline` on the clock of `performance.now()`, whichever comes first. */
async function before(work: Promise<void>, deadline: number | undefined): Promise<void> {
  if (deadline === undefined) return work;
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, Math.max(0, deadline - performance.now()));
  });
  await Promise.race([work, late]);
  clearTimeout(timer);
}
