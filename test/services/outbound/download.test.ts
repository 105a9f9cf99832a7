import { createHash, randomBytes } from 'node:crypto';
import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import type { ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, afterEach, describe, expect, it, vi } from 'vitest';
import { clientOf, record, refusalOf, serve, serveTcp } from './servers.js';

const folder = mkdtempSync(join(tmpdir(), 'vitrina-download-'));
const into = join(folder, 'file');
afterEach(() => rmSync(into, { force: true }));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const limits = { maxBytes: 1000, timeoutMs: 5000, into };
const MiB = 2 ** 20;

/** Writes without end, as fast as it is read. */
function pour(response: ServerResponse) {
  const part = Buffer.alloc(65_536, 1);
  const push = () => {
    while (!response.destroyed && response.write(part));
  };
  response.on('drain', push);
  push();
}

describe('a download', () => {
  it('is the file that the server has, for its owner alone', async () => {
    const bytes = randomBytes(3 * MiB);
    const { origin, asked } = await record((_, response) => response.setHeader('content-type', 'image/png').end(bytes));
    const done = await clientOf().download(`${origin}/a%20b.png?sig=1#x`, { ...limits, maxBytes: bytes.length });
    expect(done).toEqual({
      bytes: bytes.length,
      sha256: createHash('sha256').update(bytes).digest('hex'),
      contentType: 'image/png',
      finalUrl: `${origin}/a%20b.png?sig=1#x`,
    });
    expect(readFileSync(into).equals(bytes)).toBe(true);
    expect(statSync(into).mode & 0o777).toBe(0o600);
    expect(asked).toMatchObject([{ method: 'GET', url: '/a%20b.png?sig=1' }]);
    expect(asked[0]!.headers['accept-encoding']).toBe('identity');
  });

  it('may be empty, and without a type', async () => {
    const { origin } = await serve((_, response) => response.writeHead(204).end());
    const done = await clientOf().download(origin, { ...limits, maxBytes: 0 });
    expect(done).toMatchObject({ bytes: 0, contentType: undefined });
    expect(statSync(into).size).toBe(0);
  });

  it('takes the place of what was there, and follows no link', async () => {
    const { origin } = await serve((_, response) => response.end('new'));
    const other = join(folder, 'other');
    writeFileSync(other, 'untouched');
    symlinkSync(other, into);
    await clientOf().download(origin, limits);
    expect(readFileSync(into, 'utf8')).toBe('new');
    expect(readFileSync(other, 'utf8')).toBe('untouched');
  });

  it('into a folder that is not there says so, and holds nothing against the server', async () => {
    const { origin } = await serve((_, response) => response.end('new'));
    const client = clientOf({ breaker: { failures: 1, coolDownMs: 60_000 } });
    const nowhere = client.download(origin, { ...limits, into: join(folder, 'none', 'file') });
    expect((await refusalOf(nowhere)).code).toBe('path-unusable');
    await client.download(origin, limits);
  });

  it.each([301, 302, 303, 307, 308])('follows a redirect of %d to where it is', async (status) => {
    const { origin } = await record(({ url }, response) =>
      url === '/b/c?d' ? response.end('here') : response.writeHead(status, { location: 'b/c?d' }).end(),
    );
    const done = await clientOf().download(`${origin}/a`, limits);
    expect(done.finalUrl).toBe(`${origin}/b/c?d`);
    expect(readFileSync(into, 'utf8')).toBe('here');
  });
});

