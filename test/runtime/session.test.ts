import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { GraphBuilder } from '../../src/convert/graph-builder.js';
import { VitrinaError } from '../../src/errors.js';
import {
  chooseBatchRows,
  choosePlacement,
  isBatchable,
  openSession,
  type Placement,
  type Session,
  timeSession,
} from '../../src/runtime/index.js';
import { echoGraph, lookupGraph, scaleGraph, sumGraph } from '../graphs.js';

const open: Session[] = [];
async function start(graph: Uint8Array, placement: Placement): Promise<Session> {
  const session = await openSession(graph, placement);
  open.push(session);
  return session;
}
afterEach(async () => {
  for (const session of open.splice(0)) await session.close();
});

const codeOf = (error: unknown) => (error instanceof VitrinaError ? error.code : error);

describe.each(['inline', 'worker', 'process'] as const)('a session placed %s', (placement) => {
  it('computes', async () => {
    const session = await start(scaleGraph().graph, placement);
    const { y } = await session.run({
      x: { dtype: 'float32', shape: [2, 3], data: Float32Array.of(1, 2, 3, 4, 5, 6) },
    });
    expect(y!.shape).toEqual([2, 3]);
    expect([...(y!.data as Float32Array)]).toEqual([2, 4, 6, 8, 10, 12]);
  });

  it('refuses a text that ONNX Runtime would cut off', async () => {
    const session = await start(echoGraph(['string']).graph, placement);
    const echo = (...data: string[]) => session.run({ string: { dtype: 'string', shape: [1, 2], data } });
    expect((await echo('é', '')).echo_string!.data).toEqual(['é', '']);
    await expect(echo('a\0b', '')).rejects.toSatisfy((error) => codeOf(error) === 'runtime-rejected');
  });

  it('keeps integers exact', async () => {
    const session = await start(lookupGraph().graph, placement);
    const { y } = await session.run({ i: { dtype: 'int64', shape: [2, 1], data: BigInt64Array.of(3n, 1n) } });
    expect([...(y!.data as Float32Array)]).toEqual([30, 10]);
  });

  it('says that inputs do not fit, and goes on', async () => {
    const session = await start(scaleGraph().graph, placement);
    const wrong = session.run({ x: { dtype: 'float32', shape: [1, 2], data: Float32Array.of(1, 2) } });
    expect(await wrong.catch(codeOf)).toBe('runtime-rejected');
    const right = await session.run({ x: { dtype: 'float32', shape: [1, 3], data: Float32Array.of(1, 2, 3) } });
    expect([...(right.y!.data as Float32Array)]).toEqual([2, 4, 6]);
  });

  it('refuses a graph that is none', async () => {
    expect(await openSession(Uint8Array.of(1, 2, 3), placement).catch(codeOf)).toBe('runtime-refused-graph');
  });

  it('refuses to run when closed', async () => {
    const session = await openSession(scaleGraph().graph, placement);
    await session.close();
    await session.close();
    const run = session.run({ x: { dtype: 'float32', shape: [1, 3], data: new Float32Array(3) } });
    expect(await run.catch(codeOf)).toBe('runtime-closed');
  });

  it('is timed on zeros', async () => {
    const { graph, signature } = sumGraph();
    const timing = await timeSession(await start(graph, placement), signature);
    expect(timing!.batchRows).toBe(32);
    expect(timing!.singleMs).toBeGreaterThan(0);
    expect(timing!.curve!.slice(0, 6).map(({ rows }) => rows)).toEqual([1, 2, 4, 8, 16, 32]);
  });
});

describe('an optimisation that would change numbers', () => {
  it('is none: zeros that pad what is pooled count', async () => {
    const graph = new GraphBuilder('padded');
    const x = graph.input({ name: 'x', dtype: 'float32', shape: [null, 1, 2, 2] });
    const padded = graph.node('Pad', [x, graph.int64s([0, 0, 1, 1, 0, 0, 1, 1])]);
    const pooled = graph.node('MaxPool', [padded], { kernel_shape: [3, 3] });
    graph.output({ name: 'y', dtype: 'float32', shape: [null, 1, 2, 2] }, pooled);
    const session = await start(graph.build(), 'inline');
    const { y } = await session.run({
      x: { dtype: 'float32', shape: [1, 1, 2, 2], data: Float32Array.of(-1, -2, -3, -4) },
    });
    expect([...(y!.data as Float32Array)]).toEqual([0, 0, 0, 0]);
  });
});

