import type { Config } from '../../config.js';
import type { Storage } from '../../storage/index.js';
import { EmbeddedWorker } from './embedded-worker.js';
import { type JobCounts, JobDesk } from './job-desk.js';
import { JobQueue, type Waking } from './job-queue.js';
import { JobWatch } from './job-watch.js';
import type { JobLog } from './job-worker.js';

/** Milliseconds for which counts of jobs are believed. */
const countsMs = 5_000;

/** What a server has to do with jobs: it asks for them, looks at them, and does them itself unless told otherwise. */
export class ServerJobs {
  readonly queue: JobQueue;
  readonly desk: JobDesk;
  readonly watch: JobWatch;
  private readonly worker: EmbeddedWorker;
  private counted: { readonly at: number; readonly counts: Promise<Counted> } | undefined;
  private last: Counted = { waiting: [], totals: [] };

  constructor(config: Config, storage: Storage, log: JobLog) {
    const wake = (jobs: readonly Waking[]) => this.worker.wake(jobs);
    this.queue = new JobQueue({ storage, keepDays: config['job-keep-days'], wake });
    this.desk = new JobDesk(storage, wake);
    this.watch = new JobWatch(storage);
    this.worker = new EmbeddedWorker(config, this.desk, log);
  }

  /** @param atOnce whether jobs recur, or a broker has to be told of those that are left */
  start(atOnce: boolean): void {
    this.worker.start(atOnce);
    this.counts();
  }

  /** The last counts there are, for metrics; new ones are fetched for the next who asks. */
  counts(): Counted {
    const now = performance.now();
    if (this.counted === undefined || now - this.counted.at > countsMs) {
      const counts = Promise.all([this.desk.counts(), this.desk.totals()]).then(([waiting, totals]) => ({
        waiting,
        totals,
      }));
      this.counted = { at: now, counts };
      counts.then(
        (fetched) => {
          this.last = fetched;
        },
        () => undefined,
      );
    }
    return this.last;
  }

  async stop(graceMs: number): Promise<void> {
    this.watch.close();
    await this.worker.stop(graceMs);
  }
}

interface Counted {
  readonly waiting: readonly JobCounts[];
  readonly totals: Awaited<ReturnType<JobDesk['totals']>>;
}
