import { setImmediate as nextTurn } from 'node:timers/promises';
import { type ErrorCode, VitrinaError } from '../../errors.js';
import { type ConnectedCaller, rowsOf } from '../predictions/connected-caller.js';
import type { Prediction, PredictionObserver, PredictionRequest } from '../predictions/prediction-service.js';
import type { ModelRepository, VersionState } from '../repository/model-repository.js';
import type { ReadyVersion } from '../repository/ready-version.js';
import { reckon } from '../repository/residency.js';
import { noSiblings, type Siblings } from '../siblings.js';
import { Collector, counted, keepModels, mergeSamples, printSamples, type Samples } from './exposition.js';
import { Histogram } from './histogram.js';
import { type ModelStats, mergeStats, statsOf } from './model-stats.js';
import { ProcessMetrics } from './process-metrics.js';
import { stages, VersionMetrics } from './version-metrics.js';

/** What is counted of one route; the plugin holds on to it, so that a request costs no look-up. */
export class RouteMetrics {
  readonly statuses = new Map<number, number>();
  readonly duration = new Histogram();

  constructor(
    readonly route: string,
    readonly method: string,
  ) {}

  /** @param ms since the head of the request had been read */
  answered(status: number, ms: number): void {
    this.statuses.set(status, (this.statuses.get(status) ?? 0) + 1);
    this.duration.record(ms);
  }
}

/** Versions whose samples are collected in one go. */
const versionsATurn = 50;
/** How often a process tells what it counted: a crash loses what came after. */
const tellEveryMs = 5_000;

/** Adds samples of its own to every scrape; the metrics must be in the catalogue. */
export type MetricSource = (into: Collector) => void;

const loginFailures: ReadonlySet<string> = new Set<ErrorCode>(['login-failed', 'login-throttled', 'login-busy']);

/**
 * Counts what the server does, and answers for all of its processes.
 *
 * Numbers are kept as numbers, and become text when somebody asks: a prediction costs a few increments. Labels come
 * from routes, the repository and the catalogue of errors, never from what a caller sends, so that nobody can make them
 * grow; those of models that are gone go with them.
 */
export class Metrics implements PredictionObserver {
  private readonly routes: RouteMetrics[] = [];
  /** What met no route, whatever its path. */
  private readonly unmatched = this.route('any', 'unmatched');
  private readonly errors = new Map<string, number>();
  private readonly loads = { ready: 0, failed: 0 };
  /** By model, then version; the version is empty for what was refused before one was chosen. */
  private readonly versions = new Map<string, Map<string, VersionMetrics>>();
  private readonly byReady = new WeakMap<ReadyVersion, VersionMetrics>();
  private readonly process = new ProcessMetrics();
  private readonly sources: MetricSource[] = [];
  private scrape: Promise<string> | undefined;
  private telling: NodeJS.Timeout | undefined;

  constructor(
    private readonly models: ModelRepository,
    private readonly siblings: Siblings = noSiblings,
  ) {
    siblings.answer('metrics', () => this.collect());
    siblings.answer('model-stats', (model) =>
      models.names().includes(model as string)
        ? statsOf(model as string, models, this.versionsOf(model as string))
        : undefined,
    );
    if (siblings.tellCounts !== undefined)
      this.telling = setInterval(() => void this.tellCounts(), tellEveryMs).unref();
    for (const { state } of models.list()) this.countLoad(state);
    models.on('change', ({ model, version, state }) => {
      if (state === undefined) this.forget(model, version);
      else this.countLoad(state);
    });
  }

  route(method: string, route: string): RouteMetrics {
    const metrics = new RouteMetrics(route, method);
    this.routes.push(metrics);
    return metrics;
  }

  addSource(source: MetricSource): void {
    this.sources.push(source);
  }

  answered(_request: PredictionRequest, prediction: Prediction): void {
    const { version, report } = prediction;
    const metrics = this.of(version);
    metrics.answered++;
    metrics.rows += rowsOf(prediction);
    metrics.stages.queue.record(report.waitMs);
    metrics.stages.run.record(report.runMs);
  }

  failed({ model }: PredictionRequest, error: unknown, ready: ReadyVersion | undefined): void {
    const reason = error instanceof VitrinaError ? error.code : 'internal';
    if (ready !== undefined) this.of(ready).fail(reason);
    else if (reason !== 'model-not-found') this.entry(model, '').fail(reason);
  }

  /**
   * Counts the time before and after a prediction, once its answer is on the way. Both times are of `performance.now()`.
   * What is computed in several predictions has no one time to parse or write; then only the whole counts.
   */
  delivered({ prediction, predictions }: ConnectedCaller, startedAt: number, now: number): void {
    if (prediction === undefined) return;
    const { startedAt: ranAt, waitMs, runMs } = prediction.report;
    const { parse, write, total } = this.of(prediction.version).stages;
    total.record(now - startedAt);
    if (predictions > 1) return;
    parse.record(Math.max(0, ranAt - waitMs - startedAt));
    write.record(Math.max(0, now - ranAt - runMs));
  }

  /** A request that was refused before its prediction began, for a model that is there. */
  refused(model: string, code: ErrorCode): void {
    if (this.versions.has(model) || this.models.names().includes(model)) this.entry(model, '').fail(code);
  }

  /** @param ms since the head of the request had been read */
  missed(ms: number): void {
    this.unmatched.answered(404, ms);
    this.error('route-not-found');
  }

