/** Servers of the spam app on one database, users of theirs, and what the database says of them. */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openDatabase, type Storage } from '../../src/storage/index.js';
import type { PostgresServer } from '../postgres-server.js';
import { freshFolder, run, type Served, serve } from './spawn.js';

export const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** A database that servers of their own processes share, as their operators would have it. */
export interface Place {
  readonly env: Record<string, string>;
  /** The data folder of another server: the same one on SQLite, one of its own on PostgreSQL. */
  folder(): string;
  open(): Promise<Storage>;
}

const corpus = Array.from({ length: 60 }, (_, i) =>
  i % 3 === 0 ? `spam,win a free prize now ${i}` : `ham,see you at lunch then ${i}`,
);

/** A data folder with a small corpus for the spam app, and its monthly limit. */
function dataFolder(monthlyLimit: number | undefined): string {
  const data = freshFolder();
  mkdirSync(join(data, 'spam'));
  writeFileSync(join(data, 'spam', 'spam.csv'), ['v1,v2', ...corpus].join('\n'));
  if (monthlyLimit !== undefined) {
    writeFileSync(join(data, 'vitrina.yaml'), `apps: {spam: {monthly-limit: ${monthlyLimit}}}\n`);
  }
  return data;
}

export function sqlitePlace(monthlyLimit?: number): Place {
  const data = dataFolder(monthlyLimit);
  return { env: {}, folder: () => data, open: () => openDatabase({ path: join(data, 'vitrina.db') }) };
}

let databases = 0;

export async function postgresPlace(server: PostgresServer, monthlyLimit?: number): Promise<Place> {
  const name = `spam_${databases++}`;
  await server.administer(`create database ${name}`);
  const url = server.url(name);
  const env = { VITRINA_DATABASE_URL: url };
  const { code, stderr } = await run(['migrate', 'up'], '', env);
  if (code !== 0) throw new Error(stderr);
  return { env, folder: () => dataFolder(monthlyLimit), open: () => openDatabase({ url }) };
}

/** Starts servers at one place, does `work` with them and what they wrote, and ends them. */
export async function withServers(
  place: Place,
  flags: readonly (readonly string[])[],
  work: (servers: readonly Served[], storage: Storage) => Promise<void>,
): Promise<void> {
  const folders = flags.map(() => place.folder());
  // Whatever these are told to serve, or where, is not the business of the machine that the tests run on.
  const started = await Promise.allSettled(flags.map((list, i) => serve(list, folders[i]!, place.env)));
  const servers = started.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
  const storage = await place.open();
  try {
    for (const one of started) if (one.status === 'rejected') throw one.reason;
    await work(servers, storage);
  } finally {
    await storage.close();
    await Promise.all(servers.map(({ stop }) => stop()));
    for (const folder of new Set(folders)) rmSync(folder, { recursive: true, force: true });
  }
}

export interface SpamUser {
  readonly id: number;
  readonly token: string;
}

/** Registers a user and logs in. */
export async function makeUser(url: string, name: string): Promise<SpamUser> {
  const password = 'correct horse battery staple';
  const profile = { email: `${name}@example.org`, full_name: `${name} Silva`, document_number: name };
  const made = await post(`${url}/users/register/`, { ...profile, username: name, password });
  const login = await post(`${url}/login/`, { username: name, password });
  if (made.status !== 201 || login.status !== 200) throw new Error(`${made.text} ${login.text}`);
  return { id: JSON.parse(made.text).id, token: JSON.parse(login.text).access_token };
}

export interface Answer {
  readonly status: number;
  readonly text: string;
  readonly retryAfter: string | null;
}

export async function post(url: string, body: object, headers: Record<string, string> = {}): Promise<Answer> {
  const answer = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  });
  return { status: answer.status, text: await answer.text(), retryAfter: answer.headers.get('retry-after') };
}

export const classify = (url: string, { token }: SpamUser, text: string) =>
  post(`${url}/predict_sentiment`, { text_message: text }, { authorization: `Bearer ${token}` });

/** Units of all periods together, by subject. */
export async function unitsOf(storage: Storage, table: 'quota_counters' | 'quota_reservations') {
  const rows =
    table === 'quota_counters'
      ? (await storage.db.selectFrom(table).selectAll().execute()).map(({ subject, used }) => ({
          subject,
          units: used,
        }))
      : await storage.db.selectFrom(table).selectAll().execute();
  const sums = new Map<string, number>();
  for (const { subject, units } of rows) sums.set(subject, (sums.get(subject) ?? 0) + units);
  return sums;
}

/** Predictions recorded, by user. */
export async function recordsOf(storage: Storage): Promise<Map<number, number>> {
  const rows = await storage.db
    .selectFrom('spam_predictions')
    .select(({ fn }) => ['user_id', fn.countAll<number>().as('count')])
    .groupBy('user_id')
    .execute();
  return new Map(rows.map(({ user_id, count }) => [user_id, Number(count)]));
}