describe('a download that is refused leaves no file, and', () => {
  afterEach(() => expect(readdirSync(folder).filter((name) => name === 'file')).toEqual([]));
  const refused = (url: string, options = {}, client = clientOf()) =>
    refusalOf(client.download(url, { ...limits, ...options }));

  it.each([206, 300, 304, 400, 403, 404, 500, 503])('says so of the status %d', async (status) => {
    const { origin } = await serve((_, response) => response.writeHead(status).end());
    const { code, message } = await refused(`${origin}/x?token=hunter2`);
    expect(code).toBe('outbound-status');
    expect(message).toContain(`${origin}/x answered ${status}`);
  });

  it('is refused at once when it says that it is too large', async () => {
    const { origin, sockets } = await serveTcp((socket) =>
      socket.write('HTTP/1.1 200 OK\r\nContent-Length: 10737418240\r\n\r\n'),
    );
    expect(await refused(`${origin}/x?token=hunter2`, { timeoutMs: 60_000 })).toEqual({
      code: 'outbound-too-large',
      message: `${origin}/x holds more than 1000 bytes; offer something smaller there, or raise the limit.`,
    });
    await vi.waitFor(() => expect(sockets.size).toBe(0));
  });

  it.each([
    [{ 'content-length': String(10 * 2 ** 30) }, 20 * 2 ** 30],
    [{}, MiB],
  ])('ends when it goes on after what was allowed: %j', async (headers, maxBytes) => {
    let open = 0;
    const { origin } = await serve((_, response) => {
      open++;
      response.on('close', () => open--).writeHead(200, headers);
      pour(response);
    });
    const signal = AbortSignal.timeout(700);
    const { code, message } = await refused(origin, { maxBytes, timeoutMs: 60_000, signal });
    if (maxBytes === MiB) expect(code).toBe('outbound-too-large');
    else expect(message).toContain('timeout');
    await vi.waitFor(() => expect(open).toBe(0));
  });

  it('is refused at one byte too many, and not at the last', async () => {
    const { origin } = await serve(
      (_, response) => void response.write('a'.repeat(500), () => response.end('b'.repeat(501))),
    );
    expect((await refused(origin, { maxBytes: 1000 })).code).toBe('outbound-too-large');
    expect((await clientOf().download(origin, { ...limits, maxBytes: 1001 })).bytes).toBe(1001);
    rmSync(into);
  });

  it('inflates nothing', async () => {
    const bomb = gzipSync(Buffer.alloc(50 * MiB));
    for (const encoding of ['gzip', 'GZIP', 'br', 'deflate', 'identity, gzip']) {
      const { origin } = await serve((_, response) => response.setHeader('content-encoding', encoding).end(bomb));
      expect((await refused(origin, { maxBytes: 100 * MiB })).code).toBe('outbound-encoding');
    }
  });

  it('takes no more memory than a part of it', async () => {
    const { origin } = await serve((_, response) => pour(response));
    const used = () => {
      const { heapUsed, external } = process.memoryUsage();
      return heapUsed + external;
    };
    const before = used();
    let most = 0;
    const watch = setInterval(() => (most = Math.max(most, used() - before)), 5);
    const { code } = await refused(origin, { maxBytes: 300 * MiB, timeoutMs: 60_000 });
    clearInterval(watch);
    expect(code).toBe('outbound-too-large');
    expect(most).toBeLessThan(100 * MiB);
  });

  it('is refused when it only drips, and not when it pauses and makes up for it', async () => {
    const drip = await serve((_, response) => {
      response.write('a');
      const timer = setInterval(() => response.write('a'), 20);
      response.on('close', () => clearInterval(timer));
    });
    const client = clientOf({ rateWindowMs: 500 });
    const { code, message } = await refused(`${drip.origin}/x`, { timeoutMs: 20_000 }, client);
    expect(code).toBe('outbound-too-slow');
    expect(message).toContain(`${drip.origin}/x sent less than 1000 bytes a second for 0.5 s`);
    let sent = 0;
    const bursts = await serve((_, response) => {
      const timer = setInterval(() => {
        if (++sent === 6) response.end();
        else response.write('a'.repeat(1500));
      }, 300);
      response.on('close', () => clearInterval(timer));
    });
    const slow = { ...limits, maxBytes: MiB };
    expect((await client.download(bursts.origin, slow)).bytes).toBe(7500);
    rmSync(into);
    const rate = { maxBytes: MiB, minBytesPerSecond: 1e6 };
    sent = 0;
    expect((await refused(bursts.origin, rate, client)).code).toBe('outbound-too-slow');
  });

  it('is refused when chunks are all extensions', async () => {
    const { origin, sockets } = await serveTcp((socket) => {
      socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;');
      const push = () => {
        while (socket.writable && socket.write('a'.repeat(10_000)));
      };
      socket.on('drain', push);
      push();
    });
    const { code } = await refused(origin, { timeoutMs: 20_000 }, clientOf({ rateWindowMs: 300 }));
    expect(['outbound-too-slow', 'outbound-unreachable']).toContain(code);
    await vi.waitFor(() => expect(sockets.size).toBe(0));
  });

  it('is refused when its time is over, before the head and in the body', async () => {
    const silent = await serveTcp(() => {});
    expect((await refused(silent.origin, { timeoutMs: 150 })).code).toBe('outbound-timeout');
    const stuck = await serveTcp((socket) => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc'));
    expect((await refused(stuck.origin, { timeoutMs: 150 })).code).toBe('outbound-timeout');
    await vi.waitFor(() => expect(silent.sockets.size + stuck.sockets.size).toBe(0));
    let hops = 0;
    const wandering = await serve((_, response) => {
      setTimeout(() => response.writeHead(302, { location: `/${hops++}` }).end(), 100);
    });
    expect((await refused(wandering.origin, { timeoutMs: 250 })).code).toBe('outbound-timeout');
    expect(hops).toBeLessThan(5);
  });

  it('is refused when it ends in the middle', async () => {
    const { origin } = await serveTcp((socket) => socket.end('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc'));
    expect((await refused(origin)).code).toBe('outbound-unreachable');
    const chunked = await serveTcp((socket) =>
      socket.end('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\n'),
    );
    expect((await refused(chunked.origin)).code).toBe('outbound-unreachable');
    const reset = await serveTcp((socket) => {
      socket.write('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc', () => socket.resetAndDestroy());
    });
    expect((await refused(reset.origin)).code).toBe('outbound-unreachable');
  });

  it('ends with the reason of its caller', async () => {
    const { origin } = await serve((_, response) => pour(response));
    const stop = new AbortController();
    const download = clientOf().download(origin, {
      ...limits,
      maxBytes: 2 ** 40,
      timeoutMs: 60_000,
      signal: stop.signal,
    });
    await vi.waitFor(() => expect(existsSync(into)).toBe(true));
    stop.abort(new Error('the job is cancelled'));
    await expect(download).rejects.toThrow('the job is cancelled');
  });
});
