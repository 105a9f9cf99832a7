/** From the turns of all rounds to one standing a server: medians, and how Vitrina compares. */
import type { Turn } from './turn.js';

/** A line of the output file. */
export type Line =
  | ({ readonly kind: 'run' } & Run)
  | ({ readonly kind: 'turn'; readonly workload: string; readonly round: number } & Turn)
  | {
      readonly kind: 'absence';
      readonly workload: string;
      readonly contender: string;
      readonly family: string;
      readonly round: number;
      readonly reason: string;
    };

export interface Run {
  readonly date: string;
  readonly machine: string;
  readonly node: string;
  readonly version: string;
  readonly generator: 'wrk' | 'autocannon';
  readonly seconds: number;
  readonly rounds: number;
  readonly connections: readonly number[];
  /** Processes that want to run, before we began: a busy machine measures its own business. */
  readonly loadAverage: number;
}

export interface Closed {
  readonly connections: number;
  readonly requestsPerSecond: number;
  readonly p50: number;
  readonly p99: number;
  readonly failed: number;
  readonly cpuMsPerRequest: number;
  readonly loadCores: number;
  readonly censored: boolean;
}

export interface Open {
  readonly of: string;
  readonly perSecond: number;
  readonly p50: number;
  readonly p99: number;
  readonly failed: number;
  readonly lag99: number;
}

/** Medians over the rounds. */
export interface Standing {
  readonly contender: string;
  readonly family: string;
  readonly role: Turn['role'];
  readonly rounds: number;
  readonly startMs: number;
  readonly memoryMb: number;
  readonly closed: readonly Closed[];
  readonly open: readonly Open[];
  /** The most requests a second, whatever the connections. */
  readonly bestPerSecond: number;
  /** The least processor time a request, whatever the connections. */
  readonly leastCpuMs: number;
}

/** How many times better Vitrina is: in requests a second, and in processor time a request. */
export interface Ratio {
  readonly requests: number;
  readonly cpu: number;
}

export const median = (values: readonly number[]): number => {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
};

/** The standings of a workload: the ceilings first, then Vitrina, then the rivals, the fastest first. */
export function rank(lines: readonly Line[], workload: string): Standing[] {
  const turns = lines.filter((line) => line.kind === 'turn').filter((turn) => turn.workload === workload);
  const names = [...new Set(turns.map(({ contender }) => contender))];
  const order: Turn['role'][] = ['ceiling', 'ours', 'rival'];
  return names
    .map((name) => summarize(turns.filter(({ contender }) => contender === name)))
    .sort((a, b) => order.indexOf(a.role) - order.indexOf(b.role) || b.bestPerSecond - a.bestPerSecond);
}

function summarize(turns: readonly Turn[]): Standing {
  const { contender, family, role } = turns[0]!;
  const of = (pick: (turn: Turn) => number) => median(turns.map(pick));
  const counts = turns[0]!.closed.map(({ connections }) => connections);
  const closed = counts.map((connections): Closed => {
    const results = turns.flatMap((turn) => turn.closed.filter((result) => result.connections === connections));
    const middle = (pick: (result: (typeof results)[number]) => number) => median(results.map(pick));
    return {
      connections,
      requestsPerSecond: middle((result) => result.requestsPerSecond),
      p50: middle((result) => result.p50),
      p99: middle((result) => result.p99),
      failed: results.reduce((sum, result) => sum + result.failed, 0),
      cpuMsPerRequest: middle((result) => result.cpuMsPerRequest),
      loadCores: middle((result) => result.loadCores),
      censored: results.some((result) => result.censored),
    };
  });
  const rates = [...new Set(turns.flatMap((turn) => turn.open.map(({ rate }) => rate.of)))];
  const open = rates.map((name): Open => {
    const results = turns.flatMap((turn) => turn.open.filter(({ rate }) => rate.of === name));
    const middle = (pick: (result: (typeof results)[number]) => number) => median(results.map(pick));
    return {
      of: name,
      perSecond: middle(({ rate }) => rate.perSecond),
      p50: middle(({ p50 }) => p50),
      p99: middle(({ p99 }) => p99),
      failed: results.reduce((sum, result) => sum + result.failed, 0),
      lag99: middle(({ lag99 }) => lag99),
    };
  });
  return {
    contender,
    family,
    role,
    rounds: turns.length,
    startMs: of(({ startMs }) => startMs),
    memoryMb: of(({ memoryMb }) => memoryMb),
    closed,
    open,
    bestPerSecond: Math.max(...closed.map(({ requestsPerSecond }) => requestsPerSecond)),
    leastCpuMs: Math.min(...closed.map(({ cpuMsPerRequest }) => cpuMsPerRequest)),
  };
}

/** Vitrina with the number of workers that gives most requests a second. */
export function findBest(standings: readonly Standing[]): Standing | undefined {
  return standings
    .filter(({ role }) => role === 'ours')
    .reduce<Standing | undefined>(
      (best, one) => (best === undefined || one.bestPerSecond > best.bestPerSecond ? one : best),
      undefined,
    );
}

export const compare = (ours: Standing, other: Standing): Ratio => ({
  requests: ours.bestPerSecond / other.bestPerSecond,
  cpu: other.leastCpuMs / ours.leastCpuMs,
});

/** Against the best variant of a family in each figure. `undefined` when none of it was measured. */
export function compareWithFamily(standings: readonly Standing[], ours: Standing, family: string): Ratio | undefined {
  const ratios = standings.filter((one) => one.family === family).map((one) => compare(ours, one));
  if (ratios.length === 0) return undefined;
  return {
    requests: Math.min(...ratios.map(({ requests }) => requests)),
    cpu: Math.min(...ratios.map(({ cpu }) => cpu)),
  };
}
