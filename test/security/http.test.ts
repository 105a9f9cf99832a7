/** What a browser, a proxy or a hand-written request can do with the head of a request and of an answer. */
import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { apps } from '../../src/apps/index.js';
import { operator } from '../../src/services/accounts/index.js';
import { scaleGraph } from '../graphs.js';
import { folderOf, type StartedApp, startApp } from '../start-app.js';

const folder = folderOf({ scale: scaleGraph() });
const quiet = { apps: { shock: { 'log-stdout': false } } };
let served: StartedApp;
let port: number;
beforeAll(async () => {
  served = await startApp([folder], quiet, apps);
  port = Number(new URL(await served.app.listen({ host: '127.0.0.1', port: 0 })).port);
});
afterAll(() => served.close());

/** Sends bytes as they are, and gives what comes until the server closes. */
function raw(text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let got = '';
    const socket = connect(port, '127.0.0.1', () => socket.write(Buffer.from(text, 'latin1')));
    socket.on('data', (chunk) => {
      got += chunk.toString('latin1');
    });
    socket.on('close', () => resolve(got));
    socket.on('error', reject);
  });
}
const headOf = (answer: string) => answer.split('\r\n\r\n', 1)[0]!.split('\r\n');

describe('header injection', () => {
  it.each(['a%0d%0aSet-Cookie: x=1', 'a\r', 'a b', 'ä', 'x'.repeat(129), '"><script>', ''])(
    'a request id of %j does not come back',
    async (id) => {
      const answer = await served.app.inject({ url: '/livez', headers: { 'x-request-id': id } });
      expect(answer.headers['x-request-id']).toMatch(/^[\w-]{8}-[0-9a-z]+$/);
      expect(answer.headers['set-cookie']).toBeUndefined();
    },
  );

  it('a line break in a header ends the request, not the header', async () => {
    const answer = await raw(
      'GET /livez HTTP/1.1\r\nHost: x\r\nX-Request-Id: a\rSet-Cookie: x=1\r\nConnection: close\r\n\r\n',
    );
    expect(headOf(answer)[0]).toBe('HTTP/1.1 400 Bad Request');
    expect(answer).not.toContain('Set-Cookie');
  });

  it.each([
    'a%0d%0aX-Evil:%201',
    '%0d%0a%0d%0a<script>',
    '%00',
    '..%2f..%2fetc%2fpasswd',
    '%E2%80%A8',
    'x'.repeat(199),
  ])('a path of %s sets no header, and meets no file', async (name) => {
    for (const url of [
      `/models/${name}`,
      `/models/scale/versions/${name}`,
      `/v2/models/${name}`,
      `/docs/static/${name}`,
      `/${name}`,
    ]) {
      const answer = await raw(
        `GET ${url} HTTP/1.1\r\nHost: x\r\nX-Api-Key: ${served.key}\r\nConnection: close\r\n\r\n`,
      );
      expect(headOf(answer)[0]).toMatch(/^HTTP\/1\.1 (404|400|422) /);
      expect(headOf(answer).some((line) => /^x-evil|^<script/i.test(line))).toBe(false);
      expect(answer).not.toContain('root:');
    }
  });

  it.each(['a\r\nb', 'a\nb', 'a\u2028b', 'a\u0000', 'a\u202eb', '\ud800'])(
    'nobody is called %j, no key either',
    async (name) => {
      const user = await served.post('/users', { username: name, password: 'long enough' });
      const key = await served.post('/keys', { name });
      expect([user.statusCode, key.statusCode]).toEqual([422, 422]);
    },
  );

  it('two names that look alike are one', async () => {
    expect((await served.post('/users', { username: 'fiona', password: 'long enough' })).statusCode).toBe(201);
    for (const username of ['FIONA', 'ﬁona', 'ｆｉｏｎａ']) {
      expect((await served.post('/users', { username, password: 'long enough' })).statusCode).toBe(409);
    }
  });
});

