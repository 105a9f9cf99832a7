/** A server under measurement: started, checked, stopped, and never left behind. */
import { existsSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { isTaken } from '../../test/free-port.js';
import { isRight } from './answers.js';
import type { Contender, Question } from './contender.js';
import { findTree, isAlive, waitForEnd } from './process-tree.js';

export interface Rig {
  readonly contender: Contender;
  readonly port: number;
  /** The process at the root of its tree. */
  readonly root: number;
}

export interface ReadyRig extends Rig {
  /** Milliseconds from exec to the first right answer. */
  readonly startMs: number;
}

const startLimitMs = 120_000;
/** What to stop at the end; the root is not known before a launch is done. */
const live = new Set<{ readonly contender: Contender; readonly port: number; root?: number }>();

/** Launches a contender and remembers to stop it. */
export async function openRig(contender: Contender, port: number): Promise<Rig> {
  // The threads of a process that has ended keep its sockets for a moment.
  for (let waited = 0; await isTaken(port); waited += 50) {
    if (waited > 5_000) throw new Error(`port ${port} is in use; choose another with --port`);
    await sleep(50);
  }
  const entry: { contender: Contender; port: number; root?: number } = { contender, port };
  live.add(entry);
  try {
    entry.root = await contender.launch(port);
  } catch (error) {
    live.delete(entry);
    throw error;
  }
  return { contender, port, root: entry.root };
}

/**
 * Starts a contender, waits for its first right answer, and checks its probes and that it turns strangers away.
 *
 * @throws Error that says why it does not take part; nothing of it is left running then
 */
export async function startRig(contender: Contender, port: number): Promise<ReadyRig> {
  const began = performance.now();
  const rig = await openRig(contender, port);
  try {
    for (;;) {
      const fault = await findFault(rig, contender.question);
      if (fault === undefined) break;
      if (!isAlive(rig.root)) throw new Error(`it ended while it started: ${lastWords(contender.logFile(port))}`);
      if (performance.now() - began > startLimitMs) throw new Error(`no right answer within two minutes: ${fault}`);
      await sleep(5);
    }
    const startMs = performance.now() - began;
    for (const probe of contender.probes) await demandRight(rig, probe);
    if (contender.closed) {
      const { status } = await ask(rig, contender.question, {});
      if (status !== 401) throw new Error(`it answered ${status} to a request without credentials`);
    }
    return { ...rig, startMs };
  } catch (error) {
    stopRig(rig);
    throw error;
  }
}

/** @throws Error unless the server answers right, which it must also after the load */
export async function demandRight(rig: Rig, question: Question): Promise<void> {
  const fault = await findFault(rig, question);
  if (fault !== undefined) throw new Error(fault);
}

/** Asks it to stop; whatever of its tree is then still alive is killed. Synchronous, so that a signal can end with it. */
export function stopRig({ contender, port, root }: Omit<Rig, 'root'> & { root?: number }): void {
  const find = () => (root === undefined ? [] : findTree(root));
  const tree = find();
  contender.halt(port, root);
  const left = [...new Set([...tree, ...find()])].filter(isAlive);
  for (const pid of left) kill(pid);
  waitForEnd(left, 5_000);
  for (const other of live) if (other.root === root) live.delete(other);
}

/** The last line that names an error, else the last line at all. */
function lastWords(file: string): string {
  const lines = existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n') : [];
  const line = lines.findLast((text) => /\w*(Error|Exception)\b/.test(text)) ?? lines.at(-1) ?? '';
  return line.trim().slice(0, 300) || 'it said nothing';
}

/** For the end of the program, however it comes. */
export function stopAllRigs(): void {
  for (const rig of live) stopRig(rig);
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has just ended by itself.
  }
}

async function findFault(rig: Rig, question: Question): Promise<string | undefined> {
  const { authorization } = rig.contender;
  try {
    const { status, text } = await ask(rig, question, authorization === undefined ? {} : { authorization });
    if (status !== 200) return `status ${status}: ${text.slice(0, 200)}`;
    return isRight(question.form, JSON.parse(text), question.expected) ? undefined : `wrong: ${text.slice(0, 300)}`;
  } catch (error) {
    const { message, cause } = error as Error;
    return cause instanceof Error ? cause.message : message;
  }
}

async function ask({ port }: Rig, { path, body }: Question, headers: Record<string, string>) {
  const response = await fetch(`http://127.0.0.1:${port}${path}`, {
    method: 'POST',
    body,
    // A connection each: what is asked before the load must not keep one open beside it.
    headers: { ...headers, 'content-type': 'application/json', connection: 'close' },
    signal: AbortSignal.timeout(130_000),
  });
  return { status: response.status, text: await response.text() };
}
