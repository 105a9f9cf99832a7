/** `deploy/nginx` on a real nginx, in front of the built program: what callers outside meet. */
import { once } from 'node:events';
import { readFileSync, rmSync } from 'node:fs';
import { createServer, type IncomingHttpHeaders, type IncomingMessage, request as plainRequest } from 'node:http';
import { connect as connectHttp2 } from 'node:http2';
import { type RequestOptions, request as tlsRequest } from 'node:https';
import { join } from 'node:path';
import { connect as connectTls } from 'node:tls';
import { credentials, loadPackageDefinition, Metadata } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { freePort } from '../free-port.js';
import { scaleGraph } from '../graphs.js';
import { missingTools, NginxServer } from '../nginx-server.js';
import { folderOf } from '../start-app.js';
import { freshFolder, root, type Served, serve } from './spawn.js';

const missing = missingTools();
if (missing.length > 0) console.warn(`\nSKIPPED: the tests behind nginx, since there is no ${missing.join(', ')}\n`);

const site = readFileSync(join(root, 'deploy/nginx/vitrina.conf'), 'utf8');
const upstream = readFileSync(join(root, 'deploy/nginx/upstream.conf'), 'utf8');

/** Exactly what a reader would edit, and nothing that is not there. */
function replace(text: string, pairs: readonly (readonly [string, string])[]): string {
  return pairs.reduce((done, [from, to]) => {
    if (!done.includes(from)) throw new Error(`"${from}" is not in the file`);
    return done.replaceAll(from, to);
  }, text);
}

interface Front {
  readonly nginx: NginxServer;
  readonly port: number;
  readonly plainPort: number;
}

/** The files of `deploy/nginx` as they are, but for ports and folders. */
async function startFront(http: number, grpc: number): Promise<Front> {
  const [port, plainPort] = [await freePort(), await freePort()];
  const files = [
    replace(upstream, [
      ['127.0.0.1:8000', `127.0.0.1:${http}`],
      ['127.0.0.1:8001', `127.0.0.1:${grpc}`],
    ]),
    replace(site, [
      ['listen 443 ssl', `listen 127.0.0.1:${port} ssl`],
      ['  listen [::]:443 ssl http2;\n', ''],
      ['listen 80;', `listen 127.0.0.1:${plainPort};`],
      ['  listen [::]:80;\n', ''],
      ['vitrina.example.org', 'localhost'],
      ['/etc/nginx/tls/', '@folder@/tls/'],
      ['/var/log/nginx/', '@folder@/'],
    ]),
  ];
  return { nginx: await NginxServer.start({ files, port }), port, plainPort };
}

interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

const textOf = async (response: IncomingMessage): Promise<string> => {
  let text = '';
  for await (const chunk of response.setEncoding('utf8')) text += chunk;
  return text;
};

/** A request over TLS, with the server's certificate checked. */
async function ask(
  front: Front,
  path: string,
  { body, ...options }: RequestOptions & { body?: string | Buffer } = {},
): Promise<Answer> {
  const { port, nginx } = front;
  const request = tlsRequest({ host: '127.0.0.1', port, ca: nginx.certificate, path, agent: false, ...options });
  // A server that refuses closes while the body is still on its way.
  request.on('error', () => undefined);
  request.end(body);
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  return { status: response.statusCode!, headers: response.headers, text: await textOf(response) };
}

