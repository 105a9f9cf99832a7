import { Writable } from 'node:stream';
import { pino } from 'pino';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { defineApp, VitrinaError } from '../../src/index.js';
import { scaleGraph } from '../graphs.js';
import { folderOf, type StartedApp, startApp } from '../start-app.js';

/** Fails in the ways that a server can. */
const failing = defineApp({
  name: 'failing',
  title: 'failing',
  description: 'fails',
  register(scope) {
    const open = { config: { public: true } };
    scope.get('/fault', open, () => {
      throw new Error('the disk is gone\n{"level":50,"forged":true}');
    });
    scope.get('/shed', open, () => {
      throw new VitrinaError('overloaded', { model: 'scale', queued: 9, waitMs: 8 });
    });
    scope.get('/waiting', open, (_request, reply) => reply.status(503).send({ status: 'not ready' }));
  },
});

const lines: string[] = [];
const sink = new Writable({
  write(chunk: Buffer, _encoding, done) {
    lines.push(...chunk.toString().split('\n').slice(0, -1));
    done();
  },
});
const read = () => lines.map((line) => JSON.parse(line) as Record<string, unknown>);

async function start(mode: string): Promise<StartedApp> {
  return startApp([folder], { 'request-log': mode }, [failing], pino({ level: 'warn', base: null }, sink));
}

let folder: string;
const servers = new Map<string, StartedApp>();
beforeAll(async () => {
  folder = folderOf({ scale: scaleGraph() });
  for (const mode of ['off', 'errors', 'all']) servers.set(mode, await start(mode));
});
afterAll(async () => {
  for (const server of servers.values()) await server.close();
});
beforeEach(() => {
  lines.length = 0;
});

describe('the request log', () => {
  it('has one line for every request, with what was asked of whom and how long it took', async () => {
    const server = servers.get('all')!;
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00';
    const headers = { 'x-request-id': 'mine-1', traceparent };
    await server.post('/models/scale/predict?token=secret', [{ x: [1, 2, 3] }, { x: [4, 5, 6] }], headers);
    const [line, ...others] = read();
    expect(others).toEqual([]);
    expect(line).toMatchObject({
      level: 30,
      reqId: 'mine-1',
      method: 'POST',
      route: '/models/:name/predict',
      status: 200,
      model: 'scale',
      version: '1',
      rows: 2,
      batchRows: 2,
      user: 1,
      keyId: expect.stringMatching(/^[0-9a-f]{16}$/),
      traceId: '0af7651916cd43dd8448eb211c80319c',
      bytesOut: '[{"y":[2,4,6]},{"y":[8,10,12]}]'.length,
    });
    expect(line!.ms).toBeGreaterThan(0);
    expect(lines.join()).not.toContain('secret');
    expect(lines.join()).not.toContain(server.key);
  });

  it('says why a request was refused, without what it held', async () => {
    await servers.get('all')!.post('/models/scale/predict', { x: ['my private text', 2, 3] });
    expect(read()).toMatchObject([{ level: 30, status: 422, code: 'request-invalid' }]);
    expect(lines.join()).not.toContain('private');
  });

  it('lets no text of a caller begin a line or a field', async () => {
    const server = servers.get('all')!;
    const forged = 'x"\n{"level":50,"forged":true}';
    await server.app.inject({
      url: `/${encodeURIComponent(forged)}?a=${encodeURIComponent(forged)}`,
      headers: { 'user-agent': 'y', 'x-request-id': 'a b', authorization: 'Bearer vtr_stolen', traceparent: '{"z":1}' },
    });
    expect(lines).toHaveLength(1);
    const [line] = read();
    expect(line).toMatchObject({ status: 404, code: 'route-not-found' });
    expect(Object.keys(line!)).not.toContain('forged');
    expect(lines.join()).not.toMatch(/stolen|forged|a b/);
  });

  it('keeps the cause of a fault, in every mode', async () => {
    for (const mode of ['off', 'errors', 'all']) {
      lines.length = 0;
      const answer = await servers.get(mode)!.app.inject({ url: '/failing/fault' });
      expect(answer.body).not.toContain('disk');
      const [line, ...others] = read();
      expect(others, mode).toEqual([]);
      expect(line).toMatchObject({
        level: 50,
        code: 'internal',
        status: 500,
        reqId: answer.headers['x-request-id'],
        err: { message: expect.stringContaining('the disk is gone'), stack: expect.any(String) },
      });
    }
  });

  it('tells what was shed unless it is off, and nothing of what a route says on purpose', async () => {
    await servers.get('off')!.app.inject({ url: '/failing/shed' });
    for (const mode of ['off', 'errors']) await servers.get(mode)!.app.inject({ url: '/failing/waiting' });
    await servers.get('errors')!.post('/models/scale/predict', { x: 1 });
    expect(lines).toEqual([]);
    await servers.get('errors')!.app.inject({ url: '/failing/shed' });
    expect(read()).toMatchObject([{ level: 40, status: 503, code: 'overloaded', route: '/failing/shed' }]);
  });

  it('bounds the lines about errors, and says how many it left out', async () => {
    const server = await start('errors');
    await Promise.all(Array.from({ length: 100 }, () => server.app.inject({ url: '/failing/shed' })));
    expect(lines.length).toBeGreaterThanOrEqual(20);
    expect(lines.length).toBeLessThan(100);
    await new Promise((resolve) => setTimeout(resolve, 100));
    await server.app.inject({ url: '/failing/shed' });
    const told = read().reduce((sum, { suppressed }) => sum + ((suppressed as number | undefined) ?? 0), 0);
    expect(told + lines.length).toBe(101);
    await server.close();
  });
});
