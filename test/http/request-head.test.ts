import { createServer, type IncomingMessage } from 'node:http';
import { Duplex } from 'node:stream';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readRequestHead } from '../../src/http/request-head.js';

/** What Node's parser makes of `text` as the beginning of a connection; nothing when it refuses or waits for more. */
function readByNode(text: string): Promise<IncomingMessage | undefined> {
  return new Promise((resolve) => {
    const server = createServer((request) => resolve(request));
    for (const event of ['checkContinue', 'checkExpectation', 'upgrade', 'connect', 'clientError'])
      server.on(event, () => resolve(undefined));
    const connection = new Duplex({ read: () => undefined, write: (_bytes, _encoding, done) => done() });
    server.emit('connection', connection);
    connection.push(Buffer.from(text, 'latin1'));
    setImmediate(() => setImmediate(() => resolve(undefined)));
  });
}

const line = fc.constantFrom(
  'Host: a',
  'host:b ',
  'HOST: \t c',
  'Content-Length: 5',
  'content-length:0',
  'Content-Length: 007',
  'Content-Length: 5, 5',
  'Content-Length: +5',
  'Content-Length: 5 5',
  'Content-Length:',
  'Transfer-Encoding: chunked',
  'Transfer-Encoding : chunked',
  'transfer-encoding: identity',
  'Connection: keep-alive',
  'Connection: close',
  'Connection: Keep-Alive, Upgrade',
  'Proxy-Connection: close',
  'Upgrade: h2c',
  'Expect: 100-continue',
  'Accept: */*',
  'Authorization: Bearer x.y.z',
  'X-Long: a b\tc ~!',
  'X-Empty:',
  'X-Folded: a\r\n b',
  'X-Bare: a\nHost: z',
  'X-Return: a\rb',
  'X-Zero: a\0b',
  'X-High: \xe9',
  'constructor: a',
  '__proto__: a',
  ' X-Space: a',
  'X Y: a',
  ':a',
  '',
);
const target = fc.constantFrom('/', '/a/b?c=d&e', '//x', '/a#b', '*', 'http://h/a', '/é', '/a b', '/%zz', '/"<>', '');
const start = fc
  .tuple(fc.constantFrom('GET', 'POST', 'PUT', 'get', 'POST '), target, fc.constantFrom('1.1', '1.0', '2.0', '1.1 '))
  .map(([method, url, version]) => `${method} ${url} HTTP/${version}`);
const plain = fc.record({
  start: fc.constantFrom('GET /a HTTP/1.1', 'POST /b?c HTTP/1.1'),
  lines: fc.uniqueArray(
    fc.constantFrom('Host: a', 'Content-Length: 3', 'Accept: x', 'X-A:b', 'Connection: keep-alive'),
  ),
});
const head = fc.oneof(
  fc.tuple(start, fc.array(line, { maxLength: 6 })).map(([first, lines]) => [first, ...lines].join('\r\n')),
  plain.map(({ start: first, lines }) => [first, ...lines].join('\r\n')),
);
/** A byte put in, taken out or changed. */
const mutation = fc.record({
  at: fc.nat(400),
  take: fc.nat(2),
  put: fc.oneof(
    fc.constantFrom('', '\r', '\n', '\0', ' ', ':', '\x7f', '\x80', '\t', ','),
    fc.string({ maxLength: 2 }),
  ),
});

describe('readRequestHead', () => {
  it('reads what Node’s parser reads, where it reads at all', async () => {
    let accepted = 0;
    await fc.assert(
      fc.asyncProperty(head, fc.array(mutation, { maxLength: 2 }), async (text, mutations) => {
        let whole = `${text}\r\n\r\n`;
        for (const { at, take, put } of mutations) {
          const place = at % (whole.length + 1);
          whole = whole.slice(0, place) + put + whole.slice(place + take);
        }
        const ours = readRequestHead(whole);
        if (ours === undefined) return;
        accepted++;
        const nodes = await readByNode(whole);
        expect(nodes).toBeDefined();
        expect(nodes!.method).toBe(ours.method);
        expect(nodes!.url).toBe(ours.url);
        expect(nodes!.httpVersion).toBe('1.1');
        expect({ ...nodes!.headers }).toEqual(ours.headers);
        expect(nodes!.rawHeaders).toEqual(ours.rawHeaders);
        expect(Number(nodes!.headers['content-length'] ?? 0)).toBe(ours.length);
      }),
      { numRuns: 30_000 },
    );
    expect(accepted).toBeGreaterThan(1000);
  });

  const ordinary = 'POST /models/a/predict?explain=batch HTTP/1.1\r\nHost: h:80\r\nContent-Length: 12\r\n';

  it.each([
    ['an ordinary request', `${ordinary}\r\n`],
    ['one that keeps its connection', `${ordinary}Connection: Keep-Alive\r\n\r\n`],
    ['one without a body', 'GET /livez HTTP/1.1\r\nhost: h\r\n\r\n'],
  ])('reads %s', (_name, text) => {
    expect(readRequestHead(text)).toBeDefined();
  });

  it.each([
    ['a body in chunks', `${ordinary}Transfer-Encoding: chunked\r\n\r\n`],
    ['two lengths', `${ordinary}Content-Length: 12\r\n\r\n`],
    ['a length that is none', 'POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1e3\r\n\r\n'],
    ['a body of unknown length', 'POST / HTTP/1.1\r\nHost: h\r\n\r\n'],
    ['a long body', 'POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1048577\r\n\r\n'],
    ['a body of a GET', 'GET / HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\n'],
    ['two hosts', `${ordinary}host: i\r\n\r\n`],
    ['no host', 'GET / HTTP/1.1\r\nAccept: a\r\n\r\n'],
    ['a last request', `${ordinary}Connection: close\r\n\r\n`],
    ['another protocol', `${ordinary}Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n`],
    ['somebody who waits', `${ordinary}Expect: 100-continue\r\n\r\n`],
    ['a bare line feed', `${ordinary}X: a\nY: b\r\n\r\n`],
    ['a folded line', `${ordinary}X: a\r\n b\r\n\r\n`],
    ['a space before the colon', `${ordinary}X : a\r\n\r\n`],
    ['names that every object has', `${ordinary}constructor: a\r\n\r\n`],
    ['a target with a fragment', 'GET /a#b HTTP/1.1\r\nHost: h\r\n\r\n'],
    ['an absolute target', 'GET http://h/ HTTP/1.1\r\nHost: h\r\n\r\n'],
    ['an old version', 'GET / HTTP/1.0\r\nHost: h\r\n\r\n'],
    ['too many headers', `${ordinary}${Array.from({ length: 64 }, (_, i) => `X-${i}: a\r\n`).join('')}\r\n`],
  ])('leaves %s to Node', (_name, text) => {
    expect(readRequestHead(text)).toBeUndefined();
  });

  it.each([
    ['a value', `${ordinary}X: ${'a'.repeat(8000)}\0`],
    ['headers', `${ordinary}${'X-A: b\r\n'.repeat(63)}\0`],
    ['a target', `GET /${'a'.repeat(8000)} HTTP/1.1\r\n\0`],
  ])('gives up on %s at once, however long', (_name, text) => {
    // A reader that goes back over what it has read would not come to an end.
    for (let i = 0; i < 1000; i++) expect(readRequestHead(`${text}\r\n\r\n`) === undefined).toBe(true);
  });
});
