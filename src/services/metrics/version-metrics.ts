import type { VersionStats } from '../batching/version-stats.js';
import type { ReadyVersion } from '../repository/ready-version.js';
import { Histogram } from './histogram.js';

export const stages = ['parse', 'queue', 'run', 'write', 'total'] as const;
export type Stage = (typeof stages)[number];

/** Batchers of one version whose sizes are still kept apart: those before have long answered what they had accepted. */
const livingBatchers = 4;

/** What one version has done since the server knows it, however often it was loaded meanwhile. */
export class VersionMetrics {
  answered = 0;
  rows = 0;
  readonly failures = new Map<string, number>();
  readonly stages: Readonly<Record<Stage, Histogram>> = {
    parse: new Histogram(),
    queue: new Histogram(),
    run: new Histogram(),
    write: new Histogram(),
    total: new Histogram(),
  };
  private readonly batchers: VersionStats[] = [];
  private readonly earlierSizes = new Map<number, number>();

  constructor(
    readonly model: string,
    readonly version: string,
  ) {}

  /** Counts the batches of this loading of the version as well. */
  follow({ batcher: { stats } }: ReadyVersion): void {
    if (this.batchers.includes(stats)) return;
    this.batchers.push(stats);
    if (this.batchers.length > livingBatchers) addSizes(this.earlierSizes, this.batchers.shift()!);
  }

  fail(reason: string): void {
    this.failures.set(reason, (this.failures.get(reason) ?? 0) + 1);
  }

  /** Batches by their number of rows. */
  batchSizes(): Map<number, number> {
    const sizes = new Map(this.earlierSizes);
    for (const stats of this.batchers) addSizes(sizes, stats);
    return sizes;
  }
}

function addSizes(sizes: Map<number, number>, { bySize }: VersionStats): void {
  for (const [rows, { count }] of bySize) sizes.set(rows, (sizes.get(rows) ?? 0) + count);
}
