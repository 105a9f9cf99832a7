import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openPlainDoor } from '../../src/http/plain-door.js';
import { readWhole, WholeRequest } from '../../src/http/whole-body.js';

const lookMs = 50;

/** Answers in the ways in which routes answer; the path says which. */
function answer(request: IncomingMessage, response: ServerResponse): void {
  const { pathname } = new URL(request.url!, 'http://h');
  const json = (text: string | Buffer) => {
    response.writeHead(200, {
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(text),
      'x-a': 1,
    });
    response.end(text, null as never, null as never);
  };
  const withBody = (use: (body: string) => void) => {
    if (request.method === 'GET') use('');
    else readWhole(request, 100_000, (error, bytes) => use(error === null ? bytes!.toString('latin1') : error.message));
  };
  const ways: Readonly<Record<string, () => void>> = {
    '/text': () => withBody((body) => json(JSON.stringify(body))),
    '/wide': () => withBody((body) => json(`"é€${body.length}"`)),
    '/bytes': () => withBody((body) => json(Buffer.from(`bytes of ${body}`))),
    '/late': () => withBody((body) => setImmediate(() => json(body))),
    '/later': () => withBody((body) => setTimeout(() => json(body), 2)),
    '/unread': () => json('unread'),
    '/unread-later': () => setTimeout(() => json('unread'), 2),
    '/read-late': () => setTimeout(() => withBody(json), 2),
    '/streamed': () =>
      withBody((body) => {
        response.setHeader('content-type', 'text/plain');
        Readable.from(['a', body, 'b']).pipe(response);
      }),
    '/large': () =>
      withBody(() => {
        response.writeHead(200, { 'content-length': 3_000_000 });
        Readable.from(Array.from({ length: 30 }, (_, i) => String(i % 10).repeat(100_000))).pipe(response);
      }),
    '/large-later': () =>
      withBody(() => {
        response.write('x'.repeat(1_000_000));
        setTimeout(() => Readable.from(['y'.repeat(1_000_000), 'z'.repeat(1_000_000)]).pipe(response), 20);
      }),
    '/echoed': () => request.pipe(response),
    '/pieces': () =>
      withBody((body) => {
        response.write('one ');
        setImmediate(() => response.end(body));
      }),
    '/empty': () => withBody(() => response.writeHead(204).end()),
    '/no-length': () => withBody((body) => response.writeHead(200, { 'x-b': 'c' }).end(body)),
    '/flushed': () => {
      response.writeHead(200, { 'content-length': 2 });
      response.flushHeaders();
      setImmediate(() => response.end('ok'));
    },
    '/set': () => {
      response.setHeader('x-set', ['a', 'b']);
      response.writeHead(201, { 'content-length': 3 });
      response.end('set');
    },
    '/wrong-length': () => {
      response.writeHead(200, { 'content-length': 3, connection: 'close' });
      response.end('abc');
    },
    '/last': () => {
      response.shouldKeepAlive = false;
      json('last');
    },
  };
  const way = ways[pathname];
  if (way === undefined) response.writeHead(404, { 'content-length': 0 }).end('');
  else way();
}

let servers: Server[];

async function start(plain: boolean, listener = answer): Promise<Server> {
  const server = createServer({ IncomingMessage: WholeRequest, keepAliveTimeout: 72_000 }, listener);
  if (plain) openPlainDoor(server, {}, lookMs);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  servers.push(server);
  return server;
}

beforeEach(() => {
  servers = [];
});
afterEach(() => {
  for (const server of servers) {
    server.closeAllConnections();
    server.close();
  }
});

const open = (server: Server): Socket => connect((server.address() as AddressInfo).port, '127.0.0.1').setNoDelay();

/** All that comes back when the pieces are sent a turn apart, until the server closes. */
function converse(server: Server, pieces: readonly Buffer[]): Promise<string> {
  return new Promise((resolve) => {
    const socket = open(server);
    let text = '';
    socket.on('data', (chunk) => {
      text += chunk.toString('latin1');
    });
    // A caller who still sends when the server closes may be reset.
    socket.on('error', () => undefined);
    socket.on('close', () => resolve(text.replaceAll(/^Date: .*$/gm, 'Date: now')));
    void (async () => {
      for (const piece of pieces) {
        socket.write(piece);
        await new Promise((next) => setImmediate(next));
      }
    })();
  });
}

/** Without the lengths of chunks: where they end is chance when a body is sent back as it comes. */
const shown = (text: string) => text.replaceAll(/\r\n[0-9a-f]+\r\n|\r\n/g, '');

/** To the byte, unless a body was sent back. */
const isSame = (ours: string, theirs: string, askedPaths: readonly string[]) =>
  askedPaths.includes('/echoed') ? shown(ours) === shown(theirs) : ours === theirs;