  error(code: ErrorCode): void {
    this.errors.set(code, (this.errors.get(code) ?? 0) + 1);
  }

  /** The text that Prometheus reads, over all processes. Callers who come at the same time share one. */
  print(): Promise<string> {
    this.scrape ??= this.gather().finally(() => {
      this.scrape = undefined;
    });
    return this.scrape;
  }

  /** What the versions of a model did, over all processes. Errors: `model-not-found`. */
  async stats(model: string): Promise<ModelStats> {
    const own = statsOf(model, this.models, this.versionsOf(model));
    const others = await this.siblings.ask('model-stats', model);
    return mergeStats([own, ...(others as (typeof own)[])]);
  }

  async close(): Promise<void> {
    clearInterval(this.telling);
    await this.tellCounts();
    this.process.close();
  }

  private async tellCounts(): Promise<void> {
    if (this.siblings.tellCounts !== undefined) this.siblings.tellCounts(counted(await this.collect()));
  }

  private async gather(): Promise<string> {
    const answers = (await this.siblings.ask('metrics')) as (Samples | { readonly ended: Samples })[];
    const there = new Set(this.models.list().flatMap(({ model, version }) => [`${model}/${version}`, `${model}/`]));
    const others = answers.map((answer) =>
      answer instanceof Map ? answer : keepModels(answer.ended, (model, version) => there.has(`${model}/${version}`)),
    );
    return printSamples(mergeSamples([await this.collect(), ...others]));
  }

  /** The samples of this process. With a thousand models they take a while: others get their turn meanwhile. */
  private async collect(): Promise<Samples> {
    const into = new Collector();
    this.collectRequests(into);
    await this.collectVersions(into);
    this.process.collect(into);
    for (const source of this.sources) source(into);
    return into.samples;
  }

  private collectRequests(into: Collector): void {
    for (const { route, method, statuses, duration } of this.routes) {
      for (const [status, count] of statuses) {
        into.add('vitrina_http_requests_total', { route, method, status: String(status) }, count);
      }
      if (duration.count > 0) into.addDurations('vitrina_http_request_duration_seconds', { route, method }, duration);
    }
    for (const [code, count] of this.errors) {
      into.add('vitrina_errors_total', { code }, count);
      if (loginFailures.has(code)) into.add('vitrina_logins_failed_total', { reason: code }, count);
    }
    for (const [result, count] of Object.entries(this.loads)) {
      into.add('vitrina_model_loads_total', { result }, count);
    }
  }

  private async collectVersions(into: Collector): Promise<void> {
    const there = new Set<string>();
    for (const { model, version, state } of this.models.list()) {
      there.add(`${model}/${version}`).add(`${model}/`);
      into.add('vitrina_models', { state: state.status }, 1);
      if (state.status !== 'ready') continue;
      const labels = { model, version };
      const { batcher, loading } = state.ready;
      into.add('vitrina_model_memory_bytes', labels, reckon(state.ready));
      into.add('vitrina_queue_rows', labels, batcher.queuedRows);
      into.add('vitrina_model_load_seconds', labels, loading.totalMs / 1000);
      into.add('vitrina_model_conversion_seconds', labels, loading.conversionMs / 1000);
    }
    let collected = 0;
    for (const [model, versions] of this.versions) {
      for (const [version, metrics] of versions) {
        // A late answer of a version that is gone may have brought its labels back.
        if (there.has(`${model}/${version}`)) collectVersion(into, metrics);
        else this.forget(model, version);
        if (++collected % versionsATurn === 0) await nextTurn();
      }
    }
  }

  private of(ready: ReadyVersion): VersionMetrics {
    let metrics = this.byReady.get(ready);
    if (metrics === undefined) {
      metrics = this.entry(ready.model, ready.version);
      metrics.follow(ready);
      this.byReady.set(ready, metrics);
    }
    return metrics;
  }

  private entry(model: string, version: string): VersionMetrics {
    let versions = this.versions.get(model);
    if (versions === undefined) {
      versions = new Map();
      this.versions.set(model, versions);
    }
    let metrics = versions.get(version);
    if (metrics === undefined) {
      metrics = new VersionMetrics(model, version);
      versions.set(version, metrics);
    }
    return metrics;
  }

  private versionsOf(model: string): readonly VersionMetrics[] {
    return [...(this.versions.get(model)?.values() ?? [])];
  }

  private forget(model: string, version: string): void {
    const versions = this.versions.get(model);
    versions?.delete(version);
    if (versions?.size === 0) this.versions.delete(model);
  }

  private countLoad(state: VersionState): void {
    if (state.status === 'ready' || state.status === 'failed') this.loads[state.status]++;
  }
}

function collectVersion(into: Collector, metrics: VersionMetrics): void {
  const { model, version, answered, rows, failures } = metrics;
  const labels = version === '' ? { model } : { model, version };
  for (const [reason, count] of failures) {
    into.add('vitrina_prediction_failures_total', { ...labels, reason }, count);
  }
  if (version === '') return;
  into.add('vitrina_predictions_total', labels, answered);
  into.add('vitrina_prediction_rows_total', labels, rows);
  for (const stage of stages) {
    const durations = metrics.stages[stage];
    if (durations.count > 0) into.addDurations('vitrina_prediction_stage_seconds', { ...labels, stage }, durations);
  }
  into.addValues('vitrina_batch_rows', labels, metrics.batchSizes());
}
