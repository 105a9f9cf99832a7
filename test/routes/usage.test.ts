import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { operator } from '../../src/services/accounts/index.js';
import { type Limits, unlimited } from '../../src/services/quotas/index.js';
import { databases, type TestDatabase } from '../databases.js';
import { scaleGraph, sumGraph } from '../graphs.js';
import { folderOf, type StartedApp, startApp } from '../start-app.js';

const password = 'correct horse battery staple';

describe.each(databases)('on $kind', ({ fresh }) => {
  let database: TestDatabase;
  let started: StartedApp;

  beforeEach(async () => {
    database = await fresh();
    const flags = { ...database.flags, 'open-registration': true };
    started = await startApp([folderOf({ scale: scaleGraph(), sum: sumGraph() })], flags);
  });
  afterEach(async () => {
    await started.close();
    await database.remove();
  });

  const keyWith = async (limits: Partial<Limits>, username = 'admin') => {
    const { id: userId } = await started.accounts.users.find(username);
    return started.accounts.keys.create({ userId, limits: { ...unlimited, ...limits } }, operator);
  };
  const send = (method: 'GET' | 'POST', url: string, key: string, payload?: object, headers = {}) =>
    started.app.inject({
      method,
      url,
      headers: { 'x-api-key': key, ...headers },
      ...(payload === undefined ? {} : { payload }),
    });
  const rows = (count: number) => Array.from({ length: count }, () => ({ x: [1, 2, 3] }));
  const predict = (key: string, count = 1) => send('POST', '/models/scale/predict', key, rows(count));

  describe('a key with quotas', () => {
    it('predicts so many rows, of which none is lost to what fails', async () => {
      const { key, id } = await keyWith({ daily: 8, monthly: 10 });
      expect((await predict(key, 5)).statusCode).toBe(200);
      const bad = await send('POST', '/models/scale/predict', key, [{ x: [1, 2] }]);
      expect(bad.statusCode).toBe(422);
      // A model that cannot compute gives back what was taken.
      const failing = await send('POST', '/models/scale/predict', key, rows(3), { 'x-timeout-ms': '1' });
      if (failing.statusCode !== 200) expect(failing.statusCode).toBeGreaterThanOrEqual(503);
      const left = failing.statusCode === 200 ? 0 : 3;
      const refused = await predict(key, left + 1);
      expect(refused.json()).toMatchObject({ status: 429, code: 'quota-exceeded' });
      expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0);
      if (left > 0) expect((await predict(key, left)).statusCode).toBe(200);
      expect(await started.accounts.quotas.used(`key:${id}`, 'month')).toBe(8);
      const open = await started.storage.db.selectFrom('quota_reservations').selectAll().execute();
      expect(open).toEqual([]);
      // What is no prediction costs nothing.
      expect((await send('GET', '/models', key)).statusCode).toBe(200);
    });

    it('lets exactly so many through at once, through whichever door', async () => {
      const { key } = await keyWith({ monthly: 10 });
      const infer = { inputs: [{ name: 'x', shape: [1, 3], datatype: 'FP32', data: [1, 2, 3] }] };
      const answers = await Promise.all(
        Array.from({ length: 60 }, (_, i) =>
          i % 2 === 0 ? predict(key) : send('POST', '/v2/models/scale/infer', key, infer),
        ),
      );
      const of = (status: number) => answers.filter(({ statusCode }) => statusCode === status).length;
      expect([of(200), of(429)]).toEqual([10, 50]);
      const metrics = (await send('GET', '/metrics', started.key)).body;
      expect(metrics).toContain('vitrina_quota_units_total{outcome="taken"} 10');
      expect(metrics).toContain('vitrina_quota_units_total{outcome="refused"} 50');
    });

    it('counts the rows of a table, and ends it where they end', async () => {
      const { key, id } = await keyWith({ monthly: 5 });
      const table = (count: number) =>
        started.app.inject({
          method: 'POST',
          url: '/models/scale/predict',
          headers: { 'x-api-key': key, 'content-type': 'application/x-ndjson' },
          payload: rows(count)
            .map((row) => JSON.stringify(row))
            .join('\n'),
        });
      expect((await table(4)).statusCode).toBe(200);
      expect((await table(2)).statusCode).toBe(429);
      expect(await started.accounts.quotas.used(`key:${id}`, 'month')).toBe(4);
    });

    it('is made and shown over HTTP, with limits that make sense', async () => {
      const made = await send('POST', '/keys', started.key, {
        limits: { monthly: 100, rate: { requests: 5, seconds: 10 } },
      });
      expect(made.json().limits).toEqual({ monthly: 100, daily: null, rate: { requests: 5, seconds: 10 } });
      for (const limits of [
        { monthly: 0 },
        { daily: -1 },
        { monthly: 3_000_000_000 },
        { rate: { requests: 0, seconds: 1 } },
        { rate: { requests: 1, seconds: 100_000 } },
      ]) {
        const refused = await send('POST', '/keys', started.key, { limits });
        expect(refused.json()).toMatchObject({ status: 422, code: 'limit-invalid' });
      }
      for (const limits of [{ monthly: 1.5 }, { weekly: 1 }, { rate: { requests: 1 } }, 7]) {
        expect((await send('POST', '/keys', started.key, { limits })).statusCode).toBe(422);
      }
    });
  });

  it('a key with a rate limit is refused before its body is read, with the time to wait', async () => {
    const { key } = await keyWith({ rate: { requests: 3, seconds: 60 } });
    const answers = [];
    for (let i = 0; i < 5; i++) answers.push(await send('POST', '/models/scale/predict', key, { broken: true }));
    expect(answers.map(({ statusCode }) => statusCode)).toEqual([422, 422, 422, 429, 429]);
    expect(answers[4]!.json()).toMatchObject({ code: 'rate-exceeded' });
    expect(Number(answers[4]!.headers['retry-after'])).toBeLessThanOrEqual(120);
    const { key: other } = await keyWith({});
    expect((await predict(other)).statusCode).toBe(200);
  });

  describe('GET /usage', () => {
    it('tells who predicted how much, of oneself unless one may see others', async () => {
      await started.accounts.users.register({ username: 'ana', password });
      await started.accounts.users.register({ username: '=ben', password });
      const [ana, ben] = [await keyWith({}, 'ana'), await keyWith({}, '=ben')];
      await predict(ana.key, 3);
      await predict(ana.key, 2);
      await send('POST', '/models/scale/predict', ana.key, [{ x: [1] }]);
      await send('POST', '/models/sum/predict', ben.key, { inputs: {} });
      await predict(ben.key);
      const token = (await started.accounts.login({ username: 'ana', password, address: '::1' })).accessToken;
      await predict(token);

      const day = new Date().toISOString().slice(0, 10);
      const own = (await send('GET', '/usage', ana.key)).json().usage;
      const line = { day, userId: ana.userId, username: 'ana', model: 'scale' };
      expect(own).toEqual([
        { ...line, keyId: null, predictions: 1, rows: 1, failures: 0 },
        { ...line, keyId: ana.id, predictions: 2, rows: 5, failures: 0 },
      ]);
      expect((await send('GET', `/usage?user=${ben.userId}`, ana.key)).statusCode).toBe(403);
      expect((await send('GET', '/usage?user=all', ana.key)).statusCode).toBe(403);
      expect((await send('GET', '/usage?user=all', started.key)).json().usage).toHaveLength(3);
      const of = await send('GET', `/usage?user=${ben.userId}&format=csv`, started.key);
      expect(of.headers['content-type']).toBe('text/csv; charset=utf-8; header=present');
      expect(of.body).toBe(
        `day,userId,username,keyId,model,predictions,rows,failures\r\n${day},${ben.userId},'=ben,${ben.id},scale,1,1,0\r\n`,
      );
      const csv = await send('GET', '/usage', ana.key, undefined, { accept: 'text/csv' });
      expect(csv.body.split('\r\n')).toHaveLength(4);
      expect((await send('GET', '/usage?from=2020-01-01&to=2020-12-31', ana.key)).json()).toEqual({ usage: [] });
      for (const query of ['?from=2020', '?user=x', '?format=xml', '?sort=1']) {
        expect((await send('GET', `/usage${query}`, ana.key)).statusCode).toBe(422);
      }
    });
  });

  it('GET /audit has the acts on models as well, and is for admins', async () => {
    const profile = await started.app.inject({
      method: 'PUT',
      url: '/models/scale/traffic',
      headers: { 'x-api-key': started.key },
      payload: { sticky: 'X-User-Id', canary: { version: '1', weight: 0.5 } },
    });
    const entries = async (query = '') => (await send('GET', `/audit${query}`, started.key)).json().entries;
    const actions = (await entries()).map(({ action }: { action: string }) => action);
    expect(actions).toContain('key.create');
    if (profile.statusCode === 200) expect(actions[0]).toBe('model.traffic');
    const { key } = await keyWith({});
    expect((await entries('?limit=1'))[0]).toMatchObject({ action: 'key.create', actor: 'operator', actorId: null });
    expect((await send('GET', '/audit', key)).statusCode).toBe(403);
    const [newest, next] = await entries('?limit=2');
    expect(await entries(`?before=${newest.id}&limit=1`)).toEqual([next]);
  });

  it('POST /auth/register makes users who are nobody else than users', async () => {
    const register = (payload: object) => started.app.inject({ method: 'POST', url: '/auth/register', payload });
    const made = await register({ username: 'ana', password });
    expect([made.statusCode, made.json().role]).toEqual([201, 'user']);
    expect((await register({ username: 'ANA', password })).statusCode).toBe(409);
    expect((await register({ username: 'ben', password, role: 'admin' })).statusCode).toBe(422);
  });
});

it('POST /auth/register is not there unless it is asked for', async () => {
  const started = await startApp([]);
  const answer = await started.app.inject({ method: 'POST', url: '/auth/register', payload: {} });
  expect(answer.statusCode).toBe(404);
  await started.close();
});
