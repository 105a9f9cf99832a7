/** What the ratios are to be; each holds when it holds in requests a second and in processor time a request. */
import { compareWithFamily, findBest, type Ratio, type Standing } from './standings.js';

interface Target {
  readonly workload: string;
  readonly family: string;
  readonly least: number;
}

const of = (workload: string, floors: Readonly<Record<string, number>>): Target[] =>
  Object.entries(floors).map(([family, least]) => ({ workload, family, least }));

/** `node-raw` is the bare ceiling on one process, `bare` on as many as help it; `fcv` is the service of pandas and Keras. */
export const targets: readonly Target[] = [
  ...of('fcv', { 'ort-fastapi': 6, fcv: 300 }),
  ...of('lstm', { 'ort-fastapi': 4, pytriton: 5 }),
  ...of('linreg', {
    'ort-fastapi': 3.5,
    'flask-pickle': 8,
    mlserver: 9,
    kserve: 12,
    litserve: 20,
    bentoml: 20,
    'node-raw': 0.6,
    bare: 0.6,
  }),
  ...of('spam', { 'fastapi-sklearn': 15 }),
  ...of('knn', { mlserver: 8, 'fastapi-sklearn': 8 }),
];

export interface Verdict extends Target {
  /** Nothing when one of the two was not measured. */
  readonly ratio: Ratio | undefined;
  readonly holds: boolean;
}

export function judge(workload: string, standings: readonly Standing[]): Verdict[] {
  const ours = findBest(standings);
  return targets
    .filter((target) => target.workload === workload)
    .map((target) => {
      const ratio = ours === undefined ? undefined : compareWithFamily(standings, ours, target.family);
      return { ...target, ratio, holds: ratio !== undefined && Math.min(ratio.requests, ratio.cpu) >= target.least };
    });
}

/** The rivals whose p99 at 16 connections is no worse than ours: there should be none. */
export function findQuicker(standings: readonly Standing[]): { ours: number; quicker: Standing[] } | undefined {
  const p99 = ({ closed }: Standing) => closed.find(({ connections }) => connections === 16)?.p99;
  const best = findBest(standings);
  const ours = best === undefined ? undefined : p99(best);
  if (ours === undefined) return undefined;
  const quicker = standings.filter((one) => one.role === 'rival' && (p99(one) ?? Number.POSITIVE_INFINITY) <= ours);
  return { ours, quicker };
}
