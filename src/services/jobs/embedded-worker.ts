import type { Worker } from 'node:worker_threads';
import type { Config } from '../../config.js';
import { endThread, startThread } from '../../thread.js';
import type { JobDesk } from './job-desk.js';
import type { Waking } from './job-queue.js';
import type { JobLog } from './job-worker.js';

export type ToJobThread = { readonly wake: readonly Waking[] } | 'stop';
export type FromJobThread = { readonly failure: string } | 'started';

/** Milliseconds between looks for jobs that other processes have left. */
const lookMs = 5_000;
/** Milliseconds before a thread that ended by itself is started anew. */
const restartMs = 1_000;
/** How long a thread may take beyond the grace that its jobs get. */
const lateMs = 5_000;

/**
 * Does jobs in a thread of the server, which starts with the first job: neither their computing nor an HTTP client's
 * streams, which would slow down every request, come onto the thread that serves.
 */
export class EmbeddedWorker {
  private thread: Worker | undefined;
  private timer: NodeJS.Timeout | undefined;
  private stopping = false;

  constructor(
    private readonly config: Config,
    private readonly desk: Pick<JobDesk, 'pending'>,
    private readonly log: JobLog,
  ) {}

  /** Follows the database, and takes up what is there. @param atOnce whether the thread is needed in any case */
  start(atOnce: boolean): void {
    if (atOnce) this.wake([]);
    const look = async () => {
      try {
        if (this.thread === undefined && (await this.desk.pending())) this.wake([]);
      } catch {
        // The database is away; it is asked again.
      }
    };
    void look();
    this.timer = setInterval(() => void look(), lookMs).unref();
  }

  wake(jobs: readonly Waking[]): void {
    if (this.stopping) return;
    this.thread ??= this.begin();
    this.thread.postMessage({ wake: jobs } satisfies ToJobThread);
  }

  /** Lets jobs that run end for `graceMs`; others take up the rest. */
  async stop(graceMs: number): Promise<void> {
    this.stopping = true;
    clearInterval(this.timer);
    const { thread } = this;
    if (thread === undefined) return;
    await endThread(thread, 'stop' satisfies ToJobThread, graceMs + lateMs);
  }

  private begin(): Worker {
    const thread = startThread('job-thread', { name: 'vitrina-jobs', workerData: this.config });
    thread.on('message', (message: FromJobThread) => {
      if (message !== 'started') this.log.error({}, `Jobs cannot be done here: ${message.failure}`);
    });
    thread.on('error', (error) =>
      this.log.error({ err: error }, 'The thread that does jobs failed; it is started anew.'),
    );
    thread.once('exit', () => {
      this.thread = undefined;
      if (!this.stopping) setTimeout(() => this.wake([]), restartMs).unref();
    });
    return thread;
  }
}
