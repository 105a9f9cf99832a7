import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { EndedWorkers } from '../../../src/cluster/ended-workers.js';
import { catalogue } from '../../../src/services/metrics/catalogue.js';
import {
  Collector,
  counted,
  keepModels,
  mergeSamples,
  printSamples,
  type Samples,
} from '../../../src/services/metrics/exposition.js';
import {
  addCounts,
  boundsMs,
  countsOf,
  exposed,
  Histogram,
  quantile,
} from '../../../src/services/metrics/histogram.js';
import { Metrics } from '../../../src/services/metrics/metrics.js';
import { PredictionService } from '../../../src/services/predictions/prediction-service.js';
import { ModelRepository } from '../../../src/services/repository/model-repository.js';
import type { Siblings } from '../../../src/services/siblings.js';
import { scaleGraph } from '../../graphs.js';
import { folderOf } from '../../start-app.js';
import { readExposition } from './exposition.js';

const durations = fc.array(fc.double({ min: 0.001, max: 50_000, noNaN: true }), { minLength: 1, maxLength: 300 });
const histogramOf = (values: readonly number[]) => {
  const histogram = new Histogram();
  for (const value of values) histogram.record(value);
  return histogram;
};

describe('Histogram', () => {
  it('has bounds that grow, with those of Prometheus among them', () => {
    expect([...boundsMs].sort((a, b) => a - b)).toEqual(boundsMs);
    expect(exposed.map((index) => boundsMs[index])).toEqual([
      0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000,
    ]);
  });

  it('keeps a duration in the bucket whose bound is the first that is not below it', () => {
    fc.assert(
      fc.property(fc.oneof(fc.double({ min: 0, max: 200_000, noNaN: true }), fc.constantFrom(...boundsMs)), (ms) => {
        const index = histogramOf([ms]).counts.indexOf(1);
        expect(boundsMs[index] ?? Number.POSITIVE_INFINITY).toBeGreaterThanOrEqual(ms);
        expect(boundsMs[index - 1] ?? -1).toBeLessThan(ms);
      }),
    );
  });

  it('gives percentiles within a bucket of the true ones, in order', () => {
    fc.assert(
      fc.property(durations, (values) => {
        const counts = countsOf(histogramOf(values));
        const sorted = [...values].sort((a, b) => a - b);
        let last = 0;
        for (const q of [0.5, 0.9, 0.99]) {
          const got = quantile(counts, q)!;
          const exact = sorted[Math.max(0, Math.ceil(q * sorted.length) - 1)]!;
          expect(got).toBeGreaterThanOrEqual(last);
          expect(got).toBeLessThanOrEqual(Math.max(0.01, exact * 1.281));
          expect(got).toBeGreaterThanOrEqual(exact <= 0.01 ? 0 : exact / 1.281);
          last = got;
        }
      }),
    );
    expect(quantile({ counts: [], sumMs: 0 }, 0.5)).toBeNull();
  });

  it('adds up over processes as if one had seen everything', () => {
    fc.assert(
      fc.property(durations, durations, (a, b) => {
        const apart = addCounts([countsOf(histogramOf(a)), countsOf(histogramOf(b))]);
        const together = countsOf(histogramOf([...a, ...b]));
        expect(apart.counts).toEqual(together.counts);
        expect(apart.sumMs).toBeCloseTo(together.sumMs, 3);
      }),
    );
  });
});

describe('the exposition', () => {
  it('can be read back, whatever a model is called', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.string({ unit: 'binary', maxLength: 30 }),
        fc.nat(),
        durations,
        async (model, count, values) => {
          const into = new Collector();
          into.add('vitrina_predictions_total', { model, version: '1' }, count);
          into.addDurations(
            'vitrina_prediction_stage_seconds',
            { model, version: '1', stage: 'run' },
            histogramOf(values),
          );
          into.addValues('vitrina_batch_rows', { model, version: '1' }, [
            [1, 3],
            [3, 2],
            [9, 1],
          ]);
          const families = readExposition(await printSamples(into.samples));
          expect([...families.get('vitrina_predictions_total')!.samples.values()]).toEqual([count]);
          const there = keepModels(into.samples, (name) => name === model);
          expect(await printSamples(there)).toBe(await printSamples(into.samples));
          expect((await printSamples(keepModels(into.samples, () => false))).includes('model=')).toBe(false);
        },
      ),
      { numRuns: 40 },
    );
  });

  it('merges processes by the rule of each metric', async () => {
    const samplesOf = (value: number) => {
      const into = new Collector();
      into.add('vitrina_predictions_total', { model: 'm', version: '1' }, value);
      into.add('process_start_time_seconds', {}, value);
      into.add('nodejs_eventloop_delay_seconds', { percentile: '100' }, value);
      return into.samples;
    };
    const merged = mergeSamples([samplesOf(3), samplesOf(1), structuredClone(samplesOf(2))]);
    expect(await printSamples(merged)).toMatch(/vitrina_predictions_total\{model="m",version="1"\} 6\n/);
    expect(await printSamples(merged)).toMatch(/process_start_time_seconds 1\n/);
    expect(await printSamples(merged)).toMatch(/nodejs_eventloop_delay_seconds\{percentile="100"\} 3\n/);
  });

  it('names every metric as Prometheus asks for', () => {
    for (const [name, { type, help }] of Object.entries(catalogue)) {
      expect(name).toMatch(/^(vitrina|process|nodejs)_[a-z_]+$/);
      expect(name.endsWith('_total'), name).toBe(type === 'counter');
      expect(help.length).toBeGreaterThan(10);
    }
  });
});

