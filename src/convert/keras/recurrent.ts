import { type Attribute, floats, type GraphBuilder, onnxTypes, type Value } from '../graph-builder.js';
import type { KerasMask, LayerCall } from './layer.js';
import { type Cell, joinBias, transposeGates } from './recurrent-cell.js';
import { scanCell } from './recurrent-scan.js';

/** One pass of a cell over a sequence. */
export interface Pass {
  readonly cell: Cell;
  /** [batch, time, features] */
  readonly sequence: Value;
  readonly mask: KerasMask | undefined;
  /** [batch, units] each; none: zeros. */
  readonly initial: readonly Value[];
  /** Last step first. */
  readonly backwards: boolean;
  /** Masked steps give 0 instead of the output before. */
  readonly zeroOutput: boolean;
}

export interface PassResult {
  /** [batch, time, units], by the time of the input. */
  sequence(): Value;
  /** [batch, units]: Keras' last output, which for a masked sequence need not be the state. */
  last(): Value;
  /** [batch, units] each. */
  readonly states: readonly Value[];
}

/** Gates in ONNX's order, as numbers in Keras': LSTM i f c o → i o f c, GRU z r h in both. */
const gateOrders = { LSTM: [0, 3, 1, 2], GRU: [0, 1, 2], RNN: [0] } as const;

/**
 * Walks a cell through time with ONNX's LSTM, GRU or RNN, whose kernels are the fast ones; an activation that these
 * lack makes it a Scan. Keras' semantics of masks holds for holes anywhere: a masked step keeps the states and repeats
 * the output before (zeros before the first step that counts).
 * Source: keras/src/backend/tensorflow/rnn.py.
 */
export function runCell(call: LayerCall, pass: Pass): PassResult {
  const { cell, mask } = pass;
  if (mask !== undefined && mask.shape.length !== 2) {
    call.layer.config.refuse(`its mask has ${mask.shape.length} dimensions; [batch, time] is what it takes`);
  }
  const gates = cell.kind === 'RNN' ? [cell.activation] : [cell.recurrentActivation, cell.activation];
  if (gates.some(({ fused }) => fused === undefined)) return scanCell(call, pass);
  return mask === undefined ? runPlain(call, pass) : runMasked(call, pass, mask);
}

function runPlain(call: LayerCall, pass: Pass): PassResult {
  const { graph } = call;
  const { output, states } = fusedNode(call, pass, pass.sequence, undefined, pass.backwards ? 'reverse' : 'forward');
  return { sequence: () => toBatchMajor(graph, output), last: () => states[0]!, states };
}

/**
 * Moves the steps that count to the front, in the order in which they are walked, runs the operator over that many
 * steps of each row, and puts its outputs back where they belong.
 */
function runMasked(call: LayerCall, pass: Pass, mask: KerasMask): PassResult {
  const { graph } = call;
  const int = (value: number): Value =>
    graph.constant({ dtype: 'int64', shape: [], data: BigInt64Array.of(BigInt(value)) });
  const counts = graph.node('Cast', [mask.value], { to: onnxTypes.int64 });
  // [1], [time]
  const length = graph.node('Shape', [mask.value], { start: 1, end: 2 });
  const steps = graph.node('Range', [int(0), graph.node('Squeeze', [length]), int(1)]);
  const rank = pass.backwards ? graph.node('Sub', [length, steps]) : steps;
  // A key puts what counts first, each part in the order of the walk.
  const late = graph.node('Mul', [graph.node('Sub', [int(1), counts]), graph.node('Mul', [length, int(2)])]);
  const [, order] = graph.multi(
    'TopK',
    [graph.node('Add', [late, rank]), length],
    { axis: 1, largest: 0, sorted: 1 },
    { outputs: 2 },
  );
  const last = graph.int64s([-1], 'axis');
  const gather = (data: Value, index: Value): Value =>
    graph.node('GatherND', [data, graph.node('Unsqueeze', [index, last])], { batch_dims: 1 });
  const lengths = graph.node('ReduceSum', [counts, graph.int64s([1], 'axis')], { keepdims: 0 });
  // The operator is not given empty rows: theirs are replaced below.
  const atLeastOne = graph.node('Cast', [graph.node('Max', [lengths, int(1)])], { to: onnxTypes.int32 });
  const packed = gather(pass.sequence, order!);
  const { output, states } = fusedNode(call, pass, packed, atLeastOne, 'forward');
  const some = graph.node('Unsqueeze', [graph.node('Greater', [lengths, int(0)]), last]);
  const zero = graph.scalar(0);
  const edge = graph.int64s([pass.backwards ? 0 : -1], 'edge');
  return {
    sequence: () => {
      // How many steps count up to and with this one: that output is the latest.
      const axis = graph.constant({ dtype: 'int64', shape: [], data: BigInt64Array.of(1n) });
      const seen = graph.node('CumSum', [counts, axis], { reverse: pass.backwards ? 1 : 0 });
      const latest = graph.node('Max', [graph.node('Sub', [seen, int(1)]), int(0)]);
      const valid = pass.zeroOutput ? mask.value : graph.node('Greater', [seen, int(0)]);
      const unpacked = gather(toBatchMajor(graph, output), latest);
      return graph.node('Where', [graph.node('Unsqueeze', [valid, last]), unpacked, zero]);
    },
    last: () => {
      const valid = pass.zeroOutput ? graph.node('Gather', [mask.value, edge], { axis: 1 }) : some;
      return graph.node('Where', [valid, states[0]!, zero]);
    },
    states: states.map((state, i) => graph.node('Where', [some, state, pass.initial[i] ?? zero])),
  };
}

