/** Object-level and property-level authorisation: whose objects somebody reaches, and which of their properties. */
import type { InjectOptions } from 'fastify';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { apps } from '../../src/apps/index.js';
import { operator, type Role } from '../../src/services/accounts/index.js';
import { scaleGraph } from '../graphs.js';
import { folderOf, type StartedApp, startApp } from '../start-app.js';

const password = 'correct horse battery staple';
let served: StartedApp;
let ids: Record<'ana' | 'ben' | 'mia' | 'boss', number>;

beforeEach(async () => {
  const flags = { 'open-registration': true, apps: { shock: { 'log-stdout': false } } };
  served = await startApp([folderOf({ scale: scaleGraph() })], flags, apps);
  const make = async (username: string, role: Role) =>
    (await served.accounts.users.create({ username, password, role }, operator)).id;
  ids = {
    ana: await make('ana', 'user'),
    ben: await make('ben', 'user'),
    mia: await make('mia', 'maintainer'),
    boss: await make('boss', 'admin'),
  };
});
afterEach(() => served.close());

type Method = 'GET' | 'POST' | 'PATCH' | 'DELETE';
const call = (credential: string, method: Method, url: string, payload?: InjectOptions['payload']) =>
  served.app.inject({
    method,
    url,
    headers: { authorization: `Bearer ${credential}` },
    ...(payload === undefined ? {} : { payload }),
  });
const token = async (username: string) =>
  (await served.accounts.login({ username, password, address: '192.0.2.1' })).accessToken;
const keyOf = async (user: number, scopes: readonly string[]) =>
  (await served.accounts.keys.create({ userId: user, scopes }, operator)).key;
const users = () => served.storage.db.selectFrom('users').selectAll().orderBy('id').execute();
/** Without the time of their last use, which every request may change. */
const keys = async () => {
  const rows = await served.storage.db.selectFrom('api_keys').selectAll().orderBy('id').execute();
  return rows.map((row) => ({ ...row, last_used_at: null }));
};

/** Everything that somebody could do to another user. */
const actsOn = (id: number): readonly (readonly [Method, string, InjectOptions['payload']?])[] => [
  ['GET', `/users/${id}`],
  ['PATCH', `/users/${id}`, { role: 'user' }],
  ['PATCH', `/users/${id}`, { disabled: true }],
  ['DELETE', `/users/${id}`],
  ['POST', `/users/${id}/password`, { password: 'a password of a thief' }],
  ['POST', `/users/${id}/logout`],
  ['GET', `/usage?user=${id}`],
  ['GET', `/spam/users/${id}`],
  ['POST', '/keys', { userId: id }],
];

describe('object-level authorisation', () => {
  it.each(['ana', 'mia'] as const)('%s reaches nothing of anybody else', async (name) => {
    const before = [await users(), await keys()];
    const benKey = await served.accounts.keys.create({ userId: ids.ben }, operator);
    for (const credential of [await token(name), await keyOf(ids[name], ['predict', 'models:read'])]) {
      for (const id of [ids.ben, ids.boss, 999_999]) {
        for (const [method, url, payload] of actsOn(id)) {
          const answer = await call(credential, method, url, payload);
          expect([method, url, answer.statusCode]).toEqual([method, url, 403]);
          expect(answer.body).not.toContain('ben');
        }
      }
      for (const [method, url] of [
        ['DELETE', `/keys/${benKey.id}`],
        ['GET', '/keys'],
        ['GET', '/users'],
        ['GET', '/usage?user=all'],
        ['GET', '/audit'],
        ['GET', '/spam/users/'],
      ] as const) {
        expect([url, (await call(credential, method, url)).statusCode]).toEqual([url, 403]);
      }
    }
    expect(await users()).toEqual(before[0]);
    expect((await served.accounts.authenticate(benKey.key)).username).toBe('ben');
  });

  it('a key that administers users reaches no admin', async () => {
    const key = await keyOf(ids.boss, ['users']);
    const before = await users();
    for (const [method, url, payload] of actsOn(ids.boss)) {
      // Names and numbers are for whoever lists users; keys are another scope.
      if (method === 'GET') continue;
      expect([url, (await call(key, method, url, payload)).statusCode]).toEqual([url, 403]);
    }
    for (const role of ['admin', 'root']) {
      expect([403, 422]).toContain((await call(key, 'PATCH', `/users/${ids.ben}`, { role })).statusCode);
      expect([403, 422]).toContain((await call(key, 'POST', '/users', { username: 'new', password, role })).statusCode);
    }
    expect(await users()).toEqual(before);
    expect((await call(key, 'PATCH', `/users/${ids.ben}`, { disabled: true })).statusCode).toBe(200);
  });

  it('a key that administers keys reaches none of an admin, and gives no scope that it lacks', async () => {
    const key = await keyOf(ids.boss, ['keys', 'predict']);
    const before = await keys();
    const bossKey = before.find(({ user_id, scopes }) => user_id !== ids.boss && scopes.includes('admin'))!;
    expect((await call(key, 'DELETE', `/keys/${bossKey.id}`)).statusCode).toBe(403);
    for (const payload of [
      { userId: ids.boss },
      { userId: ids.boss, scopes: ['predict'] },
      { userId: ids.ben, scopes: ['models:read'] },
      { userId: ids.ben, scopes: ['admin'] },
      { userId: ids.ben, scopes: ['predict'], priority: 'high' },
    ]) {
      expect([payload, (await call(key, 'POST', '/keys', payload)).statusCode]).toEqual([payload, 403]);
    }
    expect(await keys()).toEqual(before);
    expect((await call(key, 'POST', '/keys', { userId: ids.ben, scopes: ['predict'] })).statusCode).toBe(201);
  });

  it('one’s own usage is one’s own, whatever is asked beside it', async () => {
    const mine = await token('ana');
    await call(mine, 'POST', '/models/scale/predict', { x: [1, 2, 3] });
    await call(await token('ben'), 'POST', '/models/scale/predict', { x: [1, 2, 3] });
    for (const url of ['/usage', `/usage?user=${ids.ana}`]) {
      const { usage } = (await call(mine, 'GET', url)).json();
      expect(usage.map(({ username }: { username: string }) => username)).toEqual(['ana']);
    }
    for (const user of [
      '0',
      '-1',
      `${ids.ana}&user=${ids.ben}`,
      `${ids.ana},${ids.ben}`,
      '9007199254740993',
      'ALL',
      '%00',
    ]) {
      expect((await call(mine, 'GET', `/usage?user=${user}`)).statusCode).toBe(422);
    }
  });
});

