/** Credentials that are forged, misplaced or guessed, through the doors that take them. */
import { createHmac, createSecretKey, generateKeyPairSync } from 'node:crypto';
import { EncryptJWT, SignJWT } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { apps } from '../../src/apps/index.js';
import { operator } from '../../src/services/accounts/index.js';
import { deriveKey } from '../../src/services/accounts/signing-keys.js';
import { databases, type TestDatabase } from '../databases.js';
import { keyed, type StartedGrpc, startGrpc } from '../grpc/start-grpc.js';
import { type StartedApp, startApp } from '../start-app.js';

const password = 'correct horse battery staple';
const quiet = { apps: { shock: { 'log-stdout': false } } };
const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');

/** The secret that a server signs with, as whoever reads its database has it. */
async function secretOf({ storage }: StartedApp): Promise<Buffer> {
  const { value } = await storage.db
    .selectFrom('settings')
    .select('value')
    .where('name', '=', 'jwt-secret')
    .executeTakeFirstOrThrow();
  return Buffer.from(value, 'base64url');
}

describe.each([false, true])('a token that was made by somebody else, where jwe is %s', (jwe) => {
  let grpc: StartedGrpc;
  let token: string;
  let claims: Record<string, unknown>;
  let secret: Buffer;
  beforeAll(async () => {
    grpc = await startGrpc([], { jwe });
    const { accounts } = grpc.started;
    await accounts.users.create({ username: 'ana', password, role: 'admin' }, operator);
    const login = await accounts.login({ username: 'ana', password, address: '::1' });
    token = login.accessToken;
    const { userId, family } = await accounts.authenticate(token);
    claims = { sub: 'ana', id: userId, ver: 0, fam: family, iss: 'vitrina', aud: 'vitrina' };
    secret = await secretOf(grpc.started);
  });
  afterAll(() => grpc.close());

  const now = () => Math.floor(Date.now() / 1000);
  const timed = () => ({ ...claims, iat: now(), exp: now() + 600 });
  const signed = (header: object, payload: object, key: string | Buffer) => {
    const text = `${encode(header)}.${encode(payload)}`;
    return `${text}.${createHmac('sha256', key).update(text).digest('base64url')}`;
  };
  const jwt = (payload: Record<string, unknown>, key: Uint8Array = secret, alg = 'HS256') =>
    new SignJWT(payload).setProtectedHeader({ alg }).sign(createSecretKey(key));
  const jwet = (payload: Record<string, unknown>, key: Uint8Array) =>
    new EncryptJWT(payload).setProtectedHeader({ alg: 'dir', enc: 'A256GCM' }).encrypt(key);
  /** As this server makes them, so that what is refused below is refused for the one thing that is different. */
  const own = (payload: Record<string, unknown>) => (jwe ? jwet(payload, deriveKey(secret).encrypting) : jwt(payload));
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const pem = publicKey.export({ type: 'spki', format: 'pem' }) as string;

  const statusOf = async (credential: string) => {
    const [bearer, key] = await Promise.all([
      grpc.started.app.inject({ url: '/users/me', headers: { authorization: `Bearer ${credential}` } }),
      grpc.started.app.inject({ url: '/users/me', headers: { 'x-api-key': credential } }),
    ]);
    expect(key.statusCode).toBe(bearer.statusCode);
    if (bearer.statusCode === 401) expect(bearer.headers['www-authenticate']).toBe('Bearer');
    return bearer.statusCode;
  };

  it('is told apart from one that this server made, or could have made', async () => {
    expect(await statusOf(token)).toBe(200);
    expect(await statusOf(await own(timed()))).toBe(200);
  });

  it.each<[string, () => string | Promise<string>]>([
    ['alg none', () => `${encode({ alg: 'none' })}.${encode(timed())}.`],
    ['alg NONE', () => `${encode({ alg: 'NoNe', typ: 'JWT' })}.${encode(timed())}.`],
    ['alg none, and a signature that fits HS256', () => signed({ alg: 'none' }, timed(), secret)],
    ['no alg', () => signed({ typ: 'JWT' }, timed(), secret)],
    ['no signature', () => signed({ alg: 'HS256' }, timed(), secret).replace(/[^.]+$/, '')],
    ['an empty secret', () => signed({ alg: 'HS256' }, timed(), '')],
    ['a public key for a secret', () => signed({ alg: 'HS256' }, timed(), pem)],
    [
      'a key that the token brings',
      () => signed({ alg: 'HS256', jwk: { kty: 'oct', k: 'AAAA' } }, timed(), Buffer.from('AAAA', 'base64url')),
    ],
    ['a kid that is a path', () => signed({ alg: 'HS256', kid: '../../dev/null' }, timed(), '')],
    ['a kid that is SQL', () => signed({ alg: 'HS256', kid: "' or 1=1 --" }, timed(), '')],
    ['a kid that is an object', () => signed({ alg: 'HS256', kid: { $ne: null } }, timed(), '')],
    ['a critical extension', () => signed({ alg: 'HS256', crit: ['x'], x: 1 }, timed(), secret)],
    ['RS256', () => new SignJWT(timed()).setProtectedHeader({ alg: 'RS256' }).sign(privateKey)],
    ['HS512 with the right secret', () => jwt(timed(), Buffer.concat([secret, secret]), 'HS512')],
    ['the key of encryption for a signature', () => jwt(timed(), deriveKey(secret).encrypting)],
    ['the secret for a key of encryption', () => jwet(timed(), secret)],
    [
      'the other form (a downgrade, or what nobody asked for)',
      () => (jwe ? jwt(timed()) : jwet(timed(), deriveKey(secret).encrypting)),
    ],
    ['another audience', () => own({ ...timed(), aud: 'elsewhere' })],
    ['another issuer', () => own({ ...timed(), iss: 'elsewhere' })],
    ['a time that is over', () => own({ ...timed(), exp: now() - 1 })],
    ['no end', () => own({ ...claims, iat: now() })],
    ['a beginning to come', () => own({ ...timed(), nbf: now() + 600 })],
    ['another login', () => own({ ...timed(), fam: 'A'.repeat(22) })],
    ['a login as an object', () => own({ ...timed(), fam: { $ne: '' } })],
    ['a login with a NUL', () => own({ ...timed(), fam: 'a\0b' })],
    ['another user', () => own({ ...timed(), sub: 'admin', id: 1 })],
    ['a user number as a text', () => own({ ...timed(), id: String(claims.id) })],
    ['a version to come', () => own({ ...timed(), ver: 1 })],
    ['a wrong scope of its own', () => own({ ...timed(), sub: 'ben', scopes: ['admin'] })],
  ])('%s: 401', async (_what, make) => {
    const forged = await make();
    expect(await statusOf(forged)).toBe(401);
    const { code } = await grpc.fail('ModelMetadata', { name: 'x' }, keyed(forged));
    expect(code).toBe(16);
  });

  it('its length is no matter', async () => {
    for (const text of [
      '.',
      '..',
      '....',
      'a'.repeat(7_000),
      `${'a'.repeat(3_000)}.${'b'.repeat(3_000)}.c`,
      `${token}${token}`,
    ]) {
      expect(await statusOf(text)).toBe(401);
    }
  });
});

