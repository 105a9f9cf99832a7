import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Worker } from 'node:worker_threads';
import { type ErrorCode, VitrinaError } from '../../errors.js';
import { defaultLimits } from '../../formats/limits.js';
import { startThread } from '../../thread.js';
import type { ScanAnswer } from './scan-thread.js';

/** What `vitrina scan` says of one file. */
export interface ScanReport {
  readonly file: string;
  readonly verdict: 'clean' | 'refused';
  /** Of the error that refused it. */
  readonly code: ErrorCode | null;
  readonly message: string | null;
  /** Names of classes and functions that pickles in the file refer to. */
  readonly globals: readonly string[];
  readonly format: string | null;
  /** A phrase: "a pickle (protocol 4)". */
  readonly what: string | null;
  readonly bytes: number;
  /** What is worth knowing and no danger: that there is no converter, that a part is not read. */
  readonly notes: readonly string[];
}

const MiB = 2 ** 20;

/** Time for a file: a second and a half, and a second more for every ten megabytes. */
const deadlineMs = (bytes: number) => 1500 + (bytes / (10 * MiB)) * 1000;

/** Growth of the process that a file may cause: 240 MB, and eight times its size beyond 8 MB. */
const memoryBytes = (bytes: number) => 240 * MiB + Math.max(0, bytes - 8 * MiB) * 8;

/** Megabytes of objects that a file may become: a vocabulary takes twenty times its size. What small files take is watched besides. */
const heapMegabytes = (bytes: number) => Math.max(512, Math.ceil(bytes / MiB) * 24);
const watchMs = 10;

/**
 * Scans files in a thread of its own: nothing in a file can block or bring down the caller. A file that takes more time
 * or memory than a sound one of its size could is refused, and the thread is replaced.
 */
export class Scanner {
  private worker: Worker | undefined;
  /** Megabytes of objects that the thread was given. */
  private heap = 0;

  /** `patience` multiplies the time that a file may take: a busy or slow machine needs more of it. */
  constructor(private readonly patience = 1) {}

  /** Errors: `path-unusable` when there is no such file; everything wrong in the file is in the report. */
  async scan(file: string): Promise<ScanReport> {
    const { size } = statFile(file);
    const limit = defaultLimits.fileBytes;
    if (size > limit) {
      const what = 'a file size in bytes';
      const fields = { format: 'unread', what, value: size, limit, setting: 'fileBytes' };
      return report(file, size, new VitrinaError('artefact-over-limit', fields), undefined);
    }
    const worker = await this.thread(heapMegabytes(size));
    const answer = await this.ask(worker, file, size);
    if (answer instanceof VitrinaError) return report(file, size, answer, undefined);
    const { refusal } = answer;
    const error = refusal === null ? null : new VitrinaError(refusal.code as 'internal', refusal.fields as never);
    return report(file, size, error, answer);
  }

  async close(): Promise<void> {
    const { worker } = this;
    this.worker = undefined;
    await worker?.terminate();
  }

  private async thread(heap: number): Promise<Worker> {
    if (this.worker !== undefined && heap <= this.heap) return this.worker;
    await this.close();
    this.heap = heap;
    const worker = startThread('scan-thread', {
      name: 'vitrina-scan',
      resourceLimits: { maxOldGenerationSizeMb: heap, maxYoungGenerationSizeMb: 16, stackSizeMb: 4 },
    });
    // Loading its code is not counted against the first file.
    await new Promise<void>((resolve, reject) => {
      worker.once('error', reject);
      worker.once('message', () => {
        worker.off('error', reject);
        resolve();
      });
    });
    this.worker = worker;
    return worker;
  }

  private ask(worker: Worker, file: string, size: number): Promise<ScanAnswer | VitrinaError> {
    const idle = process.memoryUsage.rss();
    return new Promise((resolve) => {
      const finish = (result: ScanAnswer | VitrinaError) => {
        clearTimeout(timer);
        clearInterval(watch);
        worker.off('message', finish).off('error', onError).off('exit', onExit);
        resolve(result);
      };
      const stop = (what: string, limit: string) => {
        this.worker = undefined;
        void worker.terminate();
        finish(new VitrinaError('scan-exceeded', { file, what, limit }));
      };
      const megabytes = (bytes: number) => `${Math.round(bytes / MiB)} MB`;
      const onError = (error: Error & { code?: string }) => {
        if (error.code === 'ERR_WORKER_OUT_OF_MEMORY') return stop('memory', megabytes(memoryBytes(size)));
        this.worker = undefined;
        finish(new VitrinaError('conversion-failed', { file, reason: error.message }, { cause: error }));
      };
      const onExit = () => stop('memory', megabytes(memoryBytes(size)));
      const deadline = deadlineMs(size) * this.patience;
      const timer = setTimeout(() => stop('time', `${(deadline / 1000).toFixed(1)} s`), deadline);
      const watch = setInterval(() => {
        if (process.memoryUsage.rss() - idle > memoryBytes(size)) stop('memory', megabytes(memoryBytes(size)));
      }, watchMs);
      worker.on('message', finish).on('error', onError).on('exit', onExit);
      worker.postMessage(file);
    });
  }
}

function report(file: string, bytes: number, error: VitrinaError | null, answer: ScanAnswer | undefined): ScanReport {
  return {
    file,
    verdict: error === null ? 'clean' : 'refused',
    code: error?.code ?? null,
    message: error?.message ?? null,
    globals: answer?.globals ?? [],
    format: answer?.format ?? null,
    what: answer?.what ?? null,
    bytes,
    notes: answer?.notes ?? [],
  };
}

function statFile(path: string): { size: number } {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat?.isFile() === true) return stat;
  throw new VitrinaError('path-unusable', { path, problem: 'there is no such file' });
}

/** The files of a folder, at any depth, in order; a file is itself. Links are followed to files, not to folders. */
export function listFiles(path: string): string[] {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat === undefined) throw new VitrinaError('path-unusable', { path, problem: 'there is no such file or folder' });
  if (!stat.isDirectory()) return [path];
  return readdirSync(path, { withFileTypes: true })
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((entry) => {
      const inner = join(path, entry.name);
      if (entry.isDirectory()) return entry.name === '.git' || entry.name === 'node_modules' ? [] : listFiles(inner);
      return entry.isFile() || statSync(inner, { throwIfNoEntry: false })?.isFile() ? [inner] : [];
    });
}
