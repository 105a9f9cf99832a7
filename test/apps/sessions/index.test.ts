import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { syntheticUsage } from '../../../src/apps/sessions/synthetic-usage.js';
import { hdbscan } from '../../../src/index.js';
import { operator } from '../../../src/services/accounts/index.js';
import { databases, type TestDatabase } from '../../databases.js';
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

describe.each(databases)('sessions on $kind', ({ fresh }) => {
  const closers: (() => Promise<void>)[] = [];
  let database: TestDatabase;
  let server: StartedSessions;

  async function start(...options: Parameters<typeof startSessions> extends [unknown, ...infer R] ? R : never) {
    const started = await startSessions(database, ...options);
    closers.push(started.close);
    return started;
  }

  beforeAll(async () => {
    database = await fresh();
    server = await start();
    expect((await server.post('/events', { events: documents(eight) })).json()).toEqual({ received: 8, new: 8 });
  });
  afterAll(async () => {
    for (const close of closers.reverse()) await close();
    await database.remove();
  });

  it('finds the two sessions in the eight events of the source', async () => {
    const answer = await server.post('/get_ecrans/', everything);
    expect(answer.json()).toEqual({ sessions: eightSessions });
    expect(answer.statusCode).toBe(200);
    expect(answer.headers['content-type']).toBe('application/json; charset=utf-8');
    expect(answer.headers['x-skipped-events']).toBe('0');
  });

  it('gives the events themselves, by person and time', async () => {
    const { ecrans } = (await server.post('/get_ecrans/raw', everything)).json();
    expect(ecrans.map((row: unknown[]) => row[0])).toEqual([18, 19, 1, 2, 6, 10, 12, 13]);
    expect(ecrans[0]).toEqual([18, 'anes', 'ecran', 'instance']);
    const within = await server.post('/get_ecrans/raw', { ...everything, date_min: 0.002, date_max: '0.01' });
    expect(within.json().ecrans.map((row: unknown[]) => row[0])).toEqual([2, 6, 10]);
  });

  it('counts sessions by person and instance', async () => {
    const answer = await server.get('/sessions/summary?utils=romain&utils=anes&date_min=0&date_max=100');
    expect(answer.json()).toEqual({
      summary: [
        { personne: 'romain', instance: 'instance', sessions: 2, total_seconds: 0.007, median_seconds: 0.0035 },
      ],
    });
  });

  it('answers in CSV and NDJSON', async () => {
    const csv = await server.post('/get_ecrans/', everything, { accept: 'text/csv' });
    expect(csv.headers['content-type']).toBe('text/csv; charset=utf-8');
    expect(csv.body).toBe(
      'debut,fin,instance,personne\r\n1970-01-01T00:00:00.002Z,1970-01-01T00:00:00.006Z,instance,romain\r\n1970-01-01T00:00:00.010Z,1970-01-01T00:00:00.013Z,instance,romain\r\n',
    );
    const lines = await server.post('/get_ecrans/', everything, { accept: 'application/x-ndjson' });
    expect(
      lines.body
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line)),
    ).toEqual(eightSessions);
    const summary = await server.get('/sessions/summary?utils=anes&date_min=0&date_max=100', { accept: 'text/csv' });
    expect(summary.body).toBe('personne,instance,sessions,total_seconds,median_seconds\r\n');
    expect((await server.post('/get_ecrans/', everything, { accept: 'image/png' })).statusCode).toBe(406);
  });

  it('needs a key, and for adding events one that may', async () => {
    const ask = (key?: string, url = '/get_ecrans/') =>
      server.app.inject({
        method: 'POST',
        url,
        headers: key === undefined ? {} : { 'x-api-key': key },
        payload: url === '/events' ? { events: [] } : everything,
      });
    expect((await ask()).statusCode).toBe(401);
    // Whoever registers in another app reads nobody's events here.
    const { key: plain } = await server.accounts.keys.create({ userId: 1 }, operator);
    expect((await ask(plain)).statusCode).toBe(403);
    const { key } = await server.accounts.keys.create({ userId: 1, scopes: ['sessions'] }, operator);
    expect((await ask(key)).statusCode).toBe(200);
    expect((await ask(key, '/events')).statusCode).toBe(403);
    const open = await start({ auth: 'public' });
    for (const url of ['/get_ecrans/', '/get_ecrans/raw']) {
      const answer = await open.app.inject({ method: 'POST', url, payload: everything });
      expect(answer.statusCode).toBe(200);
    }
    expect((await open.app.inject({ method: 'POST', url: '/events', payload: { events: [] } })).statusCode).toBe(401);
  });

  it('knows an event again by its id', async () => {
    const events = documents(
      [
        [5000, 'again'],
        [5001, 'again'],
        [5002, 'again'],
      ],
      'again',
    );
    expect((await server.post('/events', { events: events.slice(0, 2) })).json()).toEqual({ received: 2, new: 2 });
    expect((await server.post('/events', { events: [...events, events[2]] })).json()).toEqual({ received: 4, new: 1 });
    const raw = await server.post('/get_ecrans/raw', { utils: ['again'], date_min: 0, date_max: 10 });
    expect(raw.json().ecrans).toHaveLength(3);
  });

  it('takes none of the events when one is wrong, and says all that is', async () => {
    const [good] = documents([[1, 'refused']], 'refused');
    const events = [good, { ...good, id: 7, '@timestamp': 'noon' }, null, { ...good, util: 'a\0b' }];
    const answer = await server.post('/events', { events });
    expect(answer.statusCode).toBe(422);
    expect(answer.json().detail.map(({ loc }: { loc: unknown }) => loc)).toEqual([
      ['body', 'events', 1, 'id'],
      ['body', 'events', 1, '@timestamp'],
      ['body', 'events', 2],
      ['body', 'events', 3, 'util'],
    ]);
    const raw = await server.post('/get_ecrans/raw', { utils: ['refused'], date_min: 0, date_max: 10 });
    expect(raw.json()).toEqual({ ecrans: [] });
    const small = await start({ max_batch: 2 });
    const many = await small.post('/events', {
      events: documents(
        [
          [1, 'a'],
          [2, 'a'],
          [3, 'a'],
        ],
        'many',
      ),
    });
    expect(many.json().detail[0]).toMatchObject({ loc: ['body', 'events'], type: 'value_error.list.max_items' });
  });

  it('keeps texts texts, orders people by code point, and finds nobody behind a NUL', async () => {
    const names = ['01', '1', 'Zoé', 'zoe', '\u{1f600}', '\uff5e'];
    const rows = names.flatMap((name) => [0, 1, 2, 5000, 5001, 5002].map((at): Row => [at, name, '007']));
    await server.post('/events', { events: documents(rows, 'names') });
    const question = { utils: [...names, 'a\0b', '\ud800'], date_min: 0, date_max: 100 };
    const answer = await server.post('/get_ecrans/', question);
    const people = answer.json().sessions.map(({ personne }: { personne: string }) => personne);
    expect([...new Set(people)]).toEqual(['01', '1', 'Zoé', 'zoe', '\uff5e', '\u{1f600}']);
    expect(people).toHaveLength(12);
    expect(answer.json().sessions[0]).toEqual(session('01', 0, 2, '007'));
    const one = await server.post('/get_ecrans/', { ...question, utils: [1] });
    expect(one.json().sessions).toEqual([session('1', 0, 2, '007'), session('1', 5000, 5002, '007')]);
  });

  it('reads people of many pages, with events of one millisecond at their ends', async () => {
    const rows = Array.from({ length: 12_000 }, (_, i): Row => [Math.floor(i / 3000) * 100_000, 'pages', `i${i % 7}`]);
    for (let i = 0; i < rows.length; i += 4000) {
      const events = documents(rows.slice(i, i + 4000), `pages${i}-`);
      expect((await server.post('/events', { events })).json().new).toBe(4000);
    }
    const question = { utils: ['pages'], date_min: 0, date_max: 1000 };
    const raw = (await server.post('/get_ecrans/raw', question)).json().ecrans;
    expect(raw).toHaveLength(12_000);
    expect(raw.map((row: unknown[]) => row[0])).toEqual(rows.map(([at]) => at));
    const { sessions } = (await server.post('/get_ecrans/', question)).json();
    expect(sessions).toEqual([0, 1, 2, 3].map((i) => session('pages', i * 100_000, i * 100_000, 'i0')));
    const few = await start({ max_events: 11_999 });
    const refused = await few.post('/get_ecrans/', question);
    expect([refused.statusCode, refused.json().detail]).toEqual([413, expect.stringContaining('max_events')]);
  });

  it('clusters as hdbscan does, whoever else is asked for', async () => {
    const from = Date.UTC(2024, 0, 1);
    const usage = [...syntheticUsage({ seed: 11, people: 3, from, days: 3 })];
    const rows = usage.map(({ timestamp, util, instance, ecran }): Row => [timestamp, util, instance, ecran]);
    await server.post('/events', { events: documents(rows, 'usage') });
    const other = await start({ min_cluster_size: 5, cluster_selection_method: 'leaf' });
    const utils = [...new Set(usage.map(({ util }) => util))];
    const question = { utils, date_min: from, date_max: from + 3 * 86_400_000 };
    const { sessions } = (await other.post('/get_ecrans/', question)).json();
    const expected = utils.sort().flatMap((util) => {
      const mine = usage.filter((event) => event.util === util);
      const { labels, clusters } = hdbscan(
        mine.map(({ timestamp }) => timestamp),
        { minClusterSize: 5, clusterSelectionMethod: 'leaf' },
      );
      return Array.from({ length: clusters }, (_, cluster) => {
        const events = mine.filter((_event, i) => labels[i] === cluster);
        const [first] = events
          .filter(({ timestamp }) => timestamp === events[0]!.timestamp)
          .map((e) => e.instance)
          .sort();
        return session(util, events[0]!.timestamp, events.at(-1)!.timestamp, first);
      });
    });
    expect(expected.length).toBeGreaterThan(20);
    expect(sessions).toEqual(expected);
    const [alone] = utils;
    const single = await other.post('/get_ecrans/', { ...question, utils: [alone, alone] });
    expect(single.json().sessions).toEqual(expected.filter(({ personne }) => personne === alone));
  });

  it('does not depend on the order in which events came', async () => {
    let round = 0;
    const event = fc.tuple(fc.integer({ min: 0, max: 60 }), fc.constantFrom('x', 'y'), fc.constantFrom('p', 'q', 'r'));
    const lists = fc
      .array(event, { minLength: 1, maxLength: 60 })
      .chain((list) => fc.tuple(fc.constant(list), fc.shuffledSubarray(list, { minLength: list.length })));
    await fc.assert(
      fc.asyncProperty(lists, async (orders) => {
        round++;
        const answers = [];
        for (const [i, list] of orders.entries()) {
          const suffix = `-${round}-${i}`;
          const rows = list.map(([time, util, instance]): Row => [time, util + suffix, instance, instance]);
          await server.post('/events', { events: documents(rows, `shuffled${suffix}-`) });
          const question = { utils: [`x${suffix}`, `y${suffix}`], date_min: 0, date_max: 1 };
          const both = [await server.post('/get_ecrans/', question), await server.post('/get_ecrans/raw', question)];
          answers.push(both.map(({ body }) => body.replaceAll(suffix, '')));
        }
        expect(answers[1]).toEqual(answers[0]);
      }),
      { numRuns: 40 },
    );
  });

  it('streams what is long, and all of it', async () => {
    const rows = Array.from(
      { length: 5000 },
      (_, i): Row => [i * 10, 'long', 'instance'.repeat(20), `screen ${i % 9}`],
    );
    await server.post('/events', { events: documents(rows, 'long') });
    const question = { utils: ['long', 'romain'], date_min: 0, date_max: 1000 };
    const lines = await server.post('/get_ecrans/raw', question, { accept: 'application/x-ndjson' });
    expect(lines.headers['x-skipped-events']).toBeUndefined();
    expect(lines.trailers['x-skipped-events']).toBe('0');
    const events = lines.body
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    const whole = await server.post('/get_ecrans/raw', question);
    expect(events).toEqual(whole.json().ecrans);
    expect(events).toHaveLength(5006);
  });

  it('stands beside the platform, under its name', async () => {
    const beside = await start({}, {});
    expect((await beside.post('/sessions/get_ecrans/', everything)).json().sessions).toEqual(eightSessions);
    const summary = await beside.get('/sessions/summary?utils=romain&date_min=0&date_max=100');
    expect(summary.json().summary[0].sessions).toBe(2);
    const refused = await beside.post('/sessions/get_ecrans/', {});
    expect(refused.json().detail[0].msg).toBe('field required');
    const { paths } = (await server.app.inject('/openapi.json')).json();
    const schema = paths['/get_ecrans/'].post.responses['200'].content['application/json'].schema;
    expect(schema.properties.sessions.items.required).toEqual(['debut', 'fin', 'instance', 'personne']);
  });

  it('removes what is older than it is to be kept', async () => {
    const now = Date.now();
    const old = documents(
      [
        [now - 3 * 86_400_000, 'kept'],
        [now - 86_400_000, 'kept'],
      ],
      'kept',
    );
    const other = await fresh();
    try {
      const first = await startSessions(other);
      await first.post('/events', { events: old });
      await first.close();
      const second = await startSessions(other, { retention_days: 2 });
      const left = async () =>
        (await second.post('/get_ecrans/raw', { utils: ['kept'], date_min: 0, date_max: now })).json().ecrans.length;
      await expect.poll(left).toBe(1);
      await second.close();
    } finally {
      await other.remove();
    }
  });
});
