import { sizeOf, type Tensor } from '../../tensor.js';
import { activations } from './activation.js';
import { isCustom, isObject, type Json, LayerConfig, nameOf, show } from './config.js';
import type { LayerCall } from './layer.js';
import type { LayerWeights } from './weights.js';

/** An activation inside a recurrent cell: Keras' name, and ONNX's with its parameters where ONNX has it. */
export interface CellActivation {
  readonly name: string;
  readonly fused?: { readonly op: string; readonly alpha?: number; readonly beta?: number };
}

/** One recurrent cell, its weights in Keras' order and layout. */
export interface Cell {
  readonly kind: 'LSTM' | 'GRU' | 'RNN';
  readonly units: number;
  readonly activation: CellActivation;
  /** Of the gates; a SimpleRNN has none. */
  readonly recurrentActivation: CellActivation;
  /** GRU: the reset gate acts after the product with the recurrent kernel. */
  readonly resetAfter: boolean;
  /** [input, gates · units] */
  readonly kernel: Tensor;
  /** [units, gates · units] */
  readonly recurrent: Tensor;
  /** [gates · units]; for a GRU that resets after [2, gates · units]. */
  readonly bias: Tensor | undefined;
  /** Tells the initializers of the cells of one layer apart. */
  readonly key: string;
}

const gateCounts = { LSTM: 4, GRU: 3, RNN: 1 } as const;
const kinds: Readonly<Record<string, Cell['kind']>> = {
  LSTM: 'LSTM',
  LSTMCell: 'LSTM',
  GRU: 'GRU',
  GRUCell: 'GRU',
  SimpleRNN: 'RNN',
  SimpleRNNCell: 'RNN',
};

/** Options of a cell; a layer has them beside its own. */
export const cellOptions: readonly string[] = [
  'units',
  'activation',
  'recurrent_activation',
  'use_bias',
  'unit_forget_bias',
  'dropout',
  'recurrent_dropout',
  'implementation',
  'reset_after',
];

/** Options of a recurrent layer. */
export const recurrentOptions: readonly string[] = [
  'return_sequences',
  'return_state',
  'go_backwards',
  'stateful',
  'unroll',
  'time_major',
  'zero_output_for_mask',
  'input_length',
  'input_dim',
];

/** How a recurrent layer walks through time. */
export interface Walk {
  readonly returnSequences: boolean;
  readonly returnState: boolean;
  readonly goBackwards: boolean;
  readonly zeroOutputForMask: boolean;
}

export function readWalk(config: LayerConfig): Walk {
  if (config.boolean('stateful', false)) {
    config.refuse(
      'stateful=True makes its answers depend on the requests before; build the model with stateful=False, load the weights into it, and save that',
    );
  }
  if (config.boolean('time_major', false)) config.refuse('time_major=True is not supported; save it batch first');
  return {
    returnSequences: config.boolean('return_sequences', false),
    returnState: config.boolean('return_state', false),
    goBackwards: config.boolean('go_backwards', false),
    zeroOutputForMask: config.boolean('zero_output_for_mask', false),
  };
}

/** Reads one cell, or the layer that is one (`LSTM`), for inputs of `inputSize` features. */
export function readCell(
  call: LayerCall,
  className: string,
  config: LayerConfig,
  weights: LayerWeights,
  inputSize: number,
  key: string,
): Cell {
  const kind = kinds[className];
  if (kind === undefined) {
    return config.refuse(`the cell ${className} is not one of LSTMCell, GRUCell, SimpleRNNCell, StackedRNNCells`);
  }
  const units = config.integer('units');
  const width = gateCounts[kind] * units;
  const kernel = weights.read('kernel', [inputSize, width]);
  const recurrent = weights.read('recurrent_kernel', [units, width]);
  // Early files of Keras 2 lack the option; the bias then tells, since a cell that resets after has two.
  const resetAfter = kind === 'GRU' && config.boolean('reset_after', weights.peek('bias')?.length === 2);
  const bias = config.boolean('use_bias', true) ? weights.read('bias', resetAfter ? [2, width] : [width]) : undefined;
  return {
    kind,
    units,
    activation: readCellActivation(call, config, config.get('activation')),
    recurrentActivation:
      kind === 'RNN' ? { name: 'linear' } : readCellActivation(call, config, config.get('recurrent_activation')),
    resetAfter,
    kernel,
    recurrent,
    bias,
    key,
  };
}

