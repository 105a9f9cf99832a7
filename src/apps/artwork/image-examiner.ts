import { VitrinaError } from '../../index.js';
import { type Casualty, DecoderProcess } from './decoder-process.js';
import type { Examination, ImageSource, PixelRequest } from './image-task.js';

export interface ExaminerOptions {
  /** Processes that decode at the same time. */
  readonly processes?: number;
  /** Milliseconds for one image. */
  readonly timeoutMs?: number;
  readonly maxPixels?: number;
  /** Bytes of an image's file. */
  readonly maxBytes?: number;
  /** Resident bytes of a process that decodes; one that takes more is killed, and its image reported. */
  readonly maxMemory?: number;
  /** Resident bytes after an image beyond which the process is replaced, so that what decoders lose does not pile up. */
  readonly recycleMemory?: number;
  /** Images after which a process is replaced. */
  readonly recycleImages?: number;
  /** Milliseconds without work after which processes end. */
  readonly idleMs?: number;
  readonly log?: { warn(text: string): void };
}

export interface ExamineOptions {
  readonly signal?: AbortSignal | undefined;
  /** Asks for the pixels that an image model takes. */
  readonly pixels?: PixelRequest | undefined;
}

/**
 * Decodes images of strangers, in processes of their own: a decoder that crashes, hangs or takes all memory costs the one
 * image that did it. A process that dies is replaced when the next image comes.
 */
export class ImageExaminer {
  readonly processes: number;
  private readonly options: Required<Omit<ExaminerOptions, 'log' | 'processes'>>;
  private readonly log: ExaminerOptions['log'];
  private readonly idle: DecoderProcess[] = [];
  private readonly all = new Set<DecoderProcess>();
  private readonly waiting: (() => void)[] = [];
  private working = 0;
  private closed = false;
  private idleTimer: NodeJS.Timeout | undefined;

  constructor({ processes = 1, log, ...options }: ExaminerOptions = {}) {
    this.processes = processes;
    this.log = log;
    this.options = {
      timeoutMs: 20_000,
      maxPixels: 100e6,
      maxBytes: 64 * 2 ** 20,
      maxMemory: 2 ** 30 + 2 ** 29,
      recycleMemory: 2 ** 29,
      recycleImages: 500,
      idleMs: 30_000,
      ...options,
    };
  }

  /**
   * What is in an image, or what is wrong with it: whatever the bytes are, the answer is one of the two.
   *
   * @throws VitrinaError `image-process-unavailable` where no process could be had, which is no fault of the image
   * @throws the signal's reason; an image that waits or is being decoded is given up
   */
  async examine(source: ImageSource, { signal, pixels }: ExamineOptions = {}): Promise<Examination> {
    signal?.throwIfAborted();
    await this.turn(signal);
    const { maxBytes, maxPixels, timeoutMs, maxMemory } = this.options;
    const decoder = this.take();
    try {
      const task = { source, maxBytes, maxPixels, ...(pixels === undefined ? {} : { pixels }) };
      const outcome = await decoder.examine(task, { timeoutMs, maxMemory }, signal);
      if (!('casualty' in outcome)) return outcome;
      if (this.closed) throw closed();
      return { fault: this.words(outcome) };
    } finally {
      await this.giveBack(decoder);
    }
  }

  /** Processes that there are now, by their ids. */
  get pids(): number[] {
    return [...this.all].flatMap(({ pid }) => pid ?? []);
  }

  /** Ends all processes, and what they do. */
  async close(): Promise<void> {
    this.closed = true;
    clearTimeout(this.idleTimer);
    for (const next of this.waiting.splice(0)) next();
    await Promise.all([...this.all].map((decoder) => decoder.end()));
  }

  private words({ casualty }: Casualty): string {
    const { timeoutMs, maxMemory } = this.options;
    if (casualty === 'too-slow') return `took longer than ${timeoutMs / 1000} s to decode`;
    if (casualty === 'too-much-memory') return `took more than ${Math.round(maxMemory / 2 ** 20)} MB to decode`;
    return 'crashed the decoder';
  }

  /** Waits until a process may work for this caller. */
  private async turn(signal: AbortSignal | undefined): Promise<void> {
    if (!this.closed && this.working >= this.processes) {
      await new Promise<void>((resolve, reject) => {
        const next = () => {
          signal?.removeEventListener('abort', abort);
          resolve();
        };
        const abort = () => {
          this.waiting.splice(this.waiting.indexOf(next), 1);
          reject(signal!.reason);
        };
        signal?.addEventListener('abort', abort, { once: true });
        this.waiting.push(next);
      });
      // Its predecessor's place in `working` is now this one's.
      if (this.closed) throw closed();
      return;
    }
    if (this.closed) throw closed();
    this.working++;
  }

  private take(): DecoderProcess {
    clearTimeout(this.idleTimer);
    for (;;) {
      const decoder = this.idle.pop();
      if (decoder === undefined) break;
      if (decoder.alive) return decoder;
      this.all.delete(decoder);
    }
    const decoder = new DecoderProcess((line) => this.log?.warn(`image process: ${line}`));
    this.all.add(decoder);
    return decoder;
  }

  private async giveBack(decoder: DecoderProcess): Promise<void> {
    const { recycleImages, recycleMemory, idleMs } = this.options;
    const worn = decoder.images >= recycleImages || decoder.memory > recycleMemory;
    if (worn || this.closed || !decoder.alive) {
      await decoder.end();
      this.all.delete(decoder);
    } else this.idle.push(decoder);
    const next = this.waiting.shift();
    if (next !== undefined) return next();
    this.working--;
    if (this.working > 0 || this.closed) return;
    clearTimeout(this.idleTimer);
    this.idleTimer = setTimeout(() => this.endIdle(), idleMs).unref();
  }

  private endIdle(): void {
    for (const decoder of this.idle.splice(0)) {
      void decoder.end().then(() => this.all.delete(decoder));
    }
  }
}

const closed = () => new VitrinaError('image-process-unavailable', { why: 'the server is shutting down' });
