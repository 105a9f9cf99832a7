import type { TraceSettings } from './settings.js';
import type { Traceparent } from './traceparent.js';

/** Traces a second, and at once, that are kept because callers ask for it: whoever may call could ask for all. */
const askedPerSecond = 100;
const askedAtOnce = 1_000;

/** Decides with a look at the caller's flag, or at one random number, whether a request is traced. */
export class Sampler {
  private readonly ratio: number;
  private readonly parentBased: boolean;
  private credit = askedAtOnce;
  private creditedAt: number;

  /** @param clock milliseconds that only grow */
  constructor(
    { ratio, parentBased }: Pick<TraceSettings, 'ratio' | 'parentBased'>,
    private readonly clock: () => number = () => performance.now(),
  ) {
    this.ratio = ratio;
    this.parentBased = parentBased;
    this.creditedAt = clock();
  }

  keeps(parent: Traceparent | undefined): boolean {
    if (parent === undefined || !this.parentBased) return this.ratio > 0 && Math.random() < this.ratio;
    // An owner who keeps everything has nothing to be protected from.
    return parent.sampled && (this.ratio >= 1 || this.spend());
  }

  private spend(): boolean {
    const now = this.clock();
    this.credit = Math.min(askedAtOnce, this.credit + ((now - this.creditedAt) / 1000) * askedPerSecond);
    this.creditedAt = now;
    if (this.credit < 1) return false;
    this.credit--;
    return true;
  }
}
