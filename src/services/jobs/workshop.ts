import { VitrinaError } from '../../errors.js';
import type { Storage } from '../../storage/index.js';
import type { JobDefinition } from './job.js';
import { JobQueue, type Waking } from './job-queue.js';
import { JobSweeper } from './job-sweeper.js';
import { type JobLog, JobWorker, type Offer } from './job-worker.js';
import { markAnnounced } from './leases.js';

/** A message broker between those who ask for jobs and those who do them; the database decides all the same. */
export interface Broker {
  /** Resolves when the broker has them safely. */
  publish(jobs: readonly Waking[]): Promise<void>;
  /** Begins to deliver; at most `most` messages, of one job or of some that came together, are out at a time. */
  consume(most: number, deliver: (offers: readonly Offer[]) => void): Promise<void>;
  /** Delivers no more; those delivered can still be done. */
  pause(): Promise<void>;
  close(): Promise<void>;
}

export interface WorkshopOptions {
  readonly storage: Storage;
  readonly definitions: readonly JobDefinition[];
  /** Jobs that run at a time; 0: it only tells the broker of jobs, and looks after them. */
  readonly concurrency: number;
  readonly leaseMs: number;
  readonly keepDays: number;
  readonly broker?: Broker;
  readonly log: JobLog;
}

/** Milliseconds between looks into the database: where nobody else tells of jobs, and where a broker does. */
const pollMs = { alone: 400, withBroker: 2_000 };

/** Milliseconds after which jobs that nobody has taken are marked as announced; before the sweep would announce them again. */
const markAfterMs = 500;

/** All that a process needs to do jobs: workers, what time does to jobs, and the broker where there is one. */
export class Workshop {
  readonly queue: JobQueue;
  private readonly worker: JobWorker | undefined;
  private readonly sweeper: JobSweeper;
  private readonly announcements: Waking[] = [];
  private announcing: Promise<void> | undefined;
  private readonly announced: string[] = [];
  private marking: NodeJS.Timeout | undefined;

  constructor(private readonly options: WorkshopOptions) {
    const { storage, definitions, concurrency, leaseMs, keepDays, broker, log } = options;
    const wake = (jobs: readonly Waking[]) => this.wake(jobs);
    this.queue = new JobQueue({ storage, keepDays, wake });
    this.worker =
      concurrency === 0
        ? undefined
        : new JobWorker({
            storage,
            definitions,
            concurrency,
            leaseMs,
            pollMs: broker === undefined ? pollMs.alone : pollMs.withBroker,
            log,
          });
    this.sweeper = new JobSweeper({
      storage,
      queue: this.queue,
      definitions,
      wake,
      announcing: broker !== undefined,
      log,
    });
  }

  /** Errors: those of a broker that refuses for good; one that is away is waited for, and the database asked meanwhile. */
  async start(): Promise<void> {
    const { broker, concurrency } = this.options;
    this.worker?.start();
    this.sweeper.start();
    if (broker !== undefined && this.worker !== undefined) {
      // As many wait here as run, so that nobody waits for the broker.
      const most = Math.max(4, concurrency * 2);
      await broker
        .consume(most, (offers) => this.worker!.offer(offers))
        .catch((error: unknown) => {
          if (!(error instanceof VitrinaError) || error.code !== 'queue-unavailable') throw error;
          this.options.log.warn(
            { err: error },
            'The message broker is away; workers look into the database until it is back.',
          );
        });
    }
  }

  /** Jobs that may run now. */
  wake(jobs: readonly Waking[]): void {
    if (this.options.broker === undefined) this.worker?.wake();
    else if (jobs.length > 0) {
      this.announcements.push(...jobs);
      this.announcing ??= this.announce(this.options.broker);
    }
  }

  get busy(): number {
    return this.worker?.busy ?? 0;
  }

  async stop(graceMs: number): Promise<void> {
    const { broker } = this.options;
    await this.sweeper.stop();
    await broker?.pause();
    await this.worker?.stop(graceMs);
    await this.announcing;
    clearTimeout(this.marking);
    await broker?.close();
  }

  /**
   * Remembers in the database that the broker knows. Most jobs have been taken by then, and need no mark; what a crash
   * leaves unmarked is announced a second time, which does no harm.
   */
  private mark(jobs: readonly Waking[]): void {
    for (const { id } of jobs) this.announced.push(id);
    this.marking ??= setTimeout(() => {
      this.marking = undefined;
      const ids = this.announced.splice(0);
      markAnnounced(this.options.storage, ids).catch((error: unknown) => {
        this.options.log.warn({ err: error }, 'Jobs could not be marked as announced; they are announced again.');
      });
    }, markAfterMs);
  }

  private async announce(broker: Broker): Promise<void> {
    await new Promise(setImmediate);
    while (this.announcements.length > 0) {
      const jobs = this.announcements.splice(0, 1_000);
      try {
        await broker.publish(jobs);
        this.mark(jobs);
      } catch (error) {
        // The database remembers who was not announced; a worker of this process need not wait for that.
        this.options.log.warn({ err: error }, 'The message broker could not be told of jobs; it is tried again.');
        this.worker?.wake();
        break;
      }
    }
    this.announcements.length = 0;
    this.announcing = undefined;
  }
}
