import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { InjectOptions, LightMyRequestResponse } from 'fastify';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import spam from '../../../src/apps/spam/index.js';
import { databases, type TestDatabase } from '../../databases.js';
import { type StartedApp, startApp } from '../../start-app.js';

const ana = {
  email: 'Ana@example.org',
  full_name: 'Ana Silva',
  document_number: '529.982.247-25',
  password: 'secret1',
  username: 'ana',
};
const corpus = Array.from({ length: 60 }, (_, i) =>
  i % 3 === 0 ? `spam,win a free prize now ${i}` : `ham,see you at lunch then ${i}`,
);

describe.each(databases)('spam, alone, on $kind', ({ fresh }) => {
  let database: TestDatabase;
  let served: StartedApp;

  const start = async (settings: object = {}, flags: object = {}) => {
    const file = join(mkdtempSync(join(tmpdir(), 'vitrina-spam-')), 'spam.csv');
    writeFileSync(file, ['v1,v2', ...corpus].join('\n'));
    const apps = { spam: { 'training-data': file, ...settings } };
    served = await startApp([], { ...database.flags, only: 'spam', apps, ...flags }, [spam]);
  };
  const call = (method: 'GET' | 'POST', url: string, options: Omit<InjectOptions, 'method' | 'url'> = {}) =>
    served.app.inject({ method, url, ...options });
  const register = (change: object = {}) => call('POST', '/users/register/', { payload: { ...ana, ...change } });
  const login = async (fields: Record<string, string> = {}) =>
    (await call('POST', '/login/', { payload: { username: 'ana', password: ana.password, ...fields } })).json();
  const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
  const classify = (token: string, text_message: unknown) =>
    call('POST', '/predict_sentiment', { headers: bearer(token), payload: { text_message } as object });
  const records = () => served.storage.db.selectFrom('spam_predictions').selectAll().execute();

  beforeEach(async () => {
    database = await fresh();
  });
  afterEach(async () => {
    await served.close();
    await database.remove();
  });

  it('says that it is up, after asking the database, and what routes there are', async () => {
    await start({ 'project-name': 'Caixa' });
    expect((await call('GET', '/')).json()).toEqual({ message: 'Caixa is up, and its database answers.' });
    expect((await call('GET', '/health_check')).statusCode).toBe(200);
    const routes = (await call('GET', '/all_routes')).json();
    expect(routes).toContainEqual({ path: '/users/{id}', name: 'get_user' });
    expect(routes.map(({ path }: { path: string }) => path).sort()).toEqual([
      '/',
      '/all_routes',
      '/health_check',
      '/login/',
      '/login/logout',
      '/login/refresh',
      '/login/test_token',
      '/predict_sentiment',
      '/users/',
      '/users/register/',
      '/users/whoami',
      '/users/{id}',
    ]);
    expect((await call('GET', '/openapi.json')).json().info.title).toBe('Caixa');
  });

  it('registers users, and says what keeps one from it', async () => {
    await start({ 'app-env': 'production' });
    const made = await register({ phone: '+55 11 99999-0000', role: 'admin', id: 99, is_superuser: true });
    expect(made.statusCode).toBe(201);
    const { id, created_at, ...out } = made.json();
    expect(out).toEqual({
      email: 'Ana@example.org',
      full_name: 'Ana Silva',
      document_number: '52998224725',
      username: 'ana',
      phone: '+55 11 99999-0000',
    });
    expect(Date.parse(created_at)).toBeGreaterThan(Date.now() - 60_000);
    expect((await served.accounts.users.find('ana')).role).toBe('user');
    expect(id).not.toBe(99);

    const refused = async (change: object) => {
      const { statusCode, body } = await register({ username: 'ben', ...change });
      return [statusCode, JSON.parse(body).detail];
    };
    const other = { email: 'ben@example.org', document_number: '11222333000181' };
    expect(await refused({ ...other, username: 'ANA' })).toEqual([400, expect.stringContaining('user name')]);
    expect(await refused({ ...other, email: 'ana@EXAMPLE.org' })).toEqual([400, expect.stringContaining('e-mail')]);
    expect(await refused({ ...other, document_number: '529 982 247 25' })).toEqual([
      400,
      expect.stringContaining('document number'),
    ]);
    expect(await refused({ ...other, full_name: 'Ana' })).toEqual([404, 'You should provide at least 2 names']);
    expect(await refused({ ...other, document_number: '52998224726' })).toEqual([
      404,
      'You should provide a valid document number',
    ]);
    for (const change of [
      { email: 'ben' },
      { email: 'ben@example.org\0' },
      { password: '12345' },
      { username: 'be' },
      { full_name: 'Be n\0' },
      { phone: 7 },
      { document_number: undefined },
    ]) {
      expect((await refused({ ...other, ...change }))[0]).toBe(422);
    }
    expect((await register({ ...other, username: 'ben', document_number: '12.ABC.345/01DE-35' })).statusCode).toBe(201);
  });

  it('takes any document on a developer’s machine', async () => {
    await start();
    expect((await register({ document_number: '1' })).json()).toMatchObject({ document_number: '1' });
  });

  it('logs in by form and by JSON, grants the scopes asked for, and refreshes once', async () => {
    await start();
    await register();
    const form = new URLSearchParams({ username: 'ana', password: ana.password, grant_type: 'password' }).toString();
    const headers = { 'content-type': 'application/x-www-form-urlencoded' };
    const byForm = await call('POST', '/login/', { payload: form, headers });
    expect(byForm.headers['cache-control']).toBe('no-store');
    expect(byForm.json()).toEqual({
      access_token: expect.any(String),
      token_type: 'bearer',
      refresh_token: expect.any(String),
      expires_in: 1200,
    });
    expect((await call('POST', '/login', { payload: { username: 'ana', password: 'wrong one' } })).statusCode).toBe(
      401,
    );

    const plain = await login();
    const testToken = (token: string) => call('POST', '/login/test_token', { headers: bearer(token) });
    expect((await testToken(plain.access_token)).statusCode).toBe(403);
    const asked = await login({ scope: 'test_token' });
    expect((await testToken(asked.access_token)).json()).toEqual({ message: 'valid token' });
    expect((await classify(asked.access_token, 'hello')).statusCode).toBe(403);

    const whoami = (token: string) => call('GET', '/users/whoami', { headers: bearer(token) });
    expect((await whoami(plain.access_token)).json()).toMatchObject({ username: 'ana', email: 'Ana@example.org' });
    const next = (await call('POST', '/login/refresh', { payload: { refresh_token: plain.refresh_token } })).json();
    const last = (await call('POST', '/login/refresh', { headers: bearer(next.refresh_token) })).json();
    expect((await whoami(last.access_token)).statusCode).toBe(200);
    const again = await call('POST', '/login/refresh', { payload: { refresh_token: plain.refresh_token } });
    expect(again.statusCode).toBe(401);
    for (const token of [plain, next, last]) expect((await whoami(token.access_token)).statusCode).toBe(401);
    expect((await call('POST', '/login/refresh', {})).statusCode).toBe(422);

    const logout = await call('POST', '/login/logout', { headers: bearer(asked.access_token) });
    expect([logout.statusCode, logout.body]).toEqual([204, '']);
    expect((await testToken(asked.access_token)).statusCode).toBe(401);
    const spent = await call('POST', '/login/refresh', { payload: { refresh_token: asked.refresh_token } });
    expect(spent.statusCode).toBe(401);
  });

  it('shows users to the superuser, who is made once', async () => {
    const superuser = {
      'first-superuser': 'boss',
      'first-superuser-password': '123456',
      'first-superuser-email': 'boss@example.org',
    };
    await start(superuser);
    await register();
    const boss = (await login({ username: 'boss', password: '123456' })).access_token;
    const list = async (query: string, token = boss) => call('GET', `/users/${query}`, { headers: bearer(token) });
    expect((await list('')).json().map(({ username }: { username: string }) => username)).toEqual(['boss', 'ana']);
    expect((await list('?skip=1&limit=1')).json()).toHaveLength(1);
    for (const query of ['?limit=101', '?limit=0', '?skip=-1', '?limit=x']) {
      expect((await list(query)).statusCode).toBe(422);
    }
    const { id } = (await list('')).json()[1];
    expect((await list(String(id))).json()).toMatchObject({ username: 'ana' });
    expect((await list('999999')).statusCode).toBe(404);
    const { access_token: token } = await login();
    for (const query of ['', String(id)]) expect((await list(query, token)).statusCode).toBe(403);

    await served.accounts.users.delete((await served.accounts.users.find('boss')).id, 'operator');
    await served.close();
    await start(superuser, { data: served.data });
    expect((await call('POST', '/login/', { payload: { username: 'boss', password: '123456' } })).statusCode).toBe(401);
  });

  it('classifies ten messages a month, and records them', async () => {
    await start();
    const { id } = (await register()).json();
    const { access_token: token } = await login();
    expect((await classify(token, 'win a prize')).json()).toEqual({
      text_message: 'win a prize',
      spam_polarity: 'Spam',
      month_used_amount: 1,
    });
    for (const text of ['', ' \n']) expect((await classify(token, text)).statusCode).toBe(400);
    for (const text of [7, null, undefined]) expect((await classify(token, text)).statusCode).toBe(422);
    const long = `see you at lunch \0${'😀'.repeat(400)}`;
    expect((await classify(token, long)).json()).toMatchObject({ spam_polarity: 'Ham', month_used_amount: 2 });
    const inUrl = await call('POST', '/predict_sentiment?text_message=see%20you', { headers: bearer(token) });
    expect(inUrl.json()).toMatchObject({ text_message: 'see you', month_used_amount: 3 });

    const rows = await records();
    expect(rows.map(({ user_id, polarity }) => [user_id, polarity])).toEqual([
      [id, 'Spam'],
      [id, 'Ham'],
      [id, 'Ham'],
    ]);
    expect(rows[0]).toMatchObject({ text: 'win a prize', id: expect.stringMatching(/^[0-9a-f-]{36}$/) });
    expect(Number(rows[0]!.probability)).toBeGreaterThan(0.5);
    expect([...rows.find(({ text }) => text!.length > 20)!.text!]).toHaveLength(360);
  });

  it('lets exactly ten of a hundred through, and tells the others when', async () => {
    await start({ storeText: false });
    await register();
    const { access_token: token } = await login();
    const answers = await Promise.all(Array.from({ length: 100 }, () => classify(token, 'win a prize')));
    const of = (status: number) => answers.filter(({ statusCode }) => statusCode === status);
    expect([of(200).length, of(429).length]).toEqual([10, 90]);
    const amounts = of(200).map((answer: LightMyRequestResponse) => answer.json().month_used_amount);
    expect(amounts.sort((a, b) => a - b)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    const seconds = Number(of(429)[0]!.headers['retry-after']);
    const turn = new Date(Date.now() + seconds * 1000);
    expect([turn.getUTCDate(), turn.getUTCHours()]).toEqual([1, 0]);
    const rows = await records();
    expect(rows).toHaveLength(10);
    expect(new Set(rows.map(({ text }) => text))).toEqual(new Set([null]));
  });

  it('counts nothing for a prediction that fails', async () => {
    await start();
    const { id } = (await register()).json();
    const { access_token: token } = await login();
    await classify(token, 'win a prize');
    await served.models.close();
    expect((await classify(token, 'win a prize')).statusCode).toBeGreaterThanOrEqual(400);
    expect(await served.accounts.quotas.used(`spam:${id}`, 'month')).toBe(1);
    expect(await records()).toHaveLength(1);
  });
});
