import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { GraphBuilder } from '../../../src/convert/graph-builder.js';
import { openSession, type Session } from '../../../src/runtime/index.js';
import { Batcher, type BatcherOptions } from '../../../src/services/batching/batcher.js';
import type { Conversion, Signature } from '../../../src/signature.js';
import type { Tensor } from '../../../src/tensor.js';
import { scaleGraph } from '../../graphs.js';

const width = 512;

/** Sixty products of 512 × 512: tens of milliseconds for a batch of 64. */
function slowGraph(): Pick<Conversion, 'graph' | 'signature'> {
  const signature: Signature = {
    inputs: [{ name: 'x', dtype: 'float32', shape: [null, width] }],
    outputs: [{ name: 'y', dtype: 'float32', shape: [null, width] }],
  };
  const graph = new GraphBuilder('slow');
  let last = graph.input(signature.inputs[0]!);
  const data = Float32Array.from({ length: width * width }, (_, i) => (i % width === Math.floor(i / width) ? 1 : 0));
  const weights = graph.constant({ dtype: 'float32', shape: [width, width], data });
  for (let i = 0; i < 60; i++) last = graph.node('MatMul', [last, weights]);
  graph.output(signature.outputs[0]!, last);
  return { graph: graph.build(), signature };
}

const limits: BatcherOptions = { model: 'one', maxBatchRows: 64, maxDelayMs: 0, maxQueueRows: 1000, batchable: true };
const tensor = (rows: number, columns: number): Record<string, Tensor> => ({
  x: { dtype: 'float32', shape: [rows, columns], data: new Float32Array(rows * columns).fill(1) },
});

let slow: Session;
let quick: Session;
beforeAll(async () => {
  slow = await openSession(slowGraph().graph, 'worker');
  quick = await openSession(scaleGraph().graph, 'inline');
});
afterAll(async () => {
  await slow.close();
  await quick.close();
});

describe('a slow model in a thread of its own', () => {
  it('computes while its neighbours answer', async () => {
    const slowBatcher = new Batcher(slow, slowGraph().signature, limits);
    const quickBatcher = new Batcher(quick, scaleGraph().signature, limits);
    const order: string[] = [];
    const computing = slowBatcher.submit(tensor(64, width), 64).then(({ outputs }) => {
      order.push('slow');
      expect(outputs.y!.data[0]).toBe(1);
    });
    for (let i = 0; i < 10; i++) {
      await quickBatcher.submit(tensor(1, 3), 1);
      order.push('quick');
    }
    await computing;
    expect(order).toEqual([...Array(10).fill('quick'), 'slow']);
  });
});
