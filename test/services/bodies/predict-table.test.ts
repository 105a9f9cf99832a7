import { describe, expect, it } from 'vitest';
import { VitrinaError } from '../../../src/errors.js';
import { readNdjsonRows } from '../../../src/services/bodies/ndjson-rows.js';
import { predictTable } from '../../../src/services/bodies/predict-table.js';
import { type ChunkRules, chunkRules, type RowChunk } from '../../../src/services/bodies/row-chunk.js';
import type { Prediction, PredictionRequest } from '../../../src/services/predictions/prediction-service.js';
import type { ReadyVersion } from '../../../src/services/repository/ready-version.js';
import type { Signature } from '../../../src/signature.js';

const signature: Signature = {
  inputs: [
    { name: 'a', dtype: 'int64', shape: [null] },
    { name: 'b', dtype: 'float64', shape: [null] },
  ],
  outputs: [{ name: 'y', dtype: 'int64', shape: [null] }],
};
const rules: ChunkRules = { rows: 2, shape: 'any', rowBytes: 1000, batchBytes: 1000 };
const parse = (bytes: Buffer) => JSON.parse(bytes.toString());
const lines = (count: number) => Array.from({ length: count }, (_, i) => `{"a":${i},"b":0.5}\n`).join('');

async function* one(text: string): AsyncGenerator<Uint8Array> {
  yield Buffer.from(text);
}

const versionOf = (version: string) => ({ model: 'm', version, signature }) as ReadyVersion;
const v1 = versionOf('1');

/** The service's part: gives column `a` back. */
function predictor(delays: readonly number[], failures: (VitrinaError | undefined)[] = [], versions = [v1]) {
  const calls: PredictionRequest[] = [];
  let running = 0;
  let most = 0;
  const predict = async (request: PredictionRequest): Promise<Prediction> => {
    const call = calls.push(request) - 1;
    most = Math.max(most, ++running);
    await new Promise((resolve) => setTimeout(resolve, delays[call % delays.length]));
    running--;
    const failure = failures[call];
    if (failure !== undefined) throw failure;
    const report = { waitMs: 0, runMs: 0, batchRows: 1, closedBy: 'turn' } as unknown as Prediction['report'];
    return { version: versions[call % versions.length]!, outputs: { y: request.inputs.a! }, report };
  };
  return { predict, calls, most: () => most };
}

async function answersOf(text: string, predict: (request: PredictionRequest) => Promise<Prediction>, own = rules) {
  const chunks: AsyncIterable<RowChunk> = readNdjsonRows(one(text), signature, own, parse);
  const values: bigint[] = [];
  for await (const { outputs } of predictTable(chunks, { model: 'm', ready: v1 }, predict)) {
    values.push(...(outputs.y!.data as BigInt64Array));
  }
  return values;
}

const overloaded = () => new VitrinaError('overloaded', { model: 'm', queued: 1, waitMs: 1 });

describe('a table that is predicted', () => {
  it('is answered in the order of its rows, two chunks at a time', async () => {
    const { predict, most } = predictor([20, 1, 5]);
    expect(await answersOf(lines(9), predict)).toEqual([0n, 1n, 2n, 3n, 4n, 5n, 6n, 7n, 8n]);
    expect(most()).toBe(2);
  });

  it('is refused by a full queue when it comes, and waits for one later', async () => {
    const first = predictor([1], [overloaded()]);
    await expect(answersOf(lines(1), first.predict)).rejects.toThrow('more to do than it may keep waiting');
    const second = predictor([1], [undefined, overloaded(), overloaded()]);
    expect(await answersOf(lines(4), second.predict)).toEqual([0n, 1n, 2n, 3n]);
  });

  it('names rows and lines as the body has them', async () => {
    const problems = [{ path: 'inputs.b[1]', message: 'is wrong' }];
    const { predict } = predictor([1], [undefined, new VitrinaError('request-invalid', { problems })]);
    await expect(answersOf(`\n${lines(4)}`, predict)).rejects.toThrow('[3].b: is wrong (line 5)');
  });

  it('is of one version', async () => {
    const { predict } = predictor([1], [], [v1, versionOf('2')]);
    await expect(answersOf(lines(4), predict)).rejects.toThrow('version 1 was replaced');
    expect(await answersOf(lines(2), predictor([1], [], [versionOf('2')]).predict)).toEqual([0n, 1n]);
  });

  it('keeps the digits of integers in NDJSON', async () => {
    const text = '{"a":9007199254740993,"b":9007199254740993}\n{"a":-1,"b":1.12345678901234567890}\n';
    const { predict, calls } = predictor([1]);
    expect(await answersOf(text, predict)).toEqual([9007199254740993n, -1n]);
    expect([...(calls[0]!.inputs.b!.data as Float64Array)]).toEqual([9007199254740992, 1.1234567890123457]);
    const beyond = '{"a":9223372036854775808,"b":1}\n';
    await expect(answersOf(beyond, predict)).rejects.toThrow('[0].a: 9223372036854775808 is outside');
  });

  it('is one chunk where rows depend on each other, and chunks of one size where the batch is fixed', async () => {
    const limits = { maxRows: 5, rowBytes: 1000, batchBytes: 1000 };
    const whole = chunkRules({ ...signature, indivisible: true }, 2, limits);
    const { predict, calls } = predictor([1]);
    expect(await answersOf(lines(5), predict, whole)).toHaveLength(5);
    expect(calls).toHaveLength(1);
    await expect(answersOf(lines(6), predict, whole)).rejects.toThrow('over the limit of 5');
    const fixed = chunkRules({ ...signature, inputs: [{ ...signature.inputs[0]!, shape: [3] }] }, 2, limits);
    expect([fixed.rows, fixed.shape]).toEqual([3, 'exact']);
    expect(chunkRules(signature, 1024, limits).rows).toBe(5);
  });
});
