import { mkdirSync } from 'node:fs';
import { createStream, type RotatingFileStream } from 'rotating-file-stream';

/** Bytes of a file, and how many older ones are kept beside the one that is written. */
const fileBytes = 16 * 2 ** 20;
const keptFiles = 4;
/** After a fault of the disk nothing is written for so long. */
const pauseMs = 30_000;

export interface SampleFileOptions {
  readonly folder: string;
  /** Of this process: each writes a file of its own. */
  readonly name: string;
  readonly onError: (error: Error) => void;
}

/** Lines in rotated files, readable by their owner alone. A disk that is full or slow costs lines, never memory. */
export class SampleFile {
  private stream: RotatingFileStream | undefined;
  private failedAt = Number.NEGATIVE_INFINITY;
  private full = false;

  constructor(private readonly options: SampleFileOptions) {}

  /** Whether lines are taken: not for a while after a fault. */
  get open(): boolean {
    return performance.now() - this.failedAt >= pauseMs;
  }

  /** Whether a line would have to wait in memory for those before it. */
  get busy(): boolean {
    return this.full;
  }

  write(line: string): void {
    this.stream ??= this.start();
    if (this.stream !== undefined) this.full = !this.stream.write(line);
  }

  /** Ends the file once everything is written. */
  close(): Promise<void> {
    const { stream } = this;
    this.stream = undefined;
    this.failedAt = Number.POSITIVE_INFINITY;
    if (stream === undefined) return Promise.resolve();
    return new Promise((resolve) => {
      stream.once('close', resolve);
      stream.once('error', () => resolve());
      stream.end(() => resolve());
    });
  }

  private start(): RotatingFileStream | undefined {
    const { folder, name } = this.options;
    try {
      mkdirSync(folder, { recursive: true, mode: 0o700 });
      const stream = createStream((index) => (typeof index === 'number' ? `${name}.${index}` : name), {
        path: folder,
        size: `${fileBytes}B`,
        rotate: keptFiles,
        mode: 0o600,
      });
      stream.on('drain', () => {
        this.full = false;
      });
      stream.on('error', (error: Error) => this.fail(error, stream));
      return stream;
    } catch (error) {
      this.fail(error as Error, undefined);
      return undefined;
    }
  }

  private fail(error: Error, stream: RotatingFileStream | undefined): void {
    if (stream !== this.stream && this.stream !== undefined) return;
    this.stream = undefined;
    this.full = false;
    this.failedAt = performance.now();
    this.options.onError(error);
  }
}
