/** What strangers may send: the size of bodies on every route that is open to them, and of heads. */
import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { apps } from '../../src/apps/index.js';
import { type StartedApp, startApp } from '../start-app.js';

let served: StartedApp;
let port: number;
beforeAll(async () => {
  served = await startApp([], { 'open-registration': true, apps: { shock: { 'log-stdout': false } } }, apps);
  port = Number(new URL(await served.app.listen({ host: '127.0.0.1', port: 0 })).port);
});
afterAll(() => served.close());

/** Routes that strangers post to, by the document of the server: a new one is looked at without being listed here. */
async function publicPosts(): Promise<string[]> {
  const { paths } = (await served.app.inject('/openapi.json')).json() as {
    paths: Record<string, Record<string, { security?: unknown[] }>>;
  };
  return Object.entries(paths).flatMap(([path, { post }]) => (post?.security?.length === 0 ? [path] : []));
}

describe('a body that nobody has to send', () => {
  it('is at most 16 KiB on every route that is open to strangers, whatever its form', async () => {
    const routes = await publicPosts();
    expect(routes).toContain('/auth/token');
    expect(routes).toContain('/spam/users/register/');
    for (const url of routes) {
      // The modelo app answers strangers where its setting says so; its bodies are rows.
      if (url === '/modelo') continue;
      for (const [type, payload] of [
        ['application/json', `{"username":"${'x'.repeat(17_000)}"}`],
        ['application/x-www-form-urlencoded', `username=${'x'.repeat(17_000)}`],
      ] as const) {
        const answer = await served.app.inject({ method: 'POST', url, headers: { 'content-type': type }, payload });
        expect([url, type, answer.statusCode]).toEqual([
          url,
          type,
          type.endsWith('json') ? 413 : expect.toBeOneOf([413, 415]),
        ]);
      }
    }
  });

  it('is at most what body-limit says on the one that takes rows', async () => {
    const small = await startApp(
      [],
      { 'body-limit': 20_000 },
      apps.filter(({ name }) => name === 'modelo'),
    );
    const answer = await small.app.inject({
      method: 'POST',
      url: '/modelo',
      headers: { 'content-type': 'application/json' },
      payload: `{"x":"${'x'.repeat(21_000)}"}`,
    });
    expect(answer.statusCode).toBe(413);
    await small.close();
  });

  it('is refused by its length before it comes', async () => {
    for (const url of await publicPosts()) {
      const answer = await raw(
        `POST ${url} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100000000\r\n\r\n{`,
      );
      expect([url, answer.split(' ')[1]]).toEqual([url, '413']);
    }
  });

  it('is not read at all where a credential is needed', async () => {
    const answer = await raw('POST /users HTTP/1.1\r\nHost: x\r\nContent-Length: 100000000\r\n\r\n{');
    expect(answer.split(' ')[1]).toBe('401');
  });

  it('is no deeper than a hundred levels', async () => {
    const payload = `{"username":${'['.repeat(5_000)}${']'.repeat(5_000)}}`;
    for (const url of ['/auth/token', '/spam/login/', '/shock/auth/token']) {
      const headers = { 'content-type': 'application/json' };
      expect((await served.app.inject({ method: 'POST', url, headers, payload })).statusCode).toBe(400);
    }
  });
});

describe('a head', () => {
  it('is at most 16 KiB', async () => {
    const answer = await raw(`GET /livez HTTP/1.1\r\nHost: x\r\nX-Long: ${'x'.repeat(20_000)}\r\n\r\n`);
    expect(answer.split(' ')[1]).toBe('431');
  });

  it('that says two lengths, or a length and chunks, is refused', async () => {
    for (const lines of ['Content-Length: 2\r\nContent-Length: 3', 'Content-Length: 2\r\nTransfer-Encoding: chunked']) {
      const answer = await raw(
        `POST /auth/token HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n${lines}\r\n\r\n{}\r\n0\r\n\r\n`,
      );
      expect(answer.split(' ')[1]).toBe('400');
    }
  });
});

/** The beginning of the answer to bytes that are sent as they are. */
function raw(text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(text));
    socket.once('data', (chunk) => {
      socket.destroy();
      resolve(chunk.toString('latin1'));
    });
    socket.on('error', reject);
  });
}
