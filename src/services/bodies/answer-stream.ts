import { Readable } from 'node:stream';
import { Spool } from './spool.js';

export interface AnswerStreamOptions {
  /** Folder for answers that nobody reads yet. */
  readonly folder: string;
  /** Bytes of them at most. */
  readonly limit: number;
}

/** Bytes that wait in memory. */
const memoryBytes = 2 ** 18;
/** How long an answer is held back, so that what is wrong with a small body is told by its status. */
const holdMs = 50;
/** A caller that has not read for so long while it sends may be one that reads when it has sent everything. */
const patienceMs = 100;
const pieceBytes = 2 ** 16;

/**
 * An answer that is sent while it is made.
 *
 * Nothing leaves before `begun`: until there is enough of it, or some time has passed, or all is there. From then on
 * `write` waits for the reader. Many clients read only when they have sent their whole body; waiting for those would
 * be waiting for ever, so what they do not read meanwhile goes to a file; beyond its limit they are waited for.
 */
export class AnswerStream {
  /** What the caller reads, once `begun`. */
  readonly readable: Readable;
  /** All of the answer, when it was finished before it began. */
  whole: Uint8Array | undefined;
  private readonly held: Uint8Array[] = [];
  private heldBytes = 0;
  private holding = true;
  private timer: NodeJS.Timeout | undefined;
  private hungry = false;
  private feeding = false;
  /** Whether answers go to the file, until the reader has caught up. */
  private spooling = false;
  private ended = false;
  private wake: (() => void) | undefined;
  private release: () => void = () => undefined;
  private refuse: (error: unknown) => void = () => undefined;
  private readonly spool: Spool;
  /** Settles when the answer begins; rejected when it failed before. */
  readonly begun: Promise<void>;

  constructor(private readonly options: AnswerStreamOptions) {
    this.spool = new Spool(options.folder);
    this.begun = new Promise((resolve, reject) => {
      this.release = resolve;
      this.refuse = reject;
    });
    this.begun.catch(() => undefined);
    this.readable = new Readable({
      highWaterMark: memoryBytes,
      read: () => {
        this.hungry = true;
        void this.feed();
      },
      destroy: (error, done) => {
        this.wake?.();
        this.spool.close().then(() => done(error), done);
      },
    });
  }

  /** Whether a fault can no longer be told by the status. */
  get hasBegun(): boolean {
    return !this.holding;
  }

  /** Whether the reader has left. */
  get closed(): boolean {
    return this.readable.destroyed;
  }

  /**
   * Gives bytes to the reader, in order, and waits until there is room for more. `sending` says whether the caller may
   * still be busy with its body.
   */
  async write(bytes: Uint8Array, sending: () => boolean): Promise<void> {
    if (bytes.length === 0 || this.closed) return;
    if (this.holding) {
      this.held.push(bytes);
      this.heldBytes += bytes.length;
      if (this.heldBytes >= memoryBytes) this.begin();
      else this.timer ??= setTimeout(() => this.begin(), holdMs);
      return;
    }
    if (this.spooling && this.spool.length === 0 && !this.feeding) this.spooling = false;
    while (!this.spooling && this.full && !this.closed) {
      if (!sending()) await this.change();
      else if (!(await this.change(patienceMs)) && this.full) this.spooling = true;
    }
    if (this.spooling) return this.setAside(bytes);
    this.hungry = false;
    if (!this.closed) this.readable.push(bytes);
  }

  /** Ends the answer. */
  end(): void {
    this.ended = true;
    if (this.holding) {
      clearTimeout(this.timer);
      this.holding = false;
      this.whole = Buffer.concat(this.held);
      this.readable.destroy();
      this.release();
    } else void this.feed();
  }

  /** Ends what cannot be finished: `last` goes to the reader, or the connection is cut. Nothing is sent if nothing was. */
  async fail(error: unknown, last: Uint8Array | undefined): Promise<void> {
    if (this.holding) {
      clearTimeout(this.timer);
      this.holding = false;
      this.readable.destroy();
      this.refuse(error);
    } else if (last === undefined) this.readable.destroy(error instanceof Error ? error : new Error(String(error)));
    else {
      await this.write(last, () => true);
      this.end();
    }
  }

  private begin(): void {
    clearTimeout(this.timer);
    this.holding = false;
    for (const bytes of this.held) this.readable.push(bytes);
    this.held.length = 0;
    this.release();
  }

  private get full(): boolean {
    return !this.hungry && this.readable.readableLength >= memoryBytes;
  }

  private async setAside(bytes: Uint8Array): Promise<void> {
    while (this.spool.length + bytes.length > this.options.limit && !this.closed) await this.change();
    if (this.closed) return;
    await this.spool.append(bytes);
    await this.feed();
  }

  /** Gives the reader what was set aside, when it wants more. */
  private async feed(): Promise<void> {
    if (!this.hungry || this.feeding || this.closed) return;
    if (this.spool.length > 0) {
      this.feeding = true;
      try {
        const bytes = await this.spool.take(pieceBytes);
        this.feeding = false;
        this.hungry = false;
        if (!this.closed) this.readable.push(bytes);
        this.wake?.();
        void this.feed();
      } catch (error) {
        this.readable.destroy(error as Error);
      }
    } else if (this.ended) this.readable.push(null);
    else this.wake?.();
  }

  /** Waits until the reader took something, or left: true; or for `ms`: false. */
  private change(ms?: number): Promise<boolean> {
    return new Promise((resolve) => {
      const settle = (changed: boolean) => {
        clearTimeout(timer);
        this.wake = undefined;
        resolve(changed);
      };
      const timer = ms === undefined ? undefined : setTimeout(() => settle(false), ms);
      this.wake = () => settle(true);
    });
  }
}
