import { mkdtempSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import type { Prediction, PredictionRequest } from '../../../src/services/predictions/prediction-service.js';
import type { ReadyVersion } from '../../../src/services/repository/ready-version.js';
import { Mask, masked } from '../../../src/services/samples/mask.js';
import { PayloadSamples } from '../../../src/services/samples/payload-samples.js';
import { SampleFile } from '../../../src/services/samples/sample-file.js';
import type { TensorSpec } from '../../../src/signature.js';
import type { Tensor } from '../../../src/tensor.js';
import { scaleGraph } from '../../graphs.js';
import { folderOf, type StartedApp, startApp } from '../../start-app.js';

const doubles = (shape: readonly number[], ...values: number[]): Tensor => ({
  dtype: 'float64',
  shape,
  data: Float64Array.from(values),
});

describe('the mask', () => {
  const mask = new Mask(['Age', 'secret', 'x[1]']);
  const table: TensorSpec = { name: 'table', dtype: 'float64', shape: [null, 2], columns: ['age', 'bill'] };

  it('hides inputs, columns with and without names, and fields however deep', () => {
    expect(mask.write(table, 'table', doubles([2, 2], 30, 9, 40, 8), 10)).toEqual([
      { age: masked, bill: 9 },
      { age: masked, bill: 8 },
    ]);
    expect(mask.write({ ...table, name: 'secret' }, 'secret', doubles([1, 2], 1, 2), 10)).toBe(masked);
    const x: TensorSpec = { name: 'x', dtype: 'float64', shape: [null, 2] };
    expect(mask.write(x, 'x', doubles([1, 2], 1, 2), 10)).toEqual([[1, masked]]);
    const words: TensorSpec = { name: 'words', dtype: 'string', shape: [null], json: 'object' };
    const data = ['{"AGE": 3, "more": [{"secret": {"a": 1}, "b": 2}], "age ": 4}'];
    expect(mask.write(words, 'words', { dtype: 'string', shape: [1], data }, 10)).toEqual([
      { AGE: masked, more: [{ secret: masked, b: 2 }], 'age ': 4 },
    ]);
    const labels: TensorSpec = { name: 'labels', dtype: 'string', shape: [null], json: 'list' };
    expect(mask.write(labels, 'labels', { dtype: 'string', shape: [1], data: ['["secret", "b"]'] }, 10)).toEqual([
      [masked, 'b'],
    ]);
  });

  it('shows the first rows', () => {
    expect(mask.write({ name: 'y', dtype: 'float64', shape: [null] }, 'y', doubles([3], 1, 2, 3), 2)).toEqual([1, 2]);
  });
});

describe('payload samples', () => {
  const request = (rows = 1): PredictionRequest => ({
    model: 'm',
    id: 'r-1',
    inputs: { x: doubles([rows, 1], ...new Array<number>(rows).fill(7)) },
  });
  const version = {
    model: 'm',
    version: '2',
    placement: 'inline',
    signature: {
      inputs: [{ name: 'x', dtype: 'float64', shape: [null, 1] }],
      outputs: [{ name: 'y', dtype: 'float64', shape: [null] }],
    },
  } as unknown as ReadyVersion;
  const prediction = (rows = 1) =>
    ({
      version,
      outputs: { y: doubles([rows], ...new Array<number>(rows).fill(Number.NaN)) },
      report: { startedAt: 0, waitMs: 1.23456, runMs: 2, batchRows: 1, closedBy: 'turn' },
    }) as Prediction;
  const open = (folder: string, faults: Error[] = [], chance = () => 0, fraction = 1) => {
    const file = new SampleFile({ folder, name: 'payloads.ndjson', onError: (error) => faults.push(error) });
    return new PayloadSamples({ fraction, mask: [], file, chance });
  };
  const linesOf = (folder: string) =>
    readFileSync(join(folder, 'payloads.ndjson'), 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
  const temporary = () => mkdtempSync(join(tmpdir(), 'vitrina-samples-'));

  it('are a line each, readable by their owner alone', async () => {
    const folder = temporary();
    const samples = open(join(folder, 'new'));
    samples.asked(request(), version)!(prediction());
    await samples.close();
    expect(linesOf(join(folder, 'new'))).toEqual([
      {
        time: expect.stringMatching(/^\d{4}-.*Z$/),
        request: 'r-1',
        model: 'm',
        version: '2',
        rows: 1,
        ms: { wait: 1.235, run: 2, total: expect.any(Number) },
        inputs: { x: [[7]] },
        outputs: { y: ['NaN'] },
      },
    ]);
    expect(statSync(join(folder, 'new', 'payloads.ndjson')).mode & 0o777).toBe(0o600);
    expect(statSync(join(folder, 'new')).mode & 0o777).toBe(0o700);
  });

  it('are the share that was asked for', () => {
    let turn = 0;
    const samples = open(temporary(), [], () => (turn++ % 10) / 10, 0.3);
    const taken = Array.from({ length: 100 }, () => samples.asked(request(), version)).filter((f) => f !== undefined);
    expect(taken).toHaveLength(30);
  });

  it('show a bounded part of large ones', async () => {
    const folder = temporary();
    const samples = open(folder);
    samples.asked(request(5_000), version)!(prediction(5_000));
    samples.asked({ ...request(), inputs: { x: doubles([1, 100_000], ...new Array(100_000).fill(1)) } }, version)!(
      prediction(),
    );
    await samples.close();
    const [long, wide] = linesOf(folder);
    expect([long.rows, long.shownRows, long.inputs.x.length, long.outputs.y.length]).toEqual([5_000, 100, 100, 100]);
    expect([wide.inputs, wide.omitted]).toEqual([undefined, 'inputs and outputs, of 800008 bytes']);
  });

  it('are dropped, not kept, when they come faster than they are written', async () => {
    const folder = temporary();
    const samples = open(folder);
    const follow = Array.from({ length: 1_000 }, () => samples.asked(request(), version));
    for (const one of follow) one?.(prediction());
    const counted: Record<string, number> = {};
    samples.collect({
      add(_name: string, { result }: { result: string }, count: number) {
        counted[result] = count;
      },
    } as never);
    expect(counted.dropped).toBe(800);
    await samples.close();
    expect(linesOf(folder)).toHaveLength(200);
  });

  it('cost nobody a prediction where they cannot be written', async () => {
    const folder = temporary();
    writeFileSync(join(folder, 'taken'), '');
    const faults: Error[] = [];
    const samples = open(join(folder, 'taken'), faults);
    samples.asked(request(), version)!(prediction());
    await new Promise((next) => setTimeout(next, 50));
    expect(faults).toHaveLength(1);
    expect(samples.asked(request(), version)).toBeUndefined();
    await samples.close();
  });

  it('are rotated, so that a folder stays bounded', async () => {
    const folder = temporary();
    const file = new SampleFile({ folder, name: 'payloads.ndjson', onError: (error) => expect(error).toBeUndefined() });
    const line = `${'x'.repeat(2 ** 20 - 1)}\n`;
    for (let i = 0; i < 120; ) {
      if (!file.busy) {
        file.write(line);
        i++;
      }
      await new Promise((next) => setImmediate(next));
    }
    await file.close();
    const sizes = readdirSync(folder)
      .filter((name) => name.startsWith('payloads'))
      .map((name) => statSync(join(folder, name)).size);
    expect(sizes.length).toBeLessThanOrEqual(5);
    expect(sizes.reduce((sum, size) => sum + size)).toBeLessThanOrEqual(5 * 17 * 2 ** 20);
  });
});

describe('the setting sample-payloads', { timeout: 120_000 }, () => {
  let started: StartedApp | undefined;
  afterEach(() => started?.close());

  it('has predictions of every door written, with the request that they belong to', async () => {
    started = await startApp([folderOf({ scale: scaleGraph(2) })], { 'sample-payloads': 1, 'sample-mask': ['y'] });
    await started.post('/models/scale/predict', { inputs: { x: [[1, 2]] } }, { 'x-request-id': 'mine' });
    const infer = { inputs: [{ name: 'x', shape: [1, 2], datatype: 'FP32', data: [3, 4] }] };
    await started.post('/v2/models/scale/infer', infer);
    const { data, app } = started;
    await app.close();
    const text = readFileSync(join(data, 'samples', 'payloads.ndjson'), 'utf8');
    const lines = text
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(lines).toMatchObject([
      { request: 'mine', model: 'scale', version: '1', inputs: { x: [[1, 2]] }, outputs: { y: masked } },
      { inputs: { x: [[3, 4]] } },
    ]);
    expect(text).not.toContain(started.key);
  });
});
