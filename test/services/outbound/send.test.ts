import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { build } from 'esbuild';
import { describe, expect, it, vi } from 'vitest';
import { OutboundClient, verifySignature } from '../../../src/services/outbound/index.js';
import { clientOf, record, refusalOf, serve, serveTcp } from './servers.js';

const timeoutMs = 5000;

describe('a request', () => {
  it('is sent as it is, and answered with status, headers and text', async () => {
    const { origin, asked } = await record((_, response) =>
      response.writeHead(202, { 'x-answer': 'yes' }).end('accepted ✓'),
    );
    const client = clientOf();
    const sent = await client.send({
      url: `${origin}/done?a=1#part`,
      headers: { 'Content-Type': 'application/json' },
      body: '{"a":"ü"}',
      timeoutMs,
    });
    expect(sent).toMatchObject({ status: 202, bodyStart: 'accepted ✓' });
    expect(sent.headers['x-answer']).toBe('yes');
    expect(asked).toMatchObject([{ method: 'POST', url: '/done?a=1', body: '{"a":"ü"}' }]);
    expect(asked[0]!.headers).toMatchObject({
      'content-type': 'application/json',
      'accept-encoding': 'identity',
      'user-agent': 'Vitrina',
    });
    expect(asked[0]!.headers).not.toHaveProperty('x-vitrina-signature');
  });

  it('is signed, so that its receiver can tell', async () => {
    const { origin, asked } = await record((_, response) => response.end());
    await clientOf().send({ url: origin, body: '{"id":1}', timeoutMs, sign: { secret: 's3cret' } });
    const [{ headers, body }] = asked as [(typeof asked)[0]];
    const header = headers['x-vitrina-signature'] as string;
    expect(verifySignature('s3cret', header, body, 10, Date.now() / 1000)).toBe(true);
    expect(verifySignature('other', header, body, 10, Date.now() / 1000)).toBe(false);
  });

  it('is sent over a connection that is there already', async () => {
    const { origin, seen } = await serve((_, response) => response.end('ok'));
    const client = clientOf();
    for (let time = 0; time < 9; time++) await client.send({ url: origin, timeoutMs });
    // A second one is made where the next request comes in the very turn in which the last was answered.
    expect(seen.connections).toBeLessThan(3);
  });

  it('carries no cookie that the one before was given', async () => {
    const { origin, asked } = await record((_, response) => response.setHeader('set-cookie', 'a=b').end());
    const client = clientOf();
    await client.send({ url: origin, timeoutMs });
    await client.send({ url: origin, timeoutMs });
    expect(asked.map(({ headers }) => headers.cookie)).toEqual([undefined, undefined]);
  });

  it('goes through no proxy that the environment names', async () => {
    const proxy = await record((_, response) => response.end('from the proxy'));
    const { origin } = await serve((_, response) => response.end('from the server'));
    for (const name of ['HTTP_PROXY', 'http_proxy', 'ALL_PROXY', 'all_proxy']) vi.stubEnv(name, proxy.origin);
    try {
      expect((await clientOf().send({ url: origin, timeoutMs })).bodyStart).toBe('from the server');
      expect(proxy.asked).toEqual([]);
    } finally {
      vi.unstubAllEnvs();
    }
  });

  it('leaves Node’s own fetch as it was', async () => {
    const { origin } = await serve((_, response) => response.end('ok'));
    await clientOf().send({ url: origin, timeoutMs });
    const undici = await import('undici');
    const own = (globalThis as Record<symbol, unknown>)[Symbol.for('undici.globalDispatcher.1')];
    expect(own).toBeDefined();
    expect(own).not.toBeInstanceOf(undici.Agent);
  });
});