const paths = [
  '/text',
  '/wide',
  '/bytes',
  '/late',
  '/later',
  '/unread',
  '/unread-later',
  '/read-late',
  '/streamed',
  '/echoed',
  '/pieces',
  '/large',
  '/large-later',
  '/empty',
  '/no-length',
  '/flushed',
  '/set',
  '/nowhere',
];

interface Asked {
  readonly path: string;
  readonly body: string | undefined;
  readonly extra: string;
}

const asked: fc.Arbitrary<Asked> = fc.record({
  path: fc.constantFrom(...paths),
  body: fc.option(fc.oneof(fc.string({ unit: 'grapheme-ascii', maxLength: 40 }), fc.constant('x'.repeat(3000))), {
    nil: undefined,
  }),
  extra: fc.constantFrom('', '', '', 'Connection: keep-alive\r\n', 'X-Two: a\r\nX-Two: b\r\n', 'Accept: a/b\r\n'),
});

const write = ({ path, body, extra }: Asked, last: boolean): string =>
  body === undefined
    ? `GET ${path} HTTP/1.1\r\nHost: h\r\n${extra}${last ? 'Connection: close\r\n' : ''}\r\n`
    : `POST ${path} HTTP/1.1\r\nHost: h\r\n${extra}${last ? 'Connection: close\r\n' : ''}Content-Length: ${body.length}\r\n\r\n${body}`;

