import { mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { apps } from './apps/index.js';
import { appScopes } from './apps/scopes.js';
import type { Config } from './config.js';
import { createLogger } from './log.js';
import { makeDataFolder } from './make-folder.js';
import { parseBody } from './plugins/json-body.js';
import { createAccounts } from './services/accounts/index.js';
import { type JobDefinition, type Waking, Workshop } from './services/jobs/index.js';
import { removeOrphanedFiles } from './services/jobs/orphaned-files.js';
import { predictFileJob } from './services/jobs/predict-file.js';
import type { App, WorkPlatform } from './services/platform.js';
import { rememberPredictions } from './services/predictions/connected-caller.js';
import { PredictionService } from './services/predictions/prediction-service.js';
import { KeyMeter, UsageLedger } from './services/quotas/index.js';
import { modelNameOf } from './services/repository/model-name.js';
import type { ModelRepository } from './services/repository/model-repository.js';
import { openRepository } from './services/repository/open-repository.js';
import { followDataFolder } from './services/repository/repository-watch.js';
import { noSiblings } from './services/siblings.js';
import { databaseOptions, openDatabase, type Storage } from './storage/index.js';

export interface RunningWorker {
  /** Jobs that may run now. */
  wake(jobs: readonly Waking[]): void;
  /** Jobs that run. */
  readonly busy: number;
  /** Names of the jobs that it knows. */
  readonly kinds: readonly string[];
  /** Gives what runs `graceMs` to end; others take up the rest. */
  stop(graceMs: number): Promise<void>;
}

/** What is added to a process's own, as by `nice`: who is served goes first. The processes that jobs start inherit it. */
export const jobNiceness = 5;

/** Jobs that one worker does at a time, unless `job-concurrency` says otherwise. */
export const usualConcurrency = 4;

/**
 * Does jobs, `concurrency` at a time, on the database, models and broker of a configuration: in a thread of a server, or
 * as a process of its own. Models are loaded when a job asks for them.
 *
 * Errors: those of `openDatabase`, and of a broker that refuses for good.
 */
export async function startWorker(config: Config, concurrency: number): Promise<RunningWorker> {
  const data = resolve(config.data);
  makeDataFolder(data);
  const log = createLogger(config['log-level']);
  const models = openRepository({ ...config, data, load: 'lazy' }, noSiblings, []);
  const storage = await openDatabase(databaseOptions({ ...config, data }, log));
  const closes: (() => Promise<void>)[] = [];
  const close = async () => {
    for (const one of closes.toReversed()) await one();
    await models.close();
    await storage.close();
  };
  try {
    await models.refresh();
    const unfollow = followDataFolder(models, log);
    closes.push(async () => unfollow());
    const accounts = await createAccounts({ storage, settings: { timeZone: config['time-zone'] }, scopes: appScopes });
    closes.push(() => accounts.close());
    const predictions = new PredictionService(models, config['max-rows']);
    const usage = new UsageLedger(storage);
    closes.push(() => usage.close());
    predictions.observe(rememberPredictions);
    predictions.observe(usage);
    predictions.meterBy(new KeyMeter(accounts.quotas));

    let workshop: Workshop | undefined;
    const jobs: WorkPlatform['jobs'] = {
      enqueue: (kind, input, options) => workshop!.queue.enqueue(kind, input, options),
      enqueueIn: (transaction, kind, input, options) => workshop!.queue.enqueueIn(transaction, kind, input, options),
    };
    const definitions: JobDefinition[] = [
      predictFileJob({ config, data, accounts, predictions, parse: parseBody, log }),
    ];
    for (const app of apps) {
      const platform = workPlatform(app, config, data, { models, predictions, storage, jobs, log, closes });
      definitions.push(...((await app.work?.(platform)) ?? []));
    }
    const broker = config['queue-url'] === undefined ? undefined : await openBroker(config, log);
    workshop = new Workshop({
      storage,
      definitions,
      concurrency,
      leaseMs: config['job-lease'] * 1000,
      keepDays: config['job-keep-days'],
      log,
      ...(broker === undefined ? {} : { broker }),
    });
    await workshop.start();
    const removal = removeOrphanedFiles(data, storage).catch((error: unknown) => {
      log.warn({ err: error }, 'Files of jobs that are no more could not be removed; the next start tries again.');
    });
    closes.push(async () => void (await removal));
    const running = workshop;
    return {
      wake: (waking) => running.wake(waking),
      get busy() {
        return running.busy;
      },
      kinds: definitions.map(({ name }) => name),
      stop: async (graceMs) => {
        await running.stop(graceMs);
        await close();
      },
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/** The broker is loaded where there is one only. */
async function openBroker(config: Config, log: ReturnType<typeof createLogger>) {
  const { openRabbitBroker } = await import('./services/jobs/rabbit/index.js');
  return openRabbitBroker({
    url: config['queue-url']!,
    kind: config['queue-kind'],
    queue: config['queue-name'],
    log,
  });
}

interface Parts {
  readonly models: ModelRepository;
  readonly predictions: PredictionService;
  readonly storage: Storage;
  readonly jobs: WorkPlatform['jobs'];
  readonly log: ReturnType<typeof createLogger>;
  readonly closes: (() => Promise<void>)[];
}

function workPlatform(app: App, config: Config, data: string, parts: Parts): WorkPlatform {
  const { models, predictions, storage, jobs, log, closes } = parts;
  const settings = config.apps[app.name] ?? {};
  const dataFolder = join(data, app.name);
  mkdirSync(dataFolder, { recursive: true });
  return {
    models,
    storage,
    jobs,
    settings,
    dataFolder,
    alone: config.only === app.name,
    log: log.child({ app: app.name }),
    predict: (request) => predictions.predict(request),
    get modelName() {
      return modelNameOf(app.name, config, models);
    },
    onStop: (close) => void closes.push(close),
  };
}
