/** Jobs over HTTP: files that are predicted in the background, by the thread of a server. */
import { randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, utimesSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { Float64, Table, tableFromIPC, tableToIPC, vectorFromArray } from 'apache-arrow';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { resolveConfig } from '../../src/config.js';
import { operator } from '../../src/services/accounts/index.js';
import { newJobId } from '../../src/services/jobs/index.js';
import { type JobView, viewJob } from '../../src/services/jobs/views.js';
import { type Limits, unlimited } from '../../src/services/quotas/index.js';
import { startWorker } from '../../src/worker.js';
import { databases, type TestDatabase } from '../databases.js';
import { scaleGraph } from '../graphs.js';
import { folderOf, type StartedApp, startApp } from '../start-app.js';

const types = {
  csv: 'text/csv',
  ndjson: 'application/x-ndjson',
  stream: 'application/vnd.apache.arrow.stream',
  file: 'application/vnd.apache.arrow.file',
};
const folder = folderOf({ scale: scaleGraph() });
const fileLimit = 12_000_000;
const final = /succeeded|failed|cancelled/;

const numbers = Array.from({ length: 300 }, (_, i) => i);
const csv = `1,2,3\n${numbers.map((i) => `${i},${i / 8},-3`).join('\n')}\n`;
const ndjson = numbers.map((i) => `{"x":[${i},${i / 8},-3]}`).join('\n');
const column = (make: (i: number) => number) => vectorFromArray(numbers.map(make), new Float64());
const arrow = (form: 'stream' | 'file') =>
  Buffer.from(
    tableToIPC(
      new Table({ feature1: column((i) => i), feature2: column((i) => i / 8), feature3: column(() => -3) }),
      form,
    ),
  );
/** Takes a second or so to predict. */
const long = '1,2,3\n'.repeat(500_000);
/** Takes longer than a worker needs to hear that its job is cancelled. */
const longer = '1,2,3\n'.repeat(2_000_000);

describe.each(databases)('on $kind', ({ fresh }) => {
  let database: TestDatabase;
  let started: StartedApp;
  let ana: Awaited<ReturnType<typeof user>>;
  let ben: Awaited<ReturnType<typeof user>>;

  const user = async (username: string) => {
    const { id } = await started.accounts.users.create({ username, password: null, role: 'user' }, operator);
    const { key } = await started.accounts.keys.create({ userId: id, scopes: ['predict'] }, operator);
    return { userId: id, key };
  };

  beforeAll(async () => {
    database = await fresh();
    const flags = { ...database.flags, 'job-file-limit': fileLimit, 'job-lease': 2, 'job-concurrency': 2 };
    started = await startApp([folder], flags);
    started.jobs.start(false);
    await started.app.listen({ port: 0, host: '127.0.0.1' });
    ana = await user('ana');
    ben = await user('ben');
  });
  afterAll(async () => {
    await started.close();
    await database.remove();
  });

  const send = (method: 'GET' | 'POST', url: string, key = started.key, headers: Record<string, string> = {}) =>
    started.app.inject({ method, url, headers: { 'x-api-key': key, ...headers } });
  const post = (
    body: string | Buffer,
    { query = 'model=scale', type = types.csv, key = started.key, ...headers }: Record<string, string> = {},
  ) =>
    started.app.inject({
      method: 'POST',
      url: `/jobs?${query}`,
      headers: { 'content-type': type, 'x-api-key': key, ...headers },
      payload: body,
    });
  const view = async (id: string) => (await send('GET', `/jobs/${id}`)).json() as JobView & { failures: object[] };
  const become = async (id: string, state: RegExp) => {
    for (let i = 0; i < 1_200; i++) {
      const job = await view(id);
      if (state.test(job.state)) return job;
      await sleep(25);
    }
    throw new Error(`Job ${id} is still ${(await view(id)).state}`);
  };
  /** Posts a file; the job when it has ended. */
  const done = async (...parameters: Parameters<typeof post>) => {
    const answer = await post(...parameters);
    expect([answer.statusCode, answer.headers.location]).toEqual([202, `/jobs/${answer.json().id}`]);
    return become(answer.json().id, final);
  };
  const folders = () => (existsSync(join(started.data, 'jobs')) ? readdirSync(join(started.data, 'jobs')) : []);
  /** Jobs that nobody will do: their time has not come. */
  const idle = async (owner: number, count: number, name = 'nobody-does-it') => {
    const ids = [];
    for (let i = 0; i < count; i++) {
      const kind = { name, input: {} };
      ids.push((await started.jobs.queue.enqueue(kind, {}, { owner, delayMs: 3_600_000 })).id);
    }
    return ids;
  };

  describe('a file', () => {
    it.each([
      ['CSV', types.csv, csv, ''],
      ['NDJSON', types.ndjson, ndjson, ''],
      ['an Arrow stream', types.stream, arrow('stream'), ''],
      ['an Arrow file', types.file, arrow('file'), ''],
      ['CSV in gzip', types.csv, gzipSync(csv), 'gzip'],
      ['NDJSON in gzip', types.ndjson, gzipSync(ndjson), 'gzip'],
    ])('of %s gives what the same table gives at once', async (_form, type, body, encoding) => {
      const headers = encoding === '' ? {} : { 'content-encoding': encoding };
      const expected = await started.post('/models/scale/predict', body, { 'content-type': type, ...headers });
      expect(expected.statusCode).toBe(200);
      const job = await done(body, { type, ...headers });
      expect(job).toMatchObject({ name: 'predict-file', state: 'succeeded', attempts: 1, error: null, failures: [] });
      expect(job.result).toMatchObject({ model: 'scale', version: '1', bytes: expected.rawPayload.length });
      expect(job.progress).toEqual({
        bytesRead: body.length,
        bytes: body.length,
        rows: expect.any(Number),
      });
      const result = await send('GET', `/jobs/${job.id}/result`);
      expect(String(result.headers['content-type']).split(';')[0]).toBe(type);
      expect(Number(result.headers['content-length'])).toBe(expected.rawPayload.length);
      expect(result.rawPayload.equals(expected.rawPayload)).toBe(true);
    });

    it('is answered in the form that is asked for, and counts its rows', async () => {
      const job = await done(csv, { query: `model=scale&version=1&answer=${encodeURIComponent(types.stream)}` });
      expect(job.result).toMatchObject({ rows: 301, format: 'arrow-stream' });
      const table = tableFromIPC((await send('GET', `/jobs/${job.id}/result`)).rawPayload);
      expect(table.numRows).toBe(301);
      expect([...table.getChild('y')!.get(2)]).toEqual([2, 0.25, -6]);
    });

    it.each([
      [
        'a wrong cell',
        types.csv,
        '1,2,3\n\n4,x,6\n',
        'request-invalid',
        '[1].feature2: expected a number, got "x" (line 3)',
      ],
      ['a wrong cell after many good ones', types.csv, `${long}4,x,6\n`, 'request-invalid', 'got "x"'],
      ['a wrong line', types.ndjson, `${ndjson}\n{"x":[1,2]}\n`, 'request-invalid', '(line 301)'],
      ['no Arrow', types.stream, 'ARROW1', 'arrow-malformed', 'The Arrow data cannot be read'],
      ['no rows', types.csv, '', 'request-invalid', 'has no rows'],
    ])('with %s fails at once, in the words of the catalogue', async (_what, type, body, code, words) => {
      const job = await done(body, { type });
      expect([job.state, job.attempts, job.error?.code]).toEqual(['failed', 1, code]);
      expect(job.error!.message).toContain(words);
      if (body.length < 100_000) {
        const whole = await started.post('/models/scale/predict', body, { 'content-type': type });
        expect(whole.json()).toMatchObject({ code, detail: job.error!.message });
      }
      expect(job.failures).toEqual([expect.objectContaining({ attempt: 1, error: job.error })]);
      const result = await send('GET', `/jobs/${job.id}/result`);
      expect([result.statusCode, result.json().code]).toEqual([409, 'job-result-missing']);
    });

    it('that is damaged gzip, or inflates beyond the limit, fails', async () => {
      const damaged = await done(gzipSync(csv).subarray(0, 60), { 'content-encoding': 'gzip' });
      expect(damaged.error?.code).toBe('body-encoding-damaged');
      const bomb = await done(gzipSync('1,2,3\n'.repeat(2_000_001)), { 'content-encoding': 'gzip' });
      expect(bomb.error).toEqual({
        code: 'stream-too-large',
        message: `The body is larger than ${fileLimit} bytes; send it in parts, or raise the setting job-file-limit.`,
      });
    });

    it.each([
      ['an unknown model', 'model=absent', types.csv, 404, 'model-not-found'],
      ['an unknown version', 'model=scale&version=9', types.csv, 404, 'version-not-found'],
      ['no model', '', types.csv, 422, 'request-invalid'],
      ['an unknown parameter', 'model=scale&prio=1', types.csv, 422, 'request-invalid'],
      ['a priority that is none', 'model=scale&priority=101', types.csv, 422, 'request-invalid'],
      ['JSON', 'model=scale', 'application/json', 415, 'body-media-type'],
      ['another character set', 'model=scale', 'text/csv; charset=latin1', 415, 'body-media-type'],
      ['an answer that nobody writes', 'model=scale&answer=text/html', types.csv, 406, 'not-acceptable'],
    ])('with %s is refused before it is taken', async (_what, query, type, status, code) => {
      const before = folders();
      const { answer, socket } = await half(`/jobs?${query}`, type);
      expect([answer.statusCode, JSON.parse(answer.body).code]).toEqual([status, code]);
      socket.destroy();
      expect(folders()).toEqual(before);
    });

    it('that is compressed in a way that nobody reads is refused', async () => {
      const answer = await post('x', { 'content-encoding': 'zstd' });
      expect([answer.statusCode, answer.json().code]).toEqual([415, 'body-encoding']);
    });

    it('beyond the limit is refused, by its length before it comes, and leaves nothing', async () => {
      const before = folders();
      const { answer, socket } = await half('/jobs?model=scale', types.csv, {
        'content-length': String(fileLimit + 1),
      });
      expect([answer.statusCode, JSON.parse(answer.body).code]).toEqual([413, 'stream-too-large']);
      expect(JSON.parse(answer.body).detail).toContain('raise the setting job-file-limit');
      socket.destroy();
      const chunked = await half('/jobs?model=scale', types.csv, {}, '1,2,3\n'.repeat(2_000_001));
      expect([chunked.answer.statusCode, JSON.parse(chunked.answer.body).code]).toEqual([413, 'stream-too-large']);
      chunked.socket.destroy();
      expect(folders()).toEqual(before);
    });

    it('that is cut off leaves neither a job nor a file', async () => {
      const before = folders();
      const { sent } = open('/jobs?model=scale', types.csv, { 'idempotency-key': 'cut off' });
      sent.write('1,2,3\n');
      await until(() => folders().length === before.length + 1);
      sent.destroy();
      await until(() => folders().length === before.length);
      const rows = await started.storage.db
        .selectFrom('jobs')
        .select('id')
        .where('idempotency_key', 'like', '%cut off')
        .execute();
      expect(rows).toEqual([]);
    });

    it('is removed with its job, and when there is none', async () => {
      const job = await done(csv);
      const [abandoned, arriving] = [newJobId(), newJobId()];
      for (const id of [abandoned, arriving]) {
        mkdirSync(join(started.data, 'jobs', id));
        writeFileSync(join(started.data, 'jobs', id, 'input'), '1,2,3\n');
      }
      const before = Date.now() / 1000 - 7_200;
      utimesSync(join(started.data, 'jobs', abandoned, 'input'), before, before);
      expect(folders()).toContain(job.id);
      await started.storage.db.updateTable('jobs').set({ expires_at: 1 }).where('id', '=', job.id).execute();
      // Workers clean up when they start, and once a minute.
      const worker = await startWorker(resolveConfig({ flags: { ...database.flags, models: [folder] }, env: {} }), 1);
      await until(() => !folders().includes(job.id) && !folders().includes(abandoned));
      await worker.stop(0);
      expect(folders()).toContain(arriving);
      expect((await send('GET', `/jobs/${job.id}`)).statusCode).toBe(404);
    });
  });

  describe('the same idempotency key', () => {
    it('is the same job, of which the first file counts and no second one is kept', async () => {
      const before = folders().length;
      const headers = { key: ana.key, 'idempotency-key': 'today' };
      const [first, ...others] = await Promise.all(
        ['1,2,3\n', '4,5,6\n', '7,8,9\n'].map((body) => post(body, headers)),
      );
      for (const answer of others) expect([answer.statusCode, answer.json().id]).toEqual([202, first!.json().id]);
      const id = first!.json().id as string;
      await become(id, /succeeded/);
      expect(folders().length).toBe(before + 1);
      expect(folders()).toContain(id);
      const result = (await send('GET', `/jobs/${id}/result`)).body;
      const again = await post('0,0,0\n', headers);
      expect([again.statusCode, again.json().id, again.json().state]).toEqual([202, id, 'succeeded']);
      expect((await send('GET', `/jobs/${id}/result`)).body).toBe(result);
      expect(folders().length).toBe(before + 1);
    });

    it('of two users is two jobs', async () => {
      const mine = await post('1,2,3\n', { key: ana.key, 'idempotency-key': 'ours' });
      const theirs = await post('1,2,3\n', { key: ben.key, 'idempotency-key': 'ours' });
      expect(theirs.json().id).not.toBe(mine.json().id);
      for (const { id } of [mine.json(), theirs.json()]) await become(id, /succeeded/);
    });
  });

  describe('the events of a job', () => {
    it('reach everybody who watches, and end with it', async () => {
      const { id } = (await post(long)).json();
      const [one, two] = await Promise.all([watch(id), watch(id)]);
      for (const text of [one, two]) {
        const events = text!.split('\n\n').filter((event) => event.startsWith('event: job\ndata: '));
        const jobs = events.map((event) => JSON.parse(event.slice('event: job\ndata: '.length)) as JobView);
        expect(jobs.every((job) => job.id === id)).toBe(true);
        expect(jobs.length).toBeGreaterThan(1);
        expect(jobs.at(-1)).toMatchObject({ state: 'succeeded', result: { rows: 500_000 } });
        const read = jobs.flatMap(({ progress }) => (progress as { bytesRead: number } | null)?.bytesRead ?? []);
        expect(read).toEqual(read.toSorted((a, b) => a - b));
        expect(read.at(-1)).toBe(long.length);
      }
    }, 60_000);

    it('of one that has ended are one', async () => {
      const { id } = await done(csv);
      expect(await watch(id)).toBe(
        `event: job\ndata: ${JSON.stringify(viewJob(await started.jobs.desk.find(id)))}\n\n`,
      );
    });
  });

  describe('a key with a quota', () => {
    const keyWith = (limits: Partial<Limits>) =>
      started.accounts.keys.create({ userId: ana.userId, limits: { ...unlimited, ...limits } }, operator);

    it('pays each row of a file once, and nothing for a file that fails', async () => {
      const { key, id } = await keyWith({ monthly: 700 });
      const used = () => started.accounts.quotas.used(`key:${id}`, 'month');
      expect((await done(csv, { key })).state).toBe('succeeded');
      expect(await used()).toBe(301);
      expect((await done(`${csv}4,x,6\n`, { key })).state).toBe('failed');
      expect(await used()).toBe(301);
      expect((await done(csv, { key })).state).toBe('succeeded');
      expect(await used()).toBe(602);
      const open = await started.storage.db.selectFrom('quota_reservations').selectAll().execute();
      expect(open).toEqual([]);
    });

    it('has no part of a file predicted that goes beyond', async () => {
      const { key, id } = await keyWith({ monthly: 250_000 });
      const { id: job } = (await post(long, { key })).json();
      const { error } = await become(job, /scheduled/);
      expect(error?.code).toBe('quota-exceeded');
      expect(await started.accounts.quotas.used(`key:${id}`, 'month')).toBe(0);
      await send('POST', `/jobs/${job}/cancel`);
    });

    it('that is revoked has its jobs fail', async () => {
      const made = await keyWith({});
      const { id } = await done('4,x,6\n', { key: made.key });
      await started.accounts.keys.revoke(made.id, operator);
      expect((await send('POST', `/jobs/${id}/retry`)).statusCode).toBe(200);
      const job = await become(id, final);
      expect([job.state, job.error?.code]).toEqual(['failed', 'token-invalid']);
    });
  });

  describe('a job of somebody else', () => {
    it('is not there, whatever is asked of it', async () => {
      const job = await done(csv, { key: ana.key });
      const absent = randomUUID();
      for (const [method, what] of [
        ['GET', ''],
        ['GET', '/events'],
        ['GET', '/result'],
        ['POST', '/cancel'],
        ['POST', '/retry'],
      ] as const) {
        const headers = { 'x-request-id': 'same' };
        const answer = await send(method, `/jobs/${job.id}${what}`, ben.key, headers);
        const nothing = await send(method, `/jobs/${absent}${what}`, ben.key, headers);
        expect([what, answer.statusCode, answer.json().code]).toEqual([what, 404, 'job-unknown']);
        expect(answer.body.replaceAll(job.id, absent)).toBe(nothing.body);
      }
      expect((await send('GET', '/jobs', ben.key)).body).not.toContain(job.id);
      expect((await send('GET', `/jobs/${job.id}`, ana.key)).statusCode).toBe(200);
      expect((await send('GET', `/jobs/${job.id}/result`, ana.key)).statusCode).toBe(200);
      expect((await send('GET', '/jobs')).body).toContain(job.id);
      expect((await send('GET', `/jobs/${job.id}`)).statusCode).toBe(200);
    });

    it('is as unknown as what is no id', async () => {
      for (const id of ['1', '%00', '..%2F..%2Fetc', "' or 1=1 --", '%F0%9F%98%80', 'A'.repeat(100), randomUUID()]) {
        for (const url of [`/jobs/${id}`, `/jobs/${id}/result`, `/jobs/${id}/events`]) {
          const answer = await send('GET', url);
          expect([url, answer.statusCode, answer.json().code]).toEqual([url, 404, 'job-unknown']);
        }
      }
      expect((await send('GET', `/jobs/${'1'.repeat(101)}`)).statusCode).toBe(422);
    });
  });

  describe('cancelling and trying anew', () => {
    it('ends what waits at once, and what runs soon; what was cancelled may run anew', async () => {
      const [waiting] = await idle(ana.userId, 1);
      const cancelled = await send('POST', `/jobs/${waiting}/cancel`, ana.key);
      expect([cancelled.statusCode, cancelled.json()]).toEqual([
        200,
        expect.objectContaining({
          state: 'cancelled',
          cancelRequested: true,
          error: { code: 'job-cancelled', message: 'The job was cancelled before it ran.' },
        }),
      ]);

      const { id } = (await post(longer, { key: ana.key })).json();
      await become(id, /running/);
      expect((await send('POST', `/jobs/${id}/cancel`, ana.key)).json()).toMatchObject({ cancelRequested: true });
      expect(await become(id, final)).toMatchObject({ state: 'cancelled', error: { code: 'job-cancelled' } });
      expect((await send('GET', `/jobs/${id}/result`)).statusCode).toBe(409);
      const anew = await send('POST', `/jobs/${id}/retry`, ana.key);
      expect([anew.statusCode, anew.json()]).toEqual([
        200,
        expect.objectContaining({
          state: expect.toBeOneOf(['queued', 'running']),
          cancelRequested: false,
          finishedAt: null,
          expiresAt: null,
        }),
      ]);
      expect(await become(id, final)).toMatchObject({ state: 'succeeded', attempts: 2, error: null });
    }, 60_000);

    it('is refused of what has ended, or has not', async () => {
      const { id } = await done(csv);
      for (const act of ['cancel', 'retry']) {
        const answer = await send('POST', `/jobs/${id}/${act}`);
        expect([answer.statusCode, answer.json().code]).toEqual([409, 'job-state-conflict']);
        expect(answer.json().detail).toContain(`Job ${id} is succeeded and cannot be`);
      }
      const [waiting] = await idle(ana.userId, 1);
      expect((await send('POST', `/jobs/${waiting}/retry`)).json().code).toBe('job-state-conflict');
    });
  });

  describe('the list', () => {
    it('is filtered, and goes on where a page ended', async () => {
      const ids = (await idle(ben.userId, 7, 'paged')).toReversed();
      await send('POST', `/jobs/${ids[2]}/cancel`);
      const list = async (query: string, key = ben.key) => {
        const answer = await send('GET', `/jobs?${query}`, key);
        expect([query, answer.statusCode]).toEqual([query, 200]);
        return (answer.json().jobs as JobView[]).map(({ id }) => id);
      };
      expect(await list('name=paged')).toEqual(ids);
      expect(await list('name=paged&limit=3')).toEqual(ids.slice(0, 3));
      expect(await list(`name=paged&limit=3&before=${ids[2]}`)).toEqual(ids.slice(3, 6));
      expect(await list(`name=paged&before=${ids[5]}`)).toEqual(ids.slice(6));
      expect(await list('name=paged&state=cancelled')).toEqual([ids[2]]);
      expect(await list('name=paged&state=scheduled')).toEqual(ids.filter((id) => id !== ids[2]));
      expect(await list('name=paged', ana.key)).toEqual([]);
      expect(await list('name=paged', started.key)).toEqual(ids);
      expect(await list('name=absent')).toEqual([]);
    });

    it.each(['state=done', 'limit=0', 'limit=1001', 'limit=x', 'owner=1', 'name=a%00b', 'before=%00'])(
      'refuses %s',
      async (query) => {
        const answer = await send('GET', `/jobs?${query}`);
        expect([answer.statusCode, answer.json().code]).toEqual([422, 'request-invalid']);
      },
    );
  });

  it('needs a key that may predict', async () => {
    const { key } = await started.accounts.keys.create({ userId: ana.userId, scopes: ['models:read'] }, operator);
    for (const [method, url] of [
      ['POST', '/jobs?model=scale'],
      ['GET', '/jobs'],
      ['GET', `/jobs/${randomUUID()}/result`],
      ['POST', `/jobs/${randomUUID()}/retry`],
    ] as const) {
      expect([url, (await send(method, url, key)).statusCode]).toEqual([url, 403]);
    }
  });

  const until = async (what: () => boolean) => {
    for (let i = 0; i < 1_200 && !what(); i++) await sleep(25);
    expect(what()).toBe(true);
  };

  /** A request over a real connection. */
  function open(path: string, type: string, headers: Record<string, string> = {}) {
    const { port } = started.app.server.address() as AddressInfo;
    const sent = request({
      port,
      method: 'POST',
      path,
      headers: { 'content-type': type, 'x-api-key': started.key, ...headers },
    });
    sent.on('error', () => undefined);
    const answer = new Promise<{ statusCode: number | undefined; body: string }>((resolve, reject) => {
      sent.once('error', reject);
      sent.once('response', async (response) => {
        let body = '';
        for await (const piece of response.setEncoding('utf8')) body += piece;
        resolve({ statusCode: response.statusCode, body });
      });
    });
    answer.catch(() => undefined);
    return { sent, answer };
  }

  /** The answer to a request that never ends. */
  async function half(path: string, type: string, headers: Record<string, string> = {}, begin = '1,2,3\n') {
    const { sent, answer } = open(path, type, headers);
    sent.write(begin);
    return { answer: await answer, socket: sent };
  }

  /** All that the stream of a job's events says until it ends. */
  async function watch(id: string): Promise<string> {
    const { port } = started.app.server.address() as AddressInfo;
    const answer = await fetch(`http://127.0.0.1:${port}/jobs/${id}/events`, { headers: { 'x-api-key': started.key } });
    expect([answer.status, answer.headers.get('content-type')]).toEqual([200, 'text/event-stream; charset=utf-8']);
    return answer.text();
  }
});
