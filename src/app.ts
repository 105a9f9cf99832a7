import { mkdirSync } from 'node:fs';
import type { Server } from 'node:http';
import { join } from 'node:path';
import cors from '@fastify/cors';
import Fastify, { type FastifyBaseLogger, type FastifyInstance, LogController } from 'fastify';
import type { Config } from './config.js';
import { VitrinaError } from './errors.js';
import { openPlainDoor } from './http/plain-door.js';
import { GuardedResponse } from './http/plain-response.js';
import { WholeRequest } from './http/whole-body.js';
import admission from './plugins/admission.js';
import authPlugin from './plugins/auth.js';
import { detailDialect, problemDialect, speak } from './plugins/error-handler.js';
import jsonBody, { parseBody } from './plugins/json-body.js';
import openApi from './plugins/openapi.js';
import requestContext, { requestId, usualHeaders } from './plugins/request-context.js';
import slowBody from './plugins/slow-body.js';
import { addTelemetry } from './plugins/telemetry.js';
import { addTraffic } from './plugins/traffic.js';
import { authRoutes } from './routes/auth.js';
import { driftRoutes } from './routes/drift.js';
import { healthRoutes } from './routes/health.js';
import { jobRoutes } from './routes/jobs.js';
import { keyRoutes } from './routes/keys.js';
import { metricsRoutes } from './routes/metrics.js';
import { modelManagementRoutes } from './routes/model-management.js';
import { modelRoutes } from './routes/models.js';
import { openInferenceRoutes } from './routes/open-inference.js';
import { predictionRoutes } from './routes/predictions.js';
import { statsRoutes } from './routes/stats.js';
import { trafficRoutes } from './routes/traffic.js';
import { usageRoutes } from './routes/usage.js';
import { userRoutes } from './routes/users.js';
import type { Accounts } from './services/accounts/index.js';
import type { ServerJobs } from './services/jobs/server-jobs.js';
import type { App, Platform } from './services/platform.js';
import type { PredictionService } from './services/predictions/prediction-service.js';
import { KeyMeter, type UsageLedger } from './services/quotas/index.js';
import { modelNameOf } from './services/repository/model-name.js';
import type { ModelRepository } from './services/repository/model-repository.js';
import { serveOwnModel } from './services/repository/own-model.js';
import type { Siblings } from './services/siblings.js';
import { databaseOptions, type Storage } from './storage/index.js';
import { version } from './version.js';

export interface Services {
  readonly models: ModelRepository;
  readonly predictions: PredictionService;
  readonly accounts: Accounts;
  readonly usage: UsageLedger;
  readonly storage: Storage;
  readonly jobs: ServerJobs;
  /** The other processes of the same server. */
  readonly siblings: Siblings;
  readonly log: FastifyBaseLogger;
}

/**
 * Builds the server without listening. The order of the registrations is the order in which a request meets them:
 * context, body, errors, authentication, admission; then the routes.
 */
export async function buildApp(config: Config, services: Services, apps: readonly App[]): Promise<FastifyInstance> {
  const only = config.only === undefined ? undefined : findApp(config.only, apps);
  const app = Fastify({
    // What is logged of a request names its id itself; a logger for each would cost more than most lines are worth. Where
    // Fastify knows of a logger, it listens to every answer for the sake of lines that are switched off here.
    childLoggerFactory: () => services.log,
    logController: new LogController({ disableRequestLogging: true }),
    genReqId: requestId,
    http: { IncomingMessage: WholeRequest, ServerResponse: GuardedResponse },
    bodyLimit: config['body-limit'],
    // What has been accepted is answered, also while the server drains.
    return503OnClosing: false,
    forceCloseConnections: 'idle',
    // Uploads get their time; `slow-body` holds all other requests to a minute.
    requestTimeout: config['upload-timeout'] * 1000,
    trustProxy: config['trust-proxy'].length === 0 ? false : [...config['trust-proxy']],
    routerOptions: { ignoreTrailingSlash: true, maxParamLength: 200 },
    ajv: { customOptions: { coerceTypes: false, removeAdditional: false, allErrors: false } },
  });

  app.log = services.log;
  openPlainDoor(app.server as Server, usualHeaders);
  await app.register(requestContext);
  await app.register(slowBody, { timeoutMs: 60_000 });
  const { metrics } = await addTelemetry(app, config, services);
  const { units } = services.accounts.quotas;
  metrics?.addSource((into) => {
    for (const [outcome, count] of Object.entries(units)) into.add('vitrina_quota_units_total', { outcome }, count);
  });
  metrics?.addSource((into) => {
    const { waiting, totals } = services.jobs.counts();
    for (const { name, state, count } of waiting) {
      if (state === 'running') into.add('vitrina_jobs_running', { job: name }, count);
      else into.add('vitrina_jobs_waiting', { job: name, state }, count);
    }
    for (const { name, outcome, count } of totals)
      into.add('vitrina_jobs_finished_total', { job: name, outcome }, count);
  });
  await app.register(jsonBody);
  // Without origins no header is sent, which is what a browser takes for a no.
  if (config['cors-origins'].length > 0) await app.register(cors, { origin: [...config['cors-origins']] });
  await app.register(authPlugin, { accounts: services.accounts });
  services.predictions.observe(services.usage);
  services.predictions.meterBy(new KeyMeter(services.accounts.quotas));
  await app.register(admission, { predictions: services.predictions, defaultTimeoutMs: config['default-timeout-ms'] });
  const { traffic, drift } = addTraffic(app, config, services, metrics);
  if (only !== undefined) {
    await addAlone(app, only, services, platformFor(only, config, services));
    if (metrics !== undefined) await app.register(metricsRoutes, { metrics, open: config['metrics-public'] });
    return app;
  }
  await addPlatform(app, config, services);
  await app.register(trafficRoutes, { traffic, accounts: services.accounts });
  await app.register(driftRoutes, { drift, models: services.models, accounts: services.accounts });
  if (metrics !== undefined) {
    await app.register(metricsRoutes, { metrics, open: config['metrics-public'] });
    await app.register(statsRoutes, { metrics });
  }
  for (const one of apps) {
    await app.register(scopeOf(one, platformFor(one, config, services)), { prefix: `/${one.name}` });
  }
  return app;
}

