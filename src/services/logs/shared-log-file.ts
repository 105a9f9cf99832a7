import { closeSync, constants, openSync, renameSync, rmSync, statSync } from 'node:fs';
import { type FileHandle, mkdir, open, stat } from 'node:fs/promises';
import { join } from 'node:path';

export interface SharedLogOptions {
  /** Made when it is not there. */
  readonly folder: string;
  readonly name: string;
  /** A file that has grown to this many bytes becomes `<name>.1`, the one before it `<name>.2`, … */
  readonly maxBytes: number;
  /** Old files that are kept. */
  readonly keep: number;
  /** Told of the first of several faults in a row. */
  readonly onError: (error: Error) => void;
}

/** Text that waits for a slow disk; what would exceed it is lost, and said to be. */
const mostPending = 16 * 2 ** 20;
/** A rotation is a few renames: a lock this old was left by a process that died. */
const staleLockMs = 10_000;

/**
 * A log that several processes write to the same file, each whole lines at once (`O_APPEND`), and that any of them
 * rotates. Before it writes, a process looks whether its file still has the name, since another may have rotated; and
 * rotates by itself under a lock; who does not get it writes on, and finds the new file the next time.
 *
 * What two processes write at the same moment may come in either order, and the last lines of a file may be a moment
 * younger than the first of the next. No line is lost or torn.
 */
export class SharedLogFile {
  private readonly path: string;
  private file: FileHandle | undefined;
  private pending: string[] = [];
  private bytes = 0;
  private writing: Promise<void> | undefined;
  private readonly lock: string;
  private failing = false;

  constructor(private readonly options: SharedLogOptions) {
    this.path = join(options.folder, options.name);
    this.lock = join(options.folder, `.${options.name}.lock`);
  }

  /** Whole lines, to be written soon; nobody waits. */
  append(lines: string): void {
    if (this.bytes + lines.length > mostPending) {
      this.fail(new Error(`${this.path} is written too slowly: lines are left out`));
      return;
    }
    this.pending.push(lines);
    this.bytes += lines.length;
    this.writing ??= this.writeAll().finally(() => {
      this.writing = undefined;
    });
  }

  /** Resolves when everything is on its way to the disk. */
  async close(): Promise<void> {
    await this.writing;
    await this.file?.close().catch(() => undefined);
    this.file = undefined;
  }

  private async writeAll(): Promise<void> {
    while (this.pending.length > 0) {
      const text = this.pending.join('');
      this.pending = [];
      this.bytes = 0;
      try {
        const file = await this.current();
        await file.appendFile(text);
        this.failing = false;
      } catch (error) {
        this.fail(error as Error);
      }
    }
  }

  /** The file that has the name and room for more. */
  private async current(): Promise<FileHandle> {
    const named = await stat(this.path).catch(() => undefined);
    if (named !== undefined && named.size >= this.options.maxBytes) this.rotate();
    else if (this.file !== undefined && named?.ino === (await this.file.stat()).ino) return this.file;
    await this.file?.close();
    this.file = undefined;
    await mkdir(this.options.folder, { recursive: true });
    this.file = await open(this.path, constants.O_APPEND | constants.O_CREAT | constants.O_WRONLY, 0o644);
    return this.file;
  }

  private rotate(): void {
    if (!this.takeLock()) return;
    try {
      const { keep, maxBytes } = this.options;
      // Another process may just have done it.
      if ((sizeOf(this.path) ?? 0) < maxBytes) return;
      const nameOf = (age: number) => (age === 0 ? this.path : `${this.path}.${age}`);
      for (let age = keep - 1; age >= 0; age--) {
        if (sizeOf(nameOf(age)) !== undefined) renameSync(nameOf(age), nameOf(age + 1));
      }
    } finally {
      rmSync(this.lock, { force: true });
    }
  }

  private takeLock(): boolean {
    try {
      closeSync(openSync(this.lock, 'wx'));
      return true;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      const taken = statSync(this.lock, { throwIfNoEntry: false })?.mtimeMs;
      if (taken !== undefined && Date.now() - taken > staleLockMs) rmSync(this.lock, { force: true });
      return false;
    }
  }

  private fail(error: Error): void {
    if (!this.failing) this.options.onError(error);
    this.failing = true;
  }
}

function sizeOf(path: string): number | undefined {
  return statSync(path, { throwIfNoEntry: false })?.size;
}