describe.skipIf(missing.length > 0)('nginx in front of a server', () => {
  const data = freshFolder();
  let served: Served;
  let front: Front;
  const headers = () => ({ 'x-api-key': served.key!, 'content-type': 'application/json' });
  beforeAll(async () => {
    const words = [folderOf({ scale: scaleGraph(3), scalar: scaleGraph(1) }), '--grpc-port', '0'];
    served = await serve(words, data, { VITRINA_TRUST_PROXY: '127.0.0.1', VITRINA_REQUEST_LOG: 'all' });
    const grpc = Number(/gRPC: \S+:(\d+)\)/.exec(served.printed())![1]);
    front = await startFront(Number(new URL(served.url).port), grpc);
  });
  afterAll(async () => {
    await front?.nginx.stop();
    await served?.stop();
    rmSync(data, { recursive: true });
  });

  it('starts without a warning', () => {
    expect(front.nginx.errors).not.toMatch(/\[(warn|error|emerg)\]/);
  });

  it('predicts over TLS, over HTTP/1.1 and HTTP/2, under the id that the caller gives', async () => {
    const body = '{"inputs": {"x": [[1, 2, 3]]}}';
    const options = { method: 'POST', headers: { ...headers(), 'x-request-id': 'mine-1' }, body };
    const answer = await ask(front, '/models/scale/predict', options);
    expect(answer.status).toBe(200);
    expect(JSON.parse(answer.text)).toMatchObject({ outputs: { y: [[2, 4, 6]] } });
    expect(answer.headers).toMatchObject({
      'x-request-id': 'mine-1',
      'strict-transport-security': expect.stringMatching(/^max-age=\d+$/),
    });
    const session = connectHttp2(`https://localhost:${front.port}`, { ca: front.nginx.certificate });
    const stream = session.request({ ':path': '/models/scale/predict', ':method': 'POST', ...headers() });
    stream.end(body);
    const [head] = (await once(stream, 'response')) as [{ ':status': number }];
    expect(head[':status']).toBe(200);
    stream.resume();
    await once(stream, 'end');
    session.close();
    // nginx writes the line of a stream after its last frame has left.
    const log = await vi.waitFor(() => {
      const text = readFileSync(join(front.nginx.folder, 'access.log'), 'utf8').trim();
      expect(text).toContain('HTTP/2.0');
      return text;
    });
    const lines = log.split('\n').map((line) => JSON.parse(line) as { reqId: string; path: string; protocol: string });
    expect(lines.find(({ reqId }) => reqId === 'mine-1')).toMatchObject({ path: '/models/scale/predict', status: 200 });
    expect(lines.some(({ protocol }) => protocol === 'HTTP/2.0')).toBe(true);
    expect(log).not.toContain(served.key);
  });

  it('sends callers without TLS there', async () => {
    const request = plainRequest({ host: '127.0.0.1', port: front.plainPort, path: '/models?x=1', method: 'POST' });
    request.end();
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    response.resume();
    expect(response.statusCode).toBe(308);
    expect(response.headers.location).toBe('https://127.0.0.1/models?x=1');
  });

  it('hides the metrics, however they are spelt, and nothing else', async () => {
    for (const path of ['/metrics', '/metrics/', '/%6detrics', '//metrics', '/x/../metrics', '/metrics?x=1']) {
      const answer = await ask(front, path, { headers: headers() });
      expect([path, answer.status]).toEqual([path, 404]);
      expect(answer.text).not.toContain('vitrina_');
      expect(answer.headers['content-type']).toBe('application/problem+json');
      expect(JSON.parse(answer.text)).toMatchObject({ status: 404, instance: expect.stringMatching(/^[0-9a-f]{32}$/) });
    }
    expect((await fetch(`${served.url}/metrics`, { headers: headers() })).status).toBe(200);
    expect((await ask(front, '/models/scale/stats', { headers: headers() })).status).toBe(200);
  });

  it('answers a table while it arrives', async () => {
    const request = tlsRequest({
      host: '127.0.0.1',
      port: front.port,
      ca: front.nginx.certificate,
      path: '/models/scale/predict',
      method: 'POST',
      headers: { ...headers(), 'content-type': 'application/x-ndjson', accept: 'application/x-ndjson' },
      agent: false,
    });
    const line = `${JSON.stringify({ x: [1, 2, 3] })}\n`;
    // More than one chunk of rows, and the answer's first 256 KiB.
    request.write(line.repeat(30_000));
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    expect(response.statusCode).toBe(200);
    const [first] = (await once(response, 'data')) as [Buffer];
    expect(first.length).toBeGreaterThan(0);
    expect(request.writableEnded).toBe(false);
    request.end(line);
    const rest = await textOf(response);
    expect(`${first}${rest}`.trim().split('\n')).toHaveLength(30_001);
  });

  it('tells what becomes of a job', async () => {
    const body = `feature1\n${'1\n'.repeat(10)}`;
    const options = { method: 'POST', headers: { ...headers(), 'content-type': 'text/csv' }, body };
    const asked = await ask(front, '/jobs?model=scalar', options);
    expect([asked.status, asked.text]).toEqual([202, expect.stringContaining('"id"')]);
    const { id } = JSON.parse(asked.text) as { id: string };
    const events = await ask(front, `/jobs/${id}/events`, { headers: headers() });
    expect(events.headers['content-type']).toContain('text/event-stream');
    expect(events.text.trim().split('\n\n').at(-1)).toContain('"succeeded"');
    expect((await ask(front, `/jobs/${id}/result`, { headers: headers() })).text).toContain('2');
  });

  it('lets an artefact through, and refuses what is too large before it is sent', async () => {
    const artefact = Buffer.from(scaleGraph(3, 5).graph);
    const put = { method: 'PUT', headers: { ...headers(), 'content-type': 'application/octet-stream' } };
    expect((await ask(front, '/models/uploaded', { ...put, body: artefact })).status).toBe(201);
    const huge = { ...put.headers, 'content-length': String(2 ** 30 + 1) };
    const refused = await ask(front, '/models/uploaded', { ...put, headers: huge });
    expect(refused.status).toBe(413);
    expect(JSON.parse(refused.text)).toMatchObject({ status: 413, title: 'Content Too Large' });
    const long = Buffer.alloc(8 * 2 ** 20 + 1, 0x20);
    const post = { method: 'POST', headers: headers(), body: long };
    expect(JSON.parse((await ask(front, '/keys', post)).text)).toMatchObject({ status: 413 });
    // Where a table may be long, the server itself says how long JSON may be.
    for (let i = 0; i < 5; i++) {
      const byServer = JSON.parse((await ask(front, '/models/scale/predict', post)).text);
      expect(byServer).toMatchObject({ status: 413, code: 'body-too-large' });
    }
  });

  it('tells the server who calls, and lets no caller choose', async () => {
    const login = async (localAddress: string, forwarded?: string) => {
      const body = JSON.stringify({ username: 'nobody', password: 'wrong-password' });
      const given = forwarded === undefined ? {} : { 'x-forwarded-for': forwarded };
      const answer = await ask(front, '/auth/token', {
        method: 'POST',
        localAddress,
        headers: { 'content-type': 'application/json', ...given },
        body,
      });
      return (JSON.parse(answer.text) as { code?: string }).code;
    };
    const codes: (string | undefined)[] = [];
    for (let i = 0; i < 11; i++) codes.push(await login('127.0.0.2', `10.0.0.${i}`));
    expect(codes).toEqual([...Array(10).fill(codes[0]), 'login-throttled']);
    expect(await login('127.0.0.3')).toBe(codes[0]);
  });

  it('refuses a flood of logins before it reaches the server', async () => {
    const body = JSON.stringify({ username: 'somebody', password: 'wrong-password' });
    const options = {
      method: 'POST',
      localAddress: '127.0.0.4',
      headers: { 'content-type': 'application/json' },
      body,
    };
    const answers = await Promise.all(Array.from({ length: 60 }, () => ask(front, '/auth/token', options)));
    const byProxy = answers.filter(
      ({ headers: { 'retry-after': after }, text }) => after === '2' && !/code/.test(text),
    );
    expect(byProxy.length).toBeGreaterThan(10);
    for (const { status, headers: given } of byProxy) {
      expect([status, given['content-type']]).toEqual([429, 'application/problem+json']);
      expect(given['strict-transport-security']).toBeDefined();
    }
    expect((await ask(front, '/models', { localAddress: '127.0.0.4', headers: headers() })).status).toBe(200);
  });

  it('passes gRPC on', async () => {
    const definition = loadSync('grpc_service.proto', { includeDirs: [join(root, 'protocol')], keepCase: true });
    // biome-ignore lint/suspicious/noExplicitAny: what proto-loader makes has no types
    const { GRPCInferenceService } = loadPackageDefinition(definition).inference as any;
    const secure = credentials.createSsl(front.nginx.certificate);
    const client = new GRPCInferenceService(`localhost:${front.port}`, secure);
    const metadata = new Metadata();
    metadata.set('x-api-key', served.key!);
    const inputs = [{ name: 'x', datatype: 'FP32', shape: [1, 3], contents: { fp32_contents: [1, 2, 3] } }];
    const message = { model_name: 'scale', inputs };
    const values = await new Promise((resolve, reject) => {
      client.ModelInfer(message, metadata, (error: Error | null, answer: { outputs: { contents: object }[] }) =>
        error === null ? resolve(answer.outputs[0]!.contents) : reject(error),
      );
    });
    expect(values).toMatchObject({ fp32_contents: [2, 4, 6] });
    const stream = client.ModelStreamInfer(metadata);
    for (let i = 0; i < 3; i++) {
      stream.write(message);
      const [answer] = (await once(stream, 'data')) as [{ infer_response: { model_name: string } }];
      expect(answer.infer_response.model_name).toBe('scale');
    }
    stream.end();
    await once(stream, 'end');
    client.close();
  });
});

