import { createServer, type Server } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { VitrinaError } from '../../src/errors.js';
import { readWhole, WholeRequest } from '../../src/http/whole-body.js';

const limit = 100_000;
let server: Server;
/** Milliseconds before a body is asked for. */
let delayMs: number;
let seen: (string | undefined)[];

beforeEach(async () => {
  delayMs = 0;
  seen = [];
  server = createServer({ IncomingMessage: WholeRequest }, (request, response) => {
    const read = () =>
      readWhole(request, limit, (error, bytes) => {
        const outcome = error instanceof VitrinaError ? error.code : bytes!.toString('latin1');
        seen.push(outcome);
        response.end(outcome);
      });
    if (delayMs === 0) read();
    else setTimeout(read, delayMs);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});
afterEach(() => {
  server.closeAllConnections();
  server.close();
});

const open = () => connect((server.address() as AddressInfo).port, '127.0.0.1');

/** Writes the pieces a turn apart, and gives the bodies of the answers. */
async function ask(pieces: readonly string[], answers: number): Promise<string[]> {
  const socket = open().setNoDelay();
  let text = '';
  const bodies: string[] = [];
  const done = new Promise<void>((resolve, reject) => {
    socket.on('data', (chunk) => {
      text += chunk.toString('latin1');
      for (;;) {
        const head = text.indexOf('\r\n\r\n');
        if (head < 0) break;
        const length = Number(/content-length: (\d+)/i.exec(text.slice(0, head))?.[1]);
        if (text.length < head + 4 + length) break;
        bodies.push(text.slice(head + 4, head + 4 + length));
        text = text.slice(head + 4 + length);
      }
      if (bodies.length === answers) resolve();
    });
    socket.on('error', reject);
    socket.on('close', () => resolve());
  });
  for (const piece of pieces) {
    socket.write(piece, 'latin1');
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  await done;
  socket.destroy();
  return bodies;
}

const plain = (body: string) => `POST / HTTP/1.1\r\nHost: x\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
const chunked = (parts: readonly string[]) =>
  `POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n${[...parts, '']
    .map((part) => `${part.length.toString(16)}\r\n${part}\r\n`)
    .join('')}`;

const ended = (socket: Socket) => new Promise<void>((resolve) => socket.once('close', () => resolve()));

describe('a body in one piece', () => {
  it.each([0, 5])(
    'is what was sent, however it is cut, request after request (asked for after %s ms)',
    async (delay) => {
      delayMs = delay;
      const text = fc.string({ unit: fc.constantFrom(...'abc{}"1'), minLength: 1, maxLength: 40 });
      const request = fc.oneof(
        text.map((body) => ({ body, sent: plain(body) })),
        fc.array(text, { maxLength: 4 }).map((parts) => ({ body: parts.join(''), sent: chunked(parts) })),
      );
      const requests = fc.array(request, { minLength: 1, maxLength: 4 });
      const cuts = fc.array(fc.nat(400), { maxLength: 6 });
      await fc.assert(
        fc.asyncProperty(requests, cuts, async (all, places) => {
          const sent = all.map((one) => one.sent).join('');
          const at = [...new Set([0, ...places.filter((place) => place < sent.length), sent.length])].sort(
            (a, b) => a - b,
          );
          const pieces = at.slice(1).map((end, i) => sent.slice(at[i], end));
          expect(await ask(pieces, all.length)).toEqual(all.map(({ body }) => body));
        }),
        { numRuns: 60 },
      );
    },
  );

  it('may be as large as the limit, and no larger', async () => {
    expect(await ask([plain('x'.repeat(limit))], 1)).toEqual(['x'.repeat(limit)]);
    expect(await ask([plain('x'.repeat(limit + 1))], 1)).toEqual(['body-too-large']);
    expect(await ask([chunked(['x'.repeat(limit / 2), 'y'.repeat(limit / 2), 'z'])], 1)).toEqual(['body-too-large']);
  });

  it.each([0, 5])('is given up when its sender goes (asked for after %s ms)', async (delay) => {
    delayMs = delay;
    const socket = open();
    socket.write(plain('complete').slice(0, -3));
    await new Promise((resolve) => setTimeout(resolve, 50));
    socket.destroy();
    await ended(socket);
    await expect.poll(() => seen, { timeout: 5_000 }).toEqual(['request-abandoned']);
    expect(await ask([plain('next')], 1)).toEqual(['next']);
  });

  it('leaves a request that nobody reads to Node', async () => {
    server.removeAllListeners('request');
    server.on('request', (request, response) => {
      if (request.url === '/ignored') response.end('ignored');
      else readWhole(request, limit, (_error, bytes) => response.end(bytes));
    });
    const ignored = plain('x'.repeat(50_000)).replace('POST /', 'POST /ignored');
    expect(await ask([ignored + plain('read') + ignored + plain('again')], 4)).toEqual([
      'ignored',
      'read',
      'ignored',
      'again',
    ]);
  });
});
