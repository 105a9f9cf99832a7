import { Agent, request } from 'node:http';
import Fastify, { type FastifyInstance } from 'fastify';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import authPlugin, { principalOf } from '../../src/plugins/auth.js';
import { problemDialect, speak } from '../../src/plugins/error-handler.js';
import requestContext from '../../src/plugins/request-context.js';
import { type Accounts, createAccounts, operator } from '../../src/services/accounts/index.js';
import { openDatabase, type Storage } from '../../src/storage/index.js';

let storage: Storage;
let accounts: Accounts;
let app: FastifyInstance;
let now: number;
let bodiesRead: number;
let log: string;

const password = 'correct horse battery staple';

beforeEach(async () => {
  storage = await openDatabase({ path: ':memory:' });
  now = Date.now();
  accounts = await createAccounts({ storage, clock: () => now });
  bodiesRead = 0;
  log = '';
  const stream = {
    write(line: string) {
      log += line;
    },
  };
  app = Fastify({ logger: { level: 'trace', stream } });
  // Before the plugin is there: registered early must not mean open.
  app.get('/early', () => 'early');
  speak(app, problemDialect);
  await app.register(requestContext);
  await app.register(authPlugin, { accounts });
  app.addHook('preParsing', (_request, _reply, payload, done) => {
    bodiesRead++;
    done(null, payload);
  });
  app.get('/open', { config: { public: true } }, (request) => ({ principal: request.principal }));
  app.get('/closed', (request) => principalOf(request));
  app.post('/predict', { config: { scopes: ['predict'] } }, (request) => principalOf(request).username);
  app.delete('/model', { config: { scopes: ['predict', 'models:write'] } }, () => 'gone');
  app.register(async (scope) => void scope.get('/inner', () => 'inner'), { prefix: '/deep' });
});

afterEach(async () => {
  await app.close();
  await storage.close();
});

async function newKey(scopes?: string[]): Promise<{ key: string; id: string }> {
  const user = await accounts.users.ensureAdmin();
  return accounts.keys.create({ userId: user.id, ...(scopes === undefined ? {} : { scopes }) }, operator);
}

const get = (url: string, headers: Record<string, string> = {}) => app.inject({ method: 'GET', url, headers });
const bearer = (credential: string) => ({ authorization: `Bearer ${credential}` });

describe('without credentials', () => {
  it.each(['/closed', '/early', '/deep/inner', '/closed?public=true'])('%s is closed', async (url) => {
    const answer = await get(url);
    expect(answer.statusCode).toBe(401);
    expect(answer.headers['www-authenticate']).toBe('Bearer');
    expect(answer.json()).toMatchObject({ code: 'unauthenticated', status: 401 });
  });

  it('a HEAD request is closed too', async () => {
    expect((await app.inject({ method: 'HEAD', url: '/closed' })).statusCode).toBe(401);
  });

  it('no body is read', async () => {
    const answer = await app.inject({ method: 'POST', url: '/predict', payload: { a: 1 } });
    expect(answer.statusCode).toBe(401);
    expect(bodiesRead).toBe(0);
  });

  it('a public route is open, and does not look who it is', async () => {
    for (const headers of [{}, bearer('nonsense')]) {
      const answer = await get('/open', headers);
      expect(answer.statusCode).toBe(200);
      expect(answer.json()).toEqual({ principal: null });
    }
  });

  it('what has no route is a 404, with and without credentials', async () => {
    for (const headers of [{}, bearer('nonsense'), bearer((await newKey()).key)]) {
      expect((await get('/nowhere', headers)).statusCode).toBe(404);
    }
  });
});