describe('the plain door', () => {
  it('answers what Node answers, however requests come', async () => {
    const [plain, nodes] = [await start(true), await start(false)];
    const property = fc.asyncProperty(
      fc.array(asked, { minLength: 1, maxLength: 4 }),
      fc.array(fc.nat(), { maxLength: 4 }),
      async (requests, cuts) => {
        const last: Asked = { path: '/text', body: 'end', extra: '' };
        const bytes = Buffer.from(requests.map((one) => write(one, false)).join('') + write(last, true), 'latin1');
        const places = [...new Set(cuts.map((cut) => cut % bytes.length))].sort((a, b) => a - b);
        const pieces = [...places, bytes.length].map((end, i) => bytes.subarray(places[i - 1] ?? 0, end));
        const [ours, theirs] = await Promise.all([converse(plain, pieces), converse(nodes, pieces)]);
        const same = isSame(
          ours,
          theirs,
          requests.map(({ path }) => path),
        );
        expect(same || `${ours.slice(0, 2000)}\n---\n${theirs.slice(0, 2000)}`).toBe(true);
      },
    );
    await fc.assert(property, { numRuns: 400 });
  }, 60_000);

  it.each(paths)('answers %s as Node does', async (path) => {
    const [plain, nodes] = [await start(true), await start(false)];
    const requests = [
      write({ path, body: 'body', extra: '' }, false),
      write({ path, body: undefined, extra: '' }, true),
    ];
    const pieces = requests.map((text) => Buffer.from(text));
    const [ours, theirs] = [await converse(plain, pieces), await converse(nodes, pieces)];
    expect(isSame(ours, theirs, [path]) || `${ours.slice(0, 2000)}\n---\n${theirs.slice(0, 2000)}`).toBe(true);
  });

  it('closes behind an answer that says so', async () => {
    const [plain, nodes] = [await start(true), await start(false)];
    for (const path of ['/last', '/wrong-length']) {
      const pieces = [Buffer.from(write({ path, body: 'x', extra: '' }, false))];
      const said = await converse(plain, pieces);
      expect(said).toBe(await converse(nodes, pieces));
      expect(said).toMatch(/connection: close/i);
    }
  });

  it('answers nothing behind its last answer, and takes it for no abortion', async () => {
    for (const body of ['x', undefined]) {
      const seen: string[] = [];
      const server = await start(true, (request, response) => {
        seen.push(request.url!);
        request.on('aborted', () => seen.push('aborted'));
        answer(request, response);
      });
      const requests = ['/last', '/text'].map((path) => write({ path, body, extra: '' }, false));
      expect((await converse(server, [Buffer.from(requests.join(''))])).match(/HTTP\/1.1 200/g)).toHaveLength(1);
      await sleep(20);
      expect(seen).toEqual(['/last']);
    }
  });

  it('keeps what comes on one connection from what comes on others meanwhile', async () => {
    const [plain, nodes] = [await start(true), await start(false)];
    const ways = ['/text', '/echoed', '/read-late', '/late', '/later', '/unread-later'];
    const talks = Array.from({ length: 48 }, (_, i) => {
      const ask = (path: string, body: string, close: boolean) => write({ path, body, extra: '' }, close);
      const first = ask(ways[i % ways.length]!, `${i} `.repeat(200 + i), false);
      const second = ask(ways[(i + 1) % ways.length]!, `${i}. `.repeat(100), true);
      const bytes = Buffer.from(first + second);
      const size = Math.ceil(bytes.length / (1 + (i % 7)));
      return Array.from({ length: Math.ceil(bytes.length / size) }, (_, n) => bytes.subarray(n * size, (n + 1) * size));
    });
    const said = await Promise.all(talks.map((pieces) => converse(plain, pieces)));
    const theirs = await Promise.all(talks.map((pieces) => converse(nodes, pieces)));
    expect(said.map(shown)).toEqual(theirs.map(shown));
  });

  it('adds what every answer says, unless it says otherwise', async () => {
    const server = createServer({ IncomingMessage: WholeRequest }, (request, response) => {
      const given = request.url!.startsWith('/own') ? { 'x-usual': 'own' } : {};
      const streamed = request.url!.endsWith('/stream');
      response.writeHead(200, { ...given, ...(streamed ? {} : { 'content-length': 2 }) });
      if (streamed) response.write('ok');
      response.end(streamed ? undefined : 'ok');
    });
    openPlainDoor(server, { 'x-usual': 'usual', 'x-other': 'other' });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    servers.push(server);
    for (let round = 0; round < 2; round++) {
      for (const [path, value] of Object.entries({
        '/': 'usual',
        '/own': 'own',
        '/stream': 'usual',
        '/own/stream': 'own',
      })) {
        const ask = (path: string, close: boolean) => write({ path, body: undefined, extra: '' }, close);
        const both = await converse(server, [Buffer.from(ask(path, false) + ask('/', true))]);
        // Node answers the last, which is not of the plainest form.
        const said = both.split('HTTP/1.1')[1]!;
        expect([path, said.match(/x-usual: .*/g), said.match(/x-other: .*/g)]).toEqual([
          path,
          [`x-usual: ${value}`],
          ['x-other: other'],
        ]);
      }
    }
  });

  it('gives Node what was sent ahead in another form', async () => {
    const [plain, nodes] = [await start(true), await start(false)];
    const first = write({ path: '/later', body: 'first', extra: '' }, false);
    const second = 'POST /echoed HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n';
    const chunks = `${'1000\r\n'}${'z'.repeat(0x1000)}\r\n`.repeat(100);
    const bytes = Buffer.from(
      `${first}${second}${chunks}0\r\n\r\n${write({ path: '/text', body: 'end', extra: '' }, true)}`,
    );
    const pieces = Array.from({ length: Math.ceil(bytes.length / 10_000) }, (_, i) =>
      bytes.subarray(i * 10_000, (i + 1) * 10_000),
    );
    const said = await converse(plain, pieces);
    expect(said.length).toBeGreaterThan(0x1000 * 100);
    expect(shown(said) === shown(await converse(nodes, pieces))).toBe(true);
  });

  it('gives Node a connection that is not read while Node wants it not to be', async () => {
    const large = 'x'.repeat(1_000_000);
    const server = await start(true, (request, response) => {
      const text = request.url === '/large' ? large : 'small';
      const say = () => response.writeHead(200, { 'content-length': text.length }).end(text);
      if (request.url === '/late') setTimeout(say, 100);
      else say();
    });
    const twice = { body: undefined, extra: 'X-Two: a\r\nX-Two: b\r\n' };
    const plain = { body: undefined, extra: '' };
    for (const first of [write({ path: '/late', ...twice }, false), write({ path: '/late', ...plain }, false)]) {
      const rest = ['/large', '/small', '/small'].map((path) => write({ path, ...twice }, false));
      const socket = open(server);
      let text = '';
      socket.on('data', (chunk) => {
        text += chunk.toString('latin1');
      });
      socket.write(first + rest.join(''));
      await sleep(20);
      socket.write(write({ path: '/small', ...plain }, true));
      await new Promise((resolve) => socket.on('close', resolve));
      expect(text.match(/HTTP\/1.1 \d+/g)).toEqual(Array(5).fill('HTTP/1.1 200'));
    }
  });

  it('tells a handler that its caller has gone', async () => {
    const seen: string[] = [];
    const server = await start(true, (request, response) => {
      request.on('aborted', () => seen.push(`${request.url} aborted`));
      response.on('close', () => seen.push(`${request.url} closed ${response.writableFinished}`));
    });
    for (const text of [
      write({ path: '/whole', body: 'all', extra: '' }, false),
      write({ path: '/half', body: 'half', extra: '' }, false).slice(0, -2),
    ]) {
      const socket = open(server);
      socket.write(text);
      await sleep(20);
      socket.destroy();
      await sleep(20);
    }
    expect(seen).toEqual(['/whole aborted', '/whole closed false', '/half aborted', '/half closed false']);
  });

  it('tells a handler that its answer is out', async () => {
    const seen: string[] = [];
    const server = await start(true, (request, response) => {
      response.on('finish', () => seen.push('finish')).on('close', () => seen.push('close'));
      answer(request, response);
    });
    const pieces = [
      write({ path: '/unread', body: 'x', extra: '' }, false),
      write({ path: '/last', body: 'x', extra: '' }, false),
    ];
    await converse(
      server,
      pieces.map((text) => Buffer.from(text)),
    );
    expect(seen).toEqual(['finish', 'close', 'finish', 'close']);
  });

  it('takes one request at a time from a caller who sends ahead, and reads no further', async () => {
    let waiting = 0;
    let most = 0;
    const server = await start(true, (request, response) => {
      most = Math.max(most, ++waiting);
      readWhole(request, 100_000, () => {
        setTimeout(() => {
          waiting--;
          answer(request, response);
        }, 1);
      });
    });
    const one = Buffer.from(write({ path: '/nowhere', body: 'y'.repeat(1000), extra: '' }, false));
    const end = Buffer.from(write({ path: '/nowhere', body: 'y', extra: '' }, true));
    const said = await converse(server, [Buffer.concat([...Array.from({ length: 50 }, () => one), end])]);
    expect(said.match(/HTTP\/1.1 404/g)).toHaveLength(51);
    expect(most).toBe(1);
  });

  it('stops answering who does not read', async () => {
    let answered = 0;
    const text = 'z'.repeat(200_000);
    const server = await start(true, (_request, response) => {
      answered++;
      response.writeHead(200, { 'content-length': text.length }).end(text);
    });
    const socket = open(server);
    socket.pause();
    socket.write(write({ path: '/', body: undefined, extra: '' }, false).repeat(1000));
    await sleep(300);
    const before = answered;
    expect(before).toBeLessThan(200);
    let bytes = 0;
    socket.on('data', (chunk) => {
      bytes += chunk.length;
    });
    socket.resume();
    while (answered < 1000) await sleep(10);
    while (bytes < 1000 * text.length) await sleep(10);
    socket.destroy();
  });

  it('leaves callers who say nothing to Node, who knows how long to wait', async () => {
    const server = createServer({ headersTimeout: 300, requestTimeout: 300, connectionsCheckingInterval: 50 }, answer);
    openPlainDoor(server, {}, lookMs);
    servers.push(server);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    expect(await converse(server, [])).toMatch(/^HTTP\/1.1 408/);
    // Whoever says half a head is not waited for either.
    expect(await converse(server, [Buffer.from('GET / HTTP/1.1\r\nHo')])).toMatch(/^HTTP\/1.1 408/);
  });

  it('answers callers who take their time before they ask', async () => {
    const server = await start(true);
    const socket = open(server);
    await sleep(4 * lookMs);
    socket.write(write({ path: '/text', body: 'late', extra: '' }, false));
    const [chunk] = (await new Promise((resolve) => socket.once('data', (...data) => resolve(data)))) as [Buffer];
    expect(chunk.toString()).toMatch(/^HTTP\/1.1 200 OK\r\n[\s\S]*\r\n\r\n"late"$/);
    socket.destroy();
  });

  it('closes connections that have been idle for long, and no others', async () => {
    const server = await start(true, (request, response) => {
      if (request.url === '/slow') setTimeout(() => answer(request, response), 500);
      else answer(request, response);
    });
    server.keepAliveTimeout = 200;
    const began = performance.now();
    const idle = converse(server, [Buffer.from(write({ path: '/text', body: 'a', extra: '' }, false))]);
    const slow = converse(server, [Buffer.from(write({ path: '/slow', body: 'a', extra: '' }, false))]);
    expect(await idle).toMatch(/"a"$/);
    expect(performance.now() - began).toBeGreaterThan(150);
    expect(await slow).toMatch(/^HTTP\/1.1 404/);
  });

  it('closes idle connections on request, and those that are busy when they are not', async () => {
    const server = await start(true);
    const idle = converse(server, [Buffer.from(write({ path: '/text', body: 'a', extra: '' }, false))]);
    const busy = converse(server, [Buffer.from(write({ path: '/text', body: 'abc', extra: '' }, false).slice(0, -1))]);
    await sleep(50);
    server.closeIdleConnections();
    expect(await idle).toMatch(/"a"$/);
    await sleep(50);
    server.closeAllConnections();
    expect(await busy).toBe('');
  });
});
