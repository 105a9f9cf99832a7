/** Whatever is sent to the routes of accounts, on either database: refused or done, and never a fault of the server. */
import fc from 'fast-check';
import type { InjectOptions } from 'fastify';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { apps } from '../../src/apps/index.js';
import { operator } from '../../src/services/accounts/index.js';
import { databases, type TestDatabase } from '../databases.js';
import { scaleGraph } from '../graphs.js';
import { folderOf, type StartedApp, startApp } from '../start-app.js';

const password = 'correct horse battery staple';
const folder = folderOf({ scale: scaleGraph() });

/** What has broken others: NUL, half a character, what looks like something else, numbers that are none, prototypes. */
const nasty = fc.constantFrom<unknown>(
  ...[
    '\0',
    'a\0b',
    '\ud800',
    'a\udfffb',
    '\u202e',
    '',
    ' ',
    "' or 1=1 --",
    '%00',
    '{{7*7}}',
    '__proto__',
    'x'.repeat(129),
  ],
  ...['ｆｉｏｎａ', 'e\u0301', 'İ', 'ß', '\ufeff', '😀'.repeat(64), 'x'.repeat(2_000), 'ana', 'admin', 'all'],
  ...['9007199254740993', '-1', '1e3', '0', '2147483648', '9223372036854775808', '1.5', 'NaN'],
  ...[0, -1, 1.5, 2 ** 31, 2 ** 53, 1e21, 1e308, -0, null, true, false],
  ...[[], {}, [[]], { a: 1 }, ['predict'], ['predict\0'], [null]],
);
/** Those of them that one of the two databases refuses. */
const indigestible = fc.constantFrom<unknown>('\0', 'a\0b', '\ud800', 2 ** 53, 2 ** 31, '9223372036854775808', 1e308);
const value = fc.oneof(
  { weight: 2, arbitrary: indigestible },
  { weight: 3, arbitrary: nasty },
  { weight: 1, arbitrary: fc.jsonValue({ maxDepth: 2 }) },
);
const field = fc.constantFrom(
  ...['username', 'password', 'refresh_token', 'grant_type', 'scope', 'role', 'disabled', 'current_password'],
  ...['new_password', 'userId', 'name', 'scopes', 'priority', 'expiresAt', 'limits', 'email', 'full_name', 'phone'],
  ...['document_number', 'text_message', '__proto__', 'constructor', 'id'],
);
/** A body that is right but for what is put into it. */
const good = {
  username: 'nobody',
  password,
  role: 'user',
  email: 'a@example.org',
  full_name: 'Ana Silva',
  document_number: '1',
  name: 'ward',
  scopes: ['predict'],
  refresh_token: `vtf_${'A'.repeat(43)}`,
  current_password: password,
  new_password: password,
  text_message: 'hello',
  country: 'MX',
  channel: 'web',
  label: 'x',
  arts_path: ['https://images.example/a.png'],
  no_transaction_id: 1,
  ntd_transaction_id: 2,
};
const artworkFields = ['country', 'channel', 'label', 'arts_path', 'no_transaction_id', 'ntd_transaction_id'] as const;
const wanted: Readonly<Record<string, readonly (keyof typeof good)[]>> = {
  'POST /auth/token': ['username', 'password'],
  'POST /auth/refresh': ['refresh_token'],
  'POST /auth/register': ['username', 'password'],
  'POST /users': ['username', 'password', 'role'],
  'POST /users/me/password': ['current_password', 'new_password'],
  'PATCH /users/{}': ['role'],
  'POST /users/{}/password': ['password'],
  'POST /users/{}/logout': [],
  'DELETE /users/{}': [],
  'GET /users/{}': [],
  'GET /users?after={}&limit={}': [],
  'POST /keys': ['name', 'scopes'],
  'DELETE /keys/{}': [],
  'GET /usage?user={}': [],
  'GET /usage?from={}&to={}': [],
  'GET /audit?before={}&limit={}': [],
  'POST /models/{}/predict': [],
  'DELETE /models/{}/versions/{}/profile': [],
  'PUT /models/{}/traffic': ['name'],
  'DELETE /models/{}': [],
  'GET /jobs?name={}&before={}': [],
  'GET /jobs?state={}&limit={}': [],
  'GET /jobs/{}': [],
  'GET /jobs/{}/result': [],
  'POST /jobs/{}/cancel': [],
  'POST /jobs/{}/retry': [],
  'POST /artwork/receiver_no_training/': [...artworkFields],
  'POST /artwork/token/': ['username', 'password'],
  'GET /artwork/jobs/{}': [],
  'GET /artwork/jobs/{}/thumbnails/{}': [],
  'POST /shock/auth/create_user': ['username', 'password'],
  'POST /shock/auth/token': ['username', 'password'],
  'POST /spam/users/register/': ['username', 'password', 'email', 'full_name', 'document_number'],
  'GET /spam/users/{}': [],
  'GET /spam/users/?skip={}&limit={}': [],
  'POST /spam/login/': ['username', 'password'],
  'POST /spam/login/refresh': ['refresh_token'],
};
const seldom = <T>(one: fc.Arbitrary<T>) =>
  fc.oneof({ weight: 9, arbitrary: fc.constant(null) }, { weight: 1, arbitrary: one });