/** The operator itself: output [time, 1, batch, units], states [batch, units]. */
function fusedNode(
  call: LayerCall,
  pass: Pass,
  sequence: Value,
  lengths: Value | undefined,
  direction: 'forward' | 'reverse',
): { output: Value; states: Value[] } {
  const { graph, layer } = call;
  const { cell } = pass;
  const order = gateOrders[cell.kind];
  const inputs = [
    graph.node('Transpose', [sequence], { perm: [1, 0, 2] }),
    call.constant(`${cell.key}/W`, () => transposeGates(cell.kernel, cell.units, order)),
    call.constant(`${cell.key}/R`, () => transposeGates(cell.recurrent, cell.units, order)),
    cell.bias === undefined ? '' : call.constant(`${cell.key}/B`, () => joinBias(cell.bias!, cell.units, order)),
    lengths ?? '',
    ...pass.initial.map((state) => graph.node('Unsqueeze', [state, graph.int64s([0], 'axis')])),
  ];
  while (inputs.at(-1) === '') inputs.pop();
  const attributes: Record<string, Attribute> = { hidden_size: cell.units, ...activationAttributes(cell) };
  if (direction === 'reverse') attributes.direction = 'reverse';
  if (cell.resetAfter) attributes.linear_before_reset = 1;
  const [output, ...finals] = graph.multi(cell.kind, inputs, attributes, {
    outputs: cell.kind === 'LSTM' ? 3 : 2,
    name: layer.name,
  });
  return {
    output: output!,
    states: finals.map((state) => graph.node('Squeeze', [state, graph.int64s([0], 'axis')])),
  };
}

/** Written only where they are not ONNX's defaults. */
function activationAttributes(cell: Cell): Record<string, Attribute> {
  const gate = cell.recurrentActivation.fused;
  const inner = cell.activation.fused!;
  const list = cell.kind === 'RNN' ? [inner] : cell.kind === 'GRU' ? [gate!, inner] : [gate!, inner, inner];
  if (inner.op === 'Tanh' && (cell.kind === 'RNN' || gate?.op === 'Sigmoid')) return {};
  const alphas = list.flatMap(({ alpha }) => alpha ?? []);
  const betas = list.flatMap(({ beta }) => beta ?? []);
  return {
    activations: list.map(({ op }) => op),
    ...(alphas.length > 0 && { activation_alpha: floats(alphas) }),
    ...(betas.length > 0 && { activation_beta: floats(betas) }),
  };
}

/** [time, 1, batch, units] → [batch, time, units] */
function toBatchMajor(graph: GraphBuilder, output: Value): Value {
  return graph.node('Transpose', [graph.node('Squeeze', [output, graph.int64s([1], 'axis')])], { perm: [1, 0, 2] });
}

/** Reverses the time of a [batch, time, …] tensor. */
export function reverseTime(graph: GraphBuilder, value: Value): Value {
  // The least int64 stands for "from the end to the beginning, the first step included".
  const beginning = graph.constant(
    { dtype: 'int64', shape: [1], data: BigInt64Array.of(-(2n ** 63n) + 1n) },
    'beginning',
  );
  return graph.node('Slice', [value, graph.int64s([-1]), beginning, graph.int64s([1], 'axis'), graph.int64s([-1])]);
}
