import { type ChildProcess, fork } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { packageRoot } from './package-root.js';

/** Modules that run in processes of their own: where their sources are, below `src/`. */
const processes = {
  'image-process': 'apps/artwork/image-process.ts',
  'session-process': 'runtime/session-process.ts',
} as const;

export interface ProcessOptions {
  /** Megabytes of JavaScript's heap. */
  readonly maxOldSpaceMb: number;
}

/**
 * Starts a process for work that may take its process down with it: a channel for messages (structured clone), standard
 * error to be read, nothing else of this process; of the environment only what Node and programs in general need, none
 * of the server's secrets. From the bundled program or, when this very module runs from TypeScript, from the sources.
 */
export function startProcess(name: keyof typeof processes, { maxOldSpaceMb }: ProcessOptions): ChildProcess {
  const fromSource = import.meta.url.endsWith('.ts');
  const module = fromSource
    ? join(packageRoot, 'src', processes[name])
    : join(packageRoot, 'dist/program', `${name}.js`);
  const loader = () => pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href;
  const child = fork(module, {
    execArgv: [`--max-old-space-size=${maxOldSpaceMb}`, ...(fromSource ? ['--import', loader()] : [])],
    env: Object.fromEntries(Object.entries(process.env).filter(([variable]) => passed.test(variable))),
    serialization: 'advanced',
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  });
  if (child.pid !== undefined) dieFirst(child.pid);
  return child;
}

/** Where memory runs out, Linux ends this process before any other (proc(5), "oom_score_adj"). */
function dieFirst(pid: number): void {
  if (process.platform !== 'linux') return;
  try {
    writeFileSync(`/proc/${pid}/oom_score_adj`, '1000');
  } catch {
    // It has ended already, or a container hides /proc: then the kernel chooses by size alone.
  }
}

const passed = /^(PATH|HOME|LANG|NODE_.*)$/;

/** Where the kernel tells of a process's memory, in pages. */
const pageBytes = 4096;

/** Bytes of memory that a process holds; 0 where it has ended, and where the system is not Linux. */
export function residentBytes(pid: number | undefined): number {
  if (process.platform !== 'linux' || pid === undefined) return 0;
  try {
    return Number(readFileSync(`/proc/${pid}/statm`, 'latin1').split(' ')[1]) * pageBytes;
  } catch {
    return 0;
  }
}
