import type { TraceSettings } from './settings.js';
import type { Traceparent } from './traceparent.js';

/** Traces a second, and at once, that are kept because callers ask for it: whoever may call could ask for all. */
const askedPerSecond = 100;
const askedAtOnce = 1_000;

/** Decides with a look at the caller's flag, or at one random number, whether a request is traced. */
export class Sampler {
  private readonly ratio: number;
  private readonly parentBased: boolean;
  private readonly asked: Allowance;
  private readonly own: Allowance;

  /** @param clock milliseconds that only grow */
  constructor(
    { ratio, parentBased, perSecond }: Pick<TraceSettings, 'ratio' | 'parentBased' | 'perSecond'>,
    clock: () => number = () => performance.now(),
  ) {
    this.ratio = ratio;
    this.parentBased = parentBased;
    this.asked = new Allowance(askedPerSecond, askedAtOnce, clock);
    this.own = new Allowance(perSecond, perSecond, clock);
  }

  keeps(parent: Traceparent | undefined): boolean {
    if (parent === undefined || !this.parentBased)
      return this.ratio > 0 && Math.random() < this.ratio && this.own.spend();
    // An owner who keeps everything has nothing to be protected from.
    return parent.sampled && (this.ratio >= 1 || this.asked.spend());
  }
}

/** So many a second, and what was not spent may be spent later, up to so many at once. */
class Allowance {
  private credit: number;
  private creditedAt: number;

  constructor(
    private readonly perSecond: number,
    private readonly atOnce: number,
    private readonly clock: () => number,
  ) {
    this.credit = atOnce;
    this.creditedAt = clock();
  }

  spend(): boolean {
    if (this.perSecond === Number.POSITIVE_INFINITY) return true;
    const now = this.clock();
    this.credit = Math.min(this.atOnce, this.credit + ((now - this.creditedAt) / 1000) * this.perSecond);
    this.creditedAt = now;
    if (this.credit < 1) return false;
    this.credit--;
    return true;
  }
}