describe('mass assignment', () => {
  it('nothing that a caller adds to a body reaches a user or a key', async () => {
    const admin = served.key;
    const extras = [
      ['role', 'admin'],
      ['id', 1],
      ['userId', ids.boss],
      ['user_id', ids.boss],
      ['scopes', ['admin']],
      ['disabled_at', null],
      ['disabledAt', null],
      ['token_version', 0],
      ['password_hash', 'x'],
      ['passwordMinimum', 1],
      ['hasPassword', true],
      ['createdAt', '2000-01-01T00:00:00Z'],
      ['revokedAt', null],
      ['key', 'mine'],
      ['hash', 'mine'],
      ['keyId', 'mine'],
      ['constructor', {}],
    ] as const;
    const bodies: readonly (readonly [Method, string, Record<string, unknown>, string])[] = [
      ['POST', '/auth/register', { username: 'new', password }, admin],
      ['POST', '/auth/token', { username: 'ana', password }, admin],
      ['POST', '/auth/refresh', { refresh_token: 'x' }, admin],
      ['POST', '/users', { username: 'new', password }, admin],
      ['PATCH', `/users/${ids.ben}`, { disabled: false }, admin],
      ['POST', `/users/${ids.ben}/password`, { password }, admin],
      ['POST', '/users/me/password', { current_password: password, new_password: 'x'.repeat(9) }, await token('ana')],
      ['POST', '/keys', { name: 'new' }, admin],
      ['POST', '/shock/auth/create_user', { username: 'new', password }, admin],
    ];
    const before = [await users(), await keys()];
    for (const [method, url, body, credential] of bodies) {
      for (const [name, value] of [...extras, ['__proto__', { role: 'admin' }] as const]) {
        // As text: an object literal would take `__proto__` for its own prototype.
        const text = JSON.stringify(body).replace(/\}$/, `,${JSON.stringify(name)}:${JSON.stringify(value)}}`);
        const known =
          (url === '/keys' && ['scopes', 'userId'].includes(name)) ||
          (url === '/users' && name === 'role') ||
          (method === 'PATCH' && name === 'role');
        if (known) continue;
        const answer = await served.app.inject({
          method,
          url,
          headers: { 'content-type': 'application/json', 'x-api-key': credential },
          payload: text,
        });
        expect([url, name, answer.statusCode]).toEqual([url, name, 422]);
      }
    }
    expect([await users(), (await keys()).length]).toEqual([before[0], before[1]!.length]);
    expect(({} as { role?: unknown }).role).toBeUndefined();
  });

  it('the spam app ignores what it does not ask for, as its original did', async () => {
    const body = `{"email":"eve@example.org","full_name":"Eve Adams","document_number":"1","password":"secret1",
      "username":"eve","role":"admin","id":${ids.boss},"is_superuser":true,"scopes":["admin"],"disabled_at":0,
      "profile":{"userId":${ids.boss}},"passwordMinimum":1,"__proto__":{"role":"admin"}}`;
    const answer = await served.app.inject({
      method: 'POST',
      url: '/spam/users/register/',
      headers: { 'content-type': 'application/json' },
      payload: body,
    });
    expect(answer.statusCode).toBe(201);
    expect(answer.json().id).not.toBe(ids.boss);
    expect((await served.accounts.users.find('eve')).role).toBe('user');
    const login = await served.accounts.login({ username: 'eve', password: 'secret1', address: '::1' });
    expect(login.scopes).toEqual(['spam_ml', 'predict', 'models:read']);
  });
});
