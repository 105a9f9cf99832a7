/** Function-level authorisation: what each route needs, of every route that there is. */
import type { InjectOptions } from 'fastify';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { apps } from '../../src/apps/index.js';
import { appScopes } from '../../src/apps/scopes.js';
import { operator, platformScopes } from '../../src/services/accounts/index.js';
import { scaleGraph } from '../graphs.js';
import { folderOf, type StartedApp, startApp } from '../start-app.js';

/** What needs no scope, but somebody. */
const anybody = ['GET /users/me', 'POST /users/me/password', 'POST /auth/logout', 'GET /usage', 'GET /shock'].concat([
  'GET /spam/users/whoami',
  'POST /spam/login/logout',
  'GET /v2',
]);
/** What is open to strangers, and with which bodies it bothers. */
const open = [
  ...['GET /livez', 'GET /readyz', 'GET /v2/health/live', 'GET /v2/health/ready'],
  ...['POST /auth/token', 'POST /auth/refresh'],
  ...['GET /shock/home', 'POST /shock/auth/token', 'GET /modelo', 'POST /modelo'],
  'POST /artwork/token/',
  ...['GET /spam', 'GET /spam/health_check', 'GET /spam/all_routes', 'POST /spam/login/', 'POST /spam/login/refresh'],
];
const openRegistration = ['POST /auth/register', 'POST /shock/auth/create_user', 'POST /spam/users/register/'];
const closed: Readonly<Record<string, readonly string[]>> = {
  predict: [
    ...['POST /models/scale/predict', 'POST /models/scale/versions/1/predict', 'POST /shock/predict'],
    ...['POST /v2/models/{model}/infer', 'POST /v2/models/{model}/versions/{version}/infer'],
    ...['POST /jobs', 'GET /jobs', 'GET /jobs/{id}', 'GET /jobs/{id}/events', 'GET /jobs/{id}/result'],
    ...['POST /jobs/{id}/cancel', 'POST /jobs/{id}/retry'],
  ],
  'models:read': [
    ...['GET /models', 'GET /models/{name}', 'GET /models/{name}/versions/{version}', 'GET /models/{name}/traffic'],
    ...['GET /models/{name}/drift', 'GET /models/{name}/versions/{version}/profile', 'GET /models/{name}/stats'],
    ...['GET /metrics', 'POST /v2/repository/index', 'GET /v2/models/stats'],
    ...['', '/ready', '/config', '/stats'].flatMap((what) => [
      `GET /v2/models/{model}${what}`,
      `GET /v2/models/{model}/versions/{version}${what}`,
    ]),
  ],
  'models:write': [
    ...['PUT /models/{name}', 'DELETE /models/{name}', 'PUT /models/{name}/traffic', 'DELETE /models/{name}/traffic'],
    ...['PUT /models/{name}/versions/{version}', 'DELETE /models/{name}/versions/{version}'],
    'POST /models/{name}/versions/{version}/default',
    ...['PUT', 'DELETE'].map((method) => `${method} /models/{name}/versions/{version}/profile`),
    ...['load', 'unload'].map((act) => `POST /v2/repository/models/{model}/${act}`),
    ...['PUT /modelo', 'DELETE /modelo'],
  ],
  users: [
    ...['GET /users', 'POST /users', 'GET /users/{id}', 'PATCH /users/{id}', 'DELETE /users/{id}'],
    ...['POST /users/{id}/password', 'POST /users/{id}/logout', 'GET /spam/users/', 'GET /spam/users/{id}'],
  ],
  keys: ['GET /keys', 'POST /keys', 'DELETE /keys/{id}'],
  admin: ['GET /audit', 'GET /artwork/admin/'],
  spam_ml: ['POST /spam/predict_sentiment'],
  sessions: ['POST /sessions/get_ecrans/', 'POST /sessions/get_ecrans/raw', 'GET /sessions/summary'],
  'events:write': ['POST /sessions/events'],
  'artwork:write': [
    ...['POST /artwork/receiver_no_training/', 'GET /artwork/jobs/{job_id}'],
    ...['GET /artwork/jobs/{job_id}/manifest', 'GET /artwork/jobs/{job_id}/thumbnails/{file}'],
  ],
  test_token: ['POST /spam/login/test_token'],
};
const scopes = [...Object.keys(appScopes), ...Object.keys(platformScopes)];

