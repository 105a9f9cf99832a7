import { expect, it } from 'vitest';
import { GraphBuilder } from '../../src/convert/graph-builder.js';
import { openOnnx } from '../../src/runtime/onnx.js';

it('keeps a factor beside a matrix product in float64', async () => {
  const graph = new GraphBuilder('scaled');
  const x = graph.input({ name: 'x', dtype: 'float64', shape: [null, 1] });
  const weights = graph.constant({ dtype: 'float64', shape: [1, 1], data: Float64Array.of(3) });
  const scaled = graph.node('Mul', [graph.node('MatMul', [x, weights]), graph.scalar(0.2, 'float64')]);
  graph.output({ name: 'y', dtype: 'float64', shape: [null, 1] }, scaled);
  const session = await openOnnx(graph.build());
  const { y } = await session.run({ x: { dtype: 'float64', shape: [1, 1], data: Float64Array.of(1.1) } });
  expect((y!.data as Float64Array)[0]).toBe(1.1 * 3 * 0.2);
  await session.release();
});