describe('a credential in another place', () => {
  let served: StartedApp;
  let token: string;
  let refresh: string;
  beforeAll(async () => {
    served = await startApp([], quiet, apps);
    await served.accounts.users.create({ username: 'ana', password }, operator);
    const login = await served.accounts.login({ username: 'ana', password, address: '::1' });
    token = login.accessToken;
    refresh = login.refreshToken;
  });
  afterAll(() => served.close());

  it('is none: not in the URL, not in a cookie, not in a body', async () => {
    const names = ['token', 'access_token', 'api_key', 'apikey', 'key', 'x-api-key', 'authorization', 'auth', 'bearer'];
    for (const name of names) {
      for (const value of [token, served.key]) {
        for (const url of ['/users/me', '/spam/users/whoami', '/metrics', '/v2']) {
          const asked = await served.app.inject({
            url: `${url}?${name}=${value}`,
            headers: { cookie: `${name}=${value}`, 'proxy-authorization': `Bearer ${value}` },
          });
          expect([name, url, asked.statusCode]).toEqual([name, url, 401]);
        }
      }
    }
    const body = { access_token: token, token };
    expect((await served.app.inject({ method: 'POST', url: '/auth/logout', payload: body })).statusCode).toBe(401);
  });

  it('a password or a refresh token in the URL is not looked at', async () => {
    for (const [url, payload] of [
      [`/auth/token?username=ana&password=${encodeURIComponent(password)}`, {}],
      [`/auth/token?refresh_token=${refresh}`, {}],
      [`/auth/refresh?refresh_token=${refresh}`, {}],
      [`/spam/login/?username=ana&password=${encodeURIComponent(password)}`, {}],
      [`/spam/login/refresh?refresh_token=${refresh}`, {}],
      [`/shock/auth/token?username=ana&password=${encodeURIComponent(password)}`, {}],
    ] as const) {
      const answer = await served.app.inject({ method: 'POST', url, payload });
      expect([url, answer.statusCode]).toEqual([url, 422]);
      expect(answer.body).not.toContain(refresh);
      expect(answer.body).not.toContain(password);
    }
  });

  it('a refresh token opens no route, and an access token refreshes nothing', async () => {
    for (const headers of [{ authorization: `Bearer ${refresh}` }, { 'x-api-key': refresh }]) {
      expect((await served.app.inject({ url: '/users/me', headers })).statusCode).toBe(401);
    }
    for (const text of [token, served.key]) {
      const payload = { refresh_token: text.slice(0, 200) };
      expect((await served.app.inject({ method: 'POST', url: '/auth/refresh', payload })).statusCode).toBe(401);
    }
    expect((await served.accounts.refresh(refresh)).accessToken).toBeTypeOf('string');
  });
});

