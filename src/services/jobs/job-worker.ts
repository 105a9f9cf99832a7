import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Storage } from '../../storage/index.js';
import { claim, claimByIds, type Holder } from './claims.js';
import type { ClaimedJob, JobDefinition } from './job.js';
import { JobRun } from './job-run.js';
import { extendLeases } from './leases.js';
import { giveBack } from './outcomes.js';
import { ResultWriter } from './result-writer.js';

export interface JobLog {
  warn(fields: object, text: string): void;
  error(fields: object, text: string): void;
}

export interface JobWorkerOptions {
  readonly storage: Storage;
  readonly definitions: readonly JobDefinition[];
  /** Jobs that run at a time. */
  readonly concurrency: number;
  /** Milliseconds after which a worker that says nothing counts as dead, and its jobs are another's. */
  readonly leaseMs: number;
  /** Milliseconds between looks for jobs of which nobody has told. */
  readonly pollMs: number;
  readonly log: JobLog;
  readonly clock?: () => number;
}

/** Milliseconds between writes of how far jobs are. */
const progressMs = 500;

/** Milliseconds before a database that was away is asked for jobs again. */
const retryMs = 250;

/** Jobs that a message broker says are there. */
export interface Offer {
  readonly id: string;
  /** The database has decided on it. */
  done(): void;
}

/**
 * Runs jobs, several at a time. Each is this worker's for the time of a lease, which it renews; a worker that dies, or
 * cannot reach the database for so long, loses its jobs to others.
 *
 * A job is done at least once: its end is written once, by the worker that has the lease then.
 */
export class JobWorker {
  /** Names this worker among all. */
  readonly id = `${hostname()}:${process.pid}:${randomBytes(6).toString('hex')}`;
  private readonly definitions: ReadonlyMap<string, JobDefinition>;
  private readonly kinds: readonly string[];
  private readonly runs = new Map<string, JobRun>();
  private readonly offers: Offer[] = [];
  private readonly results: ResultWriter;
  private pumping: Promise<void> | undefined;
  /** Whether there may be more jobs than were taken the last time. */
  private more = true;
  private state: 'new' | 'working' | 'stopping' = 'new';
  private timers: NodeJS.Timeout[] = [];
  private emptied: (() => void) | undefined;

  constructor(private readonly options: JobWorkerOptions) {
    this.definitions = new Map(options.definitions.map((definition) => [definition.name, definition]));
    this.kinds = [...this.definitions.keys()];
    this.results = new ResultWriter(options.storage, this.id, options.log, (row) => this.free(row));
  }

  start(): void {
    this.state = 'working';
    const { pollMs, leaseMs } = this.options;
    this.timers = [
      setInterval(() => this.wake(), pollMs),
      setInterval(() => void this.results.writeProgress([...this.runs.values()]), progressMs),
      setInterval(() => void this.renew(), leaseMs / 3),
    ];
    this.wake();
  }

  /** There may be something to do. */
  wake(): void {
    this.more = true;
    this.pump();
  }

  /**
   * Jobs that a broker has delivered. As many wait here as run; what is beyond that would keep messages from a broker that
   * does not wait for ever, and is found in the database by whoever is free first.
   */
  offer(offers: readonly Offer[]): void {
    this.offers.push(...offers);
    for (const offer of this.offers.splice(this.options.concurrency * 2)) {
      this.more = true;
      offer.done();
    }
    this.pump();
  }

  get busy(): number {
    return this.runs.size;
  }

  /** Takes no more; gives those that run `graceMs` to end, and then back what has not. */
  async stop(graceMs: number): Promise<void> {
    this.state = 'stopping';
    await this.pumping;
    const [poll, ...others] = this.timers;
    clearInterval(poll);
    if (this.runs.size > 0) {
      await new Promise<void>((resolve) => {
        this.emptied = resolve;
        setTimeout(resolve, graceMs).unref();
      });
    }
    for (const timer of others) clearInterval(timer);
    const left = [...this.runs.values()];
    for (const run of left) run.abandon(new Error('The worker stops'));
    await this.results.close();
    await giveBack(
      this.options.storage.db,
      this.id,
      left.map(({ row }) => row.id),
    ).catch((error: unknown) => {
      this.options.log.warn(
        { err: error },
        'Jobs could not be given back; others take them when their lease has run out.',
      );
    });
  }

  private pump(): void {
    if (this.pumping !== undefined || this.state !== 'working') return;
    if (this.runs.size >= this.options.concurrency || (!this.more && this.offers.length === 0)) return;
    this.pumping = this.take()
      .catch(async (error: unknown) => {
        this.more = false;
        this.options.log.warn({ err: error }, 'No jobs could be taken; it is tried again.');
        // Offers that wait would be tried at once, and a database that is away refuses at once.
        await sleep(retryMs);
      })
      .finally(() => {
        this.pumping = undefined;
        this.pump();
      });
  }

  private async take(): Promise<void> {
    const free = this.options.concurrency - this.runs.size;
    const { storage } = this.options;
    if (this.offers.length > 0) {
      const offers = this.offers.splice(0, free);
      let rows: ClaimedJob[];
      try {
        rows = await claimByIds(
          storage,
          this.kinds,
          offers.map(({ id }) => id),
          this.holder(),
        );
      } catch (error) {
        this.offers.unshift(...offers);
        throw error;
      }
      for (const offer of offers) offer.done();
      // Another worker's, ended, or one whose limits have to be looked at.
      if (rows.length < offers.length) this.more = true;
      for (const row of rows) this.begin(row);
      return;
    }
    this.more = false;
    const rows = await claim(storage, this.kinds, free, this.holder());
    if (rows.length === free) this.more = true;
    for (const row of rows) this.begin(row);
  }

  private holder(): Holder {
    const now = this.now();
    return { worker: this.id, now, leaseUntil: now + this.options.leaseMs };
  }

  private begin(row: ClaimedJob): void {
    // An attempt of its own that has lost its lease, as while the database was away, and has not heard of it.
    this.runs.get(row.id)?.abandon(new Error('The job is run anew'));
    const run = new JobRun(row, this.definitions.get(row.name)!, () => this.now(), this.options.log);
    this.runs.set(row.id, run);
    void run.start().then((outcome) => {
      if (outcome === undefined) this.free(row);
      else this.results.write(outcome);
    });
  }

  /** The job's end is written, or it is no longer this worker's. */
  private free(row: ClaimedJob): void {
    if (this.runs.get(row.id)?.row !== row) return;
    this.runs.delete(row.id);
    // The end of a job with a limit makes room for one that waits.
    if (row.limited === 1) this.more = true;
    if (this.runs.size === 0) this.emptied?.();
    this.pump();
  }

  private async renew(): Promise<void> {
    if (this.runs.size === 0) return;
    const before = [...this.runs.values()];
    try {
      const ids = before.map(({ row }) => row.id);
      const held = await extendLeases(this.options.storage.db, this.holder(), ids);
      for (const run of before) {
        const cancelAt = held.get(run.row.id);
        if (cancelAt === undefined) run.abandon(new Error('The job is no longer this worker’s'));
        else if (cancelAt !== null) run.cancel();
      }
    } catch (error) {
      this.options.log.warn({ err: error }, 'The leases of running jobs could not be renewed; it is tried again.');
    }
  }

  private now(): number {
    return (this.options.clock ?? Date.now)();
  }
}
