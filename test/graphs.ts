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

/** A transposed convolution along a free axis, `[batch, 2, time]`: over no time ONNX Runtime ends the process. */
export function transposedGraph(): Uint8Array {
  const graph = new GraphBuilder('transposed');
  const x = graph.input({ name: 'x', dtype: 'float32', shape: [null, 2, null] });
  const weights = graph.constant({ dtype: 'float32', shape: [2, 3, 2], data: new Float32Array(12).fill(0.5) });
  graph.output({ name: 'y', dtype: 'float32', shape: [null, 3, null] }, graph.node('ConvTranspose', [x, weights]));
  return graph.build();
}

/** Each number of `x`, `[batch, 1]`, `width` times: `[batch, width]`. */
export function wideGraph(width: number): Uint8Array {
  const graph = new GraphBuilder('wide');
  const x = graph.input({ name: 'x', dtype: 'float32', shape: [null, 1] });
  const ones = graph.constant({ dtype: 'float32', shape: [1, width], data: new Float32Array(width).fill(1) });
  graph.output({ name: 'y', dtype: 'float32', shape: [null, width] }, graph.node('MatMul', [x, ones]));
  return graph.build();
}

/** `y = x / by`, whole numbers: the least of them divided by -1 ends the process. */
export function divisionGraph(): Uint8Array {
  const graph = new GraphBuilder('division');
  const [x, by] = ['x', 'by'].map((name) => graph.input({ name, dtype: 'int64', shape: [null, 1] }));
  graph.output({ name: 'y', dtype: 'int64', shape: [null, 1] }, graph.node('Div', [x!, by!]));
  return graph.build();
}

/** `x`, doubled for as long as it is below `until`: for ever where that is infinite and `x` is 0. */
export function doublingGraph(): Uint8Array {
  const graph = new GraphBuilder('doubling');
  const x = graph.input({ name: 'x', dtype: 'float64', shape: [1] });
  const until = graph.input({ name: 'until', dtype: 'float64', shape: [1] });
  const scalar = (value: string) => graph.node('Squeeze', [value]);
  const body = graph.subgraph('body', (inner) => {
    inner.input({ name: 'step', dtype: 'int64', shape: [] });
    inner.input({ name: 'going', dtype: 'bool', shape: [] });
    const value = inner.parameter('value', 'float64');
    const doubled = inner.node('Add', [value, value]);
    inner.result(inner.node('Less', [doubled, scalar(until)]), 'bool');
    inner.result(doubled, 'float64');
  });
  const going = graph.node('Less', [scalar(x), scalar(until)]);
  const result = graph.node('Loop', ['', going, scalar(x)], { body });
  graph.output({ name: 'y', dtype: 'float64', shape: [1] }, graph.node('Unsqueeze', [result, graph.int64s([0])]));
  return graph.build();
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
