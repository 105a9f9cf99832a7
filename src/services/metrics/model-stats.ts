/** `GET /models/{name}/stats`: what a model did, in numbers for people and scripts. */
import type { ModelRepository } from '../repository/model-repository.js';
import { addCounts, countsOf, type HistogramCounts, quantile } from './histogram.js';
import { type Stage, stages, type VersionMetrics } from './version-metrics.js';

/** Of one version in one process; travels between processes. */
interface VersionCounts {
  readonly version: string;
  readonly predictions: number;
  readonly rows: number;
  readonly failures: Readonly<Record<string, number>>;
  readonly stages: Readonly<Record<Stage, HistogramCounts>>;
  /** Batches by their number of rows. */
  readonly batches: readonly (readonly [rows: number, count: number])[];
  readonly queuedRows: number;
}

interface ModelCounts {
  readonly model: string;
  readonly versions: readonly VersionCounts[];
}

/** Milliseconds. */
export interface StageStats {
  readonly count: number;
  readonly mean: number;
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
}

export interface VersionStatsView {
  readonly version: string;
  readonly predictions: number;
  readonly rows: number;
  readonly failures: Readonly<Record<string, number>>;
  /** A stage that nothing went through is `null`. */
  readonly latencyMs: Readonly<Record<Stage, StageStats | null>>;
  readonly batches: {
    readonly count: number;
    readonly meanRows: number | null;
    readonly bySize: readonly { readonly rows: number; readonly count: number }[];
  };
  readonly queuedRows: number;
}

export interface ModelStats {
  readonly model: string;
  /** Server processes that these numbers are of. */
  readonly processes: number;
  readonly predictions: number;
  readonly rows: number;
  readonly failures: Readonly<Record<string, number>>;
  readonly versions: readonly VersionStatsView[];
}

/** What this process knows of a model. Errors: `model-not-found`. */
export function statsOf(model: string, models: ModelRepository, known: readonly VersionMetrics[]): ModelCounts {
  const entries = models.versions(model);
  const empty = known.find(({ version }) => version === '');
  const versions = entries.map(({ version, state }) => {
    const queuedRows = state.status === 'ready' ? state.ready.batcher.queuedRows : 0;
    return countVersion(
      version,
      known.find((metrics) => metrics.version === version),
      queuedRows,
    );
  });
  return { model, versions: empty === undefined ? versions : [...versions, countVersion('', empty, 0)] };
}

function countVersion(version: string, metrics: VersionMetrics | undefined, queuedRows: number): VersionCounts {
  const none: HistogramCounts = { counts: [], sumMs: 0 };
  return {
    version,
    predictions: metrics?.answered ?? 0,
    rows: metrics?.rows ?? 0,
    failures: Object.fromEntries(metrics?.failures ?? []),
    stages: Object.fromEntries(
      stages.map((stage) => [stage, metrics === undefined ? none : countsOf(metrics.stages[stage])]),
    ) as Record<Stage, HistogramCounts>,
    batches: [...(metrics?.batchSizes() ?? [])],
    queuedRows,
  };
}

/** The numbers of all processes as those of one; a process that does not know the model has nothing to say. */
export function mergeStats(all: readonly (ModelCounts | undefined)[]): ModelStats {
  const counts = all.filter((one) => one !== undefined);
  const byVersion = new Map<string, VersionCounts[]>();
  for (const version of counts.flatMap(({ versions }) => versions)) {
    byVersion.set(version.version, [...(byVersion.get(version.version) ?? []), version]);
  }
  const views = [...byVersion.values()].map(viewVersion);
  return {
    model: counts[0]!.model,
    processes: counts.length,
    predictions: sum(views.map(({ predictions }) => predictions)),
    rows: sum(views.map(({ rows }) => rows)),
    failures: sumRecords(views.map(({ failures }) => failures)),
    // What was refused before a version was chosen is in the sums alone.
    versions: views.filter(({ version }) => version !== ''),
  };
}

function viewVersion(all: readonly VersionCounts[]): VersionStatsView {
  const sizes = new Map<number, number>();
  for (const [rows, count] of all.flatMap(({ batches }) => batches)) sizes.set(rows, (sizes.get(rows) ?? 0) + count);
  const bySize = [...sizes].sort(([a], [b]) => a - b).map(([rows, count]) => ({ rows, count }));
  const count = sum(bySize.map((size) => size.count));
  const batchedRows = sum(bySize.map((size) => size.rows * size.count));
  return {
    version: all[0]!.version,
    predictions: sum(all.map(({ predictions }) => predictions)),
    rows: sum(all.map(({ rows }) => rows)),
    failures: sumRecords(all.map(({ failures }) => failures)),
    latencyMs: Object.fromEntries(
      stages.map((stage) => [stage, viewStage(addCounts(all.map((one) => one.stages[stage])))]),
    ) as Record<Stage, StageStats | null>,
    batches: { count, meanRows: count === 0 ? null : batchedRows / count, bySize },
    queuedRows: sum(all.map(({ queuedRows }) => queuedRows)),
  };
}

function viewStage(counts: HistogramCounts): StageStats | null {
  const count = sum(counts.counts);
  if (count === 0) return null;
  const at = (q: number) => round(quantile(counts, q)!);
  return { count, mean: round(counts.sumMs / count), p50: at(0.5), p90: at(0.9), p99: at(0.99) };
}

const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);
/** Microseconds: beyond that, it is the clock that is measured. */
const round = (ms: number) => Number(ms.toFixed(3));

function sumRecords(records: readonly Readonly<Record<string, number>>[]): Record<string, number> {
  const total: Record<string, number> = {};
  for (const record of records) for (const name in record) total[name] = (total[name] ?? 0) + record[name]!;
  return total;
}
