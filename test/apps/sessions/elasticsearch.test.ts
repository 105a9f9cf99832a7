/** The sessions app over a real Elasticsearch. */
import { Writable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sqlite, type TestDatabase } from '../../databases.js';
import { ElasticsearchServer, missingTools } from '../../elasticsearch-server.js';
import {
  documents,
  eight,
  eightSessions,
  everything,
  type Row,
  type StartedSessions,
  session,
  startSessions,
} from './start-sessions.js';

const given = process.env.VITRINA_TEST_ELASTICSEARCH;
const missing = given === undefined ? missingTools() : [];
if (missing.length > 0)
  console.warn(`\nSKIPPED: the tests on Elasticsearch, since there is no ${missing.join(', ')}\n`);

describe.skipIf(missing.length > 0)('sessions on Elasticsearch', () => {
  let elasticsearch: ElasticsearchServer;
  let database: TestDatabase;
  let server: StartedSessions;
  let credentials: { readonly es_prod_id: string; readonly es_prod_api_key: string };
  const closers: (() => Promise<void>)[] = [];
  const lines: Record<string, unknown>[] = [];
  const log = pino(
    { level: 'warn' },
    new Writable({
      write(chunk, _encoding, done) {
        lines.push(JSON.parse(String(chunk)));
        done();
      },
    }),
  );

  const index = `events-${process.pid}-${Date.now()}`;
  async function start(settings: Readonly<Record<string, unknown>> = {}): Promise<StartedSessions> {
    const { url } = elasticsearch;
    const store = { store: 'elasticsearch', elasticsearch_url: url, elasticsearch_index: index, ...credentials };
    const started = await startSessions(database, { ...store, ...settings }, { only: 'sessions' }, log);
    closers.push(started.close);
    return started;
  }
  const bulk = (events: readonly object[]) =>
    elasticsearch.send(
      'POST',
      `/${index}/_bulk?refresh=true`,
      events.map((event) => `{"index":{}}\n${JSON.stringify(event)}\n`).join(''),
    );
  /** Searches that the server keeps open for somebody. */
  async function openSearches(): Promise<number> {
    const { nodes } = await elasticsearch.send('GET', '/_nodes/stats/indices/search');
    return Object.values(nodes as unknown as Record<string, { indices: { search: { open_contexts: number } } }>).reduce(
      (sum, node) => sum + node.indices.search.open_contexts,
      0,
    );
  }

  beforeAll(async () => {
    elasticsearch = given === undefined ? await ElasticsearchServer.create() : ElasticsearchServer.attach(given);
    const { id, api_key } = await elasticsearch.send('POST', '/_security/api_key', {
      name: index,
      role_descriptors: { reader: { indices: [{ names: ['events-*'], privileges: ['read'] }] } },
    });
    credentials = { es_prod_id: id!, es_prod_api_key: api_key! };
    const keyword = { type: 'keyword' };
    const properties = { '@timestamp': { type: 'date' }, util: keyword, ecran: keyword, instance: keyword };
    await elasticsearch.send('PUT', `/${index}`, { mappings: { properties } });
    await bulk(documents(eight));
    database = await sqlite.fresh();
    server = await start();
  }, 900_000);
  afterAll(async () => {
    for (const close of closers.reverse()) await close();
    await database?.remove();
    if (given === undefined) await elasticsearch?.stop();
  }, 120_000);

  it('finds the two sessions in the eight events of the source', async () => {
    const answer = await server.post('/get_ecrans/', everything);
    expect(answer.json()).toEqual({ sessions: eightSessions });
    expect(answer.headers['x-skipped-events']).toBe('0');
    const summary = await server.get('/sessions/summary?utils=romain&date_min=0&date_max=100');
    expect(summary.json().summary[0]).toMatchObject({ sessions: 2, total_seconds: 0.007 });
    const raw = await server.post('/get_ecrans/raw', { ...everything, date_min: 0.002, date_max: 0.018 });
    expect(raw.json().ecrans).toEqual(
      [18, 2, 6, 10, 12, 13].map((at) => [at, at === 18 ? 'anes' : 'romain', 'ecran', 'instance']),
    );
    await expect.poll(openSearches).toBe(0);
  });

  it('reads all pages, with events of one millisecond at their ends, in order of people', async () => {
    const from = Date.UTC(2024, 0, 1);
    const rows = Array.from({ length: 3000 }, (_, i): Row => {
      const util = ['paged', 'Paged', '\u{1f600}paged'][i % 3]!;
      return [from + Math.floor(i / 600) * 60_000, util, `0${i % 2}`, `screen ${i % 5}`];
    });
    await bulk(documents(rows));
    const question = { utils: ['paged', 'Paged', '\u{1f600}paged'], date_min: '2024-01-01', date_max: '2024-01-02' };
    const small = await start({ page_size: 70 });
    const { ecrans } = (await small.post('/get_ecrans/raw', question)).json();
    expect(ecrans).toHaveLength(3000);
    expect([...new Set(ecrans.map((row: unknown[]) => row[1]))]).toEqual(['Paged', 'paged', '\u{1f600}paged']);
    const { sessions } = (await small.post('/get_ecrans/', question)).json();
    const starts = [0, 1, 2, 3, 4].map((i) => from + i * 60_000);
    expect(sessions).toEqual(
      ['Paged', 'paged', '\u{1f600}paged'].flatMap((util) => starts.map((at) => session(util, at, at, '00'))),
    );
    expect((await server.post('/get_ecrans/', question)).json().sessions).toEqual(sessions);
    await expect.poll(openSearches).toBe(0);
  });

  it('passes over documents of another shape, counts them, and says so once a request', async () => {
    const [good] = documents([[1_700_000_000_000, 'odd', '01', '01']]);
    await bulk([
      good!,
      { ...good, '@timestamp': '2023-11-14T22:13:21.5+00:00' },
      { ...good, instance: 1 },
      { ...good, ecran: ['a', 'b'] },
      { util: 'odd', '@timestamp': 1_700_000_000_002 },
      { ...good, ecran: null },
    ]);
    lines.length = 0;
    const question = { utils: ['odd'], date_min: '2023-11-14', date_max: '2023-11-15' };
    const raw = await server.post('/get_ecrans/raw', question);
    expect(raw.statusCode).toBe(200);
    expect(raw.json().ecrans).toEqual([
      [1_700_000_000_000, 'odd', '01', '01'],
      [1_700_000_001_500, 'odd', '01', '01'],
    ]);
    expect(raw.headers['x-skipped-events']).toBe('4');
    const told = () => lines.filter(({ skipped }) => skipped === 4).map(({ reqId }) => reqId);
    await expect.poll(told).toEqual([raw.headers['x-request-id']]);
    expect((await server.post('/get_ecrans/', question)).headers['x-skipped-events']).toBe('4');
  });

  it('says what the server refuses: a wrong key, no index, a field that has no order', async () => {
    const wrongKey = await (await start({ es_prod_api_key: 'wrong' })).post('/get_ecrans/', everything);
    expect([wrongKey.statusCode, wrongKey.json().detail]).toEqual([502, expect.stringMatching(/ 401: .*API key/s)]);
    expect(wrongKey.body).not.toContain(credentials.es_prod_id);
    const nowhere = await (await start({ elasticsearch_index: 'events-nowhere' })).post('/get_ecrans/', everything);
    expect([nowhere.statusCode, nowhere.json().detail]).toEqual([502, expect.stringContaining('no such index')]);
    const text = `${index}-text`;
    await elasticsearch.send('PUT', `/${text}`, { mappings: { properties: { util: { type: 'text' } } } });
    const unsorted = await (await start({ elasticsearch_index: text })).post('/get_ecrans/', everything);
    expect([unsorted.statusCode, unsorted.json().detail]).toEqual([502, expect.stringContaining('util')]);
    expect((await server.post('/get_ecrans/', { ...everything, utils: [] })).json()).toEqual({ sessions: [] });
    await expect.poll(openSearches).toBe(0);
  });

  /** A person whose events take so many pages that a search is still going on after some time. */
  async function fillLong(): Promise<void> {
    const rows = Array.from({ length: 6000 }, (_, i): Row => [1_600_000_000_000 + i * 1000, 'long', `instance ${i}`]);
    await bulk(documents(rows));
  }
  const long = { utils: ['long'], date_min: '2020-09-01', date_max: '2020-10-01' };

  it('leaves nothing open when the caller goes, and goes on', async () => {
    await fillLong();
    const slow = await start({ page_size: 1 });
    await slow.app.listen({ host: '127.0.0.1', port: 0 });
    const { port } = slow.app.server.address() as { port: number };
    const leaving = new AbortController();
    const asked = fetch(`http://127.0.0.1:${port}/get_ecrans/`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-api-key': slow.key },
      body: JSON.stringify(long),
      signal: leaving.signal,
    });
    await expect.poll(openSearches, { timeout: 20_000 }).toBeGreaterThan(0);
    leaving.abort();
    await expect(asked).rejects.toThrow('abort');
    await expect.poll(openSearches).toBe(0);
    expect((await slow.post('/get_ecrans/', everything)).json().sessions).toEqual(eightSessions);
  });

  it('answers 504 when it takes too long, and leaves nothing open', async () => {
    const slow = await start({ page_size: 1, timeout: 1 });
    const began = performance.now();
    const answer = await slow.post('/get_ecrans/', long);
    expect([answer.statusCode, answer.json().detail]).toEqual([504, expect.stringContaining('within 1 s')]);
    expect(performance.now() - began).toBeLessThan(3000);
    await expect.poll(openSearches).toBe(0);
    elasticsearch.pause();
    try {
      expect((await slow.post('/get_ecrans/', everything)).statusCode).toBe(504);
    } finally {
      elasticsearch.resume();
    }
    await expect.poll(openSearches, { timeout: 20_000 }).toBe(0);
  });

  it('answers 503 when Elasticsearch dies under a search, and is well when it is back', async () => {
    const slow = await start({ page_size: 1, timeout: 20 });
    const asked = slow.post('/get_ecrans/', long);
    await expect.poll(openSearches, { timeout: 20_000 }).toBeGreaterThan(0);
    const began = performance.now();
    await elasticsearch.kill();
    const answer = await asked;
    expect(performance.now() - began).toBeLessThan(20_000);
    expect([answer.statusCode, answer.headers['retry-after']]).toEqual([503, '5']);
    const down = await slow.post('/get_ecrans/', everything);
    expect([down.statusCode, down.json().detail]).toEqual([503, expect.stringContaining('ECONNREFUSED')]);
    await elasticsearch.start();
    await sleep(1000);
    expect((await slow.post('/get_ecrans/', everything)).json().sessions).toEqual(eightSessions);
    await expect.poll(openSearches).toBe(0);
  }, 300_000);
});
