import fc from 'fast-check';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { VitrinaError } from '../../../src/errors.js';
import type { Session } from '../../../src/runtime/index.js';
import { Batcher, type BatcherOptions, type Caller } from '../../../src/services/batching/batcher.js';
import { type Priority, priorities } from '../../../src/services/batching/priority.js';
import type { Signature } from '../../../src/signature.js';
import type { Tensor } from '../../../src/tensor.js';

const signature: Signature = {
  inputs: [{ name: 'x', dtype: 'float64', shape: [null, 1] }],
  outputs: [{ name: 'y', dtype: 'float64', shape: [null, 1] }],
};
const options = (own: Partial<BatcherOptions> = {}): BatcherOptions => ({
  model: 'slow',
  maxBatchRows: 4,
  maxDelayMs: 0,
  maxQueueRows: 1000,
  batchable: true,
  ...own,
});
const rows = (...values: number[]): Record<string, Tensor> => ({
  x: { dtype: 'float64', shape: [values.length, 1], data: Float64Array.from(values) },
});
/** Tells whether it has settled by now. */
function isDone(work: Promise<unknown>): () => boolean {
  let done = false;
  const settled = () => {
    done = true;
  };
  void work.then(settled, settled);
  return () => done;
}
const codeOf = (error: unknown) => (error instanceof VitrinaError ? error.code : error);
const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

interface SlowSession extends Session {
  readonly batches: number[][];
  /** Settles once a first batch computes. */
  readonly begun: Promise<void>;
  most: number;
}

/** Doubles its input after `ms`; keeps the values of each batch. A value of -1 is an input that it does not take. */
function slowSession(ms: (rows: number) => number): SlowSession {
  let computing = 0;
  let begin!: () => void;
  const session = {
    placement: 'worker' as const,
    batches: [] as number[][],
    begun: new Promise<void>((resolve) => {
      begin = resolve;
    }),
    most: 0,
    async run({ x }: Readonly<Record<string, Tensor>>) {
      begin();
      session.most = Math.max(session.most, ++computing);
      const values = [...(x!.data as Float64Array)];
      session.batches.push(values);
      await sleep(ms(values.length));
      computing--;
      if (values.includes(-1)) throw new VitrinaError('runtime-rejected', { reason: 'below zero' });
      return {
        y: { dtype: 'float64' as const, shape: [values.length, 1], data: Float64Array.from(values, (v) => 2 * v) },
      };
    },
    close: () => Promise.resolve(),
  };
  return session;
}

