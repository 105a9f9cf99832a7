import { existsSync, readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { parseEnv } from 'node:util';
import { parse as parseYaml } from 'yaml';
import type { AppEnvironment, Variables } from './app-environment.js';
import { databaseUrlForm, parseDatabaseUrl } from './database-url.js';
import { VitrinaError } from './errors.js';
import { parseQueueUrl, queueUrlForm } from './queue-url.js';
import { isTimeZone } from './time-zones.js';

/**
 * Every setting of the server. Names are those of the flags (`--body-limit`), of `vitrina.yaml` (`body-limit`) and,
 * upper-cased, of the environment (`VITRINA_BODY_LIMIT`).
 */
export interface Config {
  readonly host: string;
  readonly port: number;
  /** Port of the gRPC door; none unless set. */
  readonly 'grpc-port': number | undefined;
  /** Folder of the database, the conversion cache and the logs. */
  readonly data: string;
  /** The PostgreSQL to use, password included; SQLite in the data folder when undefined. */
  readonly 'database-url': string | undefined;
  /** Connections to PostgreSQL that a process may hold. */
  readonly 'database-pool': number;
  /** Milliseconds that a statement may take on PostgreSQL. */
  readonly 'database-timeout-ms': number;
  /** The RabbitMQ that tells workers of jobs, password included; they look into the database themselves when undefined. */
  readonly 'queue-url': string | undefined;
  /** What RabbitMQ keeps the messages in. */
  readonly 'queue-kind': (typeof queueKinds)[number];
  /** What the names of its queues begin with. */
  readonly 'queue-name': string;
  /** Jobs that run at a time in a process; where it is not said, 4 in a server without a broker and in a worker. */
  readonly 'job-concurrency': number | undefined;
  /** Seconds after which a worker that says nothing counts as dead. */
  readonly 'job-lease': number;
  /** Days that ended jobs are kept. */
  readonly 'job-keep-days': number;
  /** Bytes of a file whose rows a job predicts. */
  readonly 'job-file-limit': number;
  /** Repository folders and artefacts to serve. */
  readonly models: readonly string[];
  /** Processes that serve; beyond one, a primary watches over them. */
  readonly workers: number;
  /** Seconds for which a worker's event loop may stand still before it is replaced. */
  readonly 'hang-timeout': number;
  /** The app to mount alone at `/`; every app under its prefix when undefined. */
  readonly only: string | undefined;
  readonly watch: boolean;
  /** When models are loaded: with the server, or when they are asked for. */
  readonly load: (typeof loadModes)[number];
  /** Megabytes that loaded models may take; no limit at 0. */
  readonly 'memory-budget': number;
  /** Requests that may wait for models to be loaded. */
  readonly 'max-waiting-loads': number;
  /** Superseded uploads of a model that stay on disk. */
  readonly 'keep-versions': number;
  /** Bytes of an uploaded artefact. */
  readonly 'upload-limit': number;
  /** Seconds that an upload may take. */
  readonly 'upload-timeout': number;
  readonly 'log-level': LogLevel;
  /** Bytes of a request body. */
  readonly 'body-limit': number;
  /** Bytes of a table that is read row by row. */
  readonly 'stream-limit': number;
  /** Bytes of one record batch of such a table in Arrow. */
  readonly 'batch-limit': number;
  /** Rows of one prediction request. */
  readonly 'max-rows': number;
  /** Rows that may wait for one version. */
  readonly 'max-queue-rows': number;
  /** Milliseconds that a request may be expected to wait for its batch. */
  readonly 'max-wait-ms': number;
  /** Milliseconds that a request gets which names no time itself; 0: as long as it takes. */
  readonly 'default-timeout-ms': number;
  /** Seconds that open requests get to finish after SIGTERM. */
  readonly 'stop-timeout': number;
  /** Minutes that an access token lives. */
  readonly 'token-minutes': number;
  /** Characters that a password must have at least. */
  readonly 'min-password-length': number;
  /** Secret that signs access tokens; made and kept in the database when undefined. */
  readonly 'jwt-secret': string | undefined;
  /** Secrets that `jwt-secret` has taken the place of; what they signed stays valid. */
  readonly 'jwt-old-secrets': readonly string[];
  /** Whether access tokens are encrypted. */
  readonly jwe: boolean;
  /** Days that a login can be refreshed for. */
  readonly 'refresh-days': number;
  /** Whether anybody may make a user; where it is not said, apps for strangers let them, and nobody else does. */
  readonly 'open-registration': boolean | undefined;
  /** Whose calendar the quotas of keys keep to. */
  readonly 'time-zone': string;
  /** Origins that browsers may call from; none unless told. */
  readonly 'cors-origins': readonly string[];
  /** Addresses of proxies whose `X-Forwarded-For` is believed. */
  readonly 'trust-proxy': readonly string[];
  /** Whether the server counts what it does: `/metrics`, `/models/{name}/stats`. */
  readonly metrics: boolean;
  /** Whether anybody may read `/metrics`. */
  readonly 'metrics-public': boolean;
  /** Which requests are logged. */
  readonly 'request-log': RequestLogMode;
  /** Base address of the collector that traces go to; none unless told, here or by `OTEL_EXPORTER_OTLP_ENDPOINT`. */
  readonly 'otlp-endpoint': string | undefined;
  /** Share of the requests that are traced where their callers have not decided. */
  readonly 'trace-ratio': number | undefined;
  /** Minutes of traffic that are compared with the reference profile. */
  readonly 'drift-window': number;
  /** Rows of live traffic that become the reference profile of a version without one. */
  readonly 'drift-reference-rows': number;
  /** Share of the predictions that are written to a file, inputs and outputs. */
  readonly 'sample-payloads': number;
  /** Names of inputs, columns, fields and outputs that samples do not show. */
  readonly 'sample-mask': readonly string[];
  /** Settings of each app, by the app's name; the app validates them. */
  readonly apps: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}

export type LogLevel = (typeof logLevels)[number];
const queueKinds = ['quorum', 'classic'] as const;
const loadModes = ['eager', 'lazy', 'auto'] as const;
const logLevels = ['debug', 'info', 'warn', 'error', 'silent'] as const;

/** `off`: faults of the server alone. `errors`: also what it shed or could not do in time. `all`: every request. */
export type RequestLogMode = (typeof requestLogModes)[number];
const requestLogModes = ['off', 'errors', 'all'] as const;

interface Setting {
  /** What it sets, for `docs/configuration.md`. */
  readonly about: string;
  readonly fallback: unknown;
  /** Never shown, also not in the error that refuses it. */
  readonly secret?: true;
  readonly expected: string;
  /** The value, or `undefined` when it does not fit. Texts come from flags and the environment, values from YAML. */
  parse(value: unknown): unknown;
}

const text = (about: string, fallback?: string): Setting => ({
  about,
  fallback,
  expected: 'a text',
  parse: (value) => (typeof value === 'string' && value !== '' ? value : undefined),
});

const integer = (about: string, fallback: number, min: number, max: number): Setting => ({
  about,
  fallback,
  expected: `a whole number from ${min} to ${max}`,
  parse: (value) => {
    const number = typeof value === 'string' && /^\d{1,15}$/.test(value) ? Number(value) : value;
    return Number.isInteger(number) && (number as number) >= min && (number as number) <= max ? number : undefined;
  },
});

const share = (about: string, fallback: number): Setting => ({
  about,
  fallback,
  expected: 'a number from 0 to 1',
  parse: (value) => {
    const number = typeof value === 'string' && /^\d(\.\d{1,15})?$/.test(value) ? Number(value) : value;
    return typeof number === 'number' && number >= 0 && number <= 1 ? number : undefined;
  },
});

const flag = (about: string, fallback: boolean): Setting => ({
  about,
  fallback,
  expected: 'true or false',
  parse: (value) =>
    value === true || value === 'true' ? true : value === false || value === 'false' ? false : undefined,
});

const list = (about: string): Setting => ({
  about,
  fallback: [],
  expected: 'a list of texts (with commas between them, in the environment)',
  parse: (value) => {
    const items = typeof value === 'string' ? value.split(',').map((item) => item.trim()) : value;
    return Array.isArray(items) && items.every((item) => typeof item === 'string' && item !== '') ? items : undefined;
  },
});

const workerCount = integer('', 1, 1, 256);

/** Every setting there is; `docs/configuration.md` is generated from it. */
export const settings: Readonly<Record<keyof Config, Setting>> = {
  host: text('Address to listen on.', '127.0.0.1'),
  port: integer('Port to listen on; 0 takes a free one.', 8000, 0, 65_535),
  'grpc-port': {
    ...integer('', 0, 0, 65_535),
    about: 'Port of the Open Inference Protocol over gRPC; 0 takes a free one. Without it there is no gRPC.',
    fallback: undefined,
  },
  data: text('Folder of the database, the conversion cache and the logs.', './data'),
  'database-url': {
    about:
      'PostgreSQL in place of SQLite in the data folder ([how](postgres.md)). It holds a password: better in the environment than on a command line.',
    fallback: undefined,
    secret: true,
    expected: databaseUrlForm,
    parse: (value) => (typeof value === 'string' && parseDatabaseUrl(value) !== undefined ? value : undefined),
  },
  'database-pool': integer('Connections to PostgreSQL that each process may hold.', 10, 1, 1_000),
  'database-timeout-ms': integer(
    'Milliseconds that a statement may take on PostgreSQL; what takes longer is given up, and answered with 503.',
    5_000,
    100,
    600_000,
  ),
  'queue-url': {
    about:
      'RabbitMQ that tells `vitrina work` of jobs; without it workers look into the database. It holds a password: better in the environment than on a command line.',
    fallback: undefined,
    secret: true,
    expected: queueUrlForm,
    parse: (value) => (typeof value === 'string' && parseQueueUrl(value) !== undefined ? value : undefined),
  },
  'queue-kind': {
    about: 'What RabbitMQ keeps the messages in: `quorum` queues, which survive the loss of a node, or `classic` ones.',
    fallback: 'quorum',
    expected: `one of ${queueKinds.join(', ')}`,
    parse: (value) => queueKinds.find((kind) => kind === value),
  },
  'queue-name': {
    ...text('What the names of the queues in RabbitMQ begin with.', 'vitrina.jobs'),
    expected: 'a text of at most 200 letters, digits, dots, hyphens and underscores',
    parse: (value) => (typeof value === 'string' && /^[\w.-]{1,200}$/.test(value) ? value : undefined),
  },
  'job-concurrency': {
    ...integer('', 0, 0, 1_000),
    about:
      'Jobs that run at a time in a process. Unless it is set, 4 in `vitrina work` and in a server without `queue-url`; a server with one leaves them to the workers. 0: none.',
    fallback: undefined,
  },
  'job-lease': integer(
    'Seconds after which a worker that says nothing counts as dead, and others take its jobs.',
    30,
    2,
    3_600,
  ),
  'job-keep-days': integer('Days for which ended jobs and their results are kept.', 7, 1, 3_650),
  'job-file-limit': integer('Bytes of a file whose rows a job predicts.', 2 ** 34, 1024, 2 ** 44),
  models: list('Repository folders and artefacts to serve; on the command line, the arguments of `vitrina serve`.'),
  workers: {
    about: 'Processes that share the port; `auto` is one for each core.',
    fallback: 1,
    expected: 'a whole number from 1 to 256, or auto',
    parse: (value) => (value === 'auto' ? availableParallelism() : workerCount.parse(value)),
  },
  'hang-timeout': integer(
    'Seconds for which a worker may not respond to the process that watches it, before it is killed and replaced.',
    30,
    3,
    3600,
  ),
  only: text('The app to mount alone at `/`, with nothing but health and documentation beside it.'),
  watch: flag('Reload models that change on disk.', false),
  load: {
    about:
      'When models are loaded: `eager` with the server, `lazy` when they are asked for, `auto` lazily beyond 100 versions.',
    fallback: 'auto',
    expected: `one of ${loadModes.join(', ')}`,
    parse: (value) => loadModes.find((mode) => mode === value),
  },
  'memory-budget': integer(
    'Megabytes that loaded models may take in a process; beyond, the least recently used are unloaded. 0 sets no limit.',
    0,
    0,
    10_000_000,
  ),
  'max-waiting-loads': integer(
    'Requests that may wait for models to be loaded; requests beyond get 503.',
    1_000,
    1,
    1_000_000,
  ),
  'keep-versions': integer('Superseded uploads of a model that stay on disk, for a rollback.', 5, 0, 10_000),
  'upload-limit': integer('Bytes of an uploaded artefact.', 2 ** 30, 1024, 2 ** 40),
  'upload-timeout': integer('Seconds that an upload may take.', 3_600, 60, 86_400),
  'log-level': {
    about: 'What is logged to standard error, as JSON lines.',
    fallback: 'warn',
    expected: `one of ${logLevels.join(', ')}`,
    parse: (value) => logLevels.find((level) => level === value),
  },
  'body-limit': integer('Bytes of a request body.', 8 * 2 ** 20, 1024, 2 ** 30),
  'stream-limit': integer(
    'Bytes of a table (CSV, NDJSON, Arrow), which is computed while it arrives; and of answers to it that nobody reads yet, which are kept on disk.',
    2 ** 30,
    1024,
    2 ** 40,
  ),
  'batch-limit': integer('Bytes of one record batch of a table in Arrow.', 64 * 2 ** 20, 1024, 2 ** 30),
  'max-rows': integer(
    'Rows of one prediction request; of a table, which may be longer, rows that are computed together.',
    10_000,
    1,
    10_000_000,
  ),
  'max-queue-rows': integer('Rows that may wait for one version; requests beyond get 503.', 20_000, 1, 10_000_000),
  'max-wait-ms': integer(
    'Milliseconds that a request may be expected to wait for its batch, by what runs have cost lately; one that would wait longer gets 503.',
    10_000,
    1,
    86_400_000,
  ),
  'default-timeout-ms': integer(
    'Milliseconds that a request gets which names none in `X-Timeout-Ms`; 0: as long as it takes.',
    0,
    0,
    86_400_000,
  ),
  'stop-timeout': integer('Seconds that open requests get to finish after SIGTERM.', 9, 1, 3600),
  'token-minutes': integer('Minutes that an access token lives.', 20, 1, 60 * 24 * 365),
  'min-password-length': integer('Characters that a new password must have at least.', 8, 1, 128),
  'jwt-secret': {
    ...text('Secret that signs access tokens, 32 bytes at least; unless set, one is made and kept in the database.'),
    secret: true,
  },
  'jwt-old-secrets': {
    ...list(
      'Secrets that `jwt-secret` has taken the place of: access tokens that they signed stay valid for as long as they live.',
    ),
    secret: true,
  },
  jwe: flag('Encrypt access tokens (JWE), so that whoever carries them cannot read them.', false),
  'refresh-days': integer('Days after a login until which it can be refreshed.', 30, 1, 3650),
  'open-registration': {
    ...flag('', false),
    about:
      'Whether anybody may make a user: `true` at `POST /auth/register` and through apps, `false` nowhere. Unless set, apps that are made for strangers (shock, spam) let them register, and nothing else does.',
    fallback: undefined,
  },
  'time-zone': {
    about: 'IANA name of the time zone whose days and months the quotas of keys keep to.',
    fallback: 'UTC',
    expected: 'the name of a time zone, like America/Sao_Paulo',
    parse: (value) => (typeof value === 'string' && isTimeZone(value) ? value : undefined),
  },
  'cors-origins': list('Origins that browsers may call from.'),
  'trust-proxy': list(
    'Addresses or networks (CIDR) of proxies whose `X-Forwarded-For` says who calls: logins are throttled by address.',
  ),
  metrics: flag('Count what the server does, for `/metrics` and `/models/{name}/stats`.', true),
  'metrics-public': flag('Let anybody read `/metrics`; otherwise it needs a key that may read models.', false),
  'request-log': {
    about:
      'Which requests get a line in the log: `off` for faults of the server alone, `errors` for all that it could not answer (20 a second at most), `all` for every request.',
    fallback: 'errors',
    expected: `one of ${requestLogModes.join(', ')}`,
    parse: (value) => requestLogModes.find((mode) => mode === value),
  },
  'otlp-endpoint': {
    about:
      'Address of an OpenTelemetry collector (OTLP over HTTP) that traces go to; unless set, `OTEL_EXPORTER_OTLP_ENDPOINT` is heeded, and without either nothing is traced.',
    fallback: undefined,
    expected: 'an http or https address',
    parse: (value) => (typeof value === 'string' && isWebAddress(value) ? value : undefined),
  },
  'trace-ratio': {
    about:
      'Share of the requests that are traced, where their callers have not decided by `traceparent`; unless set, `OTEL_TRACES_SAMPLER` and `OTEL_TRACES_SAMPLER_ARG` are heeded, and without them it is 0.01, and at most 20 a second in each process.',
    fallback: undefined,
    expected: 'a number from 0 to 1',
    parse: (value) => {
      const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
      return typeof number === 'number' && number >= 0 && number <= 1 ? number : undefined;
    },
  },
  'drift-window': integer(
    'Minutes of traffic that are compared with the reference profile of a version.',
    60,
    1,
    10_080,
  ),
  'drift-reference-rows': integer(
    'Rows of live traffic that become the reference profile of a version without one; 0 for none.',
    0,
    0,
    1_000_000,
  ),
  'sample-payloads': share(
    'Share of the predictions whose inputs and outputs are written to `samples/` in the data folder; 0 for none.',
    0,
  ),
  'sample-mask': list('Names of inputs, columns, fields and outputs that samples do not show.'),
  apps: {
    about: 'Settings of each app, by its name.',
    fallback: {},
    expected: 'a mapping from app to settings',
    parse: (value) => (isMapping(value) && Object.values(value).every(isMapping) ? value : undefined),
  },
};

function isWebAddress(text: string): boolean {
  return URL.canParse(text) && /^https?:$/.test(new URL(text).protocol);
}

const names = Object.keys(settings);

export interface ConfigSources {
  /** Flags of the command line that were given. */
  readonly flags?: Readonly<Record<string, unknown>>;
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Folder of `vitrina.yaml` and `.env`. */
  readonly folder?: string;
  /** Apps that know variables of the environment by names of their own: any when served alone, `VITRINA_<APP>_…` always. */
  readonly environments?: Readonly<Record<string, AppEnvironment>>;
  /** A command on the database, which nobody tells which app is served: the database that any of them names counts. */
  readonly databaseAlone?: true;
}

/**
 * Flags over environment over `.env` over `vitrina.yaml` over defaults, validated and frozen. Names that an app served
 * alone has for the environment come between `VITRINA_…` and `vitrina.yaml`.
 * Errors: `setting-unknown` (with the nearest known name), `setting-invalid`, `setting-missing`.
 */
export function resolveConfig({
  flags = {},
  env = {},
  folder,
  environments = {},
  databaseAlone,
}: ConfigSources): Config {
  const resolved: Record<string, unknown> = {};
  for (const [name, { fallback }] of Object.entries(settings)) resolved[name] = fallback;
  const yaml = folder === undefined ? {} : readYaml(join(folder, 'vitrina.yaml'));
  const variables = { ...(folder === undefined ? {} : readDotEnv(join(folder, '.env'))), ...env };
  const given = fromEnvironment(variables, environments);
  const only = String(flags.only ?? given.only ?? yaml.only);
  const own = Object.hasOwn(environments, only) ? environments[only] : undefined;
  apply(resolved, yaml, 'vitrina.yaml');
  for (const [app, environment] of Object.entries(environments)) {
    if (environment !== own && environment.prefix !== undefined) applyOfApp(resolved, environment, app, variables);
  }
  if (own !== undefined) applyOwn(resolved, own, only, variables);
  else if (databaseAlone) {
    for (const { variable, setting, value } of Object.values(environments).flatMap((one) => one.server(variables))) {
      if (setting === 'database-url') apply(resolved, { [setting]: value }, variable);
    }
  }
  apply(resolved, given, 'environment');
  apply(resolved, flags, 'command line');
  const config = deepFreeze(resolved) as unknown as Config;
  const lack = databaseAlone ? undefined : own?.lacks?.(config);
  if (lack !== undefined) throw new VitrinaError('setting-missing', lack);
  return config;
}

function applyOwn(resolved: Record<string, unknown>, own: AppEnvironment, app: string, variables: Variables): void {
  for (const { variable, setting, value } of own.server(variables)) apply(resolved, { [setting]: value }, variable);
  applyOfApp(resolved, own, app, variables);
}

function applyOfApp(resolved: Record<string, unknown>, own: AppEnvironment, app: string, variables: Variables): void {
  const given = own.app(variables);
  const apps = resolved.apps as Config['apps'];
  if (Object.keys(given).length > 0) resolved.apps = { ...apps, [app]: { ...apps[app], ...given } };
}

function apply(resolved: Record<string, unknown>, given: Readonly<Record<string, unknown>>, source: string): void {
  for (const [name, raw] of Object.entries(given)) {
    const setting = Object.hasOwn(settings, name) ? settings[name as keyof Config] : undefined;
    if (setting === undefined) {
      throw new VitrinaError('setting-unknown', { setting: name, source, nearest: nearest(name, names) });
    }
    const value = setting.parse(raw);
    if (value === undefined) {
      // A secret must not reach a terminal or a log by way of its own error.
      const shown = setting.secret ? 'unusable' : JSON.stringify(raw);
      throw new VitrinaError('setting-invalid', { setting: name, source, value: shown, expected: setting.expected });
    }
    resolved[name] = value;
  }
}

/** Variables that others own: npm exports the settings of packages under any prefix, tests name their database. */
const foreignVariables = /^VITRINA_(ADMIN_PASSWORD|PASSWORD|TEST_.*)$/;

function fromEnvironment(env: Variables, apps: Readonly<Record<string, AppEnvironment>>): Record<string, unknown> {
  const given: Record<string, unknown> = {};
  const prefixes = Object.values(apps).flatMap(({ prefix }) => prefix ?? []);
  for (const [variable, value] of Object.entries(env)) {
    if (prefixes.some((prefix) => variable.startsWith(prefix))) continue;
    if (!variable.startsWith('VITRINA_') || value === undefined || foreignVariables.test(variable)) continue;
    given[variable.slice('VITRINA_'.length).toLowerCase().replaceAll('_', '-')] = value;
  }
  return given;
}

function readYaml(file: string): Record<string, unknown> {
  if (!existsSync(file)) return {};
  let parsed: unknown;
  try {
    parsed = parseYaml(readFileSync(file, 'utf8'), { maxAliasCount: 20 });
  } catch (cause) {
    const problem = cause instanceof Error ? cause.message.split('\n')[0]! : String(cause);
    throw new VitrinaError('path-unusable', { path: file, problem }, { cause });
  }
  if (parsed === null || parsed === undefined) return {};
  if (isMapping(parsed)) return parsed;
  throw new VitrinaError('path-unusable', { path: file, problem: 'expected a mapping of settings' });
}

function readDotEnv(file: string): Record<string, string> {
  return existsSync(file) ? (parseEnv(readFileSync(file, 'utf8')) as Record<string, string>) : {};
}

function isMapping(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The known name with the smallest edit distance, when it is small enough to be a slip. */
export function nearest(name: string, known: readonly string[]): string | undefined {
  let best: string | undefined;
  let bestDistance = Math.max(2, Math.floor(name.length / 3)) + 1;
  for (const candidate of known) {
    const distance = editDistance(name, candidate);
    if (distance < bestDistance) [best, bestDistance] = [candidate, distance];
  }
  return best;
}

/** Levenshtein distance. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      next[j] = Math.min(row[j]! + 1, next[j - 1]! + 1, row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1));
    }
    row = next;
  }
  return row[b.length]!;
}

function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const inner of Object.values(value)) deepFreeze(inner);
  }
  return value;
}
