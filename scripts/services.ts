/**
 * `scripts/services start|stop|run`: PostgreSQL, RabbitMQ and Elasticsearch on free ports of this machine, for tests and demos.
 * What cannot be started here is said; what could be and does not start is a failure.
 */
import { spawn } from 'node:child_process';
import { closeSync, existsSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import * as elasticsearch from '../test/elasticsearch-server.js';
import { PostgresServer } from '../test/postgres-server.js';
import * as rabbitmq from '../test/rabbitmq-server.js';

const usage = `scripts/services start                 starts the servers, and prints where they are
scripts/services stop                  ends them, with their data
scripts/services run COMMAND [ARG…]    runs a command beside them, and ends them after it

Tests find them by the variables that are printed.`;

interface Services {
  /** Where tests find them. */
  readonly variables: Readonly<Record<string, string>>;
  stop(): Promise<void>;
}

async function startAll(): Promise<Services> {
  const started: { stop(): Promise<void> }[] = [];
  const stop = async () => void (await Promise.all(started.map((server) => server.stop())));
  try {
    const postgres = await PostgresServer.create();
    started.push(postgres);
    const variables: Record<string, string> = { VITRINA_TEST_DATABASE_URL: postgres.url() };
    if (canStart('RabbitMQ', rabbitmq.missingTools())) {
      const server = await rabbitmq.RabbitmqServer.create();
      started.push(server);
      variables.VITRINA_TEST_AMQP_URL = server.url;
      say(`RabbitMQ: 127.0.0.1:${server.port}`);
    }
    if (canStart('Elasticsearch', elasticsearch.missingTools())) {
      const server = await elasticsearch.ElasticsearchServer.create();
      started.push(server);
      variables.VITRINA_TEST_ELASTICSEARCH = server.folder;
      say(`Elasticsearch: ${server.url}`);
    }
    return { variables, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

function canStart(name: string, missing: readonly string[]): boolean {
  if (missing.length > 0) {
    say(`NOT STARTED: ${name}, since there is no ${missing.join(', ')} here. Its tests will be skipped.`);
  }
  return missing.length === 0;
}

const say = (text: string): void => void process.stderr.write(`services: ${text}\n`);
const stateFile = join(tmpdir(), `vitrina-services-${userInfo().uid}.json`);
const startMs = 900_000;

interface State {
  readonly pid: number;
  readonly variables: Readonly<Record<string, string>>;
}

function readState(): State | undefined {
  if (!existsSync(stateFile)) return undefined;
  const state = JSON.parse(readFileSync(stateFile, 'utf8')) as State;
  return runs(state.pid) ? state : undefined;
}

function runs(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** A process of its own keeps the servers, which end with it. */
async function start(): Promise<void> {
  let state = readState();
  if (state === undefined) {
    rmSync(stateFile, { force: true });
    const log = `${stateFile}.log`;
    const out = openSync(log, 'w', 0o600);
    const words = ['--import', 'tsx', import.meta.filename, 'keep'];
    const keeper = spawn(process.execPath, words, { detached: true, stdio: ['ignore', out, out] });
    closeSync(out);
    keeper.unref();
    const deadline = Date.now() + startMs;
    while (state === undefined) {
      await sleep(200);
      state = readState();
      if (state !== undefined || (keeper.exitCode === null && Date.now() < deadline)) continue;
      throw new Error(`The servers did not start:\n${readFileSync(log, 'utf8')}`);
    }
    process.stderr.write(readFileSync(log));
  }
  for (const [name, value] of Object.entries(state.variables)) process.stdout.write(`export ${name}='${value}'\n`);
}

async function keep(): Promise<void> {
  const services = await startAll();
  // It holds a password.
  writeFileSync(stateFile, JSON.stringify({ pid: process.pid, variables: services.variables }), { mode: 0o600 });
  const alive = setInterval(() => undefined, 60_000);
  await new Promise<void>((resolve) => process.once('SIGTERM', () => resolve()));
  clearInterval(alive);
  await services.stop();
  rmSync(stateFile, { force: true });
}

async function stop(): Promise<void> {
  const state = readState();
  if (state === undefined) return say('nothing runs');
  process.kill(state.pid, 'SIGTERM');
  while (runs(state.pid)) await sleep(100);
  rmSync(`${stateFile}.log`, { force: true });
}

async function run(command: string, args: readonly string[]): Promise<void> {
  const services = await startAll();
  try {
    const child = spawn(command, args, { stdio: 'inherit', env: { ...process.env, ...services.variables } });
    const forward = (signal: NodeJS.Signals) => void child.kill(signal);
    process.on('SIGTERM', forward).on('SIGINT', forward);
    process.exitCode = await new Promise<number>((resolve, reject) => {
      child.once('error', reject);
      child.once('exit', (code) => resolve(code ?? 1));
    });
  } finally {
    await services.stop();
  }
}

const [act, command, ...args] = process.argv.slice(2);
if (act === 'start') await start();
else if (act === 'stop') await stop();
else if (act === 'keep') await keep();
else if (act === 'run' && command !== undefined) await run(command, args);
else {
  process.stderr.write(`${usage}\n`);
  process.exitCode = 2;
}
