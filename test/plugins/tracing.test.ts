import { type AddressInfo, createServer } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { scaleGraph } from '../graphs.js';
import { attributesOf, type Collector, type ReceivedSpan, startCollector } from '../services/tracing/collector.js';
import { folderOf, startApp } from '../start-app.js';

const traceId = '0af7651916cd43dd8448eb211c80319c';
const callerSpan = 'b7ad6b7169203331';
const traceparent = (flags: string, id = traceId) => `00-${id}-${callerSpan}-${flags}`;

let folder: string;
let collector: Collector;
beforeAll(async () => {
  folder = folderOf({ scale: scaleGraph() });
  collector = await startCollector();
});
afterAll(() => collector.close());

/** What the collector has after `work` was done on a server that is stopped then. */
async function spansOf(
  flags: Record<string, unknown>,
  work: (server: Awaited<ReturnType<typeof startApp>>) => Promise<void>,
): Promise<ReceivedSpan[]> {
  collector.spans.length = 0;
  const server = await startApp([folder], { 'otlp-endpoint': collector.url, ...flags });
  try {
    await work(server);
  } finally {
    await server.close();
  }
  return [...collector.spans];
}

const named = (spans: readonly ReceivedSpan[], name: string) => spans.filter((span) => span.name === name);
const predictSpan = 'POST /models/:name/predict';

