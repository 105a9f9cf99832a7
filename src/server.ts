import { existsSync, mkdirSync, statSync } from 'node:fs';
import { Server } from 'node:net';
import { dirname, join, resolve } from 'node:path';
import type { FastifyInstance } from 'fastify';
import { buildApp } from './app.js';
import { apps } from './apps/index.js';
import type { Config } from './config.js';
import { VitrinaError } from './errors.js';
import type { GrpcServer, GrpcServices } from './grpc/server.js';
import { createLogger } from './log.js';
import { type AccountSettings, createAccounts, defaultAccountSettings } from './services/accounts/index.js';
import { ArtefactStore } from './services/artefact-store.js';
import { ModelRepository } from './services/model-repository.js';
import { PredictionService } from './services/prediction-service.js';
import { watchRepository } from './services/repository-watch.js';
import { noSiblings, type Siblings } from './services/siblings.js';
import { openDatabase } from './storage/index.js';

/** Milliseconds that an idle connection gets, once the server stops, to be told so with its next answer. */
const idleGraceMs = 1_000;

export interface RunningServer {
  readonly app: FastifyInstance;
  readonly models: ModelRepository;
  /** The first admin's key, on the first start only. */
  readonly firstKey: string | undefined;
  readonly url: string;
  /** `host:port` of the gRPC door, where there is one. */
  readonly grpcAddress: string | undefined;
  /** Lets open requests finish, then closes everything. Safe to call twice: the first call says how. */
  stop(options?: StopOptions): Promise<void>;
}

export interface StopOptions {
  /** Other processes accept connections from the same socket, so that what waits there is not lost. */
  readonly othersListen?: boolean;
}

/**
 * Opens the database, loads the models, builds the app and listens.
 * Errors, each one clear line: `path-unusable`, `storage-…`, `port-in-use`, `address-unusable`, `setting-invalid`.
 *
 * @param siblings the other processes of the same server
 */
export async function startServer(config: Config, siblings: Siblings = noSiblings): Promise<RunningServer> {
  const data = resolve(config.data);
  makeFolder(data);
  const log = createLogger(config['log-level']);
  const models = new ModelRepository({
    paths: config.models,
    cacheFolder: join(data, 'cache'),
    maxQueueRows: config['max-queue-rows'],
    store: new ArtefactStore(join(data, 'models')),
    siblings,
  });
  // The models load while the database opens.
  const loaded = models.refresh();
  loaded.catch(() => undefined);
  const storage = await openDatabase({ path: join(data, 'vitrina.db') });
  let app: FastifyInstance | undefined;
  let grpc: GrpcServer | undefined;
  try {
    const accounts = await createAccounts({ storage, settings: accountSettings(config) });
    const firstKey = (await accounts.bootstrap())?.key;
    await loaded;
    const predictions = new PredictionService(models, config['max-rows']);
    app = await buildApp({ ...config, data }, { models, predictions, accounts, siblings, log }, apps);
    await listen(app, config);
    grpc = await listenGrpc(config, { models, predictions, accounts, log });
    const unwatch = config.watch ? watchRepository(models, config.models, log) : () => undefined;
    return {
      app,
      models,
      firstKey,
      url: urlOf(app, config),
      grpcAddress: grpc === undefined ? undefined : addressOf(config.host, grpc.port),
      stop: once((options: StopOptions = {}) => stop(app!, grpc, config, options, unwatch, models, storage)),
    };
  } catch (error) {
    await grpc?.stop(0);
    await app?.close();
    await models.close();
    await storage.close();
    throw error;
  }
}

/** Level by level: `mkdir` with `recursive` spins for ever where the kernel says that a parent is not there (`/proc`). */
function makeFolder(path: string): void {
  if (existsSync(path) && statSync(path).isDirectory()) return;
  try {
    if (!existsSync(dirname(path))) makeFolder(dirname(path));
    mkdirSync(path);
  } catch (cause) {
    if (existsSync(path) && statSync(path).isDirectory()) return;
    if (cause instanceof VitrinaError) throw cause;
    const problem = 'the data folder cannot be made; choose another with --data';
    throw new VitrinaError('path-unusable', { path, problem }, { cause });
  }
}

