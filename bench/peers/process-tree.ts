/** What a server costs: the processor time and the memory of all its processes, read from Linux' `/proc`. */
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';

const ticksPerSecond = Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }));

/**
 * The live processes of a server: what descends from `root`, what belongs to its session, and what carries its
 * `PEER_TAG`, since a process that lost its parent still works for it.
 */
export function findTree(root: number): number[] {
  const all = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  const children = new Map<number, number[]>();
  const found = new Set<number>();
  for (const pid of all.map(Number)) {
    const fields = statOf(pid);
    if (fields === undefined) continue;
    const parent = Number(fields[1]);
    children.set(parent, [...(children.get(parent) ?? []), pid]);
    if (Number(fields[3]) === root) found.add(pid);
  }
  const tag = tagOf(root);
  if (tag !== undefined) for (const pid of all.map(Number)) if (tagOf(pid) === tag) found.add(pid);
  const waiting = [root, ...found];
  for (let pid = waiting.pop(); pid !== undefined; pid = waiting.pop()) {
    found.add(pid);
    waiting.push(...(children.get(pid) ?? []).filter((child) => !found.has(child)));
  }
  found.delete(process.pid);
  return [...found].filter((pid) => isAlive(pid)).sort((a, b) => a - b);
}

/** False for what has ended, also when nobody has collected it yet. */
export function isAlive(pid: number): boolean {
  const fields = statOf(pid);
  return fields !== undefined && fields[0] !== 'Z';
}

/** Blocks until none of them is alive, or for so long; true when they have all ended. */
export function waitForEnd(pids: readonly number[], milliseconds: number): boolean {
  const until = performance.now() + milliseconds;
  const cell = new Int32Array(new SharedArrayBuffer(4));
  while (pids.some(isAlive)) {
    if (performance.now() > until) return false;
    Atomics.wait(cell, 0, 0, 10);
  }
  return true;
}

/** Milliseconds of processor time that the processes have used so far. */
export function cpuMs(pids: readonly number[]): number {
  let ticks = 0;
  for (const pid of pids) {
    const fields = statOf(pid);
    if (fields !== undefined) ticks += Number(fields[11]) + Number(fields[12]);
  }
  return (1000 * ticks) / ticksPerSecond;
}

/** Milliseconds of processor time of this process's children that have ended: a load generator's, for one. */
export function endedChildrenCpuMs(): number {
  const fields = statOf(process.pid)!;
  return (1000 * (Number(fields[13]) + Number(fields[14]))) / ticksPerSecond;
}

/** Memory in MB: a page that several processes share counts once. */
export function proportionalMb(pids: readonly number[]): number {
  let kilobytes = 0;
  for (const pid of pids) kilobytes += Number(/^Pss:\s+(\d+)/m.exec(read(`/proc/${pid}/smaps_rollup`))?.[1] ?? 0);
  return kilobytes / 1024;
}

/** The fields of `/proc/<pid>/stat` after the command, which may hold spaces and brackets; the state comes first. */
function statOf(pid: number): string[] | undefined {
  const text = read(`/proc/${pid}/stat`);
  return text === '' ? undefined : text.slice(text.lastIndexOf(')') + 2).split(' ');
}

function tagOf(pid: number): string | undefined {
  return read(`/proc/${pid}/environ`)
    .split('\0')
    .find((entry) => entry.startsWith('PEER_TAG='));
}

/** Processes end while they are looked at. */
function read(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
