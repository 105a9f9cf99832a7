/** Builds the real server over real files, a real database and the real runtime; requests come by `inject`. */
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { FastifyBaseLogger, FastifyInstance, LightMyRequestResponse } from 'fastify';
import { buildApp } from '../src/app.js';
import { appScopes } from '../src/apps/scopes.js';
import { resolveConfig } from '../src/config.js';
import { createLogger } from '../src/log.js';
import { type Accounts, createAccounts, defaultAccountSettings } from '../src/services/accounts/index.js';
import { ServerJobs } from '../src/services/jobs/server-jobs.js';
import type { App } from '../src/services/platform.js';
import { PredictionService } from '../src/services/predictions/prediction-service.js';
import { UsageLedger } from '../src/services/quotas/index.js';
import type { ModelRepository } from '../src/services/repository/model-repository.js';
import { openRepository } from '../src/services/repository/open-repository.js';
import { noSiblings } from '../src/services/siblings.js';
import type { Conversion } from '../src/signature.js';
import { databaseOptions, openDatabase, type Storage } from '../src/storage/index.js';

export interface StartedApp {
  readonly app: FastifyInstance;
  readonly models: ModelRepository;
  readonly accounts: Accounts;
  readonly storage: Storage;
  readonly jobs: ServerJobs;
  /** The data folder; another start on it finds what this one left. */
  readonly data: string;
  /** An admin's key. */
  readonly key: string;
  /** Sends JSON with the admin's key; a text is sent as it is. */
  post(url: string, body: unknown, headers?: Record<string, string>): Promise<LightMyRequestResponse>;
  get(url: string): Promise<LightMyRequestResponse>;
  close(): Promise<void>;
}

/** A repository folder with one `.onnx` file a graph. */
export function folderOf(graphs: Readonly<Record<string, Pick<Conversion, 'graph'>>>): string {
  const folder = mkdtempSync(join(tmpdir(), 'vitrina-models-'));
  for (const [name, { graph }] of Object.entries(graphs)) writeFileSync(join(folder, `${name}.onnx`), graph);
  return folder;
}

export async function startApp(
  paths: readonly string[],
  flags: Readonly<Record<string, unknown>> = {},
  apps: readonly App[] = [],
  log: FastifyBaseLogger = createLogger('silent'),
): Promise<StartedApp> {
  const data = typeof flags.data === 'string' ? flags.data : mkdtempSync(join(tmpdir(), 'vitrina-data-'));
  const config = resolveConfig({ flags: { data, models: paths, ...flags }, env: {} });
  const storage = await openDatabase(databaseOptions(config));
  const accounts = await createAccounts({
    storage,
    settings: { token: { ...defaultAccountSettings.token, encrypted: config.jwe }, timeZone: config['time-zone'] },
    scopes: appScopes,
  });
  const usage = new UsageLedger(storage);
  const key = (await accounts.bootstrap())?.key ?? '';
  const models = openRepository(config, noSiblings, apps);
  await models.refresh();
  const predictions = new PredictionService(models, config['max-rows']);
  const jobs = new ServerJobs(config, storage, log);
  const services = { models, predictions, accounts, usage, storage, jobs, siblings: noSiblings, log };
  const app = await buildApp(config, services, apps);
  const credentials = { authorization: `Bearer ${key}` };
  return {
    app,
    models,
    accounts,
    storage,
    jobs,
    data,
    key,
    post: (url, body, headers = {}) =>
      app.inject({
        method: 'POST',
        url,
        headers: { 'content-type': 'application/json', ...credentials, ...headers },
        payload: typeof body === 'string' || Buffer.isBuffer(body) ? body : JSON.stringify(body),
      }),
    get: (url) => app.inject({ url, headers: credentials }),
    async close() {
      await jobs.stop(1_000);
      await app.close();
      await models.close();
      await usage.close();
      await accounts.close();
      await storage.close();
    },
  };
}
