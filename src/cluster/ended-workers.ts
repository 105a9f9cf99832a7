import { mergeSamples, type Samples } from '../services/metrics/exposition.js';

/** Why there is a new worker. */
export type ReplacementReason = 'died' | 'rolled';

/** The primary's share of the metrics. */
export interface PrimaryMetrics {
  /** What workers counted that have ended. */
  readonly ended: Samples;
}

/**
 * What workers counted that have ended: without it, the sums over all workers would fall whenever one of them is
 * replaced. Workers tell every few seconds, and when they leave; one that dies takes no more than that along.
 */
export class EndedWorkers {
  private readonly told = new Map<object, Samples>();
  private sum: Samples = new Map();
  private readonly replaced: Record<ReplacementReason, number> = { died: 0, rolled: 0 };

  /** @param samples all that `worker` counted so far, without gauges */
  tell(worker: object, samples: Samples): void {
    this.told.set(worker, samples);
  }

  end(worker: object): void {
    const last = this.told.get(worker);
    this.told.delete(worker);
    if (last !== undefined) this.sum = mergeSamples([this.sum, last]);
  }

  replace(reason: ReplacementReason): void {
    this.replaced[reason]++;
  }

  metrics(): PrimaryMetrics {
    const restarts = Object.entries(this.replaced).map(([reason, count]) => [`reason="${reason}"`, count] as const);
    return { ended: new Map(this.sum).set('vitrina_worker_restarts_total', new Map(restarts)) };
  }
}
