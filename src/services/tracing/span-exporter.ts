import type { Worker } from 'node:worker_threads';
import { startThread } from '../../thread.js';
import { version as serverVersion } from '../../version.js';
import type { ExportOptions, FromExport, ToExport, TraceRecord } from './span.js';

/** Records travel together, this often. */
const sendEveryMs = 500;
/** Records that the thread has not taken yet; what would exceed them is dropped. */
const mostUntaken = 4_000;
/** When the server stops, they wait so long for their export. */
const flushMs = 3_000;
const warnEveryMs = 60_000;

/**
 * Hands what is over to a thread that makes spans of it and exports them. OpenTelemetry's exporter is a client of HTTP: on the thread that serves, its
 * sockets and streams would share the compiled code of the server's own, which becomes slower for every request by far
 * more than the exports take.
 */
export class SpanExporter {
  private thread: Worker | undefined;
  /** Resolves when the thread listens, or has ended. */
  private started: Promise<void> = Promise.resolve();
  private waiting: TraceRecord[] = [];
  private untaken = 0;
  private timer: NodeJS.Timeout | undefined;
  private warnedAt = Number.NEGATIVE_INFINITY;

  constructor(
    private readonly url: string,
    private readonly warn: (text: string) => void,
  ) {
    this.thread = this.start();
  }

  add(record: TraceRecord): void {
    if (this.untaken + this.waiting.length >= mostUntaken) return;
    this.waiting.push(record);
    this.timer ??= setTimeout(() => this.send(), sendEveryMs).unref();
  }

  /** Hands over what waits, as far as the collector takes it in time. */
  async close(): Promise<void> {
    clearTimeout(this.timer);
    this.send();
    const { thread } = this;
    if (thread === undefined) return;
    const ended = new Promise<void>((resolve) => thread.once('exit', () => resolve()));
    this.post('close');
    await this.started;
    const late = setTimeout(() => void thread.terminate(), flushMs);
    await ended;
    clearTimeout(late);
  }

  private send(): void {
    this.timer = undefined;
    if (this.waiting.length === 0) return;
    this.untaken += this.waiting.length;
    this.post(this.waiting);
    this.waiting = [];
  }

  private post(message: ToExport): void {
    this.thread ??= this.start();
    this.thread.postMessage(message);
  }

  private start(): Worker {
    const workerData: ExportOptions = { url: this.url, serverVersion };
    const thread = startThread('export-thread', { name: 'vitrina-traces', workerData });
    // Spans alone keep no process alive.
    thread.unref();
    this.started = new Promise((resolve) => thread.once('message', () => resolve()).once('exit', () => resolve()));
    thread.on('message', (message: FromExport) => {
      if ('taken' in message) this.untaken -= message.taken;
      else this.tell(message.warning);
    });
    thread.on('error', (error: Error) => this.tell(error.message));
    // What comes next starts another one.
    thread.on('exit', () => {
      this.thread = undefined;
      this.untaken = 0;
    });
    return thread;
  }

  /** One line a minute at most: a collector that is gone says so with every export. */
  private tell(text: string): void {
    if (performance.now() - this.warnedAt < warnEveryMs) return;
    this.warnedAt = performance.now();
    this.warn(`Traces are not exported: ${text.slice(0, 500)}`);
  }
}