const change = fc.record({
  route: fc.constantFrom(...Object.keys(wanted)),
  path: fc.array(fc.oneof(indigestible, nasty).map(String), { minLength: 3, maxLength: 3 }),
  /** Into one of the fields that the route wants, and into any others. */
  into: fc.nat(4),
  put: fc.oneof({ weight: 4, arbitrary: value }, { weight: 1, arbitrary: fc.constant(undefined) }),
  more: fc.oneof({ weight: 3, arbitrary: fc.constant([]) }, fc.array(fc.tuple(field, value), { maxLength: 2 })),
  whole: seldom(value),
  form: fc.boolean(),
  cut: seldom(fc.nat(60)),
  headers: fc.dictionary(
    fc.constantFrom(
      'x-request-id',
      'x-timeout-ms',
      'x-explain',
      'accept',
      'if-match',
      'traceparent',
      'x-forwarded-for',
    ),
    fc.oneof(
      fc.constantFrom('', 'a,b', '-1', '1e99', '*', '"', 'text/csv', '00-x-y-01', '::1, ::2', '\u00ff'),
      fc.string({ unit: fc.integer({ min: 32, max: 126 }).map((code) => String.fromCharCode(code)), maxLength: 40 }),
    ),
    { maxKeys: 2 },
  ),
  credential: fc.constantFrom('admin', 'admin', 'token', 'none', 'nasty'),
});

/** Half a character has no percent-encoding. */
const wellFormed = (text: string) => Buffer.from(text).toString();

