import { join } from 'node:path';
import type { FastifyBaseLogger, FastifyInstance } from 'fastify';
import type { Config } from '../config.js';
import { Drift } from '../services/drift/drift.js';
import type { Metrics } from '../services/metrics/metrics.js';
import type { PredictionService } from '../services/predictions/prediction-service.js';
import type { ModelRepository } from '../services/repository/model-repository.js';
import { PayloadSamples } from '../services/samples/payload-samples.js';
import { SampleFile } from '../services/samples/sample-file.js';
import type { Siblings } from '../services/siblings.js';
import { Traffic } from '../services/traffic/traffic.js';

interface Services {
  readonly models: ModelRepository;
  readonly predictions: PredictionService;
  readonly siblings: Siblings;
  readonly log: FastifyBaseLogger;
}

/**
 * Has traffic policies choose versions, whichever door a prediction comes through, and what is asked and answered
 * looked at: by shadows, for drift, for samples. Ends with `app`.
 */
export function addTraffic(
  app: FastifyInstance,
  config: Config,
  services: Services,
  metrics: Metrics | undefined,
): { traffic: Traffic; drift: Drift } {
  const { models, predictions, siblings, log } = services;
  const traffic = new Traffic({ models, folder: join(config.data, 'models'), siblings, log });
  predictions.chooseBy(traffic);
  predictions.observe(traffic);
  metrics?.addSource((into) => traffic.collect(into));
  app.addHook('onClose', async () => traffic.close());

  const drift = new Drift({
    models,
    folder: join(config.data, 'profiles'),
    siblings,
    log,
    windowMs: config['drift-window'] * 60_000,
    referenceRows: config['drift-reference-rows'],
  });
  predictions.observe(drift);
  metrics?.addSource((into) => drift.collect(into));

  // Nobody's inputs are written unless the owner asks for it.
  if (config['sample-payloads'] > 0) addSamples(app, config, services, metrics);
  return { traffic, drift };
}

function addSamples(
  app: FastifyInstance,
  config: Config,
  { predictions, siblings, log }: Services,
  metrics: Metrics | undefined,
): void {
  const file = new SampleFile({
    folder: join(config.data, 'samples'),
    name: siblings.index === 1 ? 'payloads.ndjson' : `payloads-${siblings.index}.ndjson`,
    onError: (error) => log.error({ err: error }, 'Payload samples cannot be written'),
  });
  const samples = new PayloadSamples({ fraction: config['sample-payloads'], mask: config['sample-mask'], file });
  predictions.observe(samples);
  metrics?.addSource((into) => samples.collect(into));
  app.addHook('onClose', () => samples.close());
}