let served: StartedApp;
let documented: readonly string[];
const keys = new Map<string, string>();

beforeAll(async () => {
  served = await startApp(
    [folderOf({ scale: scaleGraph() })],
    { 'open-registration': false, apps: { shock: { 'log-stdout': false } } },
    apps,
  );
  const { paths } = (await served.app.inject('/openapi.json')).json() as { paths: Record<string, object> };
  documented = Object.entries(paths).flatMap(([path, operations]) =>
    Object.keys(operations).map((method) => `${method.toUpperCase()} ${path}`),
  );
  const admin = await served.accounts.users.ensureAdmin();
  for (const scope of scopes) {
    keys.set(scope, (await served.accounts.keys.create({ userId: admin.id, scopes: [scope] }, operator)).key);
  }
});
afterAll(() => served.close());

/** Calls a route on something that is not there, so that nothing comes of it. */
async function call(route: string, key?: string) {
  const [method, path] = route.split(' ') as [InjectOptions['method'] & string, string];
  const id = path.startsWith('/keys') ? '0'.repeat(16) : '999999';
  const url = path
    .replace(/\{(id|job_id)\}/, id)
    .replace('{file}', '0.webp')
    .replace(/\{(name|model)\}/, 'absent')
    .replace('{version}', '1');
  return served.app.inject({ method, url, ...(key === undefined ? {} : { headers: { 'x-api-key': key } }) });
}

describe('every route', () => {
  it('is in the lists of this file', () => {
    const listed = [...anybody, ...open, ...openRegistration, ...Object.values(closed).flat()];
    expect([...documented].sort()).toEqual(listed.filter((route) => route !== 'POST /auth/register').sort());
  });

  it('is closed to strangers, those aside that are open', async () => {
    for (const route of documented) {
      const { statusCode, headers } = await call(route);
      if (open.includes(route)) expect([route, statusCode === 401 || statusCode === 403]).toEqual([route, false]);
      else expect([route, statusCode, headers['www-authenticate']]).toEqual([route, 401, 'Bearer']);
    }
  });

  it.each(scopes)('is closed to a key with the scope %s alone, those aside that the scope is for', async (scope) => {
    for (const [needed, routes] of Object.entries(closed)) {
      for (const route of routes) {
        const { statusCode, body } = await call(route, keys.get(scope));
        const opens = scope === needed || scope === 'admin';
        expect([route, statusCode === 403, statusCode === 401]).toEqual([route, !opens, false]);
        if (!opens) expect(body).toMatch(route.includes('/shock/') ? /detail/ : new RegExp(`scope ${needed}`));
      }
    }
  });

  it('says the same of what is there and what is not to whoever may not see it', async () => {
    const { id } = await served.accounts.users.create({ username: 'ben', password: null }, operator);
    const admin = await served.accounts.users.ensureAdmin();
    const { id: keyId } = await served.accounts.keys.create({ userId: id }, operator);
    const pairs = [
      ['users', String(id), '999999'],
      ['users', String(admin.id), '999999'],
      ['spam/users', String(id), '999999'],
      ['keys', keyId, '0'.repeat(16)],
      ['models', 'scale', 'absent'],
    ] as const;
    for (const [collection, there, absent] of pairs) {
      const method = collection === 'keys' ? 'DELETE' : 'GET';
      const [first, second] = await Promise.all(
        [there, absent].map((one) =>
          served.app.inject({
            method,
            url: `/${collection}/${one}`,
            headers: { 'x-api-key': keys.get('predict')!, 'x-request-id': 'same' },
          }),
        ),
      );
      expect([first!.statusCode, first!.body]).toEqual([403, second!.body]);
    }
  });
});