describe('Batcher under load', () => {
  it('answers or refuses every request once, with its own rows, within its limits', async () => {
    const request = fc.record({
      rows: fc.integer({ min: 1, max: 6 }),
      priority: fc.constantFrom(...priorities),
      after: fc.integer({ min: 0, max: 3 }),
      timeout: fc.option(fc.integer({ min: 0, max: 20 }), { nil: undefined, freq: 3 }),
      leaves: fc.boolean(),
      bad: fc.integer({ min: 0, max: 9 }).map((n) => n === 0),
    });
    await fc.assert(
      fc.asyncProperty(
        fc.array(request, { minLength: 1, maxLength: 40 }),
        fc.record({
          maxBatchRows: fc.integer({ min: 1, max: 8 }),
          maxQueueRows: fc.integer({ min: 1, max: 30 }),
          maxDelayMs: fc.constantFrom(0, 0, 2),
        }),
        async (requests, limits) => {
          const session = slowSession(() => 1);
          const batcher = new Batcher(session, signature, options(limits));
          let settled = 0;
          const outcomes: Promise<void>[] = [];
          let value = 1;
          for (const { rows: count, priority, after, timeout, leaves, bad } of requests) {
            if (after > 0) await sleep(after - 1);
            const values = Array.from({ length: count }, () => value++);
            if (bad) values[0] = -1;
            const caller = {
              gone: false,
              priority,
              deadline: timeout === undefined ? undefined : performance.now() + timeout,
            };
            const known = [
              'overloaded',
              'deadline-unmeetable',
              'deadline-exceeded',
              ...(leaves ? ['request-abandoned'] : []),
              ...(bad ? ['runtime-rejected'] : []),
            ];
            outcomes.push(
              batcher.submit(rows(...values), count, caller).then(
                ({ outputs, report }) => {
                  settled++;
                  expect([...(outputs.y!.data as Float64Array)]).toEqual(values.map((v) => 2 * v));
                  expect(report.batchRows).toBeLessThanOrEqual(Math.max(limits.maxBatchRows, count));
                  expect(report.waitMs).toBeGreaterThanOrEqual(0);
                },
                (error) => {
                  settled++;
                  expect(known).toContain(codeOf(error));
                },
              ),
            );
            expect(batcher.queuedRows).toBeLessThanOrEqual(Math.max(limits.maxQueueRows, 6));
            if (leaves)
              setTimeout(() => {
                caller.gone = true;
              }, 2);
          }
          await batcher.drained();
          await Promise.all(outcomes);
          expect(settled).toBe(requests.length);
          expect(batcher.queuedRows).toBe(0);
          expect(session.most).toBeLessThanOrEqual(1);
          const { answered, refused, dropped, failed } = batcher.stats;
          expect(answered + refused + dropped + failed).toBe(requests.length);
        },
      ),
      { numRuns: 60 },
    );
  }, 60_000);

  it('computes batch after batch in one turn of the event loop while many wait, unless each is a turn of its own', async () => {
    const turn = () => new Promise((resolve) => setImmediate(resolve));
    let now = 0;
    const clock = vi.spyOn(performance, 'now').mockImplementation(() => now);
    onTestFinished(() => clock.mockRestore());
    const sizesAfterTurn = async (ms: number) => {
      const sizes: number[] = [];
      const runNow = ({ x }: Readonly<Record<string, Tensor>>) => {
        sizes.push(x!.shape[0]!);
        now += ms;
        return { y: x! };
      };
      const session = { placement: 'event-loop', run: () => Promise.reject(), runNow, close: () => Promise.resolve() };
      const batcher = new Batcher(session as Session, signature, options());
      const answers = Array.from({ length: 70 }, (_, i) => batcher.submit(rows(i), 1));
      await turn();
      const first = [...sizes];
      await Promise.all(answers);
      return [first.length, sizes.length];
    };
    // Until fewer than 64 wait; then one a turn.
    expect(await sizesAfterTurn(0)).toEqual([2, 18]);
    expect(await sizesAfterTurn(25)).toEqual([1, 18]);
  });

  it('lets the urgent go first', async () => {
    const session = slowSession(() => 5);
    const batcher = new Batcher(session, signature, options({ maxBatchRows: 1 }));
    const ask = (value: number, priority: Priority) => batcher.submit(rows(value), 1, { gone: false, priority });
    const first = ask(0, 'low');
    await session.begun;
    await Promise.all([first, ask(1, 'low'), ask(2, 'normal'), ask(3, 'high'), ask(4, 'high')]);
    expect(session.batches.flat()).toEqual([0, 3, 4, 2, 1]);
  });

  it('pushes the newest of the least urgent out of a full queue', async () => {
    const session = slowSession(() => 5);
    const batcher = new Batcher(session, signature, options({ maxQueueRows: 3 }));
    const ask = (value: number, priority: Priority) =>
      batcher.submit(rows(value), 1, { gone: false, priority }).catch(codeOf);
    const running = ask(0, 'low');
    await session.begun;
    const outcomes = [
      ask(1, 'low'),
      ask(2, 'low'),
      ask(3, 'normal'),
      ask(4, 'high'),
      ask(5, 'low'),
      ask(6, 'high'),
      ask(7, 'high'),
      ask(8, 'high'),
    ];
    const codes = (await Promise.all([running, ...outcomes])).map((outcome) =>
      typeof outcome === 'string' ? outcome : 'ok',
    );
    const no = 'overloaded';
    expect(codes).toEqual(['ok', no, no, no, 'ok', no, 'ok', 'ok', no]);
  });

  it('refuses at once what it cannot answer in time, and says when to come again', async () => {
    const timing = { singleMs: 150, batchMs: 150, batchRows: 1 };
    const session = slowSession(() => 150);
    const batcher = new Batcher(session, signature, options({ maxBatchRows: 1, timing }));
    const ask = (timeout: number) => batcher.submit(rows(1), 1, { gone: false, deadline: performance.now() + timeout });
    const accepted = [ask(900), ask(900)];
    const answered = isDone(accepted[0]!);
    await session.begun;
    const refused = await ask(250).catch((error: VitrinaError) => error);
    expect(answered()).toBe(false);
    expect(refused).toMatchObject({ code: 'deadline-unmeetable', status: 503, headers: { 'retry-after': '1' } });
    await Promise.all(accepted);
  });

  it('tries again what it believes to be too slow, once nothing has shown it for a second', async () => {
    let ms = 100;
    const batcher = new Batcher(
      slowSession(() => ms),
      signature,
      options(),
    );
    const ask = (timeout: number) =>
      batcher.submit(rows(1), 1, { gone: false, deadline: performance.now() + timeout }).catch(codeOf);
    expect(await ask(80)).toBe('deadline-exceeded');
    ms = 1;
    expect(await ask(80)).toBe('deadline-unmeetable');
    await sleep(1_000);
    expect(await ask(80)).toMatchObject({ report: { batchRows: 1 } });
  });

  it('says so when the deadline passes, not when the computing ends', async () => {
    const session = slowSession(() => 400);
    const batcher = new Batcher(session, signature, options({ maxBatchRows: 1 }));
    const before = performance.now();
    const ask = () => batcher.submit(rows(1), 1, { gone: false, deadline: before + 60 }).catch(codeOf);
    const patient = batcher.submit(rows(2), 1);
    const answered = isDone(patient);
    await session.begun;
    expect(await Promise.all([ask(), ask()])).toEqual(['deadline-exceeded', 'deadline-exceeded']);
    expect(answered()).toBe(false);
    expect([...((await patient).outputs.y!.data as Float64Array)]).toEqual([4]);
  });

  it('tells each request of a batch that failed once, and runs none again whose deadline has passed meanwhile', async () => {
    const session = slowSession(() => 60);
    const batcher = new Batcher(session, signature, options());
    const deadline = performance.now() + 150;
    const told = [0, 0, 0, 0];
    for (const [i, value] of [-1, 1, 2, 3].entries()) {
      const settler = { answered: () => told[i]!++, failed: () => told[i]!++ };
      batcher.enqueue(rows(value), 1, { gone: false, deadline }, settler);
    }
    await batcher.drained();
    expect(session.batches.length).toBeLessThan(5);
    expect(told).toEqual([1, 1, 1, 1]);
    const { answered, dropped, failed } = batcher.stats;
    expect(answered + dropped + failed).toBe(4);
  });

  it('says so of what computes for longer than ever before', async () => {
    let ms = 1;
    const batcher = new Batcher(
      slowSession(() => ms),
      signature,
      options(),
    );
    await batcher.submit(rows(1), 1);
    ms = 500;
    const late = batcher.submit(rows(1), 1, { gone: false, deadline: performance.now() + 100 });
    const ended = isDone(batcher.drained());
    expect(await late.catch(codeOf)).toBe('deadline-exceeded');
    expect(ended()).toBe(false);
    await batcher.drained();
    expect(batcher.stats).toMatchObject({ answered: 1, dropped: 1 });
  });

  it('never tries what its quickest run is much too slow for', async () => {
    const timing = { singleMs: 1_000, batchMs: 1_000, batchRows: 1 };
    const batcher = new Batcher(
      slowSession(() => 1_000),
      signature,
      options({ timing }),
    );
    const before = performance.now();
    const refused = batcher.submit(rows(1), 1, { gone: false, deadline: before + 100 });
    expect(await refused.catch(codeOf)).toBe('deadline-unmeetable');
    expect(performance.now() - before).toBeLessThan(900);
  });

  it('refuses what would wait too long, however few the rows', async () => {
    const batcher = new Batcher(
      slowSession(() => 20),
      signature,
      options({ maxBatchRows: 1, maxWaitMs: 100, timing: { singleMs: 20, batchMs: 20, batchRows: 1 } }),
    );
    const outcomes = await Promise.all(Array.from({ length: 20 }, (_, i) => batcher.submit(rows(i), 1).catch(codeOf)));
    const answered = outcomes.filter((outcome) => typeof outcome !== 'string');
    expect(answered.length).toBeGreaterThanOrEqual(4);
    expect(answered.length).toBeLessThanOrEqual(8);
    expect(new Set(outcomes.filter((outcome) => typeof outcome === 'string'))).toEqual(new Set(['overloaded']));
  });

  it('gives the place of callers who left to those who come', async () => {
    const session = slowSession(() => 30);
    const batcher = new Batcher(session, signature, options({ maxQueueRows: 10 }));
    const caller = { gone: false };
    const running = batcher.submit(rows(0), 1);
    await session.begun;
    const left = Array.from({ length: 10 }, (_, i) => batcher.submit(rows(i), 1, caller).catch(codeOf));
    expect(await batcher.submit(rows(1), 1).catch(codeOf)).toBe('overloaded');
    caller.gone = true;
    await sleep(60);
    const outcome = batcher.submit(rows(1), 1);
    expect(await Promise.all(left)).toEqual(Array(10).fill('request-abandoned'));
    expect((await outcome).report.batchRows).toBe(1);
    await running;
    expect(batcher.stats).toMatchObject({ dropped: 10, refused: 1, answered: 2 });
  });

  it('says before the inputs are read what it would say after', () => {
    const batcher = new Batcher(
      slowSession(() => 20),
      signature,
      options({ maxQueueRows: 2, timing: { singleMs: 20, batchMs: 20, batchRows: 1 } }),
    );
    const caller = (own: Partial<Caller> = {}): Caller => ({ gone: false, ...own });
    expect(batcher.refusal(1, caller())).toBeUndefined();
    const accepted = [1, 2].map((value) => batcher.submit(rows(value), 1, caller({ priority: 'low' })));
    expect(codeOf(batcher.refusal(1, caller()))).toBeUndefined();
    expect(codeOf(batcher.refusal(1, caller({ priority: 'low' })))).toBe('overloaded');
    expect(codeOf(batcher.refusal(1, caller({ priority: 'high', deadline: performance.now() + 10 })))).toBe(
      'deadline-unmeetable',
    );
    expect(codeOf(batcher.refusal(1, caller({ deadline: performance.now() - 10 })))).toBe('deadline-exceeded');
    return Promise.all(accepted);
  });
});
