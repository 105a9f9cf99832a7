/** What a version has done since it was loaded. Times are in milliseconds. */
export class VersionStats {
  /** Predictions answered, and the rows in them. */
  answered = 0;
  rows = 0;
  failed = 0;
  /** Sums over the predictions answered: waiting for a batch, and computing it. */
  waitMs = 0;
  runMs = 0;
  failedMs = 0;
  /** Turned away when they came, or pushed out by more urgent ones: too many waited, or a deadline could not be met. */
  refused = 0;
  /** Let in and then left: the caller had gone, or the deadline had passed. */
  dropped = 0;
  batches = 0;
  /** Milliseconds since 1970; 0 before the first. */
  lastAt = 0;
  /** Batches by their number of rows. */
  readonly bySize = new Map<number, { count: number; runMs: number }>();

  answer(rows: number, waitMs: number, runMs: number): void {
    this.answered++;
    this.rows += rows;
    this.waitMs += waitMs;
    this.runMs += runMs;
    this.lastAt = Date.now();
  }

  fail(ms: number): void {
    this.failed++;
    this.failedMs += ms;
    this.lastAt = Date.now();
  }

  batch(rows: number, runMs: number): void {
    this.batches++;
    const known = this.bySize.get(rows);
    if (known === undefined) this.bySize.set(rows, { count: 1, runMs });
    else {
      known.count++;
      known.runMs += runMs;
    }
  }
}
