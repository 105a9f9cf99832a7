import type { Value } from '../../graph-builder.js';
import {
  argument,
  castTensor,
  fixedSize,
  isTensor,
  type KerasMask,
  type KerasTensor,
  type LayerCall,
  type LayerConverter,
} from '../layer.js';
import { tensorsIn } from '../layer-instance.js';
import { reverseTime, runCell } from '../recurrent.js';
import {
  type Cell,
  cellOptions,
  readCell,
  readCells,
  readWalk,
  recurrentOptions,
  type Walk,
} from '../recurrent-cell.js';

/** `constants` are refused with a text of their own. */
export const recurrentArguments: readonly string[] = ['initial_state', 'mask', 'training', 'constants'];

/** [batch, time, features] → [batch, units], or [batch, time, units] with `return_sequences`; then the states. */
export const recurrent: LayerConverter = {
  classNames: ['LSTM', 'GRU', 'SimpleRNN'],
  masks: 'own',
  options: [...cellOptions, ...recurrentOptions],
  arguments: recurrentArguments,
  convert(call) {
    const { layer, weights } = call;
    const walk = readWalk(call.layer.config);
    const inputs = recurrentInputs(call);
    const { sequence, initial } = inputs;
    const cell = readCell(
      call,
      layer.className,
      layer.config,
      weights.child('cell'),
      fixedSize(call, sequence, -1),
      'cell',
    );
    return walkTensors(inputs, walk, walkCells(call, [cell], sequence, initial, walk));
  },
};

/** The same for `RNN(cell)` and `RNN([cell, …])`, whose cells run on top of each other. */
export const rnn: LayerConverter = {
  classNames: ['RNN'],
  masks: 'own',
  options: ['cell', ...recurrentOptions],
  arguments: recurrentArguments,
  convert(call) {
    const walk = readWalk(call.layer.config);
    const inputs = recurrentInputs(call);
    const { sequence, initial } = inputs;
    const cells = readCells(call, call.layer.config, call.weights, fixedSize(call, sequence, -1), '');
    return walkTensors(inputs, walk, walkCells(call, cells, sequence, initial, walk));
  },
};

export interface RecurrentInputs {
  /** With the mask that the walk minds. */
  readonly sequence: KerasTensor;
  readonly initial: readonly Value[];
  /** That the outputs carry. */
  readonly mask: KerasMask | undefined;
}

/** The sequence and the initial states, which come in the list of inputs (Keras 2) or as `initial_state`. */
export function recurrentInputs(call: LayerCall): RecurrentInputs {
  const [sequence, ...others] = call.inputs;
  if (sequence === undefined) return call.layer.config.refuse('it is given no tensor');
  if (sequence.shape.length !== 3) {
    call.layer.config.refuse(`it takes [batch, time, features] and is given ${sequence.shape.length} dimensions`);
  }
  if (call.kwargs.constants !== undefined && call.kwargs.constants !== null)
    call.layer.config.refuse('constants are not supported');
  const initial = argument(call, 0, 'initial_state');
  if (initial !== undefined && initial !== null && tensorsIn(initial).length === 0) {
    call.layer.config.refuse('its initial_state holds no tensors');
  }
  const states = others.length > 0 ? others : isTensor(initial) ? [initial] : tensorsIn(initial);
  const { mask, ...unmasked } = castTensor(call.graph, sequence, 'float32');
  // Keras 3 finds the mask of a layer's only tensor argument; beside initial states it overlooks it.
  const overlooked =
    call.layer.generation === 3 && others.length === 0 && states.length > 0 && !isTensor(call.kwargs.mask);
  return {
    sequence: mask === undefined || overlooked ? unmasked : { ...unmasked, mask },
    mask,
    initial: states.map((state) => castTensor(call.graph, state, 'float32').value),
  };
}

export interface WalkResult {
  /** In the order of the walk, as Keras gives it. */
  readonly output: Value;
  readonly units: number;
  readonly states: readonly { readonly value: Value; readonly units: number }[];
}

/** Runs cells on top of each other: each reads the outputs of the one below, with the same mask. */
export function walkCells(
  call: LayerCall,
  cells: readonly Cell[],
  sequence: KerasTensor,
  initial: readonly Value[],
  walk: Walk,
): WalkResult {
  const { graph } = call;
  const stateCount = cells.reduce((sum, { kind }) => sum + (kind === 'LSTM' ? 2 : 1), 0);
  if (initial.length > 0 && initial.length !== stateCount) {
    call.layer.config.refuse(`it has ${stateCount} states and is given ${initial.length}`);
  }
  const states: { value: Value; units: number }[] = [];
  let below = sequence.value;
  let given = 0;
  let output: Value = below;
  cells.forEach((cell, i) => {
    const own = initial.slice(given, given + (cell.kind === 'LSTM' ? 2 : 1));
    given += own.length;
    const result = runCell(call, {
      cell,
      sequence: below,
      mask: sequence.mask,
      initial: own,
      backwards: walk.goBackwards,
      zeroOutput: walk.zeroOutputForMask,
    });
    for (const value of result.states) states.push({ value, units: cell.units });
    if (i < cells.length - 1) below = result.sequence();
    else if (!walk.returnSequences) output = result.last();
    else output = walk.goBackwards ? reverseTime(graph, result.sequence()) : result.sequence();
  });
  return { output, units: cells.at(-1)!.units, states };
}

/** Keras' outputs of a recurrent layer: the sequence or its last output, then the states when they are asked for. */
export function walkTensors(
  { sequence, mask }: RecurrentInputs,
  walk: Walk,
  { output, units, states }: WalkResult,
): KerasTensor[] {
  const [batch = null, time = null] = sequence.shape;
  const tensor = (value: Value, shape: (number | null)[], own?: KerasMask): KerasTensor => ({
    value,
    dtype: 'float32',
    shape,
    ...(own !== undefined && { mask: own }),
  });
  const main = walk.returnSequences ? tensor(output, [batch, time, units], mask) : tensor(output, [batch, units]);
  return walk.returnState ? [main, ...states.map((state) => tensor(state.value, [batch, state.units]))] : [main];
}
