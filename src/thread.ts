import { readlinkSync } from 'node:fs';
import { getPriority, setPriority } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { Worker, type WorkerOptions } from 'node:worker_threads';
import { packageRoot } from './package-root.js';

/** Modules that run in threads of their own: where their sources are, below `src/`. */
const threads = {
  'session-thread': 'runtime/session-thread.ts',
  'converter-thread': 'services/loading/converter-thread.ts',
  'scan-thread': 'services/scanning/scan-thread.ts',
  'export-thread': 'services/tracing/export-thread.ts',
  'hashing-thread': 'services/accounts/hashing-thread.ts',
  'event-reader': 'services/events/reader-thread.ts',
  'job-thread': 'job-thread.ts',
} as const;

/**
 * Starts a thread, from the bundled program or, when this very module runs from TypeScript (tests, development), from
 * the sources: there the thread first registers a loader, which Node 20 does not inherit.
 */
export function startThread(name: keyof typeof threads, options: WorkerOptions): Worker {
  if (!import.meta.url.endsWith('.ts')) return new Worker(join(packageRoot, 'dist/program', `${name}.js`), options);
  const source = JSON.stringify(pathToFileURL(join(packageRoot, 'src', threads[name])).href);
  const load = `import('tsx/esm/api').then((tsx) => { tsx.register(); return import(${source}); });`;
  return new Worker(load, { ...options, eval: true });
}

/** Threads that were told to end and have not, and when they will have. */
const ending = new Map<Worker, Promise<void>>();

/** Milliseconds that threads get to end before the process does. */
const lastMs = 1_000;
/** Of a timer that keeps no program from ending: the thread that is waited for does. */
const unheeded = { ref: false };

/**
 * Tells a thread by `message` to end, and waits for it, at most `ms` milliseconds. It is not terminated: native code
 * cannot be interrupted, and ONNX Runtime, once it comes back from it into JavaScript, aborts the whole process.
 */
export async function endThread(thread: Worker, message: unknown, ms: number): Promise<void> {
  // It has ended already.
  if (thread.threadId < 0) return;
  const ended = new Promise<void>((resolve) => {
    thread.once('exit', () => {
      ending.delete(thread);
      resolve();
    });
  });
  ending.set(thread, ended);
  thread.postMessage(message);
  await Promise.race([ended, sleep(ms, undefined, unheeded)]);
}

/**
 * Ends the process, when all is done that it had to do. Node waits for its threads: one that computes without end, a
 * graph with a loop say, would hold it for ever, so that it is killed.
 */
export async function exitProcess(code: number): Promise<never> {
  // What has just been closed is told so in this turn.
  await new Promise((resolve) => setImmediate(resolve));
  await Promise.race([Promise.all(ending.values()), sleep(lastMs, undefined, unheeded)]);
  if (ending.size > 0) process.kill(process.pid, 'SIGKILL');
  process.exit(code);
}

/**
 * Lowers the priority of the thread that calls, by so much as `nice` counts. On Linux priorities are those of threads
 * (setpriority(2), "C library/kernel differences"); elsewhere they are of processes, and nothing is done.
 */
export function stepBack(niceness: number): void {
  if (process.platform !== 'linux') return;
  try {
    setPriority(Number(readlinkSync('/proc/thread-self').split('/').at(-1)), Math.min(19, getPriority() + niceness));
  } catch {
    // A container may hide /proc or forbid it: the work is done as well, only not as modestly.
  }
}
