import { fromBinary } from '@bufbuild/protobuf';
import { describe, expect, it } from 'vitest';
import { GraphBuilder, type Value } from '../../../src/convert/graph-builder.js';
import { findHazard } from '../../../src/convert/onnx/hazard.js';
import { ModelProtoSchema } from '../../../src/formats/onnx/onnx_pb.js';
import type { DataType } from '../../../src/tensor.js';
import { divisionGraph, doublingGraph, patientGraph, transposedGraph } from '../../graphs.js';

type Shape = readonly (number | null)[];
type Make = (graph: GraphBuilder, x: Value) => Value;

/** The hazard of a graph with one input. */
function hazardOf(make: Make, shape: Shape = [null, 2, null], dtype: DataType = 'float32'): string | undefined {
  const graph = new GraphBuilder('graph');
  const x = graph.input({ name: 'x', dtype, shape });
  graph.output({ name: 'y', dtype, shape: [null] }, make(graph, x));
  return findHazard(fromBinary(ModelProtoSchema, graph.build()));
}

const weights = (graph: GraphBuilder, ...shape: number[]) =>
  graph.constant({ dtype: 'float32', shape, data: new Float32Array(shape.reduce((a, b) => a * b)).fill(0.5) });
const whole = (graph: GraphBuilder, value: bigint) =>
  graph.constant({ dtype: 'int64', shape: [], data: BigInt64Array.of(value) });
const lstm = (graph: GraphBuilder, x: Value, ...more: Value[]) =>
  graph.node('LSTM', [x, weights(graph, 1, 8, 2), weights(graph, 1, 8, 2), ...more], { hidden_size: 2 });
const firstSize = (graph: GraphBuilder, x: Value) =>
  graph.node('Gather', [graph.node('Shape', [x]), graph.int64s([0])]);

describe('a graph that a request may end', () => {
  const cases: [string, Make, RegExp, Shape?, DataType?][] = [
    [
      'cuts what an LSTM gets',
      (graph, x) => lstm(graph, graph.node('Slice', [x, graph.int64s([3]), graph.int64s([9])])),
      /LSTM, given nothing/,
    ],
    [
      'makes what an LSTM gets smaller',
      (graph, x) => {
        const scales = graph.constant({ dtype: 'float32', shape: [3], data: Float32Array.of(0.5, 1, 1) });
        return lstm(graph, graph.node('Resize', [x, '', scales]));
      },
      /LSTM, given nothing/,
    ],
    [
      'takes of the edges of what an LSTM gets',
      (graph, x) => lstm(graph, graph.node('Pad', [x, graph.int64s([-1, 0, 0, 0, 0, 0])])),
      /LSTM, given nothing/,
    ],
    [
      'gives an LSTM what is not zero',
      (graph, x) => lstm(graph, graph.node('NonZero', [x])),
      /LSTM, given nothing/,
      [null, 2],
    ],
    [
      'makes as many numbers as it is told',
      (graph, x) => graph.node('Range', [whole(graph, 0n), graph.node('Squeeze', [x]), whole(graph, 1n)]),
      /how much memory the operator Range takes/,
      [1],
      'int64',
    ],
    [
      'repeats as often as it is told, after a calculation',
      (graph, x) => graph.node('Tile', [graph.int64s([1]), graph.node('Add', [x, x])]),
      /how much memory the operator Tile takes/,
      [1],
      'int64',
    ],
    [
      'divides by what may be -1',
      (graph, x) => graph.node('Mod', [whole(graph, 5n), x]),
      /operator Mod of integers/,
      [null, 2],
      'int64',
    ],
    ['divides by -1', (graph, x) => graph.node('Div', [x, whole(graph, -1n)]), /operator Div/, [null, 2], 'int64'],
    [
      'compares each step with each',
      (graph, x) => graph.node('MatMul', [graph.node('Transpose', [x], { perm: [0, 2, 1] }), x]),
      /grows with the square of a size that requests choose/,
    ],
    ['has an operator that nobody tried', (graph, x) => graph.node('DFT', [x]), /operator DFT may end/],
    [
      'has one in a branch',
      (graph, x) => {
        const branch = graph.subgraph('branch', (inner) => inner.result(inner.node('DFT', [x]), 'float32'));
        const first = graph.constant({ dtype: 'bool', shape: [], data: Uint8Array.of(1) });
        return graph.node('If', [first], { then_branch: branch, else_branch: branch });
      },
      /operator DFT may end/,
    ],
  ];
  it.each(cases)('%s', (_what, make, hazard, shape, dtype) => {
    expect(hazardOf(make, shape, dtype)).toMatch(hazard);
  });

  it('divides one number of a request by another, or computes until one is reached', () => {
    const hazard = (graph: Uint8Array) => findHazard(fromBinary(ModelProtoSchema, graph));
    expect(hazard(divisionGraph())).toMatch(/Div of integers/);
    expect(hazard(doublingGraph())).toMatch(/how often the operator Loop computes/);
  });
});

describe('a graph that no request ends', () => {
  const cases: [string, Make, Shape?, DataType?][] = [
    ['has an LSTM over what is sent', (graph, x) => lstm(graph, x)],
    [
      'fills the state of an LSTM by the size of what is sent',
      (graph, x) => {
        const size = graph.node('Concat', [graph.int64s([1]), firstSize(graph, x), graph.int64s([2])], { axis: 0 });
        const zeros = graph.node('Expand', [weights(graph, 1), size]);
        return lstm(graph, x, '', '', zeros, zeros);
      },
    ],
    [
      'cuts what is of fixed size',
      (graph, x) => lstm(graph, graph.node('Slice', [x, graph.int64s([1]), graph.int64s([9])])),
      [null, 3, 2],
    ],
    [
      'divides numbers with a point',
      (graph, x) => graph.node('Div', [graph.node('Exp', [x]), graph.node('Add', [x, x])]),
    ],
    ['divides by 2', (graph, x) => graph.node('Div', [x, whole(graph, 2n)]), [null, 2], 'int64'],
    ['divides sizes', (graph, x) => graph.node('Div', [firstSize(graph, x), firstSize(graph, x)])],
    [
      'divides what became a number with a point',
      (graph, x) => graph.node('Div', [graph.node('Cast', [x], { to: 1 }), graph.node('Cast', [x], { to: 1 })]),
      [null, 2],
      'int64',
    ],
  ];
  it.each(cases)('%s', (_what, make, shape, dtype) => {
    expect(hazardOf(make, shape, dtype)).toBeUndefined();
  });

  it('computes as often as it says itself, or takes what requests are checked for', () => {
    const hazard = (graph: Uint8Array) => findHazard(fromBinary(ModelProtoSchema, graph));
    expect(hazard(patientGraph(10n))).toBeUndefined();
    expect(hazard(transposedGraph())).toBeUndefined();
  });
});
