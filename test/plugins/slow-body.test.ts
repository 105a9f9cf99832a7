import { type AddressInfo, connect } from 'node:net';
import Fastify, { type FastifyInstance } from 'fastify';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openPlainDoor } from '../../src/http/plain-door.js';
import slowBody from '../../src/plugins/slow-body.js';

const timeoutMs = 300;
let app: FastifyInstance;
beforeEach(async () => {
  app = Fastify({ requestTimeout: 60_000, forceCloseConnections: 'idle' });
  openPlainDoor(app.server, {});
  await app.register(slowBody, { timeoutMs });
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', { parseAs: 'string' }, (_request, body, done) => done(null, body));
  const length = ({ body }: { body: unknown }) => ({ bytes: String(body).length });
  app.post('/small', length);
  app.post('/upload', { config: { slowBody: true } }, length);
  await app.listen({ port: 0, host: '127.0.0.1' });
});
afterEach(() => app.close());

/** Sends a request in pieces with pauses, and gives all that came back. */
function send(path: string, pieces: readonly string[], pauseMs: number, header: string): Promise<string> {
  const { port } = app.server.address() as AddressInfo;
  const socket = connect(port, '127.0.0.1');
  const length = pieces.join('').length;
  let answer = '';
  return new Promise((resolve) => {
    socket.on('data', (chunk) => {
      answer += chunk;
      if (/bytes":\d+}$/.test(answer)) socket.end();
    });
    socket.on('error', () => undefined);
    socket.on('close', () => resolve(answer));
    socket.write(
      `POST ${path} HTTP/1.1\r\nHost: x\r\n${header}Content-Type: text/x\r\nContent-Length: ${length}\r\n\r\n`,
    );
    pieces.forEach((piece, i) => {
      setTimeout(() => socket.writable && socket.write(piece), i * pauseMs);
    });
  });
}

describe('a body that arrives slowly', () => {
  // The first is read ahead of Node's parser, the second by it.
  it.each(['', 'Connection: close\r\n'])('is cut off, unless it is an upload that goes on arriving', async (header) => {
    const drops = Array.from({ length: 10 }, () => 'x');
    expect(await send('/small', drops, 150, header)).toMatch(/^HTTP\/1.1 408 /);
    expect(await send('/upload', drops, 150, header)).toContain('{"bytes":10}');
    expect(await send('/upload', ['x', 'y'], 5_000, header)).toMatch(/^HTTP\/1.1 408 /);
    expect(await send('/small', drops, 5, header)).toContain('{"bytes":10}');
  });
});
