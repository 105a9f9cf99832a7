import Fastify, { type FastifyInstance, type InjectOptions } from 'fastify';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import authPlugin from '../../src/plugins/auth.js';
import { problemDialect, speak } from '../../src/plugins/error-handler.js';
import requestContext from '../../src/plugins/request-context.js';
import { authRoutes } from '../../src/routes/auth.js';
import { keyRoutes } from '../../src/routes/keys.js';
import { userRoutes } from '../../src/routes/users.js';
import { type Accounts, createAccounts, operator } from '../../src/services/accounts/index.js';
import { openDatabase, type Storage } from '../../src/storage/index.js';

let storage: Storage;
let accounts: Accounts;
let app: FastifyInstance;
let admin: string;

const password = 'correct horse battery staple';

beforeEach(async () => {
  storage = await openDatabase({ path: ':memory:' });
  accounts = await createAccounts({ storage });
  admin = (await accounts.bootstrap())!.key;
  app = Fastify({ ajv: { customOptions: { coerceTypes: false, removeAdditional: false } } });
  speak(app, problemDialect);
  await app.register(requestContext);
  await app.register(authPlugin, { accounts });
  await app.register(authRoutes, { accounts, openRegistration: true });
  await app.register(userRoutes, { accounts });
  await app.register(keyRoutes, { accounts });
  app.post('/other', { config: { public: true } }, () => 'other');
});

afterEach(async () => {
  await app.close();
  await storage.close();
});

type Method = 'GET' | 'POST' | 'DELETE';
const call = (method: Method, url: string, payload?: InjectOptions['payload'], key = admin) =>
  app.inject({ method, url, headers: { 'x-api-key': key }, ...(payload === undefined ? {} : { payload }) });
const form = (text: string, url = '/auth/token') =>
  app.inject({ method: 'POST', url, payload: text, headers: { 'content-type': 'application/x-www-form-urlencoded' } });

describe('POST /auth/token', () => {
  beforeEach(async () => void (await accounts.users.register({ username: 'ana', password })));

  it('takes JSON and the form of OAuth2, and answers the same', async () => {
    const fields = { username: 'ana', password };
    const answers = [
      await app.inject({ method: 'POST', url: '/auth/token', payload: fields }),
      await form(new URLSearchParams({ ...fields, grant_type: 'password', scope: '' }).toString()),
    ];
    for (const answer of answers) {
      expect(answer.statusCode).toBe(200);
      expect(answer.headers['cache-control']).toBe('no-store');
      const body = answer.json();
      expect(Object.keys(body)).toEqual(['access_token', 'token_type', 'expires_in', 'refresh_token', 'scope']);
      expect(body).toMatchObject({ token_type: 'bearer', expires_in: 1200 });
      const me = await app.inject({ url: '/users/me', headers: { authorization: `Bearer ${body.access_token}` } });
      expect(me.json()).toMatchObject({ username: 'ana', role: 'user', hasPassword: true, disabledAt: null });
      expect(me.body).not.toContain('argon2');
    }
  });

  it('answers a wrong name or password with 401 and a challenge', async () => {
    for (const fields of [
      { username: 'ana', password: 'wrong' },
      { username: 'nobody', password },
    ]) {
      const answer = await app.inject({ method: 'POST', url: '/auth/token', payload: fields });
      expect(answer.statusCode).toBe(401);
      expect(answer.headers['www-authenticate']).toBe('Bearer');
      expect(answer.json().code).toBe('login-failed');
    }
  });

  it('answers too many of them with 429 and the time to wait', async () => {
    const codes: number[] = [];
    for (let turn = 0; turn < 12; turn++) codes.push((await form('username=ana&password=wrong')).statusCode);
    expect(codes).toEqual([...new Array(10).fill(401), 429, 429]);
    const answer = await form('username=ana&password=wrong');
    expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0);
  });

  it.each([
    ['no password', { username: 'ana' }],
    ['a number for a password', { username: 'ana', password: 12345678 }],
    ['an unknown field', { username: 'ana', password, role: 'admin' }],
    ['a list', [1]],
    ['null', null],
    ['an endless name', { username: 'x'.repeat(129), password }],
    ['an endless password', { username: 'ana', password: 'x'.repeat(1025) }],
    ['another grant', { username: 'ana', password, grant_type: 'client_credentials' }],
  ])('refuses %s', async (_what, payload) => {
    const answer = await app.inject({
      method: 'POST',
      url: '/auth/token',
      headers: { 'content-type': 'application/json' },
      payload: JSON.stringify(payload),
    });
    expect([400, 422]).toContain(answer.statusCode);
    expect(answer.body).not.toContain(password);
  });

  it('refuses a form that gives a field twice, and a body without end', async () => {
    expect([400, 422]).toContain((await form('username=ana&username=ben&password=x')).statusCode);
    expect((await form(`username=ana&password=${'x'.repeat(20_000)}`)).statusCode).toBe(413);
  });

  it('understands forms nowhere else', async () => {
    expect((await form('a=1', '/other')).statusCode).toBeGreaterThanOrEqual(400);
  });
});

