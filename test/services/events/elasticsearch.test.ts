/** What a real Elasticsearch cannot be made to show: old ones, slow ones, and servers that are none. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { afterAll, describe, expect, it } from 'vitest';
import { ElasticsearchEventStore } from '../../../src/services/events/elasticsearch/store.js';

interface Asked {
  readonly line: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: Record<string, unknown> | undefined;
}
type Answer = (asked: Asked, response: ServerResponse) => void;

const closers: (() => void)[] = [];
afterAll(() => {
  for (const close of closers) close();
});

/** A server that answers as `answer` says, and a store on it that reads two documents at a time. */
async function fake(answer: Answer) {
  const asked: Asked[] = [];
  const server = createServer(async (request, response) => {
    let text = '';
    for await (const chunk of request) text += chunk;
    const line = `${request.method} ${request.url!.split('?', 1)[0]}`;
    const one = { line, headers: request.headers, body: text === '' ? undefined : JSON.parse(text) };
    asked.push(one);
    answer(one, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closers.push(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as { port: number };
  const url = `http://127.0.0.1:${port}`;
  const apiKey = { id: 'id', key: 'key' };
  const store = new ElasticsearchEventStore({ url: `${url}/`, index: 'a,b', pageSize: 2, keepAliveMs: 5000, apiKey });
  const tally = { skipped: 0 };
  const read = async (signal = new AbortController().signal) => {
    const times: number[] = [];
    const query = { utils: ['u'], from: 0, to: 1e6, screens: true };
    try {
      for await (const batch of store.events(query, signal, tally)) times.push(...batch.times);
      return times;
    } finally {
      // What it closes, it closes beside the answer.
      await store.close();
    }
  };
  return { asked, read, tally };
}

const json = (response: ServerResponse, body: unknown, status = 200) =>
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
const hit = (at: unknown, sort: unknown[] = ['u', at, 1]) => ({
  _source: { '@timestamp': at, util: 'u', ecran: 'e', instance: 'i' },
  sort,
});
const page = (...hits: unknown[]) => ({ timed_out: false, _shards: { failed: 0 }, hits: { hits } });
const noHandler = { error: 'Incorrect HTTP method for uri [/a,b/_pit] and method [POST], allowed: [GET]', status: 405 };

/** Opens a point in time, and gives `pages` one after the other. */
function points(...pages: ((response: ServerResponse) => void)[]): Answer {
  return ({ line }, response) => {
    if (line.endsWith('/_pit')) json(response, line.startsWith('DELETE') ? { succeeded: true } : { id: 'pit' });
    else (pages.shift() ?? ((r) => json(r, page())))(response);
  };
}

describe('events of Elasticsearch', () => {
  it('come by a point in time, whose newest name is closed', async () => {
    const { read, asked } = await fake(
      points(
        (r) => json(r, { ...page(hit(1), hit(2)), pit_id: 'newer' }),
        (r) => json(r, page(hit(3))),
      ),
    );
    expect(await read()).toEqual([1, 2, 3]);
    expect(asked.map(({ line }) => line)).toEqual([
      'POST /a%2Cb/_pit',
      'POST /_search',
      'POST /_search',
      'DELETE /_pit',
    ]);
    expect(asked[1]!.headers.authorization).toBe(`ApiKey ${Buffer.from('id:key').toString('base64')}`);
    expect(asked[1]!.headers['content-type']).toBe('application/json');
    expect(asked[2]!.body).toMatchObject({ size: 2, search_after: ['u', 2, 1], pit: { id: 'newer' } });
    expect(asked[3]!.body).toEqual({ id: 'newer' });
    const range = {
      gte: '1970-01-01T00:00:00.000Z',
      lte: '1970-01-01T00:16:40.000Z',
      format: 'strict_date_optional_time',
    };
    expect(asked[1]!.body!.query).toEqual({
      bool: { filter: [{ terms: { util: ['u'] } }, { range: { '@timestamp': range } }] },
    });
  });

  /** Scrolls of two pages, whatever points in time do. */
  const scrolls: Answer = ({ line }, response) => {
    if (line.endsWith('/_pit')) json(response, noHandler, 405);
    else if (line === 'POST /a%2Cb/_search')
      json(response, { _scroll_id: 's1', ...page(hit(1, ['u', 1]), hit(2, ['u', 2])) });
    else if (line === 'POST /_search/scroll') json(response, { _scroll_id: 's2', ...page(hit(3, ['u', 3])) });
    else json(response, { succeeded: true });
  };
  const scrollLines = ['POST /a%2Cb/_search', 'POST /_search/scroll', 'DELETE /_search/scroll'];

  it('come by scrolling where there are no points in time', async () => {
    const { read, asked } = await fake(scrolls);
    expect(await read()).toEqual([1, 2, 3]);
    expect(asked.map(({ line }) => line)).toEqual(['POST /a%2Cb/_pit', ...scrollLines]);
    expect(asked.at(-1)!.body).toEqual({ scroll_id: ['s2'] });
    asked.length = 0;
    expect(await read()).toEqual([1, 2, 3]);
    expect(asked.map(({ line }) => line)).toEqual(scrollLines);
  });

  it('come by scrolling where the order of a point in time has no last word', async () => {
    const { read, asked } = await fake((one, response) => {
      if (one.line === 'POST /a%2Cb/_pit') json(response, { id: 'pit' });
      else if (one.line === 'POST /_search') json(response, page(hit(1, ['u', 1]), hit(2, ['u', 2])));
      else scrolls(one, response);
    });
    expect(await read()).toEqual([1, 2, 3]);
    expect(asked.map(({ line }) => line)).toContain('DELETE /_pit');
  });

  it('are skipped where they are of another shape', async () => {
    const odd = [{}, { _source: null }, { _source: [1] }, hit(1e300), hit('1'), hit(null)];
    const { read, tally } = await fake(
      points(
        (r) => json(r, page(hit(5), ...odd)),
        (r) => json(r, page()),
      ),
    );
    expect(await read()).toEqual([5]);
    expect(tally.skipped).toBe(odd.length);
  });

  it.each<[string, (response: ServerResponse) => void, string, string | RegExp]>([
    ['a page of HTML', (r) => r.end('<html>'), 'events-refused', 'no Elasticsearch'],
    ['half of a page', (r) => r.end('{"hits":'), 'events-refused', 'no Elasticsearch'],
    ['no list of hits', (r) => json(r, { hits: { hits: 7 } }), 'events-refused', 'no list of hits'],
    [
      'failed shards',
      (r) => json(r, { ...page(hit(3)), _shards: { failed: 1 } }),
      'events-unavailable',
      '1 of its shards',
    ],
    [
      'a page that was too slow',
      (r) => json(r, { ...page(hit(3)), timed_out: true }),
      'events-unavailable',
      'too long',
    ],
    [
      'a search that is lost',
      (r) => json(r, { error: { type: 'x', reason: 'gone' } }, 404),
      'events-unavailable',
      'lost',
    ],
    ['a busy server', (r) => json(r, { error: { reason: 'rejected' } }, 429), 'events-unavailable', '429: rejected'],
    ['a proxy without a server', (r) => r.writeHead(502).end('<html>'), 'events-unavailable', '502'],
    ['a cut connection', (r) => r.destroy(), 'events-unavailable', /./],
    [
      'a body that is cut',
      (r) => r.writeHead(200, { 'content-length': 99 }).end('{"', () => r.destroy()),
      'events-unavailable',
      /./,
    ],
    ['a redirect', (r) => r.writeHead(307, { location: 'http://127.0.0.1:9/' }).end(), 'events-refused', 'redirect'],
  ])('end with %s, and the search is closed', async (_what, answer, code, why) => {
    const { read, asked } = await fake(points((r) => json(r, page(hit(1), hit(2))), answer));
    await expect(read()).rejects.toMatchObject({ code, message: expect.stringMatching(why) });
    expect(asked.at(-1)!.line).toBe('DELETE /_pit');
  });

  it('end with a page that is too large for us', async () => {
    const filler = Buffer.alloc(2 ** 20, ' ');
    const { read } = await fake(
      points((r) => {
        let left = 70;
        const more = () => {
          while (left-- > 0 && r.write(filler));
          if (left < 0) r.end();
          else r.once('drain', more);
        };
        more();
      }),
    );
    await expect(read()).rejects.toMatchObject({
      code: 'events-refused',
      message: expect.stringContaining('page_size'),
    });
  });

  it('end when the caller leaves, with a page that drips and a search that opens', async () => {
    for (const slow of ['page', 'opening'] as const) {
      const leaving = new AbortController();
      const { read, asked } = await fake(({ line }, response) => {
        if (line === 'DELETE /_pit') json(response, { succeeded: true });
        else if (line.endsWith('/_pit')) {
          setTimeout(() => json(response, { id: 'pit' }), slow === 'opening' ? 300 : 0);
          if (slow === 'opening') leaving.abort(new Error('left'));
        } else if (slow === 'page' && asked.length > 2) {
          response.writeHead(200).write('{"hits":');
          setTimeout(() => leaving.abort(new Error('left')), 50);
        } else json(response, page(hit(1), hit(2)));
      });
      await expect(read(leaving.signal)).rejects.toThrow('left');
      await expect.poll(() => asked.at(-1)!.line).toBe('DELETE /_pit');
    }
  });

  it('end with what the server refuses, in its words', async () => {
    const { read, asked } = await fake(
      points((r) => json(r, { error: { root_cause: [{ reason: 'No such field' }] } }, 400)),
    );
    await expect(read()).rejects.toMatchObject({
      code: 'events-refused',
      message: expect.stringContaining('No such field'),
    });
    expect(asked.at(-1)!.line).toBe('DELETE /_pit');
  });
});