describe('with credentials', () => {
  it('a key opens as bearer and as X-Api-Key, a token likewise, in any case of the scheme', async () => {
    const { key } = await newKey();
    await accounts.users.register({ username: 'ana', password });
    const { accessToken } = await accounts.login({ username: 'ana', password, address: '::1' });
    for (const [credential, username] of [
      [key, 'admin'],
      [accessToken, 'ana'],
    ] as const) {
      for (const headers of [
        bearer(credential),
        { authorization: `bearer  ${credential} ` },
        { 'x-api-key': credential },
        { 'x-api-key': credential, authorization: 'Basic dXNlcjpwYXNz' },
      ]) {
        // Twice: looked up, then remembered.
        for (const _ of [1, 2]) {
          const answer = await get('/closed', headers);
          expect(answer.statusCode).toBe(200);
          expect(answer.json().username).toBe(username);
        }
      }
    }
  });

  it.each([
    ['nonsense', bearer('nonsense'), 401, 'token-invalid'],
    ['a made-up key', { 'x-api-key': `vtr_${'0'.repeat(16)}_${'A'.repeat(43)}` }, 401, 'token-invalid'],
    ['an unsigned token', bearer('eyJhbGciOiJub25lIn0.eyJzdWIiOiJhZG1pbiJ9.'), 401, 'token-invalid'],
    ['another scheme', { authorization: 'Basic dXNlcjpwYXNz' }, 401, 'unauthenticated'],
    ['a bearer of nothing', { authorization: 'Bearer ' }, 401, 'unauthenticated'],
    ['two words', { authorization: 'Bearer a b' }, 401, 'unauthenticated'],
    ['an empty key', { 'x-api-key': '' }, 401, 'unauthenticated'],
    ['both headers', { authorization: 'Bearer a', 'x-api-key': 'b' }, 400, 'credentials-ambiguous'],
  ])('%s is refused', async (_what, headers, status, code) => {
    const answer = await get('/closed', headers as Record<string, string>);
    expect(answer.statusCode).toBe(status);
    expect(answer.json().code).toBe(code);
    expect(answer.headers['www-authenticate']).toBe(status === 401 ? 'Bearer' : undefined);
  });

  it('every scope of the route is needed, remembered or not', async () => {
    const { key: predictor } = await newKey(['predict']);
    const { key: reader } = await newKey(['models:read']);
    const { key: writer } = await newKey(['predict', 'models:write']);
    const { key: admin } = await newKey(['admin']);
    const status = async (method: 'POST' | 'DELETE', url: string, key: string) =>
      (await app.inject({ method, url, headers: bearer(key) })).statusCode;
    for (const _ of [1, 2]) {
      expect(await status('POST', '/predict', predictor)).toBe(200);
      expect(await status('POST', '/predict', reader)).toBe(403);
      expect(await status('DELETE', '/model', predictor)).toBe(403);
      expect(await status('DELETE', '/model', writer)).toBe(200);
      expect(await status('DELETE', '/model', admin)).toBe(200);
    }
    const answer = await app.inject({ method: 'DELETE', url: '/model', headers: bearer(predictor) });
    expect(answer.json()).toMatchObject({ code: 'forbidden', detail: expect.stringContaining('models:write') });
  });

  it('a revoked key is refused at the next request, an expired token too', async () => {
    const { key, id } = await newKey();
    expect((await get('/closed', bearer(key))).statusCode).toBe(200);
    await accounts.keys.revoke(id, operator);
    expect((await get('/closed', bearer(key))).statusCode).toBe(401);
    await accounts.users.register({ username: 'ana', password });
    const { accessToken } = await accounts.login({ username: 'ana', password, address: '::1' });
    expect((await get('/closed', bearer(accessToken))).statusCode).toBe(200);
    now += 20 * 60_000;
    const late = await get('/closed', bearer(accessToken));
    expect(late.statusCode).toBe(401);
    expect(late.json().detail).toContain('expired');
  });

  it('requests of different people at the same time are not mixed up', async () => {
    const keys = await Promise.all(
      Array.from({ length: 10 }, async (_, turn) => {
        const user = await accounts.users.create({ username: `user ${turn}`, password: null }, operator);
        return accounts.keys.create({ userId: user.id }, operator);
      }),
    );
    const requests = Array.from({ length: 200 }, (_, turn) => keys[turn % keys.length]!);
    const answers = await Promise.all(
      requests.map(({ key }) => app.inject({ method: 'POST', url: '/predict', headers: bearer(key) })),
    );
    expect(answers.map(({ body }) => body)).toEqual(requests.map(({ username }) => username));
  });

  it('no credential reaches the log', async () => {
    const { key } = await newKey();
    await get('/closed', bearer(key));
    await get('/closed', bearer(`${key}x`));
    await get('/closed', { 'x-api-key': key });
    expect(log).toContain('/closed');
    expect(log).not.toContain(key.slice(-40));
  });
});

describe('a route that contradicts itself stops the start', () => {
  it.each([
    [{ scopes: ['fly'] }, 'does not exist'],
    [{ public: true, scopes: ['predict'] }, 'is public and demands scopes'],
  ])('%j', (config, words) => {
    expect(() => app.get('/wrong', { config }, () => '')).toThrow(words);
  });
});

describe('a connection that is kept', () => {
  it('is asked again for every other credential, and when rights end', async () => {
    const url = await app.listen({ port: 0, host: '127.0.0.1' });
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const ask = (headers: Record<string, string>) =>
      new Promise<number>((resolve, reject) => {
        request(`${url}/closed`, { agent, headers }, (response) => {
          response.resume().once('end', () => resolve(response.statusCode!));
        })
          .once('error', reject)
          .end();
      });
    let connections = 0;
    app.server.on('connection', () => connections++);
    const { key, id } = await newKey();
    const other = await newKey();
    // The second time the answer comes from what the connection showed.
    for (let i = 0; i < 3; i++) expect(await ask(bearer(key))).toBe(200);
    expect(await ask(bearer(`${key.slice(0, -1)}${key.endsWith('A') ? 'B' : 'A'}`))).toBe(401);
    expect(await ask({})).toBe(401);
    expect(await ask({ ...bearer(key), 'x-api-key': key })).toBe(400);
    expect(await ask({ 'x-api-key': other.key })).toBe(200);
    for (let i = 0; i < 3; i++) expect(await ask(bearer(key))).toBe(200);
    await accounts.keys.revoke(id, operator);
    expect(await ask(bearer(key))).toBe(401);
    expect(await ask({ 'x-api-key': other.key })).toBe(200);
    expect(connections).toBe(1);
    agent.destroy();
  });
});