describe('tracing', () => {
  it('follows a request from its head to the session, in the trace of its caller', async () => {
    const spans = await spansOf({}, async (server) => {
      const headers = { traceparent: traceparent('01'), tracestate: 'vendor=1' };
      const answer = await server.post('/models/scale/predict?secret=1', { x: [1, 2, 3] }, headers);
      expect(answer.json()).toEqual({ y: [2, 4, 6] });
      expect(answer.headers.traceparent).toMatch(new RegExp(`^00-${traceId}-[0-9a-f]{16}-01$`));
      expect(answer.headers.traceparent).not.toContain(callerSpan);
    });
    expect(spans.every((span) => span.traceId === traceId)).toBe(true);
    const [request] = named(spans, predictSpan);
    expect(request).toMatchObject({ parentSpanId: callerSpan, kind: 2, traceState: 'vendor=1' });
    expect(attributesOf(request!)).toMatchObject({
      'http.request.method': 'POST',
      'http.route': '/models/:name/predict',
      'http.response.status_code': 200,
      'url.path': '/models/scale/predict',
      'vitrina.model': 'scale',
      'vitrina.version': '1',
      'vitrina.rows': 1,
    });
    const [body] = named(spans, 'read body');
    const [wait] = named(spans, 'queue wait');
    const [batch] = named(spans, 'batch');
    const [run] = named(spans, 'session run');
    for (const child of [body, wait, batch]) expect(child!.parentSpanId).toBe(request!.spanId);
    expect(run!.parentSpanId).toBe(batch!.spanId);
    expect(spans).toHaveLength(5);
    expect(attributesOf(batch!)).toMatchObject({ 'vitrina.batch.rows': 1, 'vitrina.batch.closed_by': 'turn' });
    const times = [request, body, wait, run].map((span) => BigInt(span!.startTimeUnixNano));
    expect(times).toEqual([...times].sort((a, b) => (a < b ? -1 : 1)));
    expect(BigInt(run!.endTimeUnixNano)).toBeLessThanOrEqual(BigInt(request!.endTimeUnixNano));
    expect(Math.abs(Number(BigInt(request!.startTimeUnixNano) / 1_000_000n) - Date.now())).toBeLessThan(60_000);
    expect(collector.resources.at(-1)).toMatchObject({ 'service.name': 'vitrina' });
  });

  it('links a batch with the requests in it, and each of their queues with the batch', async () => {
    const spans = await spansOf({ 'trace-ratio': 1 }, async (server) => {
      const answers = await Promise.all([1, 2, 3].map((v) => server.post('/models/scale/predict', { x: [v, 0, 0] })));
      expect(answers.map((answer) => answer.json().y[0])).toEqual([2, 4, 6]);
    });
    const requests = named(spans, predictSpan);
    const batches = named(spans, 'batch');
    expect(requests).toHaveLength(3);
    expect(new Set(requests.map((span) => span.traceId)).size).toBe(3);
    const linked = batches.flatMap((batch) => batch.links!.map(({ spanId }) => spanId));
    expect(linked.sort()).toEqual(requests.map(({ spanId }) => spanId).sort());
    expect(batches.length).toBeLessThan(3);
    for (const wait of named(spans, 'queue wait')) {
      const [link] = wait.links!;
      const batch = batches.find(({ spanId }) => spanId === link!.spanId);
      expect(batch!.links!.some(({ traceId: id }) => id === wait.traceId)).toBe(true);
    }
    expect(attributesOf(batches[0]!)['vitrina.batch.rows']).toBeGreaterThan(1);
  });

  it('says what a request failed with, and blames the server for its own faults only', async () => {
    const spans = await spansOf({ 'trace-ratio': 1 }, async (server) => {
      await server.post('/models/scale/predict', { x: [1] });
      await server.get('/nowhere/vtr_secret');
      await server.app.inject({ method: 'POST', url: '/models/scale/predict' });
    });
    const [invalid, unauthenticated] = named(spans, predictSpan);
    expect(attributesOf(invalid!)).toMatchObject({ 'error.type': 'request-invalid', 'http.response.status_code': 422 });
    expect(invalid!.status.code ?? 0).toBe(0);
    expect(attributesOf(unauthenticated!)).toMatchObject({ 'error.type': 'unauthenticated' });
    expect(attributesOf(named(spans, 'GET')[0]!)).toMatchObject({ 'http.response.status_code': 404 });
    expect(JSON.stringify(spans)).not.toContain('vtr_secret');
  });

  it('keeps what callers keep', async () => {
    const kept = await spansOf({ 'trace-ratio': 0 }, async (server) => {
      await server.post('/models/scale/predict', { x: [1, 2, 3] });
      await server.post('/models/scale/predict', { x: [1, 2, 3] }, { traceparent: traceparent('00') });
      await server.post('/models/scale/predict', { x: [1, 2, 3] }, { traceparent: traceparent('01') });
    });
    expect(named(kept, predictSpan)).toHaveLength(1);
  });

  it('keeps of the rest the share that is set, whatever their header looks like', async () => {
    const all = await spansOf({ 'trace-ratio': 1 }, async (server) => {
      await server.post('/models/scale/predict', { x: [1, 2, 3] });
      for (const header of ['', 'x', '00-0-0-01', `00-${'0'.repeat(32)}-${callerSpan}-01`, 'a'.repeat(5_000)]) {
        expect((await server.post('/models/scale/predict', { x: [1, 2, 3] }, { traceparent: header })).statusCode).toBe(
          200,
        );
      }
      await server.post('/models/scale/predict', { x: [1, 2, 3] }, { traceparent: traceparent('00') });
    });
    expect(named(all, predictSpan)).toHaveLength(6);
    expect(all.some((span) => span.traceId === traceId)).toBe(false);
  });

  it.each(['gone', 'silent'])('goes on answering, and stops in time, when the collector is %s', async (what) => {
    const silent = createServer(() => undefined);
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    const { port } = silent.address() as AddressInfo;
    const endpoint = what === 'gone' ? 'http://127.0.0.1:9' : `http://127.0.0.1:${port}`;
    const server = await startApp([folder], { 'otlp-endpoint': endpoint, 'trace-ratio': 1 });
    for (let i = 0; i < 50; i++) {
      expect((await server.post('/models/scale/predict', { x: [i, 0, 0] })).json().y[0]).toBe(2 * i);
    }
    const before = performance.now();
    await server.close();
    expect(performance.now() - before).toBeLessThan(10_000);
    silent.close();
  });
});
