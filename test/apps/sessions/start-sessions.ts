/** The real server with the sessions app over a database of the test. */
import type { FastifyBaseLogger, LightMyRequestResponse } from 'fastify';
import sessions from '../../../src/apps/sessions/index.js';
import { operator } from '../../../src/services/accounts/index.js';
import type { TestDatabase } from '../../databases.js';
import { type StartedApp, startApp } from '../../start-app.js';

export interface StartedSessions extends Omit<StartedApp, 'post' | 'get'> {
  post(url: string, body: unknown, headers?: Record<string, string>): Promise<LightMyRequestResponse>;
  get(url: string, headers?: Record<string, string>): Promise<LightMyRequestResponse>;
}

export async function startSessions(
  database: TestDatabase,
  settings: Readonly<Record<string, unknown>> = {},
  flags: object = { only: 'sessions' },
  log?: FastifyBaseLogger,
): Promise<StartedSessions> {
  const apps = { sessions: { min_cluster_size: 2, ...settings } };
  const started = await startApp([], { ...database.flags, ...flags, apps }, [sessions], log);
  // Only the first start on a database hands out a key.
  const { key } = await started.accounts.keys.create({ userId: 1, scopes: ['admin'] }, operator);
  const { app } = started;
  return {
    ...started,
    key,
    post: (url, body, headers = {}) =>
      app.inject({
        method: 'POST',
        url,
        headers: { 'content-type': 'application/json', 'x-api-key': key, ...headers },
        payload: typeof body === 'string' ? body : JSON.stringify(body),
      }),
    get: (url, headers = {}) => app.inject({ url, headers: { 'x-api-key': key, ...headers } }),
  };
}

export type Row = readonly [at: number | string, util: string, instance?: string, ecran?: string];

/** Documents as stores and `POST /events` take them. */
export const documents = (rows: readonly Row[], prefix = 'e') =>
  rows.map(([at, util, instance = 'instance', ecran = 'ecran'], i) => ({
    id: `${prefix}${i}`,
    '@timestamp': at,
    util,
    instance,
    ecran,
  }));

/** The events of the source's own test, which finds two sessions in them. */
export const eight: readonly Row[] = [
  ...[1, 2, 6, 10, 12, 13].map((at): Row => [at, 'romain']),
  ...[18, 19].map((at): Row => [at, 'anes']),
];

export const everything = { utils: ['romain', 'anes'], date_min: 0, date_max: 100 };

export const session = (personne: string, start: number, end: number, instance = 'instance') => ({
  debut: new Date(start).toISOString(),
  fin: new Date(end).toISOString(),
  instance,
  personne,
});

export const eightSessions = [session('romain', 2, 6), session('romain', 10, 13)];
