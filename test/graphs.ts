/** Small graphs that tests load into the real ONNX Runtime. */
import { GraphBuilder } from '../src/convert/graph-builder.js';
import type { Conversion, Signature, TensorSpec } from '../src/signature.js';
import { type DataType, dataTypes } from '../src/tensor.js';

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

/** Gives back each of its inputs, one for each type, `[batch, 2]`: `echo_float32` for `float32`. */
export function echoGraph(dtypes: readonly DataType[] = dataTypes): Conversion {
  const named = (prefix: string) =>
    dtypes.map((dtype): TensorSpec => ({ name: `${prefix}${dtype}`, dtype, shape: [null, 2] }));
  const signature: Signature = { inputs: named(''), outputs: named('echo_') };
  const graph = new GraphBuilder('echo');
  for (const [i, spec] of signature.inputs.entries()) {
    graph.output(signature.outputs[i]!, graph.node('Identity', [graph.input(spec)]));
  }
  return { graph: graph.build(), signature, provenance };
}

/** Counts to `steps` before it answers. */
export function patientGraph(steps: bigint): Uint8Array {
  const graph = new GraphBuilder('patient');
  const x = graph.input({ name: 'x', dtype: 'float64', shape: [null, 1] });
  const body = graph.subgraph('body', (inner) => {
    inner.input({ name: 'step', dtype: 'int64', shape: [] });
    const going = inner.input({ name: 'going', dtype: 'bool', shape: [] });
    const value = inner.parameter('value', 'float64');
    inner.result(inner.node('Identity', [going]), 'bool');
    inner.result(inner.node('Sin', [value]), 'float64');
  });
  const count = graph.constant({ dtype: 'int64', shape: [], data: BigInt64Array.of(steps) });
  graph.output({ name: 'predict', dtype: 'float64', shape: [null, 1] }, graph.node('Loop', [count, '', x], { body }));
  return graph.build();
}