describe('methods and hosts', () => {
  it.each(['TRACE', 'CONNECT', 'PROPFIND', 'OPTIONS'])('%s does nothing', async (method) => {
    const answer = await raw(
      `${method} /users HTTP/1.1\r\nHost: x\r\nX-Api-Key: ${served.key}\r\nConnection: close\r\n\r\n`,
    );
    expect(answer).not.toContain(served.key);
    expect(answer === '' || /^HTTP\/1\.1 40[045] /.test(answer)).toBe(true);
  });

  it('a method in a header is not believed', async () => {
    const answer = await served.app.inject({
      method: 'POST',
      url: '/users/1',
      headers: { 'x-api-key': served.key, 'x-http-method-override': 'DELETE', 'x-method-override': 'DELETE' },
    });
    expect(answer.statusCode).toBe(404);
    expect((await served.get('/users/1')).statusCode).toBe(200);
  });

  it('the Host of a request is in no answer', async () => {
    for (const url of ['/', '/openapi.json', '/docs', '/docs/static/index.html', '/nowhere', '/spam', '/shock/home']) {
      const host = 'evil.example.org';
      const answer = await served.app.inject({
        url,
        headers: { host, 'x-forwarded-host': host, forwarded: `host=${host}` },
      });
      expect(answer.body + JSON.stringify(answer.headers)).not.toContain('evil');
    }
  });
});

describe('browsers', () => {
  it('get no leave to call from elsewhere, unless origins are named', async () => {
    for (const method of ['GET', 'OPTIONS', 'POST'] as const) {
      for (const url of ['/models', '/auth/token', '/spam/login/']) {
        const headers = { origin: 'https://evil.example', 'access-control-request-method': 'POST' };
        const answer = await served.app.inject({ method, url, headers });
        expect(answer.statusCode).toBeGreaterThanOrEqual(400);
        expect(Object.keys(answer.headers).filter((name) => name.startsWith('access-control'))).toEqual([]);
      }
    }
  });

  it('get leave for the origins that are named, without credentials of their own, and others get none', async () => {
    const named = await startApp([], { 'cors-origins': ['https://ward.example'] });
    try {
      const ask = (origin: string) =>
        named.app.inject({
          method: 'OPTIONS',
          url: '/models',
          headers: { origin, 'access-control-request-method': 'GET', 'access-control-request-headers': 'x-api-key' },
        });
      expect((await ask('https://ward.example')).headers).toMatchObject({
        'access-control-allow-origin': 'https://ward.example',
        vary: expect.stringContaining('Origin'),
      });
      for (const origin of [
        'https://evil.example',
        'null',
        'https://ward.example.evil.example',
        'http://ward.example',
      ]) {
        const { headers } = await ask(origin);
        expect(headers['access-control-allow-origin']).not.toBe(origin);
        expect(headers['access-control-allow-credentials']).toBeUndefined();
      }
    } finally {
      await named.close();
    }
  });

  it('are told that answers are no pages, are what they say, and are kept nowhere', async () => {
    const answers = await Promise.all([
      served.get('/users'),
      served.get('/keys'),
      served.get('/audit'),
      served.get('/users/me'),
      served.get('/nowhere'),
      served.app.inject('/users'),
      served.app.inject('/livez'),
      served.app.inject('/spam/all_routes'),
      served.app.inject({ method: 'POST', url: '/auth/token', payload: { username: 'x', password: 'y' } }),
      served.post('/models/scale/predict', { x: [1, 2, 3] }),
    ]);
    for (const { headers } of answers) {
      expect(headers).toMatchObject({
        'x-content-type-options': 'nosniff',
        'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
        'referrer-policy': 'no-referrer',
        'cache-control': 'no-store',
      });
      expect(headers.server).toBeUndefined();
      expect(headers['x-powered-by']).toBeUndefined();
    }
    // What a caller may keep, it asks for again each time: whether it may still see it is for the server to say.
    expect((await served.get('/models/scale')).headers['cache-control']).toBe('no-cache');
  });

  it('show the documentation, in no frame and with no script from elsewhere', async () => {
    const answer = await served.app.inject('/docs');
    expect(answer.statusCode).toBe(200);
    expect(answer.headers).toMatchObject({
      'x-frame-options': 'SAMEORIGIN',
      'cross-origin-opener-policy': 'same-origin',
      'cross-origin-resource-policy': 'same-origin',
      'x-content-type-options': 'nosniff',
    });
    const policy = String(answer.headers['content-security-policy']);
    expect(policy).toContain("default-src 'self'");
    expect(policy).toContain("frame-ancestors 'none'");
    expect(/script-src|unsafe-eval|https?:/.test(policy)).toBe(false);
    const scripts = [...answer.body.matchAll(/<script([^>]*)>([^<]*)</g)];
    expect(scripts.length).toBeGreaterThan(1);
    for (const [, attributes, content] of scripts) {
      expect(attributes).toMatch(/src="\.?\/(docs\/)?static\//);
      expect(content!.trim()).toBe('');
    }
    for (const [, file] of answer.body.matchAll(/(?:src|href)="\.?(?:\/docs)?(\/static\/[^"]+)"/g)) {
      expect([file, (await served.app.inject(`/docs${file}`)).statusCode]).toEqual([file, 200]);
    }
  });
});