describe('several processes', () => {
  it('answer as one, and keep what those counted that have ended', async () => {
    const folder = folderOf({ scale: scaleGraph() });
    const cache = mkdtempSync(join(tmpdir(), 'vitrina-cache-'));
    const ended = new EndedWorkers();
    const workers: { topics: Map<string, (question: unknown) => unknown>; alive: boolean }[] = [];
    const siblingsOf = (): Siblings => {
      const own = { topics: new Map<string, (question: unknown) => unknown>(), alive: true };
      workers.push(own);
      return {
        index: workers.length,
        answer: (topic, respond) => void own.topics.set(topic, respond),
        tellCounts: (samples) => ended.tell(own, structuredClone(samples)),
        ask: async (topic, question) => {
          const others = workers.filter((other) => other !== own && other.alive);
          const answers = await Promise.all(
            others.map(async (other) => structuredClone(await other.topics.get(topic)!(question))),
          );
          return topic === 'metrics' ? [structuredClone(ended.metrics()), ...answers] : answers;
        },
      };
    };
    const start = async () => {
      const models = new ModelRepository({ paths: [folder], cacheFolder: cache, maxQueueRows: 100 });
      await models.refresh();
      const metrics = new Metrics(models, siblingsOf());
      const predictions = new PredictionService(models, 100);
      predictions.observe(metrics);
      const predict = (times: number) =>
        Promise.all(
          Array.from({ length: times }, () =>
            predictions.predict({
              model: 'scale',
              inputs: { x: { dtype: 'float32', shape: [1, 3], data: Float32Array.of(1, 2, 3) } },
            }),
          ),
        );
      return { models, metrics, predict };
    };
    const [first, second] = [await start(), await start()];
    await first.predict(3);
    await second.predict(4);
    const countOf = async ({ metrics }: typeof first) =>
      readExposition(await metrics.print()).get('vitrina_predictions_total')!.samples;
    const key = 'vitrina_predictions_total{model="scale",version="1"}';
    expect((await countOf(first)).get(key)).toBe(7);
    expect((await countOf(second)).get(key)).toBe(7);
    expect(await first.metrics.stats('scale')).toMatchObject({ processes: 2, predictions: 7, rows: 7 });

    await second.metrics.close();
    workers[1]!.alive = false;
    ended.end(workers[1]!);
    ended.replace('rolled');
    const third = await start();
    await third.predict(1);
    expect((await countOf(third)).get(key)).toBe(8);
    const text = await first.metrics.print();
    expect(text).toContain('vitrina_worker_restarts_total{reason="rolled"} 1\n');
    expect(text).toContain('vitrina_processes 2\n');
    expect(readExposition(text).get('vitrina_models')!.samples.get('vitrina_models{state="ready"}')).toBe(1);
    for (const { models, metrics } of [first, second, third]) {
      await metrics.close();
      await models.close();
    }
  });

  it('forget gauges of the ended, and models that are gone with them', async () => {
    const ended = new EndedWorkers();
    const into = new Collector();
    into.add('process_resident_memory_bytes', {}, 5);
    into.add('vitrina_predictions_total', { model: 'gone', version: '1' }, 5);
    ended.tell(into, counted(into.samples));
    ended.end(into);
    const samples: Samples = ended.metrics().ended;
    expect(samples.has('process_resident_memory_bytes')).toBe(false);
    expect(await printSamples(keepModels(samples, (model) => model !== 'gone'))).not.toContain('gone');
  });
});