/** The cells of an `RNN` layer, bottom first: one, or those of `StackedRNNCells`. `key` goes before their own. */
export function readCells(
  call: LayerCall,
  config: LayerConfig,
  weights: LayerWeights,
  inputSize: number,
  key: string,
): Cell[] {
  const json = config.get('cell');
  const cellWeights = weights.child('cell');
  const inner = innerConfig(config, json);
  if (inner.className !== 'StackedRNNCells') {
    inner.checkOptions(cellOptions);
    return [readCell(call, inner.className, inner, cellWeights, inputSize, `${key}cell`)];
  }
  inner.checkOptions(['cells', 'reverse_state_order']);
  if (inner.boolean('reverse_state_order', false)) config.refuse('reverse_state_order=True is not supported');
  const list = inner.get('cells');
  if (!Array.isArray(list) || list.length === 0) return config.refuse('its StackedRNNCells hold no cells');
  const configs = list.map((cell) => innerConfig(config, cell));
  const names = configs.map(({ json: { name } }, i) => (typeof name === 'string' ? name : `cell_${i}`));
  const shares = cellWeights.layers(
    configs.map(({ className }, i) => ({ name: names[i]!, className, inner: [] })),
    'cells',
  );
  let size = inputSize;
  return configs.map((cellConfig, i) => {
    cellConfig.checkOptions(cellOptions);
    const cell = readCell(call, cellConfig.className, cellConfig, shares.get(names[i]!)!, size, `${key}cell_${i}`);
    size = cell.units;
    return cell;
  });
}

/** The config of a `{class_name, config}` inside a layer's; errors name the layer. */
function innerConfig(config: LayerConfig, json: Json): LayerConfig {
  if (!isObject(json) || !isObject(json.config) || typeof json.class_name !== 'string') {
    return config.refuse(`${show(json)} is no cell`);
  }
  if (isCustom(json)) {
    config.refuse(`its cell ${nameOf(json.registered_name ?? json.class_name).slice(0, 80)} is not one of Keras' own`);
  }
  return new LayerConfig(config.layer, json.class_name, json.config);
}

function readCellActivation(call: LayerCall, config: LayerConfig, option: Json): CellActivation {
  if (option === null) return readCellActivation(call, config, 'linear');
  if (isObject(option) && option.class_name === 'function')
    return readCellActivation(call, config, option.config ?? null);
  if (isObject(option) && isObject(option.config)) {
    const inner = new LayerConfig(config.layer, nameOf(option.class_name), option.config);
    if (option.class_name === 'LeakyReLU') {
      const alpha = inner.number('negative_slope', inner.number('alpha', 0.3));
      return { name: 'LeakyReLU', fused: { op: 'LeakyRelu', alpha } };
    }
    if (option.class_name === 'ELU') return { name: 'ELU', fused: { op: 'Elu', alpha: inner.number('alpha', 1) } };
  }
  if (typeof option !== 'string' || !(option in activations) || option === 'glu') {
    return config.refuse(
      `its activation ${show(option)} is not supported in a recurrent layer; use one of ${Object.keys(activations).join(', ')}`,
    );
  }
  const fused = fusedActivation(option, call.layer.generation);
  return fused === undefined ? { name: option } : { name: option, fused };
}

/** ONNX's own recurrent operators know these. */
function fusedActivation(name: string, generation: 2 | 3): CellActivation['fused'] {
  switch (name) {
    case 'tanh':
      return { op: 'Tanh' };
    case 'sigmoid':
      return { op: 'Sigmoid' };
    case 'relu':
      return { op: 'Relu' };
    case 'linear':
      return { op: 'Affine', alpha: 1, beta: 0 };
    case 'hard_sigmoid':
      return { op: 'HardSigmoid', alpha: generation === 2 ? 0.2 : 1 / 6, beta: 0.5 };
    case 'elu':
      return { op: 'Elu', alpha: 1 };
    case 'leaky_relu':
      return { op: 'LeakyRelu', alpha: 0.2 };
    case 'softsign':
      return { op: 'Softsign' };
    case 'softplus':
      return { op: 'Softplus' };
    default:
      return undefined;
  }
}

/**
 * A kernel [rows, gates · units] as ONNX wants it, [1, gates · units, rows]. `order` is the gates in ONNX's order, as
 * numbers in Keras'.
 */
export function transposeGates(tensor: Tensor, units: number, order: readonly number[]): Tensor {
  const [rows, width] = tensor.shape as [number, number];
  const source = tensor.data as Float32Array;
  const data = new Float32Array(sizeOf(tensor.shape));
  order.forEach((gate, slot) => {
    for (let unit = 0; unit < units; unit++) {
      const to = (slot * units + unit) * rows;
      const from = gate * units + unit;
      for (let row = 0; row < rows; row++) data[to + row] = source[row * width + from]!;
    }
  });
  return { dtype: 'float32', shape: [1, width, rows], data };
}

/** Keras' bias as ONNX wants it: [1, 2 · gates · units], that of the input, then that of the recurrence. */
export function joinBias(bias: Tensor, units: number, order: readonly number[]): Tensor {
  const width = order.length * units;
  const source = bias.data as Float32Array;
  const data = new Float32Array(2 * width);
  for (let half = 0; half * width < source.length; half++) {
    order.forEach((gate, slot) => {
      const from = half * width + gate * units;
      data.set(source.subarray(from, from + units), half * width + slot * units);
    });
  }
  return { dtype: 'float32', shape: [1, 2 * width], data };
}
