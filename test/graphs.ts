/** Small graphs that tests load into the real ONNX Runtime. */
import { GraphBuilder } from '../src/convert/graph-builder.js';
import type { Conversion, Signature } from '../src/signature.js';

const provenance = { format: 'onnx', library: 'onnx', libraryVersion: null, components: [], notes: [] };

/** `y = x · factor + bias`, `features` columns, float32. */
export function scaleGraph(features = 3, factor = 2, bias = 0): Conversion {
  const signature: Signature = {
    inputs: [{ name: 'x', dtype: 'float32', shape: [null, features] }],
    outputs: [{ name: 'y', dtype: 'float32', shape: [null, features] }],
  };
  const graph = new GraphBuilder('scale');
  const x = graph.input(signature.inputs[0]!);
  graph.output(
    signature.outputs[0]!,
    graph.node('Add', [graph.node('Mul', [x, graph.scalar(factor)]), graph.scalar(bias)]),
  );
  return { graph: graph.build(), signature, provenance };
}

/** Sums over a free time dimension: `[batch, time] → [batch]`. */
export function sumGraph(): Conversion {
  const signature: Signature = {
    inputs: [{ name: 'x', dtype: 'float32', shape: [null, null] }],
    outputs: [{ name: 'sum', dtype: 'float32', shape: [null] }],
  };
  const graph = new GraphBuilder('sum');
  const x = graph.input(signature.inputs[0]!);
  graph.output(signature.outputs[0]!, graph.node('ReduceSum', [x, graph.int64s([1])], { keepdims: 0 }));
  return { graph: graph.build(), signature, provenance };
}

/** Picks rows of a table by index: an index beyond the table is refused by ONNX Runtime, whatever shares its batch. */
export function lookupGraph(): Conversion {
  const signature: Signature = {
    inputs: [{ name: 'i', dtype: 'int64', shape: [null, 1] }],
    outputs: [{ name: 'y', dtype: 'float32', shape: [null, 1] }],
  };
  const graph = new GraphBuilder('lookup');
  const i = graph.input(signature.inputs[0]!);
  const table = graph.constant({ dtype: 'float32', shape: [4], data: Float32Array.of(0, 10, 20, 30) });
  graph.output(signature.outputs[0]!, graph.node('Gather', [table, i]));
  return { graph: graph.build(), signature, provenance };
}
