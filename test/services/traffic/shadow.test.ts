import { describe, expect, it } from 'vitest';
import { VitrinaError } from '../../../src/errors.js';
import type { Prediction, PredictionRequest } from '../../../src/services/predictions/prediction-service.js';
import type { ReadyVersion } from '../../../src/services/repository/ready-version.js';
import { Shadow } from '../../../src/services/traffic/shadow.js';
import { noCounts } from '../../../src/services/traffic/shadow-figures.js';
import type { Tensor } from '../../../src/tensor.js';

const policy = { version: '2', fraction: 1, tolerance: 0 };
const one = (value: number): Tensor => ({ dtype: 'float64', shape: [1], data: Float64Array.of(value) });
const signature = {
  inputs: [{ name: 'x', dtype: 'float64', shape: [null] }],
  outputs: [{ name: 'y', dtype: 'float64', shape: [null] }],
};
const request = (value = 1): PredictionRequest => ({ model: 'm', inputs: { x: one(value) } });
const answering = (queuedRows = () => 0) =>
  ({
    model: 'm',
    version: '1',
    signature,
    guards: [],
    batcher: {
      get queuedRows() {
        return queuedRows();
      },
    },
  }) as unknown as ReadyVersion;
const predictionOf = (version: ReadyVersion, value: number) =>
  ({ version, outputs: { y: one(value) } }) as unknown as Prediction;
const shadowThat = (submit: (inputs: Record<string, Tensor>) => Promise<unknown>) =>
  ({ model: 'm', version: '2', signature, guards: [], batcher: { submit } }) as unknown as ReadyVersion;
const echo = shadowThat(async ({ x }) => ({ outputs: { y: x } }));
const pause = (ms = 20) => new Promise((next) => setTimeout(next, ms));

describe('a shadow', () => {
  it('begins when the answer is out, on inputs of its own', async () => {
    const events: string[] = [];
    const version = shadowThat(async ({ x }) => {
      events.push(`shadow computes ${x!.data[0]}`);
      return { outputs: { y: x } };
    });
    const shadow = new Shadow(
      () => version,
      () => 0,
    );
    const counts = noCounts();
    const asked = request(7);
    const follow = shadow.follow(asked, policy, counts)!;
    // The service may give the buffers to a thread, and the caller may do with the outputs what it likes.
    structuredClone(asked.inputs.x!.data, { transfer: [(asked.inputs.x!.data as Float64Array).buffer as ArrayBuffer] });
    const prediction = predictionOf(answering(), 7);
    follow(prediction);
    (prediction.outputs.y!.data as Float64Array)[0] = 99;
    await Promise.resolve().then(() => events.push('answer'));
    setImmediate(() => events.push('written'));
    await pause();
    expect(events).toEqual(['answer', 'written', 'shadow computes 7']);
    expect(counts).toMatchObject({ compared: 1, differing: 0 });
  });

  it('waits while the event loop is busy or requests wait, then computes', async () => {
    let [busy, queued] = [0.99, 0];
    const shadow = new Shadow(
      () => echo,
      () => busy,
    );
    const counts = noCounts();
    shadow.follow(request(), policy, counts)!(
      predictionOf(
        answering(() => queued),
        1,
      ),
    );
    await pause(40);
    expect([counts.compared, shadow.pending]).toEqual([0, 1]);
    [busy, queued] = [0, 3];
    await pause(40);
    expect(counts.compared).toBe(0);
    queued = 0;
    await pause(40);
    expect([counts.compared, shadow.pending]).toEqual([1, 0]);
  });

  it('drops what is more than its share of memory, and counts it', async () => {
    const shadow = new Shadow(
      () => echo,
      () => 1,
    );
    const counts = noCounts();
    for (let i = 0; i < 1_500; i++) shadow.follow(request(), policy, counts)?.(predictionOf(answering(), 1));
    expect([shadow.pending, counts.dropped]).toEqual([1_000, 500]);
    const large: Tensor = { dtype: 'float64', shape: [5_000_000], data: new Float64Array(5_000_000) };
    expect(new Shadow(() => echo).follow({ model: 'm', inputs: { x: large } }, policy, counts)).toBeUndefined();
    expect(counts.dropped).toBe(501);
    shadow.close();
    expect(shadow.follow(request(), policy, counts)).toBeUndefined();
  });

  it('fails alone, and says with what', async () => {
    const counts = noCounts();
    const failing = [
      () => Promise.reject(new VitrinaError('runtime-crashed', {})),
      () => {
        throw new VitrinaError('model-not-found', { model: 'm', known: [] });
      },
      () =>
        shadowThat(() => Promise.reject(new VitrinaError('overloaded', { model: 'm', queued: 1, limit: 1 } as never))),
      () => shadowThat(() => Promise.reject(new TypeError('a fault of ours'))),
    ];
    for (const acquire of failing) {
      new Shadow(acquire, () => 0).follow(request(), policy, counts)!(predictionOf(answering(), 1));
    }
    await pause(40);
    expect(counts).toMatchObject({
      compared: 0,
      dropped: 1,
      failed: 3,
      failures: { 'runtime-crashed': 1, 'model-not-found': 1, internal: 1 },
    });
  });
});
