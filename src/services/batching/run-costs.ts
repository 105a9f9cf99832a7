import type { Timing } from '../../runtime/index.js';

/** How much of a new measurement counts: what happened in the last dozen batches. */
const weight = 0.15;
/** A measurement counts as at most this many times what was expected: one pause of the machine is no trend. */
const mostTimes = 4;

/**
 * What runs cost here and now, by the batches of the last while: from it follows how long a request would wait.
 * Milliseconds throughout.
 */
export class RunCosts {
  /** Of all runs, wherever they were computed, and of those that nothing was handed over for. */
  private readonly runs: CostsBySize;
  private readonly direct: CostsBySize;
  /** From the start of one batch to that of the next while requests waited, for each row. */
  private perRow: number | undefined;
  private spread = 0;
  private quickest = Number.POSITIVE_INFINITY;

  constructor(timing: Timing | undefined) {
    this.runs = new CostsBySize(timing);
    this.direct = new CostsBySize(timing);
    if (timing !== undefined) this.quickest = timing.singleMs;
  }

  /** The quickest run that there was, of however many rows; 0 as long as nothing is known. */
  get least(): number {
    return Number.isFinite(this.quickest) ? this.quickest : 0;
  }

  /** @param handed to a thread beside the event loop: that takes longer the busier the machine is */
  ran(rows: number, ms: number, handed: boolean): void {
    this.quickest = Math.min(this.quickest, ms);
    this.runs.add(rows, ms);
    if (!handed) this.direct.add(rows, ms);
  }

  /** A batch of `rows` rows, started while others waited, kept the next one waiting for `ms`. */
  drained(rows: number, ms: number): void {
    const sample = ms / rows;
    if (this.perRow === undefined) {
      this.perRow = sample;
      this.spread = sample / 4;
      return;
    }
    const difference = Math.min(sample, mostTimes * this.perRow) - this.perRow;
    this.perRow += weight * difference;
    this.spread += weight * (Math.abs(difference) - this.spread);
  }

  /** A run of this many rows; 0 as long as nothing is known. */
  run(rows: number): number {
    return this.runs.of(rows);
  }

  /** The same where nothing is handed over. */
  runDirectly(rows: number): number {
    return this.direct.of(rows);
  }

  /** Working off this many waiting rows in batches of `batchRows`, rather too long than too short. */
  drain(rows: number, batchRows: number): number {
    if (this.perRow !== undefined) return rows * (this.perRow + this.spread);
    return Math.ceil(rows / batchRows) * this.run(Math.min(rows, batchRows));
  }
}

/** By the power of two that rows reach. */
class CostsBySize {
  private readonly costs: (number | undefined)[] = [];

  constructor(timing: Timing | undefined) {
    if (timing === undefined) return;
    this.costs[0] = timing.singleMs;
    this.costs[sizeClass(timing.batchRows)] = timing.batchMs;
  }

  add(rows: number, ms: number): void {
    const size = sizeClass(rows);
    const known = this.costs[size];
    this.costs[size] = known === undefined ? ms : known + weight * (Math.min(ms, mostTimes * known) - known);
  }

  of(rows: number): number {
    const size = sizeClass(rows);
    for (let down = size; down >= 0; down--) {
      const known = this.costs[down];
      // Of a smaller run, what it took for each row: a larger one costs no more than that.
      if (known !== undefined) return down === size ? known : known * (rows / 2 ** down);
    }
    return this.costs.find((known) => known !== undefined) ?? 0;
  }
}

const sizeClass = (rows: number): number => 31 - Math.clz32(rows);