describe('X-Forwarded-For', () => {
  const password = 'correct horse battery staple';
  /** Status codes of 40 wrong logins to as many users, each from another address by its own account. */
  async function guess(one: StartedApp): Promise<number[]> {
    const codes: number[] = [];
    for (let i = 0; i < 40; i++) {
      const answer = await one.app.inject({
        method: 'POST',
        url: '/auth/token',
        remoteAddress: '192.0.2.7',
        headers: {
          'x-forwarded-for': `198.51.100.${i}`,
          'x-real-ip': `198.51.100.${i}`,
          forwarded: `for=198.51.100.${i}`,
        },
        payload: { username: `user ${i}`, password: 'wrong' },
      });
      codes.push(answer.statusCode);
    }
    return codes;
  }

  it('buys a guesser nothing where no proxy is trusted, nor where another one is', async () => {
    for (const flags of [{}, { 'trust-proxy': ['203.0.113.1'] }]) {
      const one = await startApp([], flags);
      const codes = await guess(one);
      expect([codes.slice(0, 30).every((code) => code === 401), codes[35]]).toEqual([true, 429]);
      await one.close();
    }
  });

  it('of a trusted proxy says who calls: people behind it are throttled by themselves', async () => {
    const one = await startApp([], { 'trust-proxy': ['192.0.2.7'] });
    expect(new Set(await guess(one))).toEqual(new Set([401]));
    // A list that the caller began: the proxy's own word is the last one.
    const codes: number[] = [];
    for (let i = 0; i < 40; i++) {
      const answer = await one.app.inject({
        method: 'POST',
        url: '/auth/token',
        remoteAddress: '192.0.2.7',
        headers: { 'x-forwarded-for': `10.9.8.${i}, 203.0.113.50` },
        payload: { username: `other ${i}`, password: 'wrong' },
      });
      codes.push(answer.statusCode);
    }
    expect(codes.at(-1)).toBe(429);
    await one.close();
  });

  it('people behind one address who have logged in before are not kept out by one who guesses', async () => {
    const one = await startApp([]);
    await one.accounts.users.create({ username: 'ana', password }, operator);
    const login = (secret: string, username = 'ana') =>
      one.app.inject({ method: 'POST', url: '/auth/token', payload: { username, password: secret } });
    expect((await login(password)).statusCode).toBe(200);
    for (let i = 0; i < 35; i++) await login('wrong', `victim ${i}`);
    const refused = await login('wrong', 'victim 99');
    expect([refused.statusCode, Number(refused.headers['retry-after']) > 0]).toEqual([429, true]);
    expect((await login(password)).statusCode).toBe(200);
    await one.close();
  });

  it('does not multiply registrations: an IPv6 network is one party', async () => {
    const one = await startApp([], { 'open-registration': true });
    const codes = new Map<number, number>();
    const register = async (i: number) => {
      const { statusCode, headers } = await one.app.inject({
        method: 'POST',
        url: '/auth/register',
        remoteAddress: `2001:db8:1:2::${i.toString(16)}`,
        // Refused for its length, and counted all the same.
        payload: { username: `user ${i}`, password: 'x' },
      });
      codes.set(statusCode, (codes.get(statusCode) ?? 0) + 1);
      if (statusCode === 429) expect(Number(headers['retry-after'])).toBeGreaterThan(0);
    };
    for (let i = 1; i <= 300; i++) await register(i);
    expect(codes.get(422)).toBeGreaterThanOrEqual(200);
    expect(codes.get(429)).toBeGreaterThan(50);
    await one.close();
  });
});
