/** One turn of a contender: started, checked, loaded with each number of connections and at fixed rates, stopped. */
import { type ClosedFigures, runClosedLoop } from './closed-loop.js';
import type { Contender } from './contender.js';
import { type OpenFigures, runOpenLoop } from './open-loop.js';
import { cpuMs, findTree, proportionalMb } from './process-tree.js';
import { demandRight, type ReadyRig, startRig, stopRig } from './rig.js';

export interface Settings {
  readonly seconds: number;
  readonly warmSeconds: number;
  readonly connections: readonly number[];
  readonly port: number;
  /** Whether wrk makes the closed-loop load. */
  readonly wrk: boolean;
}

export interface ClosedResult extends ClosedFigures {
  readonly connections: number;
  /** Processor time of all the server's processes, for each request. */
  readonly cpuMsPerRequest: number;
  readonly serverCores: number;
  /** True when wrk's percentiles leave out those who still waited: fewer than five answers a connection. */
  readonly censored: boolean;
}

/** A fixed rate, and whose capacity it is half of. */
export interface Rate {
  readonly of: string;
  readonly perSecond: number;
}

export interface OpenResult extends OpenFigures {
  readonly rate: Rate;
  readonly cpuMsPerRequest: number;
}

export interface Turn {
  readonly contender: string;
  readonly family: string;
  readonly role: Contender['role'];
  readonly startMs: number;
  readonly memoryMb: number;
  readonly processes: number;
  readonly closed: readonly ClosedResult[];
  readonly open: readonly OpenResult[];
}

/**
 * `chooseRates` gets what the closed loops gave; it names the fixed rates to ask at. `folder` takes what wrk reads.
 *
 * @throws Error that says why the contender could not be measured; it is stopped in any case
 */
export async function takeTurn(
  contender: Contender,
  settings: Settings,
  folder: string,
  chooseRates: (bestPerSecond: number) => readonly Rate[],
): Promise<Turn> {
  const rig = await startRig(contender, settings.port);
  try {
    await load(rig, settings, folder, 16, settings.warmSeconds);
    const closed: ClosedResult[] = [];
    for (const connections of settings.connections) {
      closed.push(await load(rig, settings, folder, connections, settings.seconds));
    }
    const open: OpenResult[] = [];
    for (const rate of chooseRates(Math.max(...closed.map((result) => result.requestsPerSecond)))) {
      open.push(await loadAtRate(rig, settings, rate));
    }
    const tree = findTree(rig.root);
    const memoryMb = proportionalMb(tree);
    await demandRight(rig, contender.question);
    const { name, family, role } = contender;
    return { contender: name, family, role, startMs: rig.startMs, memoryMb, processes: tree.length, closed, open };
  } finally {
    stopRig(rig);
  }
}

async function load(
  rig: ReadyRig,
  { wrk }: Settings,
  folder: string,
  connections: number,
  seconds: number,
): Promise<ClosedResult> {
  const target = targetOf(rig);
  const tree = findTree(rig.root);
  const before = cpuMs(tree);
  const began = performance.now();
  const figures = await runClosedLoop({ ...target, connections, seconds, folder }, wrk);
  const elapsed = performance.now() - began;
  const used = cpuMs(tree) - before;
  return {
    ...figures,
    connections,
    cpuMsPerRequest: used / Math.max(1, figures.requests),
    serverCores: used / elapsed,
    censored: figures.requests < 5 * connections,
  };
}

async function loadAtRate(rig: ReadyRig, { seconds }: Settings, rate: Rate): Promise<OpenResult> {
  const tree = findTree(rig.root);
  const before = cpuMs(tree);
  const figures = await runOpenLoop({ ...targetOf(rig), ratePerSecond: rate.perSecond, seconds });
  return { ...figures, rate, cpuMsPerRequest: (cpuMs(tree) - before) / figures.requests };
}

function targetOf({ contender, port }: ReadyRig) {
  const { question, authorization } = contender;
  return { url: `http://127.0.0.1:${port}${question.path}`, body: question.body, authorization };
}