describe('a worker that dies', () => {
  it('fails the calls in flight with a clear error and is replaced', async () => {
    const session = await start(scaleGraph().graph, 'worker');
    const worker = await (session as unknown as { worker: Promise<import('node:worker_threads').Worker> }).worker;
    const x = () => ({ x: { dtype: 'float32' as const, shape: [1, 3], data: Float32Array.of(1, 2, 3) } });
    const gone = new Promise((resolve) => worker.once('exit', resolve));
    void worker.terminate();
    const calls = [session.run(x()), session.run(x())];
    for (const call of calls) expect(await call.catch(codeOf)).toBe('runtime-crashed');
    await gone;
    const { y } = await session.run(x());
    expect([...(y!.data as Float32Array)]).toEqual([2, 4, 6]);
  });
});

describe('a worker that computes', () => {
  const from = (path: string) => JSON.stringify(join(import.meta.dirname, path));
  const end = (program: string) => {
    const words = ['--import', 'tsx', '--input-type=module', '-e', program];
    return spawnSync(process.execPath, words, { encoding: 'utf8', timeout: 20_000, killSignal: 'SIGABRT' });
  };

  it('is closed without harm to the process', () => {
    const { status, stdout, stderr } = end(`
      import { openSession } from ${from('../../src/runtime/index.ts')};
      import { scaleGraph } from ${from('../graphs.ts')};
      const x = () => ({ x: { dtype: 'float32', shape: [10_000, 3], data: new Float32Array(30_000) } });
      for (let i = 0; i < 5; i++) {
        const sessions = await Promise.all([1, 2].map(() => openSession(scaleGraph().graph, 'worker')));
        const runs = sessions.flatMap((session) => Array.from({ length: 200 }, () => session.run(x())));
        await runs[0];
        const closed = sessions.map((session) => session.close());
        const codes = (await Promise.allSettled(runs)).map(({ reason }) => reason?.code);
        await Promise.all(closed);
        console.log(codes.every((code) => code === undefined || code === 'runtime-closed'), codes.includes('runtime-closed'));
      }`);
    expect({ status, stdout, stderr }).toEqual({ status: 0, stdout: 'true true\n'.repeat(5), stderr: '' });
  });

  it.each([
    { what: 'ends', steps: 3n, status: 0, signal: null },
    { what: 'does not end', steps: 2n ** 61n, status: null, signal: 'SIGKILL' },
  ])('and $what keeps the process from ending no longer than a moment', ({ steps, status, signal }) => {
    const ended = end(`
      import { openSession } from ${from('../../src/runtime/index.ts')};
      import { exitProcess } from ${from('../../src/thread.ts')};
      import { patientGraph } from ${from('../graphs.ts')};
      const session = await openSession(patientGraph(${steps}n), 'worker');
      void session.run({ x: { dtype: 'float64', shape: [1, 1], data: new Float64Array(1) } }).catch(() => undefined);
      await new Promise((resolve) => setTimeout(resolve, 200));
      void session.close();
      await exitProcess(0);`);
    expect([ended.status, ended.signal, ended.stderr]).toEqual([status, signal, '']);
  });
});

describe('placement', () => {
  it('follows the measured time', () => {
    expect(choosePlacement({ singleMs: 0.2, batchMs: 1, batchRows: 32 })).toBe('inline');
    expect(choosePlacement({ singleMs: 5, batchMs: 50, batchRows: 32 })).toBe('worker');
    expect(choosePlacement(undefined)).toBe('worker');
  });

  it('bounds a batch by the time that it keeps its thread busy', () => {
    expect(chooseBatchRows({ singleMs: 0.2, batchMs: 1.6, batchRows: 32 }, 'inline')).toBe(80);
    expect(chooseBatchRows({ singleMs: 90, batchMs: 2880, batchRows: 32 }, 'worker')).toBe(1);
    expect(chooseBatchRows({ singleMs: 0.001, batchMs: 0.001, batchRows: 32 }, 'inline')).toBe(1024);
  });

  it('bounds a batch by what more rows are worth', () => {
    const timing = { singleMs: 0.1, batchMs: 0.8, batchRows: 32 };
    const flat = [1, 2, 4, 8, 16, 32, 64, 128, 256].map((rows) => ({ rows, ms: 0.1 + 0.02 * rows }));
    expect(chooseBatchRows({ ...timing, curve: flat }, 'inline')).toBe(64);
    const steep = [1, 2, 4, 8, 16, 32, 64].map((rows) => ({ rows, ms: rows <= 8 ? 0.1 : (0.1 / 8) * rows }));
    expect(chooseBatchRows({ ...timing, curve: steep }, 'inline')).toBe(32);
    const none = [1, 2, 4].map((rows) => ({ rows, ms: 10 * rows }));
    expect(chooseBatchRows({ ...timing, curve: none }, 'worker')).toBe(1);
  });

  it('batches only what has a free first dimension throughout', () => {
    expect(isBatchable(sumGraph().signature)).toBe(true);
    const fixed = { inputs: [{ name: 'x', dtype: 'float32', shape: [1, 3] }], outputs: [] } as const;
    expect(isBatchable(fixed)).toBe(false);
  });
});
