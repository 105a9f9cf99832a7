/** Servers and workers of the artwork app on one of the three engines, processes of their own that may be killed. */
import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { openDatabase, type Storage } from '../../src/storage/index.js';
import type { PostgresServer } from '../postgres-server.js';
import type { RabbitmqServer } from '../rabbitmq-server.js';
import { type Ear, secret } from './artwork-world.js';
import { freshFolder, root, run, type Served, serve } from './spawn.js';

export const token = 'a token of the system for tests';

export type Engine = 'SQLite' | 'PostgreSQL' | 'PostgreSQL and RabbitMQ';

export interface Backends {
  readonly postgres?: PostgresServer;
  readonly rabbitmq?: RabbitmqServer;
}

export interface HouseOptions {
  readonly engine: Engine;
  readonly backends: Backends;
  readonly ear: Ear;
  /** Beside those of the app. */
  readonly env?: Record<string, string>;
}

/** A process that does jobs. */
export interface Working {
  readonly child: ChildProcess;
  readonly said: () => string;
  /** Its exit code, or the signal's name. */
  readonly ended: Promise<string>;
}

let databases = 0;

/** One data folder and one database, and all processes on them. */
export class ArtworkHouse {
  readonly servers: Served[] = [];
  readonly workers: Working[] = [];

  private constructor(
    readonly data: string,
    readonly env: Readonly<Record<string, string>>,
    private readonly database: Parameters<typeof openDatabase>[0],
  ) {}

  /** The place alone; nothing runs yet. */
  static async open({ engine, backends, ear, env = {} }: HouseOptions): Promise<ArtworkHouse> {
    const data = freshFolder();
    const own: Record<string, string> = {
      VITRINA_ARTWORK_TOKEN: token,
      VITRINA_ARTWORK_CALLBACK_URL: `${ear.url}/called`,
      VITRINA_ARTWORK_CALLBACK_SECRET: secret,
      VITRINA_ARTWORK_ALLOWED_HOSTS: '127.0.0.1',
      VITRINA_LOG_LEVEL: 'warn',
      ...env,
    };
    if (engine === 'SQLite') return new ArtworkHouse(data, own, { path: join(data, 'vitrina.db') });
    const name = `artwork_${databases++}_${Date.now()}`;
    await backends.postgres!.administer(`create database ${name}`);
    const url = backends.postgres!.url(name);
    own.VITRINA_DATABASE_URL = url;
    if (engine !== 'PostgreSQL') {
      own.VITRINA_QUEUE_URL = backends.rabbitmq!.url;
      own.VITRINA_QUEUE_NAME = name;
      own.VITRINA_QUEUE_KIND = 'classic';
    }
    const { code, stderr } = await run(['migrate', 'up'], '', own);
    if (code !== 0) throw new Error(stderr);
    return new ArtworkHouse(data, own, { url });
  }

  async startServer(): Promise<Served> {
    const served = await serve(['--only', 'artwork'], this.data, { ...this.env });
    this.servers.push(served);
    return served;
  }

  async startWorker(concurrency = 4): Promise<Working> {
    const flags = ['work', '--only', 'artwork', '--data', this.data, '--concurrency', String(concurrency)];
    const env = { ...process.env, ...this.env };
    const child = spawn(process.execPath, [join(root, 'bin/vitrina.js'), ...flags], { env, cwd: this.data });
    let said = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (chunk) => {
        said += chunk;
      });
    }
    const ended = new Promise<string>((resolve) => {
      child.once('close', (code, signal) => resolve(signal ?? String(code)));
    });
    const ready = new Promise<void>((resolve) => {
      child.stdout.on('data', () => {
        if (said.includes('Vitrina does jobs')) resolve();
      });
    });
    const working: Working = { child, said: () => said, ended };
    await Promise.race([ready, ended.then((how) => Promise.reject(new Error(`work ended with ${how}: ${said}`)))]);
    this.workers.push(working);
    return working;
  }

  /** Looks into the database beside the processes. */
  async look<T>(act: (storage: Storage) => Promise<T>): Promise<T> {
    const storage = await openDatabase(this.database);
    try {
      return await act(storage);
    } finally {
      await storage.close();
    }
  }

  command(...words: readonly string[]) {
    const where = this.env.VITRINA_DATABASE_URL === undefined ? ['--data', this.data] : [];
    return run([...words, ...where], '', { ...this.env });
  }

  get packagesFolder(): string {
    return join(this.data, 'artwork', 'packages');
  }

  /** The processes that do jobs: workers where there are any, or else the servers. */
  get workingPids(): number[] {
    const children = this.workers.length > 0 ? this.workers : this.servers;
    return children.flatMap(({ child }) => child.pid ?? []);
  }

  async close(): Promise<void> {
    for (const { child } of this.workers) child.kill('SIGTERM');
    await Promise.all([...this.workers.map(({ ended }) => ended), ...this.servers.map(({ stop }) => stop())]);
    rmSync(this.data, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  }
}

/** Resident memory of a process, MB. */
export const residentMb = (pid: number): number =>
  Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1024;

/** Asks until it is so. @throws Error after so many seconds */
export async function until(what: () => Promise<boolean> | boolean, seconds: number, said: () => string = () => '') {
  for (const end = Date.now() + seconds * 1000; !(await what()); await sleep(100)) {
    if (Date.now() > end) throw new Error(`It did not come to pass within ${seconds} s. ${said()}`);
  }
}

export interface Received {
  readonly job_id: string;
  readonly status: string;
  readonly no_transaction_id: string | null;
  readonly ntd_transaction_id: string;
}

/** Posts a package as JSON. */
export async function postPackage(url: string, body: object, signal?: AbortSignal): Promise<Received> {
  const answer = await fetch(`${url}/receiver_no_training/`, {
    method: 'POST',
    headers: { authorization: token, 'content-type': 'application/json' },
    body: JSON.stringify(body),
    ...(signal === undefined ? {} : { signal }),
  });
  const text = await answer.text();
  if (answer.status !== 200) throw new Error(`${answer.status} ${text}`);
  return JSON.parse(text) as Received;
}

export interface JobPage {
  readonly status: string;
  readonly attempts: number;
  readonly progress: { readonly done: number; readonly total: number; readonly current: string } | null;
  readonly result: { readonly counts: Record<string, number>; readonly manifest_url: string } | null;
  readonly error: { readonly code: string; readonly message: string } | null;
  readonly callbacks: readonly {
    readonly job_id: string;
    readonly status: string;
    readonly attempts: readonly { readonly heard: boolean; readonly problem?: string }[];
  }[];
}

export async function ask(url: string, path: string): Promise<Response> {
  const answer = await fetch(`${url}${path}`, { headers: { authorization: token } });
  if (answer.status !== 200) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
  return answer;
}

export const pageOf = async (url: string, id: string): Promise<JobPage> =>
  (await (await ask(url, `/jobs/${id}`)).json()) as JobPage;
