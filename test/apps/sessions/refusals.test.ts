import { mkdtempSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readSettings } from '../../../src/apps/sessions/settings.js';
import { sqlite, type TestDatabase } from '../../databases.js';
import { documents, eight, everything, type StartedSessions, startSessions } from './start-sessions.js';

let database: TestDatabase;
const closers: (() => Promise<void>)[] = [];
async function start(settings: Readonly<Record<string, unknown>> = {}): Promise<StartedSessions> {
  const started = await startSessions(database, settings);
  closers.push(started.close);
  return started;
}
const elasticsearch = (url: string) => ({
  store: 'elasticsearch',
  elasticsearch_url: url,
  elasticsearch_index: 'events',
});

beforeAll(async () => {
  database = await sqlite.fresh();
});
afterAll(async () => {
  for (const close of closers.reverse()) await close();
  await database.remove();
});

describe('the sessions app', () => {
  it('refuses bodies in the form of the source, broken ones included', async () => {
    const server = await start();
    const { utils, ...rest } = everything;
    const wrong = await server.post('/get_ecrans/', { ...rest, util: utils, date_max: '2022-09-28 / 12:00+02:00' });
    expect([wrong.statusCode, wrong.json()]).toEqual([
      422,
      {
        detail: [
          { loc: ['body', 'utils'], msg: 'field required', type: 'value_error.missing' },
          { loc: ['body', 'date_max'], msg: 'invalid datetime format', type: 'value_error.datetime' },
        ],
      },
    ]);
    const broken = await server.post('/get_ecrans/', '{"utils": ');
    expect([broken.statusCode, broken.json().detail[0]]).toEqual([
      422,
      { loc: ['body'], msg: expect.stringContaining('not JSON'), type: 'value_error.jsondecode' },
    ]);
    const query = await server.get('/sessions/summary?utils=a&date_min=x');
    expect([query.statusCode, query.json().detail.map(({ loc }: { loc: string[] }) => loc.join('.'))]).toEqual([
      422,
      ['query.date_min', 'query.date_max'],
    ]);
    expect((await server.post('/events', '[')).statusCode).toBe(422);
    expect((await server.get('/get_ecrans/')).statusCode).toBe(404);
  });

  it('answers 503 when nobody is at the address of Elasticsearch, and 504 when nothing is said there', async () => {
    let heard = 0;
    const silent = createServer(() => {
      heard++;
    });
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${(silent.address() as { port: number }).port}`;
    const slow = await start({ ...elasticsearch(url), timeout: 1, threads: 1, max_waiting: 2 });
    try {
      // The thread takes its time to start.
      const first = async () => [(await slow.post('/get_ecrans/', everything)).statusCode, heard > 0];
      await expect.poll(first, { timeout: 20_000 }).toEqual([504, true]);
      // Sixteen are asked for, two wait. What timed out keeps its place until the thread has let go of it.
      const twenty = async () => {
        answers = await Promise.all(Array.from({ length: 20 }, () => slow.post('/get_ecrans/', everything)));
        return answers.map(({ statusCode }) => statusCode).sort();
      };
      let answers: Awaited<ReturnType<typeof slow.post>>[] = [];
      await expect
        .poll(twenty, { timeout: 20_000, interval: 250 })
        .toEqual([...Array(2).fill(503), ...Array(18).fill(504)]);
      const busy = answers.find(({ statusCode }) => statusCode === 503)!;
      expect([busy.headers['retry-after'], busy.json().detail]).toEqual([
        '1',
        expect.stringContaining('2 requests wait'),
      ]);
      const late = await slow.post('/get_ecrans/', everything, { 'x-timeout-ms': '200' });
      expect([late.statusCode, late.json().detail]).toEqual([504, expect.stringContaining('within 0.2 s')]);
    } finally {
      silent.closeAllConnections();
      silent.close();
    }
    const down = await slow.post('/get_ecrans/', everything);
    expect([down.statusCode, down.headers['retry-after']]).toEqual([503, '5']);
    expect(down.json().detail).toContain('ECONNREFUSED');
    expect((await slow.post('/events', { events: [] })).statusCode).toBe(404);
  });

  it('leaves the event loop free while it clusters', async () => {
    const server = await start();
    await server.post('/events', { events: documents(eight) });
    const many = Array.from({ length: 5000 }, (_, i) => [1_000_000 + i * i, 'busy'] as const);
    await server.post('/events', { events: documents(many, 'busy') });
    const question = { utils: ['busy'], date_min: 0, date_max: '2100-01-01' };
    await server.post('/get_ecrans/', question);
    const asked = Promise.all(Array.from({ length: 50 }, () => server.post('/get_ecrans/', question)));
    let longest = 0;
    let running = true;
    const finished = asked.finally(() => {
      running = false;
    });
    for (let last = performance.now(); running; last = performance.now()) {
      await new Promise((resolve) => setTimeout(resolve, 1));
      longest = Math.max(longest, performance.now() - last);
    }
    expect((await finished).every(({ statusCode }) => statusCode === 200)).toBe(true);
    // Fifty clusterings on this thread would be some hundred milliseconds in one go.
    expect(longest).toBeLessThan(150);
  });
});

describe('the settings', () => {
  it('have the names and defaults of the contract', () => {
    expect(readSettings({})).toMatchObject({
      store: 'embedded',
      auth: 'key',
      min_cluster_size: 5,
      min_samples: undefined,
      allow_single_cluster: false,
      cluster_selection_method: 'eom',
      cluster_selection_epsilon: 0,
      timeout: 30,
    });
  });

  it.each<[string, unknown]>([
    ['min_cluster_size', 1],
    ['min_samples', 0],
    ['cluster_selection_method', 'best'],
    ['cluster_selection_epsilon', -1],
    ['elasticsearch_url', 'ftp://es'],
    ['elasticsearch_url', 'http://user:secret@es:9200'],
    ['page_size', 10_001],
    ['auth', 'none'],
    ['unknown', 1],
  ])('%s cannot be %j', (name, value) => {
    expect(() => readSettings({ [name]: value })).toThrow(`apps.sessions.${name}`);
    expect(() => readSettings({ [name]: value })).not.toThrow('secret');
  });

  it('say where Elasticsearch is, and have both halves of a key or none', async () => {
    expect(() => readSettings({ store: 'elasticsearch', elasticsearch_index: 'a' })).toThrow('elasticsearch_url');
    const here = elasticsearch('http://127.0.0.1:9');
    await expect(startSessions(database, { ...here, es_prod_id: 'a' })).rejects.toThrow('ES_PROD_API_KEY');
    const credentials = join(mkdtempSync(join(tmpdir(), 'vitrina-credentials-')), 'credentials.yml');
    writeFileSync(credentials, 'ES_PROD_ID: "a"\nES_PROD_API_KEY: "b\n');
    await expect(startSessions(database, { ...here, credentials })).rejects.toThrow('cannot be read as YAML');
    writeFileSync(credentials, 'ES_PROD_ID: 7\n');
    await expect(startSessions(database, { ...here, credentials })).rejects.toThrow('ES_PROD_ID');
  });

  it('take the key from the file of credentials', async () => {
    const seen: unknown[] = [];
    const server = createServer((request, response) => {
      seen.push(request.headers.authorization);
      response.writeHead(401).end('{"error": "no"}');
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as { port: number };
    const credentials = join(mkdtempSync(join(tmpdir(), 'vitrina-credentials-')), 'credentials.yml');
    writeFileSync(credentials, 'ES_PROD_ID: "the id"\nES_PROD_API_KEY: "the key"\n');
    const app = await start({ ...elasticsearch(`http://127.0.0.1:${port}`), credentials });
    const answer = await app.post('/get_ecrans/', everything);
    expect([answer.statusCode, answer.json().detail]).toEqual([502, expect.stringContaining('401: no')]);
    expect(seen).toEqual([`ApiKey ${Buffer.from('the id:the key').toString('base64')}`]);
    server.closeAllConnections();
    server.close();
  });
});