describe('an answer', () => {
  it('of any status is one', async () => {
    const { origin } = await record(({ url }, response) => response.writeHead(Number(url.slice(1))).end('x'));
    const client = clientOf();
    for (const status of [200, 206, 302, 400, 404, 410, 429, 500]) {
      expect((await client.send({ url: `${origin}/${status}`, timeoutMs })).status).toBe(status);
    }
  });

  it('is read for 64 KiB, whatever comes after', async () => {
    const server = await serveTcp((socket) => {
      socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n');
      const chunk = `10000\r\n${'a'.repeat(65_536)}\r\n`;
      const push = () => {
        while (socket.writable && socket.write(chunk));
      };
      socket.on('drain', push);
      push();
    });
    const { status, bodyStart } = await clientOf().send({ url: server.origin, timeoutMs });
    expect(status).toBe(200);
    expect(bodyStart).toBe('a'.repeat(65_536));
    await vi.waitFor(() => expect(server.sockets.size).toBe(0));
  });

  it('is its status, however slow, broken or compressed the rest is', async () => {
    const slow = await serveTcp((socket) => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc'));
    const client = clientOf();
    expect(await client.send({ url: slow.origin, timeoutMs: 200 })).toMatchObject({ status: 200, bodyStart: 'abc' });
    const broken = await serveTcp((socket) => socket.end('HTTP/1.1 503 No\r\nContent-Length: 10\r\n\r\nabc'));
    expect(await client.send({ url: broken.origin, timeoutMs })).toMatchObject({ status: 503, bodyStart: 'abc' });
    const cut = await serve((_, response) => response.end(Buffer.from('aé').subarray(0, 2)));
    expect((await client.send({ url: cut.origin, timeoutMs })).bodyStart).toBe('a');
    const gzip = await serve((_, response) => response.setHeader('content-encoding', 'gzip').end('no gzip'));
    expect((await client.send({ url: gzip.origin, timeoutMs })).bodyStart).toBe('no gzip');
  });

  it('that does not come is waited for no longer than was said', async () => {
    const { origin, sockets } = await serveTcp(() => {});
    const { code, message } = await refusalOf(clientOf().send({ url: `${origin}/x?token=hunter2`, timeoutMs: 150 }));
    expect(code).toBe('outbound-timeout');
    expect(message).toContain(`${origin}/x was not done within 0.15 s`);
    await vi.waitFor(() => expect(sockets.size).toBe(0));
  });

  it('that its caller does not wait for any more is the caller’s reason', async () => {
    const { origin, sockets } = await serveTcp(() => {});
    const stop = new AbortController();
    const sent = clientOf().send({ url: origin, timeoutMs, signal: stop.signal });
    await vi.waitFor(() => expect(sockets.size).toBe(1));
    stop.abort(new Error('the server stops'));
    await expect(sent).rejects.toThrow('the server stops');
    await vi.waitFor(() => expect(sockets.size).toBe(0));
    await expect(clientOf().send({ url: origin, timeoutMs, signal: stop.signal })).rejects.toThrow('the server stops');
    const drip = await serveTcp((socket) => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc'));
    const again = new AbortController();
    setTimeout(() => again.abort(new Error('it stops again')), 100);
    await expect(clientOf().send({ url: drip.origin, timeoutMs, signal: again.signal })).rejects.toThrow('stops again');
  });

  it.each([
    ['ends before it has begun', (origin: string) => `${origin}/`, ''],
    ['is no HTTP', (origin: string) => `${origin}/`, 'SSH-2.0-OpenSSH_9.6\r\n'],
    [
      'says its length twice',
      (origin: string) => `${origin}/`,
      'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab',
    ],
    [
      'changes the protocol',
      (origin: string) => `${origin}/`,
      'HTTP/1.1 101 Other\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n',
    ],
  ])('that %s is none', async (_, url, answer) => {
    const { origin } = await serveTcp((socket) => socket.end(answer));
    const { code, message } = await refusalOf(clientOf().send({ url: url(origin), timeoutMs }));
    expect(code).toBe('outbound-unreachable');
    expect(message).toContain(`${origin}/ gave no whole answer: `);
  });

  it('with a head without end is none', async () => {
    let written = 0;
    const { origin, sockets } = await serveTcp((socket) => {
      socket.write('HTTP/1.1 200 OK\r\n');
      const push = () => {
        while (socket.writable && socket.write(`X-${written++}: ${'a'.repeat(1000)}\r\n`));
      };
      socket.on('drain', push);
      push();
    });
    expect((await refusalOf(clientOf().send({ url: origin, timeoutMs }))).code).toBe('outbound-unreachable');
    await vi.waitFor(() => expect(sockets.size).toBe(0));
    // What the system keeps between two sockets, and not what the deadline would have let through.
    expect(written).toBeLessThan(20_000);
  });

  it('from nobody is none, and the reason says so', async () => {
    const gone = await serveTcp(() => {});
    const url = gone.origin.replace(/\d+$/, '1');
    expect(await refusalOf(clientOf().send({ url: `${url}/x?q=hunter2`, timeoutMs }))).toEqual({
      code: 'outbound-unreachable',
      message: `${url}/x gave no whole answer: connect ECONNREFUSED 127.0.0.1:1. Check that its server runs, and try again.`,
    });
    const lookup = () => Promise.reject(new Error('getaddrinfo ENOTFOUND a.example'));
    const unknown = clientOf({ allow: [], lookup });
    expect((await refusalOf(unknown.send({ url: 'http://a.example/', timeoutMs }))).message).toContain('ENOTFOUND');
    const empty = clientOf({ allow: [], lookup: async () => [] });
    expect((await refusalOf(empty.send({ url: 'http://a.example/', timeoutMs }))).message).toContain('no address');
  });

  it('is not waited for while a name is looked up without end', async () => {
    const client = clientOf({ allow: [], lookup: () => new Promise(() => {}) });
    const refusal = refusalOf(client.send({ url: 'http://a.example/', timeoutMs: 100 }));
    // A connection that is being made gives up by itself only after ten seconds.
    const first = await Promise.race([refusal, sleep(5000, undefined)]);
    expect(first?.code).toBe('outbound-timeout');
  });
});

describe('a redirect of what is sent', () => {
  const there = async () => record((_, response) => response.end('there'), { host: '127.0.0.2' });
  const send = { body: '{}', timeoutMs, sign: { secret: 's3cret' } };
  const secret = { authorization: 'Bearer hunter2', 'x-api-key': 'hunter2', 'content-type': 'application/json' };

  it('is an answer, unless redirects are asked for', async () => {
    const target = await there();
    const { origin } = await serve((_, response) => response.writeHead(307, { location: target.origin }).end());
    const client = clientOf({ allow: ['127.0.0.0/8'] });
    const sent = await client.send({ url: origin, ...send });
    expect(sent.status).toBe(307);
    expect(sent.headers.location).toBe(target.origin);
    expect(target.asked).toEqual([]);
  });

  it.each([
    [301, 'GET'],
    [302, 'GET'],
    [303, 'GET'],
    [307, 'POST'],
    [308, 'POST'],
  ])('of %d is followed by %s, without credentials to another origin', async (status, method) => {
    const target = await there();
    const { origin, asked } = await record(({ url }, response) =>
      response.writeHead(status, { location: url === '/' ? '/near' : `${target.origin}/far` }).end(),
    );
    const client = clientOf({ allow: ['127.0.0.0/8'] });
    const sent = await client.send({ url: origin, ...send, headers: secret, redirects: 2 });
    expect(sent).toMatchObject({ status: 200, bodyStart: 'there' });
    const body = method === 'POST' ? '{}' : '';
    expect(asked).toMatchObject([
      { method: 'POST', body: '{}' },
      { url: '/near', method, body },
    ]);
    expect(asked[1]!.headers).toMatchObject({ authorization: 'Bearer hunter2', 'x-api-key': 'hunter2' });
    expect(asked[1]!.headers).toHaveProperty('x-vitrina-signature');
    expect(target.asked).toMatchObject([{ url: '/far', method, body }]);
    const { headers } = target.asked[0]!;
    expect(JSON.stringify(headers)).not.toContain('hunter2');
    expect(headers).not.toHaveProperty('x-vitrina-signature');
    expect(headers['content-type']).toBe(method === 'POST' ? 'application/json' : undefined);
  });

  it('to the first origin again brings no credentials back', async () => {
    let back = '';
    const target = await record((_, response) => response.writeHead(307, { location: back }).end(), {
      host: '127.0.0.2',
    });
    const { origin, asked } = await record(({ url }, response) =>
      url === '/' ? response.writeHead(307, { location: target.origin }).end() : response.end(),
    );
    back = `${origin}/back`;
    await clientOf({ allow: ['127.0.0.0/8'] }).send({ url: origin, ...send, headers: secret, redirects: 2 });
    expect(asked.map(({ headers }) => headers.authorization)).toEqual(['Bearer hunter2', undefined]);
  });
});

describe('a client', () => {
  const breaker = { failures: 2, coolDownMs: 300 };

  it('leaves a server alone that answers 5xx, and asks it again later', async () => {
    let status = 500;
    const { origin, asked } = await record((_, response) => response.writeHead(status).end());
    const warned: unknown[] = [];
    const client = clientOf({ breaker, log: { warn: (...words: unknown[]) => void warned.push(words) } });
    await client.send({ url: origin, timeoutMs });
    await client.send({ url: `${origin}/other`, timeoutMs });
    const { code, message } = await refusalOf(client.send({ url: origin, timeoutMs }));
    expect(code).toBe('outbound-circuit-open');
    expect(message).toContain(`${origin} failed 2 times in a row`);
    expect(asked.length).toBe(2);
    expect(warned).toEqual([[{ origin, failures: 2 }, 'origin is left alone for a while']]);
    await sleep(350);
    status = 200;
    expect((await client.send({ url: origin, timeoutMs })).status).toBe(200);
    expect((await client.send({ url: origin, timeoutMs })).status).toBe(200);
  });

  it('does not hold against a server what its caller did, or an answer of 4xx', async () => {
    const { origin } = await record((_, response) => response.writeHead(404).end());
    const silent = await serveTcp(() => {});
    const client = clientOf({ breaker });
    for (let time = 0; time < 4; time++) {
      expect((await client.send({ url: origin, timeoutMs })).status).toBe(404);
      const signal = AbortSignal.timeout(30);
      expect((await refusalOf(client.send({ url: silent.origin, timeoutMs, signal }))).message).toContain('timeout');
    }
  });

  it('ends what is under way when it is closed, and asks nothing after that', async () => {
    const { origin, sockets } = await serveTcp(() => {});
    const client = new OutboundClient({ policy: { allow: ['127.0.0.1'] } });
    const sent = refusalOf(client.send({ url: origin, timeoutMs }));
    await vi.waitFor(() => expect(sockets.size).toBe(1));
    await client.close();
    expect((await sent).code).toBe('outbound-unreachable');
    expect((await refusalOf(client.send({ url: origin, timeoutMs }))).message).toContain('the client is closed');
    await vi.waitFor(() => expect(sockets.size).toBe(0));
    await new OutboundClient({ policy: { allow: [] } }).close();
  });

  it('asks from a bundle as well, which the program is', async () => {
    const { origin } = await serve((_, response) => response.end('from the bundle'));
    const folder = mkdtempSync(join(tmpdir(), 'vitrina-bundle-'));
    try {
      const root = join(import.meta.dirname, '../../..');
      const script = `import { OutboundClient } from './src/services/outbound/index.js';
        const client = new OutboundClient({ policy: { allow: ['127.0.0.1'] } });
        console.log((await client.send({ url: '${origin}', timeoutMs: 5000 })).bodyStart);
        await client.close();`;
      await build({
        stdin: { contents: script, resolveDir: root, sourcefile: 'ask.ts' },
        outdir: folder,
        bundle: true,
        splitting: true,
        format: 'esm',
        platform: 'node',
        outExtension: { '.js': '.mjs' },
        // As scripts/bundle.js has it.
        banner: { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);" },
      });
      const { stdout } = await promisify(execFile)(process.execPath, [join(folder, 'stdin.mjs')]);
      expect(stdout.trim()).toBe('from the bundle');
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });

  it('says so when its own header is none', async () => {
    const { origin } = await serve((_, response) => response.end());
    const sent = clientOf().send({ url: origin, headers: { 'x-a': 'b\r\nx-c: d' }, timeoutMs });
    await expect(sent).rejects.toThrow(/invalid x-a header/);
  });
});