describe.skipIf(missing.length > 0)('nginx in front of something that streams', () => {
  let front: Front;
  let next: (() => void) | undefined;
  const upstreamServer = createServer((request, response) => {
    if (request.method === 'PUT') return void request.resume().on('end', () => response.end('ok'));
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.write('data: 0\n\n');
    next = () => response.write('data: 1\n\n');
  });
  upstreamServer.on('upgrade', (_request, socket) => {
    socket.write('HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n');
    socket.pipe(socket);
  });
  beforeAll(async () => {
    upstreamServer.listen(0, '127.0.0.1');
    await once(upstreamServer, 'listening');
    front = await startFront((upstreamServer.address() as { port: number }).port, await freePort());
  });
  afterAll(async () => {
    await front?.nginx.stop();
    upstreamServer.closeAllConnections();
    upstreamServer.close();
  });

  it('lets each event through when it is written', async () => {
    const { port, nginx } = front;
    const options = { host: '127.0.0.1', port, ca: nginx.certificate, agent: false, path: '/jobs/1/events' };
    const request = tlsRequest({ ...options, headers: { 'accept-encoding': 'gzip' } });
    request.end();
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    expect(response.headers['content-encoding']).toBeUndefined();
    expect(String((await once(response, 'data'))[0])).toBe('data: 0\n\n');
    // The second is written only once the first has been read here.
    next!();
    expect(String((await once(response, 'data'))[0])).toBe('data: 1\n\n');
    request.destroy();
  });

  it('passes a websocket on', async () => {
    const { port, nginx } = front;
    const socket = connectTls({ host: '127.0.0.1', port, ca: nginx.certificate, servername: 'localhost' });
    await once(socket, 'secureConnect');
    socket.write('GET /live HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n');
    expect(String((await once(socket, 'data'))[0])).toMatch(/^HTTP\/1.1 101 /);
    socket.write('to and fro');
    expect(String((await once(socket, 'data'))[0])).toBe('to and fro');
    socket.destroy();
  });

  it('passes an upload on while it arrives', async () => {
    const { port, nginx } = front;
    const options = { host: '127.0.0.1', port, ca: nginx.certificate, agent: false, method: 'PUT' };
    const request = tlsRequest({ ...options, path: '/models/count', headers: { 'transfer-encoding': 'chunked' } });
    upstreamServer.once('request', (incoming) => {
      incoming.once('data', () => next!());
    });
    const arrived = new Promise<void>((resolve) => {
      next = resolve;
    });
    request.write('the first piece');
    await arrived;
    request.end('and the last');
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    expect(await textOf(response)).toBe('ok');
  });

  it('says that nobody is behind it, as the server would say it', async () => {
    upstreamServer.closeAllConnections();
    upstreamServer.close();
    const answer = await ask(front, '/models');
    expect([answer.status, answer.headers['content-type'], answer.headers['retry-after']]).toEqual([
      503,
      'application/problem+json',
      '1',
    ]);
    expect(JSON.parse(answer.text)).toMatchObject({ status: 503 });
  });
});