describe('the administration of users', () => {
  it('creates, lists, sets a password and removes', async () => {
    const made = await call('POST', '/users', { username: 'ben', password });
    expect(made.statusCode).toBe(201);
    const { id } = made.json();
    expect(made.json()).toMatchObject({
      username: 'ben',
      role: 'user',
      createdAt: expect.stringMatching(/^\d{4}-.*Z$/),
    });
    expect((await call('POST', '/users', { username: 'BEN', password })).statusCode).toBe(409);
    const page = (await call('GET', '/users?limit=1')).json().users;
    expect(page.map((user: { username: string }) => user.username)).toEqual(['admin']);
    const next = (await call('GET', `/users?after=${page[0].id}`)).json().users;
    expect(next.map((user: { username: string }) => user.username)).toEqual(['ben']);

    const { accessToken } = await accounts.login({ username: 'ben', password, address: '::1' });
    const set = await call('POST', `/users/${id}/password`, { password: 'another password' });
    expect([set.statusCode, set.body]).toEqual([204, '']);
    const me = await app.inject({ url: '/users/me', headers: { authorization: `Bearer ${accessToken}` } });
    expect(me.statusCode).toBe(401);
    expect((await form('username=ben&password=another+password')).statusCode).toBe(200);

    expect((await call('DELETE', `/users/${id}`)).statusCode).toBe(204);
    expect((await call('DELETE', `/users/${id}`)).statusCode).toBe(404);
    const { id: self } = (await call('GET', '/users/me')).json();
    expect((await call('DELETE', `/users/${self}`)).json().code).toBe('last-admin');
  });

  it('is closed to tokens and keys without the scope', async () => {
    await accounts.users.register({ username: 'ana', password });
    const { accessToken } = await accounts.login({ username: 'ana', password, address: '::1' });
    for (const [method, url] of [
      ['GET', '/users'],
      ['POST', '/users'],
      ['DELETE', '/users/1'],
      ['POST', '/users/1/password'],
      ['GET', '/keys'],
      ['POST', '/keys'],
      ['DELETE', `/keys/${'0'.repeat(16)}`],
    ] as const) {
      expect((await call(method, url, undefined, accessToken)).statusCode).toBe(403);
      expect((await app.inject({ method, url })).statusCode).toBe(401);
    }
  });

  it.each([
    ['POST', '/users', { username: 'a\nb', password }],
    ['POST', '/users', { username: 'ana', password: 'short' }],
    ['POST', '/users', { username: 'ana', password, role: 'root' }],
    ['POST', '/users', { username: 'ana', password, id: 1 }],
    ['POST', '/users/1/password', {}],
    ['DELETE', '/users/0', undefined],
    ['DELETE', '/users/1e3', undefined],
    ['DELETE', '/users/9007199254740993', undefined],
    ['GET', '/users?limit=0', undefined],
    ['GET', '/users?limit=1001', undefined],
    ['GET', '/users?after=-1', undefined],
    ['GET', '/users?page=2', undefined],
  ] as const)('%s %s %j is the caller’s fault', async (method, url, payload) => {
    const answer = await call(method, url, payload);
    expect([400, 422]).toContain(answer.statusCode);
  });
});

describe('the administration of keys', () => {
  it('creates a key that is shown once, lists it without, and revokes it', async () => {
    const made = await call('POST', '/keys', {
      name: 'ward 3',
      scopes: ['predict'],
      priority: 'low',
      expiresAt: '2100-01-01T00:00:00Z',
    });
    expect(made.statusCode).toBe(201);
    expect(made.headers['cache-control']).toBe('no-store');
    const { key, id } = made.json();
    expect(made.json()).toMatchObject({
      scopes: ['predict'],
      priority: 'low',
      expiresAt: '2100-01-01T00:00:00.000Z',
      username: 'admin',
    });
    expect((await call('GET', '/users/me', undefined, key)).statusCode).toBe(200);
    const listed = await call('GET', '/keys');
    expect(listed.json().keys).toHaveLength(2);
    expect(listed.body).not.toContain(key.slice(-43));
    expect((await call('DELETE', `/keys/${id}`)).statusCode).toBe(204);
    expect((await call('GET', '/users/me', undefined, key)).statusCode).toBe(401);
    expect((await call('DELETE', `/keys/${'0'.repeat(16)}`)).statusCode).toBe(404);
  });

  it('makes keys for others, within their role', async () => {
    const ana = await accounts.users.create({ username: 'ana', password: null }, operator);
    const { key } = (await call('POST', '/keys', { userId: ana.id })).json();
    expect((await call('GET', '/users/me', undefined, key)).json().username).toBe('ana');
    const beyond = await call('POST', '/keys', { userId: ana.id, scopes: ['users'] });
    expect([beyond.statusCode, beyond.json().code]).toEqual([422, 'scope-beyond-role']);
  });

  it.each([
    [{ scopes: [] }],
    [{ scopes: ['fly'] }],
    [{ scopes: 'predict' }],
    [{ priority: 'urgent' }],
    [{ priority: 1 }],
    [{ expiresAt: 'tomorrow' }],
    [{ expiresAt: '2100-02-31T00:00:00Z' }],
    [{ expiresAt: '2001-01-01T00:00:00Z' }],
    [{ name: '\u0007' }],
    [{ userId: '1' }],
    [{ id: 'mine' }],
  ])('refuses %j', async (payload) => {
    expect([400, 422]).toContain((await call('POST', '/keys', payload)).statusCode);
  });
});
