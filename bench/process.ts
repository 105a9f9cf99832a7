import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';

/** A server under measurement, in a process of its own. */
export interface Rig {
  readonly url: string;
  readonly child: ChildProcess;
  /** Milliseconds from exec to the first right answer. */
  readonly startMs: number;
  /** Resident memory of the process, MB. */
  residentMb(): number;
  /** What its threads have run so far, in milliseconds; Linux counts it in nanoseconds. */
  cpuMs(): number;
  stop(): Promise<void>;
}

/**
 * Moves this process to the last core; returns the words before a command that keep it to the others. A server and its
 * load then have the same share of the machine however much load there is. Empty where that cannot be done.
 */
export function coresApart(): string[] {
  const last = availableParallelism() - 1;
  if (last === 0) return [];
  try {
    execFileSync('taskset', ['-a', '-c', '-p', `${last}`, `${process.pid}`], { stdio: 'ignore' });
  } catch {
    return [];
  }
  return ['taskset', '-c', `0-${last - 1}`];
}

/**
 * Starts `command` and waits until `answersRight(url)` says so. The server prints its URL on standard output.
 * Throws when it ends, stays silent for 30 s, or gives no right answer within a minute.
 */
export async function startRig(
  command: readonly string[],
  answersRight: (url: string) => Promise<boolean>,
): Promise<Rig> {
  const began = performance.now();
  const child = spawn(command[0]!, command.slice(1), { stdio: ['ignore', 'pipe', 'inherit'] });
  const url = await new Promise<string>((resolve, reject) => {
    let text = '';
    child.stdout!.on('data', (chunk: Buffer) => {
      text += chunk.toString();
      const found = /(http:\/\/[\d.]+:\d+)(?= \(doc|\s*$)/m.exec(text);
      if (found !== null) resolve(found[1]!);
    });
    child.once('exit', (code) => reject(new Error(`${command.join(' ')} ended with ${code}: ${text}`)));
    setTimeout(() => reject(new Error(`${command.join(' ')} stays silent: ${text}`)), 30_000).unref();
  });
  while (!(await answersRight(url))) {
    if (performance.now() - began > 60_000) {
      child.kill('SIGKILL');
      throw new Error(`${command.join(' ')} gave no right answer within a minute`);
    }
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  const startMs = performance.now() - began;
  return {
    url,
    child,
    startMs,
    residentMb: () => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))?.[1] ?? 0) / 1024,
    cpuMs() {
      const threads = `/proc/${child.pid}/task`;
      const run = (thread: string) => Number(readFileSync(`${threads}/${thread}/schedstat`, 'utf8').split(' ', 1)[0]);
      return readdirSync(threads).reduce((sum, thread) => sum + run(thread) / 1e6, 0);
    },
    stop: () =>
      new Promise((resolve) => {
        child.once('exit', () => resolve());
        child.kill('SIGTERM');
      }),
  };
}
