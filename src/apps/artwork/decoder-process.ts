import type { ChildProcess } from 'node:child_process';
import { residentBytes, startProcess, VitrinaError } from '../../index.js';
import type { Examination, FromImageProcess, ImageTask } from './image-task.js';

const looksEveryMs = 100;
const startWithinMs = 30_000;
const heapMb = 256;

/** What may be spent on one image. */
export interface DecoderLimits {
  readonly timeoutMs: number;
  /** Resident bytes of the process while it decodes; looked at on Linux only. */
  readonly maxMemory: number;
}

/** How a process ended over an image. */
export type Casualty = { readonly casualty: 'crashed' | 'too-slow' | 'too-much-memory' };

/** One process that decodes images, one at a time. It keeps its parent alive only while it works. */
export class DecoderProcess {
  /** Images that it has looked at. */
  images = 0;
  /** Its resident bytes after the last one. */
  memory = 0;
  private readonly child: ChildProcess;
  private readonly exited: Promise<void>;
  private readonly ready: Promise<void>;
  private gone = false;
  private settle: (outcome: Exclude<FromImageProcess, { ready: true }> | Casualty) => void = () => undefined;

  constructor(private readonly log: (line: string) => void) {
    const child = startProcess('image-process', { maxOldSpaceMb: heapMb });
    this.child = child;
    // The kernel's words are in the exit; a channel that breaks means no more than that.
    child.on('error', (error) => this.log(error.message));
    child.stderr!.on('data', (chunk: Buffer) => this.log(chunk.toString('utf8').trimEnd().slice(0, 2_000)));
    let exit!: () => void;
    this.exited = new Promise((resolve) => {
      exit = resolve;
    });
    this.ready = new Promise((resolve, reject) => {
      const timer = setTimeout(() => this.kill(), startWithinMs);
      const ended = (how: string) => {
        this.gone = true;
        clearTimeout(timer);
        reject(new VitrinaError('image-process-unavailable', { why: `it ended (${how}) before it could work` }));
        this.settle({ casualty: 'crashed' });
        exit();
      };
      child.once('exit', (code, signal) => ended(signal ?? `code ${code}`));
      // A process that could not be made has no exit.
      child.once('error', (error) => {
        if (child.pid === undefined) ended(error.message);
      });
      child.on('message', (message: FromImageProcess) => {
        if ('ready' in message) {
          clearTimeout(timer);
          resolve();
        } else this.settle(message);
      });
    });
    this.ready.catch(() => undefined);
  }

  get alive(): boolean {
    return !this.gone && this.child.connected;
  }

  get pid(): number | undefined {
    return this.child.pid;
  }

  /**
   * @throws VitrinaError `image-process-unavailable` where the process never began to work
   * @throws the signal's reason; the process ends with it, since a native decoder cannot be interrupted
   */
  async examine(task: ImageTask, limits: DecoderLimits, signal?: AbortSignal): Promise<Examination | Casualty> {
    this.hold(true);
    const abort = () => this.kill();
    signal?.addEventListener('abort', abort);
    let casualty: Casualty['casualty'] = 'crashed';
    const end = (why: Casualty['casualty']) => {
      casualty = why;
      this.kill();
    };
    let timer: NodeJS.Timeout | undefined;
    let watch: NodeJS.Timeout | undefined;
    try {
      await this.ready;
      signal?.throwIfAborted();
      if (!this.alive) return { casualty };
      const outcome = await new Promise<Exclude<FromImageProcess, { ready: true }> | Casualty>((resolve) => {
        this.settle = resolve;
        timer = setTimeout(() => end('too-slow'), limits.timeoutMs);
        watch = setInterval(() => {
          if (residentBytes(this.child.pid) > limits.maxMemory) end('too-much-memory');
        }, looksEveryMs);
        // An error here is the channel's, and the exit follows.
        this.child.send(task, () => undefined);
      });
      signal?.throwIfAborted();
      this.images++;
      if ('casualty' in outcome) return { casualty };
      if ('failed' in outcome) throw new Error(outcome.failed);
      this.memory = outcome.memory;
      return outcome.examination;
    } catch (error) {
      signal?.throwIfAborted();
      throw error;
    } finally {
      clearTimeout(timer);
      clearInterval(watch);
      signal?.removeEventListener('abort', abort);
      this.settle = () => undefined;
      this.hold(false);
    }
  }

  /** Resolves when it has ended. */
  async end(): Promise<void> {
    this.child.ref();
    this.kill();
    await this.exited;
  }

  private kill(): void {
    this.child.kill('SIGKILL');
  }

  private hold(working: boolean): void {
    const parts = [this.child, this.child.channel, this.child.stderr as { ref?(): void; unref?(): void } | null];
    for (const part of parts) working ? part?.ref?.() : part?.unref?.();
  }
}
