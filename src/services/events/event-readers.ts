import { Readable } from 'node:stream';
import type { Worker } from 'node:worker_threads';
import { type ErrorCode, VitrinaError } from '../../errors.js';
import { startThread } from '../../thread.js';
import type { Failure, FromReader, ReaderOptions, ToReader, UsageQuestion } from './messages.js';
import { Outbox } from './outbox.js';

export interface EventReadersOptions extends ReaderOptions {
  readonly threads: number;
  /** Seconds for all of a request, waiting included. */
  readonly timeout: number;
  /** Requests that may wait for a thread. */
  readonly maxWaiting: number;
}

/** An answer: all of it as text, or its bytes as they are made. */
export interface UsageAnswer {
  readonly body: string | Readable;
  /** Documents of another shape that were passed over, as far as is known when the answer begins. */
  readonly skipped: number;
  /** The same when all is read; rejected when the answer breaks off. */
  readonly finished: Promise<number>;
}

/** A question that was asked. */
export interface AskedUsage {
  readonly answer: Promise<UsageAnswer>;
  /** Nobody waits any more; `reason` is for whoever still looks. */
  drop(reason: unknown): void;
}

/** Requests that a thread works on at a time: they wait for the store, not for each other; their events take memory. */
const perThread = 16;
/** How long a thread may take to give back what it holds of the store, once it is to end. */
const closeMs = 3_000;

interface Job {
  readonly id: number;
  readonly question: UsageQuestion;
  readonly resolve: (answer: UsageAnswer) => void;
  readonly reject: (error: unknown) => void;
  /** Takes the job out of the world, whatever its state. */
  readonly settle: () => void;
  thread: Reader | undefined;
  /** Answered, refused or left: what the thread still says of it is for nobody. */
  over: boolean;
  /** Whether the thread waits for word that its last piece was taken. */
  untaken: boolean;
  stream: Readable | undefined;
  finish: { readonly resolve: (skipped: number) => void; readonly reject: (error: unknown) => void } | undefined;
}

interface Reader {
  readonly worker: Worker;
  readonly outbox: Outbox<ToReader>;
  readonly jobs: Map<number, Job>;
}

/**
 * Threads that read events and cluster them. A client of HTTP on the thread that serves would make its streams take
 * objects of several shapes, and slow every other request; clustering a million events would stop it for a second.
 */
export class EventReaders {
  private readonly readers: Reader[] = [];
  private readonly waiting: Job[] = [];
  private nextId = 1;
  private closed = false;

  constructor(private readonly options: EventReadersOptions) {}

  /**
   * `answer` resolves when it begins.
   *
   * @throws VitrinaError `events-too-slow`, `events-busy`, `events-interrupted`, those of the store and of `byPerson`; the
   *   reason with which it was dropped
   */
  ask(question: UsageQuestion, withinMs = Number.POSITIVE_INFINITY): AskedUsage {
    const { timeout, maxWaiting } = this.options;
    if (this.closed) return refused(interrupted());
    if (this.waiting.length >= maxWaiting) {
      return refused(new VitrinaError('events-busy', { waiting: this.waiting.length }, retryAfter));
    }
    const left = Math.min(timeout * 1000, withinMs);
    let job!: Job;
    const answer = new Promise<UsageAnswer>((resolve, reject) => {
      const timer = setTimeout(() => {
        this.drop(job, new VitrinaError('events-too-slow', { seconds: Math.round(left / 100) / 10 }));
      }, left);
      job = {
        id: this.nextId++,
        question,
        resolve,
        reject,
        settle: () => clearTimeout(timer),
        thread: undefined,
        over: false,
        untaken: false,
        stream: undefined,
        finish: undefined,
      };
    });
    this.waiting.push(job);
    this.dispatch();
    return { answer, drop: (reason) => this.drop(job, reason) };
  }

  /** Starts a thread, so that the first who asks need not wait for it. */
  warm(): void {
    if (!this.closed && this.readers.length === 0) this.start();
  }

  /** Ends what runs, and the threads. */
  async close(): Promise<void> {
    this.closed = true;
    for (const job of this.waiting.splice(0)) this.fail(job, interrupted());
    await Promise.all(
      this.readers.splice(0).map(async ({ worker, outbox, jobs }) => {
        const ended = new Promise<void>((resolve) => worker.once('exit', () => resolve()));
        for (const job of jobs.values()) this.fail(job, interrupted());
        outbox.send('close');
        outbox.flush();
        const late = setTimeout(() => void worker.terminate(), closeMs);
        await ended;
        clearTimeout(late);
      }),
    );
  }

