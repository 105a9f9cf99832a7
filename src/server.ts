import { resolve } from 'node:path';
import type { FastifyInstance } from 'fastify';
import { buildApp } from './app.js';
import { apps } from './apps/index.js';
import { appScopes } from './apps/scopes.js';
import type { Config } from './config.js';
import { VitrinaError } from './errors.js';
import type { GrpcServer, GrpcServices } from './grpc/server.js';
import { type Listener, listen, type SocketHandle } from './listening.js';
import { createLogger } from './log.js';
import { makeDataFolder } from './make-folder.js';
import {
  type AccountSettings,
  type Accounts,
  createAccounts,
  defaultAccountSettings,
  type LoginThrottle,
} from './services/accounts/index.js';
import { ServerJobs } from './services/jobs/server-jobs.js';
import { PredictionService } from './services/predictions/prediction-service.js';
import { UsageLedger } from './services/quotas/index.js';
import type { ModelRepository } from './services/repository/model-repository.js';
import { openRepository } from './services/repository/open-repository.js';
import { followDataFolder, watchRepository } from './services/repository/repository-watch.js';
import { noSiblings, type Siblings } from './services/siblings.js';
import { databaseOptions, openDatabase, type Storage } from './storage/index.js';

export interface RunningServer {
  readonly app: FastifyInstance;
  readonly models: ModelRepository;
  /** The first admin's key, on the first start only. */
  readonly firstKey: string | undefined;
  readonly url: string;
  /** `host:port` of the gRPC door, where there is one. */
  readonly grpcAddress: string | undefined;
  readonly listener: Listener;
  /** Lets open requests finish, then closes everything. Safe to call twice: the first call says how. */
  stop(options?: StopOptions): Promise<void>;
}

export interface StopOptions {
  /** Other processes accept connections from the same socket, so that what waits there is not lost. */
  readonly othersListen?: boolean;
}

/** What a process of several shares with the others. */
export interface Surroundings {
  /** The other processes of the same server. */
  readonly siblings?: Siblings;
  /** Bound by another process, to listen on in place of the configuration's address. */
  readonly sockets?: readonly SocketHandle[];
  /** Counts failed logins; each process by itself unless given. */
  readonly throttle?: LoginThrottle;
}

/**
 * Opens the database, loads the models, builds the app and listens.
 * Errors, each one clear line: `path-unusable`, `storage-…`, `port-in-use`, `address-unusable`, `setting-invalid`.
 */
export async function startServer(
  config: Config,
  { siblings = noSiblings, sockets = [], throttle }: Surroundings = {},
): Promise<RunningServer> {
  const data = resolve(config.data);
  makeDataFolder(data);
  const log = createLogger(config['log-level']);
  const models = openRepository({ ...config, data }, siblings, apps);
  // The models load while the database opens.
  const loaded = models.refresh();
  loaded.catch(() => undefined);
  const storage = await openDatabase(databaseOptions({ ...config, data }, log));
  let app: FastifyInstance | undefined;
  let grpc: GrpcServer | undefined;
  let jobs: ServerJobs | undefined;
  try {
    const accounts = await createAccounts({
      storage,
      settings: accountSettings(config),
      scopes: appScopes,
      siblings,
      ...(throttle === undefined ? {} : { throttle }),
    });
    const firstKey = (await accounts.bootstrap())?.key;
    await loaded;
    await models.joinSiblings();
    const predictions = new PredictionService(models, config['max-rows']);
    const usage = new UsageLedger(storage);
    jobs = new ServerJobs({ ...config, data }, storage, log);
    const services = { models, predictions, accounts, usage, storage, jobs, siblings, log };
    app = await buildApp({ ...config, data }, services, apps);
    const listener = await listen(app, config, sockets);
    grpc = await listenGrpc(config, { models, predictions, accounts, telemetry: app.telemetry });
    // Somebody has to tell a broker of what was left.
    jobs.start(config['queue-url'] !== undefined);
    const unfollow = followDataFolder(models, log);
    const unwatchPaths = config.watch ? watchRepository(models, config.models, log) : () => undefined;
    const unwatch = () => {
      unfollow();
      unwatchPaths();
    };
    return {
      app,
      models,
      firstKey,
      url: `http://${addressOf(config.host, listener.port)}`,
      listener,
      grpcAddress: grpc === undefined ? undefined : addressOf(config.host, grpc.port),
      stop: once((options: StopOptions = {}) =>
        stop({ app: app!, listener, grpc, jobs: jobs!, unwatch, models, accounts, usage, storage }, config, options),
      ),
    };
  } catch (error) {
    await grpc?.stop(0);
    await jobs?.stop(0);
    await app?.close();
    await models.close();
    await storage.close();
    throw error;
  }
}

function accountSettings(config: Config): Partial<AccountSettings> {
  const secret = config['jwt-secret'];
  return {
    passwordMinimum: config['min-password-length'],
    token: {
      ...defaultAccountSettings.token,
      lifetime: config['token-minutes'] * 60,
      refreshLifetime: config['refresh-days'] * 86_400,
      encrypted: config.jwe,
    },
    jwtOldSecrets: config['jwt-old-secrets'],
    timeZone: config['time-zone'],
    ...(secret === undefined ? {} : { jwtSecret: secret }),
  };
}

function addressOf(host: string, port: number): string {
  const name = host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host;
  return `${name.includes(':') ? `[${name}]` : name}:${port}`;
}

/** The second door, loaded only where it is asked for. */
async function listenGrpc(config: Config, services: GrpcServices): Promise<GrpcServer | undefined> {
  const { host, 'grpc-port': port, 'body-limit': bodyLimit, 'default-timeout-ms': defaultTimeoutMs, only } = config;
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
  return startGrpcServer({ host, port, bodyLimit, defaultTimeoutMs }, services);
}

/** What stands behind a running server. */
interface Parts {
  readonly app: FastifyInstance;
  readonly listener: Listener;
  readonly grpc: GrpcServer | undefined;
  readonly jobs: ServerJobs;
  readonly unwatch: () => void;
  readonly models: ModelRepository;
  readonly accounts: Accounts;
  readonly usage: UsageLedger;
  readonly storage: Storage;
}

/**
 * Stops without failing what was accepted: clients are told to leave; what is idle after a grace is closed, what still
 * computes gets the stop timeout.
 */
async function stop(parts: Parts, config: Config, { othersListen = false }: StopOptions): Promise<void> {
  const { app, listener, grpc, jobs, unwatch, models, accounts, usage, storage } = parts;
  unwatch();
  const graceMs = config['stop-timeout'] * 1000;
  const deadline = setTimeout(() => app.server.closeAllConnections(), graceMs);
  const grpcStopped = grpc?.stop(graceMs);
  const jobsStopped = jobs.stop(graceMs);
  await listener.drain(othersListen);
  await app.close();
  clearTimeout(deadline);
  await Promise.all([grpcStopped, jobsStopped]);
  await models.close();
  await usage.close();
  await accounts.close();
  await storage.close();
}

function once<A extends unknown[], T>(run: (...args: A) => Promise<T>): (...args: A) => Promise<T> {
  let result: Promise<T> | undefined;
  return (...args) => {
    result ??= run(...args);
    return result;
  };
}
