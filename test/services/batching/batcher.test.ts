import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { VitrinaError } from '../../../src/errors.js';
import { openSession, type Session } from '../../../src/runtime/index.js';
import { Batcher, type BatcherOptions } from '../../../src/services/batching/batcher.js';
import type { Tensor } from '../../../src/tensor.js';
import { lookupGraph, scaleGraph, sumGraph } from '../../graphs.js';

const scale = scaleGraph();
const sum = sumGraph();
const lookup = lookupGraph();
let scaleSession: Session;
let sumSession: Session;
let lookupSession: Session;
beforeAll(async () => {
  scaleSession = await openSession(scale.graph, 'inline');
  sumSession = await openSession(sum.graph, 'inline');
  lookupSession = await openSession(lookup.graph, 'inline');
});
afterAll(async () => {
  for (const session of [scaleSession, sumSession, lookupSession]) await session.close();
});

const options = (own: Partial<BatcherOptions> = {}): BatcherOptions => ({
  model: 'test',
  maxBatchRows: 8,
  maxDelayMs: 0,
  maxQueueRows: 1000,
  batchable: true,
  ...own,
});
const rows = (...values: number[]): Record<string, Tensor> => ({
  x: { dtype: 'float32', shape: [values.length, 3], data: Float32Array.from(values.flatMap((v) => [v, v, v])) },
});
const firsts = (tensor: Tensor) => [...(tensor.data as Float32Array)].filter((_, i) => i % 3 === 0);

describe('Batcher', () => {
  it('gives every caller its own rows, whatever shared their batch', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(fc.integer({ min: -1000, max: 1000 }), { minLength: 1, maxLength: 12 }), {
          minLength: 1,
          maxLength: 20,
        }),
        fc.integer({ min: 1, max: 16 }),
        async (requests, maxBatchRows) => {
          const batcher = new Batcher(scaleSession, scale.signature, options({ maxBatchRows }));
          const answers = await Promise.all(requests.map((values) => batcher.submit(rows(...values), values.length)));
          answers.forEach(({ outputs, report }, i) => {
            expect(firsts(outputs.y!)).toEqual(requests[i]!.map((v) => v * 2 + 0));
            expect(outputs.y!.shape).toEqual([requests[i]!.length, 3]);
            expect(report.batchRows).toBeLessThanOrEqual(Math.max(maxBatchRows, requests[i]!.length));
          });
          expect(batcher.queuedRows).toBe(0);
        },
      ),
      { numRuns: 60 },
    );
  });

  it('runs what arrives in one turn together, and says why the batch closed', async () => {
    const batcher = new Batcher(scaleSession, scale.signature, options());
    const together = await Promise.all([1, 2, 3].map((v) => batcher.submit(rows(v), 1)));
    expect(together.map(({ report }) => [report.batchRows, report.closedBy])).toEqual(Array(3).fill([3, 'turn']));
    const full = await Promise.all(Array.from({ length: 10 }, (_, v) => batcher.submit(rows(v), 1)));
    expect(full.map(({ report }) => report.closedBy)).toEqual([...Array(8).fill('full'), 'free', 'free']);
  });

  it('lets a request alone on an idle server leave at once, delay or not', async () => {
    const batcher = new Batcher(scaleSession, scale.signature, options({ maxDelayMs: 5_000 }));
    const { report } = await batcher.submit(rows(1), 1);
    expect(report).toMatchObject({ batchRows: 1, closedBy: 'turn' });
  });

  it('waits for company on a busy server, until the delay or a full batch', async () => {
    const batcher = new Batcher(scaleSession, scale.signature, options({ maxDelayMs: 400, maxBatchRows: 4 }));
    await batcher.submit(rows(1), 1);
    const late = await Promise.all([batcher.submit(rows(2), 1), batcher.submit(rows(3), 1)]);
    expect(late.map(({ report }) => [report.batchRows, report.closedBy])).toEqual(Array(2).fill([2, 'delay']));
    const full = await Promise.all(Array.from({ length: 4 }, (_, v) => batcher.submit(rows(v), 1)));
    expect(full.map(({ report }) => report.closedBy)).toEqual(Array(4).fill('full'));
  });

  it('keeps requests of different free sizes apart', async () => {
    const batcher = new Batcher(sumSession, sum.signature, options());
    const answers = await Promise.all(
      [1, 2, 2, 3].map((size) =>
        batcher.submit({ x: { dtype: 'float32', shape: [1, size], data: new Float32Array(size).fill(1) } }, 1),
      ),
    );
    expect(answers.map(({ outputs }) => outputs.sum!.data[0])).toEqual([1, 2, 2, 3]);
  });

  it('does not let one bad request fail the others of its batch', async () => {
    const batcher = new Batcher(lookupSession, lookup.signature, options());
    const ask = (i: bigint) => batcher.submit({ i: { dtype: 'int64', shape: [1, 1], data: BigInt64Array.of(i) } }, 1);
    const [good, bad, other] = await Promise.allSettled([ask(1n), ask(99n), ask(3n)]);
    expect(good.status === 'fulfilled' && good.value.outputs.y!.data[0]).toBe(10);
    expect(other.status === 'fulfilled' && other.value.outputs.y!.data[0]).toBe(30);
    expect(bad.status === 'rejected' && (bad.reason as VitrinaError).code).toBe('runtime-rejected');
  });

  it('refuses at once what would wait beyond the limit', async () => {
    const batcher = new Batcher(scaleSession, scale.signature, options({ maxQueueRows: 2 }));
    const accepted = [batcher.submit(rows(1), 1), batcher.submit(rows(2), 1)];
    const refused = await batcher.submit(rows(3), 1).catch((error: VitrinaError) => error);
    expect(refused).toMatchObject({ code: 'overloaded', headers: { 'retry-after': '1' } });
    expect((await Promise.all(accepted)).length).toBe(2);
  });

  it('drops a request whose caller has gone', async () => {
    const batcher = new Batcher(scaleSession, scale.signature, options());
    const caller = { gone: false };
    const gone = batcher.submit(rows(1), 1, caller);
    const stays = batcher.submit(rows(2), 1);
    caller.gone = true;
    expect(await gone.catch((error: VitrinaError) => error.code)).toBe('request-abandoned');
    expect((await stays).report.batchRows).toBe(1);
  });

  it('drops a request whose deadline has passed', async () => {
    const batcher = new Batcher(scaleSession, scale.signature, options());
    const late = batcher.submit(rows(1), 1, { gone: false, deadline: performance.now() - 1 });
    const stays = batcher.submit(rows(2), 1, { gone: false, deadline: performance.now() + 10_000 });
    expect(await late.catch((error: VitrinaError) => error.code)).toBe('deadline-exceeded');
    expect((await stays).report.batchRows).toBe(1);
    expect(batcher.queuedRows).toBe(0);
  });

  it('tells when it is drained', async () => {
    const batcher = new Batcher(scaleSession, scale.signature, options());
    await batcher.drained();
    let answered = false;
    const request = batcher.submit(rows(1), 1).then(() => {
      answered = true;
    });
    await batcher.drained();
    await request;
    expect(answered).toBe(true);
  });
});
