import { mkdirSync, writeFileSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { connect } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { lookupGraph, scaleGraph } from '../graphs.js';
import { folderOf, type StartedApp, startApp } from '../start-app.js';

let started: StartedApp;
beforeAll(async () => {
  started = await startApp([folderOf({ scale: scaleGraph(), lookup: lookupGraph() })]);
});
afterAll(() => started.close());

const body = { inputs: { x: [[1, 2, 3]] } };
const predict = (headers: Record<string, string> = {}, path = '/models/scale/predict') =>
  started.post(path, body, headers);

describe('a deadline', () => {
  it('lets through what is answered in time', async () => {
    expect((await predict({ 'x-timeout-ms': '60000' })).statusCode).toBe(200);
  });

  it.each(['0', '-1', '1.5', 'soon', '', '1e3', '86400001', '999999999999'])('is not "%s"', async (value) => {
    const answer = await predict({ 'x-timeout-ms': value });
    expect(answer.statusCode).toBe(400);
    expect(answer.json()).toMatchObject({ code: 'header-invalid' });
    expect(answer.json().detail).toContain(`X-Timeout-Ms is "${value}"`);
  });

  it('is given to those who name none by the setting', async () => {
    const own = await startApp([folderOf({ scale: scaleGraph() })], { 'default-timeout-ms': '60000' });
    const answer = await own.post('/models/scale/predict', body, { 'x-explain': 'batch' });
    expect(answer.headers['x-batch']).toMatch(/; left=(59|60)\d{3}$/);
    await own.close();
  });
});

describe('an explanation of the batch', () => {
  it.each([
    ['a header', { 'x-explain': 'batch' }, '/models/scale/predict'],
    ['a parameter', {}, '/models/scale/predict?explain=batch'],
    ['a header of the Open Inference Protocol', { 'x-explain': 'batch' }, '/v2/models/scale/infer'],
  ])('is given for %s, and changes nothing else', async (_name, headers, path) => {
    const given = path.startsWith('/v2')
      ? { inputs: [{ name: 'x', shape: [1, 3], datatype: 'FP32', data: [1, 2, 3] }] }
      : body;
    const plain = await started.post(path.split('?')[0]!, given);
    const answer = await started.post(path, given, headers);
    expect(answer.statusCode).toBe(200);
    expect(answer.body).toBe(plain.body);
    expect(plain.headers['x-batch']).toBeUndefined();
    expect(answer.headers['x-batch']).toMatch(/^rows=1; closed=turn; placement=(inline|worker); priority=normal$/);
    expect(answer.headers['server-timing']).toMatch(/^queue;dur=\d+\.\d{3}, run;dur=\d+\.\d{3}$/);
  });

  it('names the priority of the key, and what is left of the time', async () => {
    const { key } = (await started.post('/keys', { scopes: ['predict'], priority: 'low' })).json();
    const answer = await started.app.inject({
      method: 'POST',
      url: '/models/scale/predict',
      headers: { 'x-api-key': key, 'x-explain': 'batch', 'x-timeout-ms': '60000' },
      payload: body,
    });
    expect(answer.headers['x-batch']).toMatch(/priority=low; left=(59|60)\d{3}$/);
  });

  it('is of nothing else', async () => {
    const answer = await predict({ 'x-explain': 'everything' });
    expect([answer.statusCode, answer.json().code]).toEqual([400, 'header-invalid']);
  });
});

/** Sends a head, and nothing of the body that it announces, and waits for the answer. */
function sendHead(address: string, path: string, headers: Record<string, string>): Promise<string> {
  const { port } = new URL(address);
  const socket = connect(Number(port), '127.0.0.1');
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`);
  socket.write([`POST ${path} HTTP/1.1`, 'host: x', ...lines, '', ''].join('\r\n'));
  return new Promise((resolve, reject) => {
    let text = '';
    socket.on('data', (chunk: Buffer) => {
      text += chunk.toString();
      if (text.includes('}')) {
        socket.destroy();
        resolve(text);
      }
    });
    socket.on('error', reject);
  });
}

/** The scale model, whose requests wait for company up to four seconds once one has been answered. */
function patientFolder(): string {
  const folder = folderOf({ lookup: lookupGraph() });
  mkdirSync(join(folder, 'scale', '1'), { recursive: true });
  writeFileSync(join(folder, 'scale', 'model.yaml'), 'batching: {maxDelayMs: 4000}');
  writeFileSync(join(folder, 'scale', '1', 'scale.onnx'), scaleGraph().graph);
  return folder;
}

describe('a model that has more to do than it may keep waiting', () => {
  it('refuses before the body is read, and answers health and other models', async () => {
    const own = await startApp([patientFolder()], { 'max-queue-rows': '1' });
    const address = await own.app.listen({ host: '127.0.0.1', port: 0 });
    expect((await own.post('/models/scale/predict', body)).statusCode).toBe(200);
    const many = Array.from({ length: 4 }, () => own.post('/models/scale/predict', body));
    const busy = await Promise.race(many);
    expect(busy.statusCode).toBe(503);
    expect(busy.headers['retry-after']).toMatch(/^[1-9]\d*$/);
    expect(busy.json()).toMatchObject({ code: 'overloaded' });

    // The body that this head announces never comes.
    const headers = { 'content-type': 'application/json', authorization: `Bearer ${own.key}` };
    const answer = await sendHead(address, '/models/scale/predict', { ...headers, 'content-length': '100000' });
    expect(answer).toContain('503');
    expect(answer).toContain('"overloaded"');
    expect((await own.get('/readyz')).statusCode).toBe(200);
    expect((await own.post('/models/lookup/predict', { inputs: { i: [[1]] } })).statusCode).toBe(200);
    // What administers the model is no prediction.
    expect((await own.post('/v2/repository/index', {})).statusCode).toBe(200);
    const codes = (await Promise.all(many)).map(({ statusCode }) => statusCode);
    expect(codes.sort()).toEqual([200, 503, 503, 503]);
    await own.close();
  });

  it('lets a connection go on after a refusal', async () => {
    const own = await startApp([patientFolder()], { 'max-queue-rows': '1' });
    const address = await own.app.listen({ host: '127.0.0.1', port: 0 });
    await own.post('/models/scale/predict', body);
    const many = Array.from({ length: 4 }, () => own.post('/models/scale/predict', body));
    expect((await Promise.race(many)).statusCode).toBe(503);
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const send = (payload: string) =>
      new Promise<[number, boolean]>((resolve, reject) => {
        const headers = { 'content-type': 'application/json', 'x-api-key': own.key };
        const sent = request(`${address}/models/scale/predict`, { method: 'POST', agent, headers }, (answer) => {
          answer.resume().on('end', () => resolve([answer.statusCode!, sent.reusedSocket]));
        });
        sent.on('error', reject).end(payload);
      });
    expect(await send(JSON.stringify({ ...body, padding: 'x'.repeat(200_000) }))).toEqual([503, false]);
    await Promise.all(many);
    expect(await send(JSON.stringify(body))).toEqual([200, true]);
    agent.destroy();
    await own.close();
  });
});
