import type { FastifyBaseLogger, FastifyInstance } from 'fastify';
import type { Config } from '../config.js';
import { RequestLog } from '../services/logs/request-log.js';
import { Metrics } from '../services/metrics/metrics.js';
import { rememberPredictions } from '../services/predictions/connected-caller.js';
import type { PredictionService } from '../services/predictions/prediction-service.js';
import type { ModelRepository } from '../services/repository/model-repository.js';
import type { Siblings } from '../services/siblings.js';
import { readTraceSettings } from '../services/tracing/settings.js';
import { openTracing, type Tracing } from '../services/tracing/tracing.js';
import metricsPlugin from './metrics.js';
import requestLogPlugin from './request-log.js';
import tracingPlugin from './tracing.js';

/** What watches requests, for every door. */
export interface Telemetry {
  readonly metrics: Metrics | undefined;
  readonly tracing: Tracing | undefined;
  readonly requestLog: RequestLog;
}

declare module 'fastify' {
  interface FastifyInstance {
    readonly telemetry: Telemetry;
  }
}

interface Watched {
  readonly models: ModelRepository;
  readonly predictions: PredictionService;
  readonly siblings: Siblings;
  readonly log: FastifyBaseLogger;
}

/** Watches what is registered after it, and all predictions. What is switched off costs nothing. */
export async function addTelemetry(
  app: FastifyInstance,
  config: Config,
  { models, predictions, siblings, log }: Watched,
): Promise<Telemetry> {
  predictions.observe(rememberPredictions);
  const traces = readTraceSettings(config, process.env);
  const tracing = traces === undefined ? undefined : openTracing(traces, (text) => log.warn(text));
  if (tracing !== undefined) {
    predictions.observe(tracing);
    await app.register(tracingPlugin, { tracing });
  }
  const metrics = config.metrics ? new Metrics(models, siblings) : undefined;
  if (metrics !== undefined) {
    predictions.observe(metrics);
    await app.register(metricsPlugin, { metrics });
  }
  const requestLog = new RequestLog(log, config['request-log']);
  await app.register(requestLogPlugin, { log: requestLog });
  const telemetry = Object.freeze({ metrics, tracing, requestLog });
  app.decorate('telemetry', telemetry);
  return telemetry;
}