describe.each(databases)('on $kind', ({ fresh }) => {
  let database: TestDatabase;
  let served: StartedApp;
  let token: string;
  let turn = 0;
  beforeAll(async () => {
    database = await fresh();
    const spam = { 'monthly-limit': 5 };
    const apart = { shock: { 'log-stdout': false }, spam };
    // Nobody does the jobs: their images are at addresses that somebody made up.
    const flags = { ...database.flags, 'open-registration': true, 'job-concurrency': 0, apps: apart };
    served = await startApp([folder], flags, apps);
    await served.accounts.users.create({ username: 'ana', password }, operator);
    token = (await served.accounts.login({ username: 'ana', password, address: '::1' })).accessToken;
  });
  afterAll(async () => {
    await served.close();
    await database.remove();
  });

  it('nothing that is sent is a fault of the server', { timeout: 120_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(change, async ({ route, path, into, put, more, whole, form, cut, headers, credential }) => {
        const places = [...path];
        const [method, pattern] = route.split(' ') as [InjectOptions['method'] & string, string];
        const url = pattern.replace(/\{\}/g, () => encodeURIComponent(wellFormed(places.shift()!)));
        const fields = Object.fromEntries(wanted[route]!.map((name) => [name, good[name]]));
        const names = wanted[route]!;
        const target = names[into % Math.max(1, names.length)];
        if (target !== undefined && put !== undefined) Object.assign(fields, { [target]: put });
        const members = [...new Map<string, unknown>([...Object.entries(fields), ...more])];
        const json =
          whole !== null
            ? JSON.stringify(whole)
            : `{${members.map(([name, one]) => `${JSON.stringify(name)}:${JSON.stringify(one) ?? 'null'}`).join(',')}}`;
        const text = form
          ? members
              .map(
                ([name, one]) =>
                  `${name}=${encodeURIComponent(wellFormed(typeof one === 'string' ? one : (JSON.stringify(one) ?? '')))}`,
              )
              .join('&')
          : json;
        const shown = { admin: served.key, token, none: undefined, nasty: path[0]!.replace(/[^\x20-\x7e]/g, '?') }[
          credential
        ];
        const answer = await served.app.inject({
          method,
          url,
          remoteAddress: `198.51.${turn >> 8}.${turn++ & 255}`,
          headers: {
            ...headers,
            ...(shown === undefined ? {} : { authorization: `Bearer ${shown}` }),
            ...(method === 'GET'
              ? {}
              : { 'content-type': form ? 'application/x-www-form-urlencoded' : 'application/json' }),
          },
          ...(method === 'GET' ? {} : { payload: cut === null ? text : text.slice(0, cut) }),
        });
        // A login may be told to come back, and a model that is not there is not ready.
        const fault = answer.statusCode >= 500 && answer.statusCode !== 503;
        expect([route, url, text, fault ? answer.statusCode : 0, fault ? answer.body : '']).toEqual([
          route,
          url,
          text,
          0,
          '',
        ]);
        expect(answer.body).not.toMatch(/SQLITE|syntax error|\bat .*\.[jt]s:\d/);
      }),
      { numRuns: 2_000 },
    );
    expect((await served.get('/users/me')).statusCode).toBe(200);
    expect((await served.get('/usage?user=all')).statusCode).toBe(200);
    expect((await served.get('/audit')).statusCode).toBe(200);
    expect(({} as Record<string, unknown>).role).toBeUndefined();
  });
});

describe.each(databases)('names on $kind', ({ fresh }) => {
  let database: TestDatabase;
  let served: StartedApp;
  beforeAll(async () => {
    database = await fresh();
    served = await startApp([], { ...database.flags, apps: { shock: { 'log-stdout': false } } }, apps);
    await served.accounts.users.create({ username: 'ana', password }, operator);
  });
  afterAll(async () => {
    await served.close();
    await database.remove();
  });

  it.each(['a\0b', 'a\ud800b', '\0', '__proto__', 'toString', 'x'.repeat(128), "'; drop table users; --", '%'])(
    'a name such as %j is nobody’s, wherever it is asked for',
    async (name) => {
      const ask = (url: string, payload: object) => served.app.inject({ method: 'POST', url, payload });
      for (const url of ['/auth/token', '/shock/auth/token', '/spam/login/']) {
        expect([url, (await ask(url, { username: name, password })).statusCode]).toEqual([url, 401]);
        expect([url, (await ask(url, { username: 'ana', password: `${name}!` })).statusCode]).toEqual([url, 401]);
      }
      for (const url of ['/auth/refresh', '/spam/login/refresh']) {
        expect([url, (await ask(url, { refresh_token: name })).statusCode]).toEqual([url, 401]);
      }
      const scope = await ask('/auth/token', { username: 'ana', password, scope: name });
      expect(scope.statusCode).toBe(422);
    },
  );
});