/** The platform's own API, in its own dialect of errors. */
async function addPlatform(
  app: FastifyInstance,
  config: Config,
  { models, accounts, predictions, usage, storage, jobs }: Services,
): Promise<void> {
  speak(app, problemDialect);
  const description = 'A self-hosted model server.';
  await app.register(openApi, { title: 'Vitrina', description, version, models, listModels: true });
  await app.register(healthRoutes, { models, storage });
  await app.register(authRoutes, { accounts, openRegistration: config['open-registration'] === true });
  await app.register(userRoutes, { accounts });
  await app.register(keyRoutes, { accounts });
  await app.register(usageRoutes, { accounts, usage });
  await app.register(modelRoutes, { models });
  await app.register(modelManagementRoutes, { models, accounts, uploadLimit: config['upload-limit'] });
  const tables = {
    streamBytes: config['stream-limit'],
    maxRows: config['max-rows'],
    rowBytes: config['body-limit'],
    batchBytes: config['batch-limit'],
    spool: join(config.data, 'spool'),
    parse: parseBody,
    report: (failure: VitrinaError, reqId: string | undefined) => {
      if (failure.status >= 500)
        app.log.error({ err: failure.cause ?? failure, code: failure.code, reqId }, failure.message);
    },
  };
  await app.register(predictionRoutes, { predictions, tables });
  await app.register(jobRoutes, { jobs, predictions, data: config.data, fileLimit: config['job-file-limit'] });
  await app.register(openInferenceRoutes, { prefix: '/v2', models, predictions });
  app.get('/', { config: { public: true }, schema: { hide: true } }, () => ({
    name: 'vitrina',
    version,
    docs: '/docs',
    openapi: '/openapi.json',
  }));
}

/** One app at the root, as its clients know it: nothing but health and documentation beside it. */
async function addAlone(
  app: FastifyInstance,
  one: App,
  { models, storage }: Services,
  platform: Platform,
): Promise<void> {
  speak(app, detailDialect(one.renderDetail));
  await one.observe?.(app, platform);
  const { description, title: usual } = one;
  const title = one.titleFrom?.(platform.settings) ?? usual;
  await app.register(openApi, { title, description, version, models, listModels: false });
  await app.register(healthRoutes, { models, storage });
  await app.register(async (scope) => one.register(scope, platform));
}

/** An app beside the platform keeps its own dialect of errors under its prefix. */
function scopeOf(app: App, platform: Platform) {
  return async (scope: FastifyInstance) => {
    speak(scope, detailDialect(app.renderDetail));
    await app.observe?.(scope, platform);
    await app.register(scope, platform);
  };
}

function findApp(name: string, apps: readonly App[]): App {
  const app = apps.find((candidate) => candidate.name === name);
  if (app !== undefined) return app;
  const expected = `one of ${apps.map((candidate) => candidate.name).join(', ')}`;
  throw new VitrinaError('setting-invalid', { setting: 'only', source: 'configuration', value: `"${name}"`, expected });
}

function platformFor(app: App, config: Config, services: Services): Platform {
  const settings = config.apps[app.name] ?? {};
  const dataFolder = join(config.data, app.name);
  mkdirSync(dataFolder, { recursive: true });
  const { models, predictions } = services;
  const alone = config.only === app.name;
  const modelName = () => modelNameOf(app.name, config, models);
  return {
    models,
    accounts: services.accounts,
    storage: services.storage,
    database: databaseOptions(config),
    jobs: services.jobs.queue,
    jobDesk: services.jobs.desk,
    predict: (request) => predictions.predict(request),
    replaceModel: (upload, maxBytes, checks) => models.replace(modelName(), upload, maxBytes, checks),
    serveOwnModel: (own) => serveOwnModel(models, join(dataFolder, 'model'), modelName(), own),
    withdrawModel: (checks) => models.withdraw(modelName(), checks),
    dataFolder,
    log: services.log.child({ app: app.name }),
    settings,
    get modelName() {
      return modelName();
    },
    alone,
    openRegistration: config['open-registration'] ?? true,
  };
}