function accountSettings(config: Config): Partial<AccountSettings> {
  const secret = config['jwt-secret'];
  return {
    passwordMinimum: config['min-password-length'],
    token: { ...defaultAccountSettings.token, lifetime: config['token-minutes'] * 60 },
    ...(secret === undefined ? {} : { jwtSecret: secret }),
  };
}

async function listen(app: FastifyInstance, { host, port }: Config): Promise<void> {
  try {
    await app.listen({ host, port, backlog: 1024 });
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    if (code === 'EADDRINUSE') throw new VitrinaError('port-in-use', { host, port }, { cause });
    if (code !== undefined && /^E[A-Z]+$/.test(code)) {
      throw new VitrinaError('address-unusable', { host, port, reason: message }, { cause });
    }
    throw cause;
  }
}

function urlOf(app: FastifyInstance, { host }: Config): string {
  const address = app.server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  return `http://${addressOf(host, port)}`;
}

function addressOf(host: string, port: number): string {
  const name = host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host;
  return `${name.includes(':') ? `[${name}]` : name}:${port}`;
}

/** The second door, loaded only where it is asked for. */
async function listenGrpc(config: Config, services: GrpcServices): Promise<GrpcServer | undefined> {
  const { host, 'grpc-port': port, 'body-limit': bodyLimit, only } = config;
  if (port === undefined) return undefined;
  if (only !== undefined) {
    const expected = 'nothing beside "only": an app that is served alone has no other door';
    throw new VitrinaError('setting-invalid', {
      setting: 'grpc-port',
      source: 'configuration',
      value: `${port}`,
      expected,
    });
  }
  const { startGrpcServer } = await import('./grpc/server.js');
  return startGrpcServer({ host, port, bodyLimit }, services);
}

/**
 * Stops without failing what was accepted: first no new connection is taken and every answer says
 * `Connection: close`, so that clients leave by themselves; what is idle after a grace is closed, what still computes
 * gets the stop timeout.
 */
async function stop(
  app: FastifyInstance,
  grpc: GrpcServer | undefined,
  config: Config,
  { othersListen = false }: StopOptions,
  unwatch: () => void,
  models: ModelRepository,
  storage: { close(): Promise<void> },
): Promise<void> {
  unwatch();
  const { server } = app;
  const graceMs = config['stop-timeout'] * 1000;
  const deadline = setTimeout(() => server.closeAllConnections(), graceMs);
  const grpcStopped = grpc?.stop(graceMs);
  server.prependListener('request', (_request, response) => {
    response.shouldKeepAlive = false;
  });
  if (!othersListen) await acceptWaiting(server);
  // http.Server.close would cut idle connections at once, with requests on their way.
  Server.prototype.close.call(server);
  const until = performance.now() + idleGraceMs;
  while (performance.now() < until && (await connections(server)) > 0)
    await new Promise((next) => setTimeout(next, 20));
  await app.close();
  clearTimeout(deadline);
  await grpcStopped;
  await models.close();
  await storage.close();
}

/**
 * Lets in the connections that the kernel has already accepted and that wait for this process: closing the socket
 * would reset them. Listening again with no backlog keeps newcomers out meanwhile; there is no public call for it, and
 * without it nothing worse happens than a reset.
 */
async function acceptWaiting(server: Server): Promise<void> {
  const { _handle: handle } = server as { _handle?: { listen?(backlog: number): number } };
  handle?.listen?.(0);
  let newcomers = true;
  server.on('connection', () => {
    newcomers = true;
  });
  const until = performance.now() + idleGraceMs;
  while (newcomers && performance.now() < until) {
    newcomers = false;
    await new Promise((next) => setTimeout(next, 20));
  }
  // Right after a connection was taken the queue is empty, or nobody has come for a while: the moment to close.
  await new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, 20);
    server.once('connection', () => {
      clearTimeout(timer);
      resolve();
    });
  });
}

function connections(server: Server): Promise<number> {
  return new Promise((resolve) => server.getConnections((_error, count) => resolve(count ?? 0)));
}

function once<A extends unknown[], T>(run: (...args: A) => Promise<T>): (...args: A) => Promise<T> {
  let result: Promise<T> | undefined;
  return (...args) => {
    result ??= run(...args);
    return result;
  };
}
