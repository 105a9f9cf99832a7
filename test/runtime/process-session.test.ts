/** Graphs that end the process which computes them, and ones that never end, in the real ONNX Runtime. */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { GraphBuilder } from '../../src/convert/graph-builder.js';
import { VitrinaError } from '../../src/errors.js';
import { openProcessSession, type ProcessSession } from '../../src/runtime/index.js';
import { divisionGraph, doublingGraph, patientGraph, transposedGraph } from '../graphs.js';

const open: ProcessSession[] = [];
afterEach(() => Promise.all(open.splice(0).map((session) => session.close())));

async function start(...args: Parameters<typeof openProcessSession>): Promise<ProcessSession> {
  const session = await openProcessSession(...args);
  open.push(session);
  return session;
}

const whole = (value: bigint) => ({ dtype: 'int64' as const, shape: [1, 1], data: BigInt64Array.of(value) });
const real = (value: number) => ({ dtype: 'float64' as const, shape: [1], data: Float64Array.of(value) });
const told = (error: unknown) => (error instanceof VitrinaError ? [error.code, error.status, error.message] : error);

it('refuses what ends the process, and computes the rest', async () => {
  const session = await start(divisionGraph());
  const divide = (x: bigint, by: bigint) =>
    session.run({ x: whole(x), by: whole(by) }).then(({ y }) => (y!.data as BigInt64Array)[0], told);
  expect(await divide(7n, 2n)).toBe(3n);
  const answers = await Promise.all([divide(8n, 2n), divide(-(2n ** 63n), -1n), divide(9n, 2n), divide(1n, 0n)]);
  const died = ['runtime-rejected', 422, expect.stringMatching(/ONNX Runtime ended its process \(SIGFPE\)/)];
  const refused = ['runtime-rejected', 422, expect.stringMatching(/division by zero/)];
  expect(answers).toEqual([4n, died, 4n, refused]);
});

it('refuses rows without elements, which end the process', async () => {
  const session = await start(transposedGraph());
  const run = (shape: number[]) =>
    session
      .run({ x: { dtype: 'float32', shape, data: new Float32Array(shape.reduce((a, b) => a * b)) } })
      .then(({ y }) => y!.shape, told);
  expect(await run([1, 2, 0])).toEqual(['runtime-rejected', 422, expect.stringMatching(/SIGSEGV|SIGABRT/)]);
  expect(await run([3, 2, 4])).toEqual([3, 3, 5]);
});

it('ends a run that does not end, and that one alone', async () => {
  const session = await start(doublingGraph(), {}, { runMs: 500 });
  const double = (x: number) =>
    session
      .run({ x: real(x), until: real(Number.POSITIVE_INFINITY) })
      .then(({ y }) => (y!.data as Float64Array)[0], told);
  const answers = await Promise.all([double(1), double(0), double(-1)]);
  const late = ['runtime-rejected', 422, expect.stringMatching(/there was no answer after 0.5 s/)];
  expect(answers).toEqual([Number.POSITIVE_INFINITY, late, late]);
  expect(await double(2)).toBe(Number.POSITIVE_INFINITY);
});

it('ends a run that takes too much memory', async () => {
  const graph = new GraphBuilder('square');
  const x = graph.input({ name: 'x', dtype: 'float32', shape: [null, 1] });
  const square = graph.node('MatMul', [x, graph.node('Transpose', [x])]);
  const sum = graph.node('ReduceSum', [graph.node('Exp', [square]), graph.int64s([0, 1])], { keepdims: 0 });
  graph.output({ name: 'y', dtype: 'float32', shape: [] }, sum);
  const session = await start(graph.build(), {}, { maxMemory: 400 * 2 ** 20 });
  const run = (rows: number) =>
    session
      .run({ x: { dtype: 'float32', shape: [rows, 1], data: new Float32Array(rows) } })
      .then(({ y }) => (y!.data as Float32Array)[0], told);
  expect(await run(10)).toBe(100);
  const tooMuch = ['runtime-rejected', 422, expect.stringMatching(/it took more than 400 MiB/)];
  expect(await run(30_000)).toEqual(tooMuch);
  expect(await run(20)).toBe(400);
});

it('tells how long a graph takes, or that it takes too long', async () => {
  const signature = {
    inputs: [{ name: 'x', dtype: 'float64', shape: [null, 1] }],
    outputs: [{ name: 'predict', dtype: 'float64', shape: [null, 1] }],
  } as const;
  expect(await (await start(patientGraph(3n))).time(signature, 10_000)).toMatchObject({ singleMs: expect.any(Number) });
  const endless = await start(patientGraph(2n ** 61n));
  expect(await endless.time(signature, 300).catch(told)).toEqual([
    'runtime-refused-graph',
    422,
    expect.stringMatching(/there was no answer after 0.3 s/),
  ]);
});

it('refuses a graph that it has no time to load', async () => {
  const opening = openProcessSession(patientGraph(3n), {}, { openMs: 5 });
  expect(await opening.catch(told)).toEqual([
    'runtime-refused-graph',
    422,
    expect.stringMatching(/there was no answer after 0.005 s/),
  ]);
});

it('fails the calls that wait when it is closed', async () => {
  const session = await start(doublingGraph());
  const runs = [0, 0].map((x) => session.run({ x: real(x), until: real(1) }).catch(told));
  await session.close();
  const closed = ['runtime-closed', 503, expect.any(String)];
  expect(await Promise.all(runs)).toEqual([closed, closed]);
  expect(await session.run({ x: real(1), until: real(1) }).catch(told)).toEqual(closed);
});

it('ends with the process that asked, also while it computes', async () => {
  const from = (path: string) => JSON.stringify(join(import.meta.dirname, path));
  const program = `
    import { openProcessSession } from ${from('../../src/runtime/index.ts')};
    import { doublingGraph } from ${from('../graphs.ts')};
    const session = await openProcessSession(doublingGraph());
    const real = (value) => ({ dtype: 'float64', shape: [1], data: Float64Array.of(value) });
    void session.run({ x: real(0), until: real(1) });
    await new Promise((resolve) => setTimeout(resolve, 200));
    console.log(session.child.pid);`;
  const parent = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', program]);
  const pid = await new Promise<string>((resolve) =>
    parent.stdout.once('data', (text) => resolve(String(text).trim())),
  );
  expect(existsSync(`/proc/${pid}`)).toBe(true);
  const ended = new Promise((resolve) => parent.once('exit', resolve));
  parent.kill('SIGKILL');
  await ended;
  await expect.poll(() => existsSync(`/proc/${pid}`), { timeout: 5_000 }).toBe(false);
});