  private dispatch(): void {
    while (this.waiting.length > 0) {
      const reader = this.freeReader();
      if (reader === undefined) return;
      const job = this.waiting.shift()!;
      job.thread = reader;
      reader.jobs.set(job.id, job);
      reader.outbox.send({ id: job.id, question: job.question });
    }
  }

  /** The one with least to do; a new one while all have something and there may be more. */
  private freeReader(): Reader | undefined {
    const [least] = [...this.readers].sort((a, b) => a.jobs.size - b.jobs.size);
    if (least !== undefined && (least.jobs.size === 0 || this.readers.length >= this.options.threads)) {
      return least.jobs.size < perThread ? least : undefined;
    }
    return this.start();
  }

  private start(): Reader {
    const { store, clustering, maxEvents } = this.options;
    const workerData: ReaderOptions = { store, clustering, maxEvents };
    const worker = startThread('event-reader', { name: 'vitrina-events', workerData });
    const outbox = new Outbox<ToReader>((messages) => worker.postMessage(messages));
    const reader: Reader = { worker, outbox, jobs: new Map() };
    this.readers.push(reader);
    worker.on('message', (messages: readonly FromReader[]) => {
      for (const message of messages) this.hear(reader, message);
      this.dispatch();
    });
    worker.on('error', () => undefined);
    worker.on('exit', () => {
      const at = this.readers.indexOf(reader);
      if (at !== -1) this.readers.splice(at, 1);
      for (const job of reader.jobs.values()) this.fail(job, interrupted());
      if (!this.closed) this.dispatch();
    });
    return reader;
  }

  private hear(reader: Reader, message: FromReader): void {
    const job = reader.jobs.get(message.id);
    // Cancelled jobs stay in the list, without anybody who waits, until the thread is done with them.
    if ('piece' in message) {
      if (job?.over === false) this.take(job, message.piece, message.skipped);
      return;
    }
    reader.jobs.delete(message.id);
    if (job?.over === false) {
      if ('failure' in message) this.fail(job, errorOf(message.failure));
      else this.finish(job, message.end, message.skipped);
    }
  }

  private finish(job: Job, rest: string, skipped: number): void {
    job.over = true;
    job.settle();
    if (job.stream === undefined) {
      job.resolve({ body: rest, skipped, finished: Promise.resolve(skipped) });
      return;
    }
    job.stream.push(rest);
    job.stream.push(null);
    job.finish?.resolve(skipped);
  }

  /** Some of an answer that is too long to be kept back. */
  private take(job: Job, piece: string, skipped: number): void {
    if (job.stream === undefined) {
      const { thread, id } = job;
      const stream = new Readable({
        read: () => {
          if (!job.untaken) return;
          job.untaken = false;
          thread?.outbox.send({ id, act: 'more' });
        },
        destroy: (error, done) => {
          if (error === null) this.drop(job, new VitrinaError('request-abandoned', {}));
          done(error);
        },
      });
      // Whoever looks hears of it by `finished`; nobody may be looking yet.
      stream.on('error', () => undefined);
      job.stream = stream;
      const finished = new Promise<number>((resolve, reject) => {
        job.finish = { resolve, reject };
      });
      finished.catch(() => undefined);
      job.resolve({ body: stream, skipped, finished });
    }
    job.untaken = true;
    job.stream.push(piece);
  }

  /** Nobody waits any more: `error` is for whoever still looks. */
  private drop(job: Job, error: unknown): void {
    const at = this.waiting.indexOf(job);
    if (at !== -1) this.waiting.splice(at, 1);
    if (job.thread?.jobs.has(job.id)) job.thread.outbox.send({ id: job.id, act: 'cancel' });
    this.fail(job, error);
  }

  private fail(job: Job, error: unknown): void {
    if (job.over) return;
    job.over = true;
    job.settle();
    job.reject(error);
    job.finish?.reject(error);
    if (job.stream !== undefined && !job.stream.readableEnded && !job.stream.destroyed) {
      job.stream.destroy(error instanceof Error ? error : new Error(String(error)));
    }
  }
}

const refused = (error: unknown): AskedUsage => ({ answer: Promise.reject(error), drop: () => undefined });

const retryAfter = { headers: { 'Retry-After': '1' } };

const interrupted = () => new VitrinaError('events-interrupted', {}, retryAfter);

function errorOf({ code, fields, headers, text }: Failure): Error {
  if (code === undefined) return new Error(text);
  return new VitrinaError(code as ErrorCode, fields as never, headers === undefined ? {} : { headers });
}
