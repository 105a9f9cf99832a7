/**
 * No secret is anywhere but where it has to be. The built server, with every log that it has switched on, is taken
 * through everything that handles a secret; then all that it printed, wrote, stored and answered is searched.
 */

import { randomBytes } from 'node:crypto';
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openDatabase } from '../../src/storage/index.js';
import { credentialsIn, refuseCredentials } from '../credentials-in.js';
import { freshFolder, run, type Served, serve } from '../e2e/spawn.js';
import { scaleGraph } from '../graphs.js';
import { PostgresServer } from '../postgres-server.js';
import { folderOf } from '../start-app.js';

const models = folderOf({ scale: scaleGraph() });
const loud = {
  VITRINA_LOG_LEVEL: 'debug',
  VITRINA_REQUEST_LOG: 'all',
  VITRINA_SAMPLE_PAYLOADS: '1',
  VITRINA_OPEN_REGISTRATION: 'true',
};
const corpus = Array.from({ length: 60 }, (_, i) =>
  i % 3 === 0 ? `spam,win a prize ${i}` : `ham,see you at lunch ${i}`,
);

/** Whole groups of three bytes, so that whatever follows changes nothing. */
const base64Of = (secret: string) =>
  Buffer.from(secret)
    .toString('base64')
    .slice(0, Math.floor(secret.length / 3) * 4);

/** What must be nowhere, by what it is. */
class Secrets {
  private readonly known = new Map<string, string>();

  make(what: string): string {
    return this.add(what, `${what.replace(/\W/g, '')}-${randomBytes(9).toString('hex')}`);
  }

  add(what: string, secret: string): string {
    this.known.set(secret, what);
    // A signature or the second half of a key is as good as the whole.
    const parts = /^vt[rf]_/.test(secret) ? [secret.slice(-43)] : secret.split('.').slice(1);
    for (const part of parts) if (part.length >= 40) this.known.set(part, `a part of ${what}`);
    return secret;
  }

  /** The names of the secrets in a text, however it is written: as it is, in JSON, in a URL, in base64. */
  in(text: string): string[] {
    return [...this.known].flatMap(([secret, what]) =>
      [secret, encodeURIComponent(secret), base64Of(secret)].some((form) => text.includes(form)) ? [what] : [],
    );
  }
}

