import type { GraphBuilder, Value } from '../graph-builder.js';
import { float as floatAttribute } from '../graph-builder.js';
import { activations } from './activation.js';
import type { LayerCall } from './layer.js';
import type { Pass, PassResult } from './recurrent.js';
import type { CellActivation } from './recurrent-cell.js';

/**
 * A cell as a Scan, step by step as Keras computes it: for activations that ONNX's recurrent operators do not have.
 * Slower, and exact with every mask.
 */
export function scanCell(call: LayerCall, pass: Pass): PassResult {
  const { graph, layer } = call;
  const { cell, mask } = pass;
  const { units } = cell;
  const kernel = call.constant(`${cell.key}/kernel`, () => cell.kernel);
  const recurrent = call.constant(`${cell.key}/recurrent`, () => cell.recurrent);
  const width = cell.kernel.shape[1]!;
  const biasRow = (row: number): Value | undefined =>
    cell.bias &&
    call.constant(`${cell.key}/bias${row}`, () => ({
      dtype: 'float32',
      shape: [width],
      data: (cell.bias!.data as Float32Array).subarray(row * width, (row + 1) * width),
    }));
  const inputBias = biasRow(0);
  const recurrentBias = cell.resetAfter ? biasRow(1) : undefined;
  // The product with the input needs no state: one matrix product for all steps.
  const product = graph.node('MatMul', [pass.sequence, kernel]);
  const projected = inputBias === undefined ? product : graph.node('Add', [product, inputBias]);
  const stateCount = cell.kind === 'LSTM' ? 2 : 1;
  const batch = graph.node('Shape', [pass.sequence], { start: 0, end: 1 });
  const zeros = graph.node('Expand', [
    graph.scalar(0),
    graph.node('Concat', [batch, graph.int64s([units])], { axis: 0 }),
  ]);
  // Keras' output before the first step is 0, whatever the initial state.
  const initial = [...Array.from({ length: stateCount }, (_, i) => pass.initial[i] ?? zeros), zeros];
  const body = graph.subgraph(`${layer.name}_step`, (step) => {
    const states = initial.map((_, i) => step.parameter(`state${i}`, 'float32'));
    const input = step.parameter('input', 'float32');
    const keep = mask && step.node('Unsqueeze', [step.parameter('keep', 'bool'), step.int64s([-1], 'axis')]);
    const activate = (activation: CellActivation, value: Value): Value =>
      applyCellActivation(step, layer.generation, activation, value, units);
    const next = stepOf(step, pass, { input, states, recurrent, recurrentBias, activate });
    const output = next[0]!;
    const before = states[stateCount]!;
    const kept = next.map((value, i) => (keep === undefined ? value : step.node('Where', [keep, value, states[i]!])));
    const masked = pass.zeroOutput ? step.scalar(0) : before;
    const shown = keep === undefined ? output : step.node('Where', [keep, output, masked]);
    for (const value of kept) step.result(value, 'float32');
    step.result(shown, 'float32');
    step.result(shown, 'float32');
  });
  const direction = pass.backwards ? 1 : 0;
  const scanned = mask === undefined ? [projected] : [projected, mask.value];
  const results = graph.multi(
    'Scan',
    [...initial, ...scanned],
    {
      body,
      num_scan_inputs: scanned.length,
      scan_input_axes: scanned.map(() => 1),
      scan_input_directions: scanned.map(() => direction),
      scan_output_axes: [1],
      scan_output_directions: [direction],
    },
    { outputs: stateCount + 2, name: layer.name },
  );
  return {
    sequence: () => results[stateCount + 1]!,
    last: () => results[stateCount]!,
    states: results.slice(0, stateCount),
  };
}

interface Step {
  readonly input: Value;
  readonly states: readonly Value[];
  readonly recurrent: Value;
  readonly recurrentBias: Value | undefined;
  readonly activate: (activation: CellActivation, value: Value) => Value;
}

/** New states of one step, the output first: keras/src/layers/rnn/{simple_rnn,gru,lstm}.py. */
function stepOf(
  graph: GraphBuilder,
  { cell }: Pass,
  { input, states, recurrent, recurrentBias, activate }: Step,
): Value[] {
  const h = states[0]!;
  const add = (a: Value, b: Value): Value => graph.node('Add', [a, b]);
  const multiply = (a: Value, b: Value): Value => graph.node('Mul', [a, b]);
  const split = (value: Value, parts: number, axis = -1): Value[] =>
    graph.multi('Split', [value], { axis, num_outputs: parts }, { outputs: parts });
  if (cell.kind === 'RNN') return [activate(cell.activation, add(input, graph.node('MatMul', [h, recurrent])))];
  const gate = (value: Value): Value => activate(cell.recurrentActivation, value);
  if (cell.kind === 'LSTM') {
    const [i, f, c, o] = split(add(input, graph.node('MatMul', [h, recurrent])), 4) as [Value, Value, Value, Value];
    const carry = add(multiply(gate(f), states[1]!), multiply(gate(i), activate(cell.activation, c)));
    return [multiply(gate(o), activate(cell.activation, carry)), carry];
  }
  const [xz, xr, xh] = split(input, 3) as [Value, Value, Value];
  let z: Value;
  let candidate: Value;
  if (cell.resetAfter) {
    const product = graph.node('MatMul', [h, recurrent]);
    const inner = recurrentBias === undefined ? product : add(product, recurrentBias);
    const [hz, hr, hh] = split(inner, 3) as [Value, Value, Value];
    z = gate(add(xz, hz));
    candidate = add(xh, multiply(gate(add(xr, hr)), hh));
  } else {
    const [rz, rr, rh] = split(recurrent, 3) as [Value, Value, Value];
    z = gate(add(xz, graph.node('MatMul', [h, rz])));
    const r = gate(add(xr, graph.node('MatMul', [h, rr])));
    candidate = add(xh, graph.node('MatMul', [multiply(r, h), rh]));
  }
  const fresh = multiply(graph.node('Sub', [graph.scalar(1), z]), activate(cell.activation, candidate));
  return [add(multiply(z, h), fresh)];
}

function applyCellActivation(
  graph: GraphBuilder,
  generation: 2 | 3,
  activation: CellActivation,
  value: Value,
  units: number,
): Value {
  const known = activations[activation.name];
  if (known !== undefined) return known(graph, value, generation, [null, units]);
  const { op, alpha } = activation.fused!;
  return graph.node(op, [value], alpha === undefined ? {} : { alpha: floatAttribute(alpha) });
}