describe.each(databases)('the time of a login on $kind', ({ fresh }) => {
  let database: TestDatabase;
  let served: StartedApp;
  beforeAll(async () => {
    database = await fresh();
    served = await startApp([], { ...database.flags });
    for (let i = 0; i < 60; i++) {
      await served.accounts.users.create({ username: `known ${i}`, password: null }, operator);
    }
    await served.accounts.users.create({ username: 'known', password }, operator);
  });
  afterAll(async () => {
    await served.close();
    await database.remove();
  });

  const median = (values: readonly number[]) => [...values].sort((a, b) => a - b)[values.length >> 1]!;

  it('does not tell whether the user exists', { timeout: 120_000, retry: 3 }, async () => {
    // In turn, so that what else the machine does falls on both; a lookup without a hash would take a hundredth.
    const times = { known: [] as number[], unknown: [] as number[] };
    const run = Math.random().toString(36).slice(2);
    for (let turn = 0; turn < 60; turn++) {
      const order = turn % 2 === 0 ? (['known', 'unknown'] as const) : (['unknown', 'known'] as const);
      for (const kind of order) {
        const username = kind === 'known' ? `known ${turn}` : `${run} ${turn}`;
        const began = performance.now();
        const answer = await served.app.inject({
          method: 'POST',
          url: '/auth/token',
          remoteAddress: `198.51.${turn}.${kind === 'known' ? 1 : 2}`,
          payload: { username, password: 'a wrong password' },
        });
        times[kind].push(performance.now() - began);
        expect(answer.statusCode).toBe(401);
      }
    }
    const ratio = median(times.known) / median(times.unknown);
    expect([ratio > 0.8, ratio < 1.25, ratio]).toEqual([true, true, ratio]);
  });
});