/** Takes a server through everything; the bodies of errors, lists and reports, which may hold no secret. */
async function exercise({ url, key: admin }: Served, secrets: Secrets): Promise<string> {
  const shown: string[] = [];
  const send = async (method: string, path: string, body?: unknown, headers: Record<string, string> = {}) => {
    const form = body instanceof URLSearchParams;
    const answer = await fetch(`${url}${path}`, {
      method,
      headers: { ...(body === undefined || form ? {} : { 'content-type': 'application/json' }), ...headers },
      ...(body === undefined ? {} : { body: form || typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    const text = await answer.text();
    const isPrivate = answer.status < 300 && /token|refresh|login|keys$/.test(path) && method === 'POST';
    if (!isPrivate) shown.push(text);
    expect([path, answer.status < 500 || answer.status === 503]).toEqual([path, true]);
    return { status: answer.status, json: () => JSON.parse(text) };
  };
  const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
  const as = (who: string) => ({ 'x-api-key': who });
  const keep = (tokens: { access_token: string; refresh_token: string }) => {
    secrets.add('an access token', tokens.access_token);
    secrets.add('a refresh token', tokens.refresh_token);
    return tokens;
  };
  const root = as(admin!);

  const password = secrets.make('a password');
  const wrong = secrets.make('a wrong password');
  const next = secrets.make('a new password');
  const user = { username: 'ana', password };
  expect((await send('POST', '/auth/register', user)).status).toBe(201);
  expect((await send('POST', '/auth/register', user)).status).toBe(409);
  const first = keep((await send('POST', '/auth/token', user)).json());
  const form = keep((await send('POST', '/auth/token', new URLSearchParams(user))).json());
  for (const bad of [
    { ...user, password: wrong },
    { username: 'nobody', password: wrong },
    { ...user, secret: wrong },
  ]) {
    expect((await send('POST', '/auth/token', bad)).status).toBeGreaterThanOrEqual(400);
  }
  // What people do by mistake: broken JSON, a password for a name, secrets in the path, in the URL and in headers.
  await send('POST', '/auth/token', `{"username":"ana","password": ${wrong}}`);
  await send('POST', '/auth/token', `{"username":"ana","password":"${wrong}`);
  await send('POST', '/auth/token', `${wrong}`);
  await send('POST', '/auth/token', { username: wrong.repeat(8), password: wrong });
  await send('POST', `/auth/token?username=ana&password=${password}`, {});
  await send('GET', `/users/me?access_token=${first.access_token}`, undefined, {
    cookie: `token=${first.access_token}`,
  });
  const spent = keep((await send('POST', '/auth/refresh', { refresh_token: form.refresh_token })).json());
  expect((await send('POST', '/auth/refresh', { refresh_token: form.refresh_token })).status).toBe(401);
  expect((await send('POST', '/auth/refresh', { refresh_token: spent.refresh_token })).status).toBe(401);
  for (const headers of [
    bearer(secrets.add('a forged token', `${first.access_token.slice(0, -20)}${'A'.repeat(20)}`)),
    bearer(secrets.add('a forged key', `vtr_${'0'.repeat(16)}_${randomBytes(32).toString('base64url')}`)),
    as(secrets.make('nonsense for a key')),
    {
      authorization: `Basic ${secrets.add('a password in base64', Buffer.from(`ana:${password}`).toString('base64'))}`,
    },
  ]) {
    expect((await send('GET', '/users/me', undefined, headers)).status).toBe(401);
  }
  const change = { current_password: wrong, new_password: next };
  expect((await send('POST', '/users/me/password', change, bearer(first.access_token))).status).toBe(403);
  const right = { ...change, current_password: password };
  expect((await send('POST', '/users/me/password', right, bearer(first.access_token))).status).toBe(204);

  const made = (await send('POST', '/keys', { name: 'ward', scopes: ['predict'] }, root)).json();
  secrets.add('an API key', made.key);
  expect((await send('POST', '/models/scale/predict', { x: [1, 2, 3] }, as(made.key))).status).toBe(200);
  expect((await send('GET', '/users', undefined, as(made.key))).status).toBe(403);
  expect((await send('DELETE', `/keys/${made.id}`, undefined, root)).status).toBe(204);
  expect((await send('POST', '/models/scale/predict', { x: [1, 2, 3] }, as(made.key))).status).toBe(401);
  const given = secrets.make('a password given by an admin');
  const ben = (await send('POST', '/users', { username: 'ben', password: given }, root)).json();
  const reset = secrets.make('a password set by an admin');
  expect((await send('POST', `/users/${ben.id}/password`, { password: reset }, root)).status).toBe(204);
  expect((await send('POST', `/users/${ben.id}/logout`, undefined, root)).status).toBe(204);

  // The apps.
  const shock = { username: 'carla', password: secrets.make('a password of the shock app') };
  expect((await send('POST', '/shock/auth/create_user', shock)).status).toBe(201);
  const { access_token: shockToken } = (await send('POST', '/shock/auth/token', shock)).json();
  secrets.add('an access token of the shock app', shockToken);
  await send('POST', '/shock/predict', {}, bearer(shockToken));
  const spam = { username: 'dora', password: secrets.make('a password of the spam app') };
  const profile = { ...spam, email: 'dora@example.org', full_name: 'Dora Lima', document_number: '1' };
  expect((await send('POST', '/spam/users/register/', profile)).status).toBe(201);
  const pair = keep((await send('POST', '/spam/login/', new URLSearchParams(spam))).json());
  await send('POST', '/spam/login/', { ...spam, password: wrong });
  const renewed = keep((await send('POST', '/spam/login/refresh', undefined, bearer(pair.refresh_token))).json());
  const message = { text_message: 'win a prize' };
  expect((await send('POST', '/spam/predict_sentiment', message, bearer(renewed.access_token))).status).toBe(200);
  expect((await send('POST', '/spam/login/logout', undefined, bearer(renewed.access_token))).status).toBe(204);

  for (const path of [
    '/users',
    '/keys',
    '/audit',
    '/usage?user=all',
    '/metrics',
    '/models',
    '/spam/users/',
    '/openapi.json',
  ]) {
    expect([path, (await send('GET', path, undefined, root)).status]).toEqual([path, 200]);
  }
  return shown.join('\n');
}

/** Every file of a folder, as text. */
function filesOf(folder: string): [name: string, text: string][] {
  return (readdirSync(folder, { recursive: true }) as string[])
    .map((name) => join(folder, name))
    .filter((path) => statSync(path).isFile())
    .map((path) => [path, readFileSync(path, 'latin1')]);
}

/** Every row of every table, as text. */
async function dump(url: string): Promise<string> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    const tables = await client.query<{ name: string }>(
      "select quote_ident(table_name) as name from information_schema.tables where table_schema = 'public'",
    );
    const rows: string[] = [];
    for (const { name } of tables.rows) {
      const { rows: own } = await client.query<{ row: string }>(`select t::text as row from ${name} t`);
      rows.push(...own.map(({ row }) => row));
    }
    return rows.join('\n');
  } finally {
    await client.end();
  }
}

async function reports(data: string, env: Record<string, string>): Promise<string> {
  const commands = [['users', 'list'], ['keys', 'list'], ['audit'], ['usage']];
  const texts: string[] = [];
  for (const command of commands) {
    const { code, stdout, stderr } = await run([...command, '--json', '--data', data], '', env);
    expect([command, code]).toEqual([command, 0]);
    texts.push(stdout, stderr);
  }
  return texts.join('\n');
}

function freshData(): string {
  const data = freshFolder();
  const file = join(data, 'training.csv');
  writeFileSync(file, ['v1,v2', ...corpus].join('\n'));
  writeFileSync(join(data, 'vitrina.yaml'), `apps: {spam: {training-data: ${JSON.stringify(file)}}}\n`);
  return data;
}

/** What the first start prints once, out of what is searched. */
const withoutFirstKey = (printed: string, key: string) => printed.replaceAll(key, '');

let postgres: PostgresServer;
beforeAll(async () => {
  postgres = await PostgresServer.create();
});
afterAll(() => postgres.stop());

describe('secrets', () => {
  it('are nowhere, on SQLite, with a signing secret of the server’s own', async () => {
    const secrets = new Secrets();
    const data = freshData();
    const served = await serve([models], data, loud);
    const answers = await exercise(served, secrets);
    // While it runs, the write-ahead log is there as well.
    const during = filesOf(data);
    const listed = await reports(data, {});
    const { code, stdout, stderr } = await served.stop();
    expect(code).toBe(0);
    const key = served.key!;
    const own = new Secrets();
    own.add('the first key', key);
    const files = [...during, ...filesOf(data)];
    expect(files.some(([name]) => name.endsWith('-wal'))).toBe(true);
    expect(files.some(([name]) => name.includes('samples'))).toBe(true);
    expect(files.some(([name]) => name.endsWith('app.log'))).toBe(true);
    for (const [name, text] of files) expect([name, secrets.in(text), own.in(text)]).toEqual([name, [], []]);
    // Hashes of passwords are in the database; the rest holds nothing that looks like a credential, known or not.
    for (const [name, text] of files)
      if (!/vitrina\.db/.test(name)) expect([name, credentialsIn(text)]).toEqual([name, []]);
    for (const text of [answers, listed, withoutFirstKey(stdout + stderr, key)]) {
      expect([secrets.in(text), own.in(text), credentialsIn(text)]).toEqual([[], [], []]);
    }
    expect(stderr).toContain('"answered"');

    // The exception: the secret that the server made is in the row `jwt-secret` of its table `settings`, and only there.
    const { stdout: rows } = await run(['keys', 'list', '--json', '--data', data]);
    const storage = await openDatabase({ path: join(data, 'vitrina.db') });
    const settings = await storage.db.selectFrom('settings').selectAll().execute();
    await storage.close();
    const signing = settings.find(({ name }) => name === 'jwt-secret')!.value;
    expect(signing).toMatch(/^[\w-]{43}$/);
    const elsewhere = [
      ...files.filter(([name]) => !/vitrina\.db/.test(name)).map(([, text]) => text),
      answers,
      listed,
      rows,
    ];
    for (const text of [...elsewhere, stdout, stderr]) expect(text.includes(signing)).toBe(false);
    // For its owner alone.
    expect(statSync(join(data, 'vitrina.db')).mode & 0o077).toBe(0);
  }, 120_000);

  it('are nowhere, on PostgreSQL, with encrypted tokens and a signing secret that was given, in two processes', async () => {
    const secrets = new Secrets();
    await postgres.administer('create database secrets');
    const database = postgres.url('secrets');
    secrets.add('the password of the database', new URL(database).password);
    const env = {
      VITRINA_DATABASE_URL: database,
      VITRINA_JWT_SECRET: secrets.add('the signing secret', randomBytes(36).toString('base64url')),
      VITRINA_JWT_OLD_SECRETS: secrets.add('an older signing secret', randomBytes(36).toString('base64url')),
    };
    const migrated = await run(['migrate', 'up'], '', env);
    expect(migrated.code).toBe(0);
    const data = freshData();
    const served = await serve([models, '--workers', '2'], data, { ...env, ...loud, VITRINA_JWE: 'true' });
    const answers = await exercise(served, secrets);
    const listed = await reports(data, env);
    const { code, stdout, stderr } = await served.stop();
    expect(code).toBe(0);
    const rows = await dump(database);
    expect(rows).toContain('user.register');
    expect(rows).toContain('$argon2id$');
    secrets.add('the first key', served.key!);
    for (const text of [
      rows,
      answers,
      listed,
      migrated.stdout + migrated.stderr,
      withoutFirstKey(stdout + stderr, served.key!),
    ]) {
      expect(secrets.in(text)).toEqual([]);
    }
    for (const text of [answers, listed]) expect(credentialsIn(text)).toEqual([]);
    for (const [name, text] of filesOf(data))
      expect([name, secrets.in(text), credentialsIn(text)]).toEqual([name, [], []]);
  }, 120_000);

  it('are nowhere when the start fails for them', async () => {
    const secrets = new Secrets();
    const short = secrets.add('a secret that is too short', 'short-secret-0123456789');
    const wrong = new URL(postgres.url('secrets'));
    wrong.password = secrets.make('a wrong password of the database');
    for (const env of [
      { VITRINA_JWT_SECRET: short },
      { VITRINA_DATABASE_URL: wrong.href },
      { VITRINA_DATABASE_URL: wrong.href.replace('postgres:', 'mysql:') },
      { VITRINA_DATABASE_URL: `${wrong.href}?sslmode=nonsense` },
    ]) {
      const { code, stdout, stderr } = await run(['serve', '--port', '0', '--data', freshFolder()], '', env);
      expect(code).not.toBe(0);
      expect([secrets.in(stdout + stderr), stderr.length > 20]).toEqual([[], true]);
    }
  }, 60_000);
});

describe('the search', () => {
  it('finds what it looks for', () => {
    const secrets = new Secrets();
    const secret = secrets.make('a password');
    const signature = `_-${randomBytes(31).toString('base64url')}`;
    secrets.add('a token', `eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhbmEifQ.${signature}`);
    expect(secrets.in(`{"password":"${secret}"}`)).toEqual(['a password']);
    expect(secrets.in(Buffer.from(secret).toString('base64'))).toEqual(['a password']);
    expect(secrets.in(`…${signature}…`)).toEqual(['a part of a token']);
    const half = `_-${'A'.repeat(41)}`;
    secrets.add('a key', `vtr_${'0'.repeat(16)}_${half}`);
    expect(secrets.in(`…${half}…`)).toEqual(['a part of a key']);
    expect(secrets.in('nothing')).toEqual([]);
  });

  it.each([
    `vtr_${'0'.repeat(16)}_${'A'.repeat(43)}`,
    `vtf_${'A'.repeat(43)}`,
    `eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhbmEifQ.${'A'.repeat(43)}`,
    `eyJhbGciOiJkaXIifQ..${'A'.repeat(16)}.${'A'.repeat(80)}.${'A'.repeat(22)}`,
    '$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHQ$aGFzaA',
  ])('refuses a server that prints %s, but for the first key on its two lines', (credential) => {
    expect(() => refuseCredentials(`{"level":30,"msg":"${credential}"}\n`)).toThrow('printed a credential');
    expect(() =>
      refuseCredentials(`First admin key (shown once): ${credential}\nTry it: curl -H 'x-api-key: ${credential}'\n`),
    ).not.toThrow();
  });
});
