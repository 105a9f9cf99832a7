/** Requests that somebody wants this machine to make in their place (SSRF), over real connections. */
import { execFile, execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { buildConnector } from 'undici';
import { afterAll, describe, expect, it } from 'vitest';
import { checkedConnector, lookupAddresses } from '../../../src/services/outbound/connector.js';
import { HostPolicy } from '../../../src/services/outbound/host-policy.js';
import { clientOf, record, refusalOf, serve } from './servers.js';

const folder = mkdtempSync(join(tmpdir(), 'vitrina-forgery-'));
const into = join(folder, 'file');
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const limits = { maxBytes: 1000, timeoutMs: 5000, into };

describe('a redirect', () => {
  it.each([
    ['http://127.0.0.2/', 'outbound-host-refused'],
    ['//127.0.0.2/', 'outbound-host-refused'],
    ['http://localhost/', 'outbound-host-refused'],
    ['http://169.254.169.254/latest/meta-data/', 'outbound-host-refused'],
    ['http://2852039166/', 'outbound-host-refused'],
    ['http://[::1]/', 'outbound-host-refused'],
    ['http://0/', 'outbound-host-refused'],
    ['file:///etc/passwd', 'outbound-url-invalid'],
    ['ftp://127.0.0.1/', 'outbound-url-invalid'],
    ['data:text/plain,x', 'outbound-url-invalid'],
    ['gopher://127.0.0.1:6379/_FLUSHALL', 'outbound-url-invalid'],
    ['http://user:hunter2@127.0.0.1/', 'outbound-url-invalid'],
    ['http://127.0.0.1:99999/', 'outbound-url-invalid'],
  ])('to %s is not followed', async (location, code) => {
    const { origin, asked } = await record((_, response) => response.writeHead(302, { location }).end());
    const client = clientOf();
    const refusals = [
      await refusalOf(client.download(origin, limits)),
      await refusalOf(client.send({ url: origin, timeoutMs: 5000, redirects: 5 })),
    ];
    expect(refusals.map((refusal) => refusal.code)).toEqual([code, code]);
    expect(refusals[0]!.message).not.toContain('hunter2');
    expect(asked.length).toBe(2);
    expect(existsSync(into)).toBe(false);
  });

  it('to another port is not followed where one is named', async () => {
    const other = await serve((_, response) => response.end('secret'));
    const { origin, port } = await serve((_, response) => response.writeHead(302, { location: other.origin }).end());
    const { code } = await refusalOf(clientOf({ allow: [`127.0.0.1:${port}`] }).download(origin, limits));
    expect(code).toBe('outbound-host-refused');
    expect(other.seen.connections).toBe(0);
  });

  it('after five others is not followed', async () => {
    const { origin, asked } = await record(({ url }, response) => {
      const hop = Number(url.slice(1));
      if (hop === 0) response.end('here');
      else response.writeHead(302, { location: `/${hop - 1}` }).end();
    });
    const client = clientOf();
    await client.download(`${origin}/5`, limits);
    expect(await refusalOf(client.download(`${origin}/6?token=hunter2`, limits))).toEqual({
      code: 'outbound-too-many-redirects',
      message: `${origin}/6 leads through more than 5 redirects; name the address that they end at.`,
    });
    expect(asked.length).toBe(12);
    const { code } = await refusalOf(client.download(`${origin}/1`, { ...limits, redirects: 0 }));
    expect(code).toBe('outbound-status');
  });
});

describe('a host name', () => {
  it('that resolves to a private address is not asked', async () => {
    const { port, seen } = await serve((_, response) => response.end('secret'));
    const client = clientOf({ allow: [] });
    const { code, message } = await refusalOf(client.download(`http://localhost:${port}/`, limits));
    expect(code).toBe('outbound-host-refused');
    expect(message).toMatch(/^The host localhost \((127\.0\.0\.1|::1)\) is not asked: it is a loopback address\./);
    expect(seen.connections).toBe(0);
    await clientOf({ allow: ['localhost'] }).download(`http://localhost:${port}/`, limits);
    expect(seen.connections).toBeGreaterThan(0);
  });

  it('that has one forbidden address among others is not asked', async () => {
    const { port, seen } = await serve((_, response) => response.end('secret'));
    const lookup = async () => ['127.0.0.1', '127.0.0.2'];
    const client = clientOf({ allow: ['*.example', '127.0.0.1'], lookup });
    const { message } = await refusalOf(client.download(`http://a.example:${port}/`, limits));
    expect(message).toContain('The host a.example (127.0.0.2) is not asked: it is a loopback address.');
    expect(seen.connections).toBe(0);
  });

  it('that resolves to something else the next time is asked where it was looked at', async () => {
    const good = await record((_, response) => response.setHeader('connection', 'close').end('good'));
    const bad = await serve((_, response) => response.end('secret'), { host: '127.0.0.2', port: good.port });
    const asked: string[] = [];
    const lookup = async (host: string) => {
      asked.push(host);
      return [asked.length === 1 ? '127.0.0.1' : '127.0.0.2'];
    };
    const client = clientOf({ allow: ['*.example', '127.0.0.1'], lookup });
    const url = `http://rebinding.example:${good.port}/`;
    await client.download(url, limits);
    expect(readFileSync(into, 'utf8')).toBe('good');
    expect(asked).toEqual(['rebinding.example']);
    expect(good.asked[0]!.headers.host).toBe(`rebinding.example:${good.port}`);
    // The next connection is another one, with a look of its own.
    const { code, message } = await refusalOf(client.download(url, limits));
    expect(code).toBe('outbound-host-refused');
    expect(message).toContain('(127.0.0.2)');
    expect(asked.length).toBe(2);
    expect(bad.seen.connections).toBe(0);
  });

  it('is reached at its second address where nobody listens at the first', async () => {
    const { port } = await serve((_, response) => response.end('second'), { host: '127.0.0.2' });
    const lookup = async () => ['127.0.0.1', '127.0.0.2'];
    await clientOf({ allow: ['a.example'], lookup }).download(`http://a.example:${port}/`, limits);
    expect(readFileSync(into, 'utf8')).toBe('second');
  });

  it('that is refused is not held against it', async () => {
    const { port } = await serve((_, response) => response.end('good'));
    let address = '127.0.0.2';
    const options = { lookup: async () => [address], breaker: { failures: 1, coolDownMs: 60_000 } };
    const client = clientOf({ allow: ['*.example', '127.0.0.1'], ...options });
    expect((await refusalOf(client.download(`http://a.example:${port}/`, limits))).code).toBe('outbound-host-refused');
    address = '127.0.0.1';
    await client.download(`http://a.example:${port}/`, limits);
  });
});

describe('a private address', () => {
  it.each([
    '127.0.0.1',
    '2130706433',
    '0x7f.1',
    '127.1',
    '0177.0.0.1',
    '127.0.0.1.',
    '①②⑦.⓪.⓪.①',
    '[::ffff:127.0.0.1]',
  ])('is not asked as %s', async (host) => {
    const { port, seen } = await serve((_, response) => response.end('secret'));
    const { code } = await refusalOf(clientOf({ allow: [] }).download(`http://${host}:${port}/`, limits));
    expect(code).toBe('outbound-host-refused');
    expect(seen.connections).toBe(0);
  });

  it('is not connected to either, should a request for it ever get that far', async () => {
    const { port, seen } = await serve((_, response) => response.end('secret'));
    const reach = (allow: string[]) =>
      new Promise<Error | null>((resolve) => {
        const connect = checkedConnector(buildConnector, new HostPolicy({ allow }), lookupAddresses);
        connect({ hostname: '127.0.0.1', protocol: 'http:', port: String(port) }, (error, socket) => {
          socket?.destroy();
          resolve(error);
        });
      });
    expect((await reach([]))?.message).toContain('it is a loopback address');
    expect(seen.connections).toBe(0);
    expect(await reach(['127.0.0.1'])).toBeNull();
  });
});

describe('HTTPS', () => {
  const key = join(folder, 'key.pem');
  const cert = join(folder, 'cert.pem');
  const secure = async () => {
    const names = 'subjectAltName=DNS:a.example';
    const make = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'];
    execFileSync('openssl', [...make, '-subj', '/CN=a.example', '-addext', names, '-keyout', key, '-out', cert], {
      stdio: 'ignore',
    });
    const server = createServer({ key: readFileSync(key), cert: readFileSync(cert) }, (_, response) =>
      response.end('ok'),
    );
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return { server, port: (server.address() as AddressInfo).port };
  };

  it('is asked by the name that the certificate has, and nobody else', async () => {
    const { server, port } = await secure();
    try {
      const lookup = async () => ['127.0.0.1'];
      const distrustful = clientOf({ allow: ['a.example'], lookup });
      const { code, message } = await refusalOf(distrustful.download(`https://a.example:${port}/`, limits));
      expect(code).toBe('outbound-unreachable');
      expect(message).toContain('self-signed certificate');
      // Trust is the system's; Node reads what is added to it when it starts.
      const client = JSON.stringify(join(import.meta.dirname, '../../../src/services/outbound/index.ts'));
      const script = join(folder, 'ask.mts');
      writeFileSync(
        script,
        `import { OutboundClient } from ${client};
        const policy = { allow: ['a.example', 'b.example'] };
        const client = new OutboundClient({ policy, lookup: async () => ['127.0.0.1'] });
        for (const name of ['a.example', 'b.example']) {
          const sent = client.send({ url: \`https://\${name}:${port}/\`, timeoutMs: 5000 });
          console.log(await sent.then(({ bodyStart }) => bodyStart, (error) => error.message));
        }
        await client.close();`,
      );
      const environment = { ...process.env, NODE_EXTRA_CA_CERTS: cert, NODE_TLS_REJECT_UNAUTHORIZED: '0' };
      const run = promisify(execFile)(process.execPath, ['--import', 'tsx', script], { env: environment });
      const [trusted, other] = (await run).stdout.trim().split('\n');
      expect(trusted).toBe('ok');
      expect(other).toContain("Host: b.example. is not in the cert's altnames");
    } finally {
      server.close();
    }
  });
});
