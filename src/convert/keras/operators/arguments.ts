import type { DataType, Tensor } from '../../../tensor.js';
import { onnxTypes, type Value } from '../../graph-builder.js';
import { isObject, type Json, show } from '../config.js';
import { type CallValue, isTensor, type KerasTensor, type LayerCall, type Shape } from '../layer.js';

/** A tensor or a constant that an operator works on. Constants have no batch. */
export interface Operand extends KerasTensor {
  readonly constant: boolean;
}

/** Recorded with every operator, and without meaning for numbers. */
const meaningless: ReadonlySet<string> = new Set(['name', 'validate_indices']);

/**
 * The arguments of an operator, found by position or by any of the names that Keras 3, TensorFlow and the config of a
 * Keras 3 operation give them. What is left over at the end is refused: it might change numbers.
 */
export class OperatorArguments {
  private readonly positional: readonly (CallValue | undefined)[];
  private readonly used = new Set<string>();

  constructor(
    readonly call: LayerCall,
    readonly operator: string,
  ) {
    this.positional = call.first === undefined ? [] : [call.first, ...call.args];
  }

  get graph(): LayerCall['graph'] {
    return this.call.graph;
  }

  refuse(why: string): never {
    return this.call.layer.config.refuse(`the operator ${this.operator} ${why}`);
  }

  /** The raw argument; `undefined` when it is absent or None. */
  find(position: number, ...names: string[]): CallValue | undefined {
    for (const name of names) this.used.add(name);
    const { kwargs, layer } = this.call;
    let value = this.positional[position];
    for (const name of names) value ??= kwargs[name] ?? layer.config.get(name);
    return value ?? undefined;
  }

  number(fallback: number, position: number, ...names: string[]): number {
    const value = this.find(position, ...names) ?? fallback;
    return typeof value === 'number' ? value : this.refuse(`has ${names[0]} = ${this.describe(value)}, not a number`);
  }

  boolean(fallback: boolean, position: number, ...names: string[]): boolean {
    const value = this.find(position, ...names) ?? fallback;
    return typeof value === 'boolean' ? value : this.refuse(`has ${names[0]} = ${this.describe(value)}, not a boolean`);
  }

  integers(position: number, ...names: string[]): number[] {
    const value = this.find(position, ...names);
    const list = Array.isArray(value) ? value : [value];
    if (list.every((item) => Number.isSafeInteger(item))) return list as number[];
    return this.refuse(`has ${names[0]} = ${this.describe(value)}, not fixed integers`);
  }

  /** A tensor of the model, not a constant. */
  tensor(position: number, ...names: string[]): KerasTensor {
    const value = this.find(position, ...names);
    return isTensor(value) ? value : this.refuse(`takes a tensor as ${names[0]}, not ${this.describe(value)}`);
  }

  /** A list of tensors of the model. */
  tensors(position: number, ...names: string[]): KerasTensor[] {
    const value = this.find(position, ...names);
    const list = Array.isArray(value) ? value : [value];
    if (list.length > 0 && list.every((item) => isTensor(item))) return list as KerasTensor[];
    return this.refuse(`takes a list of tensors as ${names[0]}, not ${this.describe(value)}`);
  }

  /** A tensor, or a constant that takes the type it is used with: Python numbers are weak. */
  operand(position: number, ...names: string[]): Operand | number | boolean {
    const value = this.find(position, ...names);
    if (isTensor(value)) return { ...value, constant: false };
    if (typeof value === 'number' || typeof value === 'boolean') return value;
    return (
      this.constant(value) ?? this.refuse(`takes a tensor or a number as ${names[0]}, not ${this.describe(value)}`)
    );
  }

  /** Any axis but the batch, counted from the front. */
  axis(value: number, rank: number): number {
    if (!Number.isSafeInteger(value)) this.refuse(`has axis ${value}, not an integer`);
    const axis = value < 0 ? value + rank : value;
    if (axis < 0 || axis >= rank) this.refuse(`has axis ${value}, but ${rank} dimensions`);
    if (axis === 0) this.refuse('works along the batch, so that the rows of a batch would depend on each other');
    return axis;
  }

  /** Refuses arguments that the operator's converter did not ask for. */
  checkAllUsed(): void {
    const { kwargs, layer } = this.call;
    // The config of a TensorFlow operator holds nothing but the layer's own name and type.
    const config = layer.config.get('function') === null ? Object.entries(layer.config.json) : [];
    for (const [name, value] of [...Object.entries(kwargs), ...config]) {
      if (this.used.has(name) || meaningless.has(name) || value === null || value === false) continue;
      if (name === 'dtype' && value === 'float32') continue;
      this.refuse(`has the argument ${name} = ${this.describe(value)}, which is not known here`);
    }
  }

  /** Numbers in nested lists, bare or in Keras 3's `__numpy__` and `__tensor__`. */
  private constant(value: CallValue | undefined): Operand | undefined {
    let data: unknown = value;
    let dtype: Json = null;
    if (
      isObject(value) &&
      isObject(value.config) &&
      (value.class_name === '__numpy__' || value.class_name === '__tensor__')
    ) {
      data = value.config.value;
      dtype = value.config.dtype ?? null;
    }
    const numbers: number[] = [];
    const shape: number[] = [];
    const walk = (item: unknown, depth: number): boolean => {
      if (typeof item === 'number' || typeof item === 'boolean')
        return numbers.push(Number(item)) > 0 && depth === shape.length;
      if (!Array.isArray(item)) return false;
      if (shape.length === depth) shape.push(item.length);
      return shape[depth] === item.length && item.every((inner) => walk(inner, depth + 1));
    };
    if (data === undefined || data === null || !walk(data, 0)) return undefined;
    let tensor: Tensor = { dtype: 'float32', shape, data: Float32Array.from(numbers) };
    if (dtype === 'int32' || dtype === 'int64') {
      if (!numbers.every(isInt32)) return this.refuse('has an integer constant beyond 32 bits');
      tensor = { dtype: 'int32', shape, data: Int32Array.from(numbers) };
    }
    return { value: this.graph.constant(tensor), dtype: tensor.dtype, shape, constant: true };
  }

  private describe(value: CallValue | undefined): string {
    return isTensor(value) ? 'a tensor' : show(value as Json);
  }
}

function isInt32(value: number): boolean {
  return (value | 0) === value;
}

/** A Python number as a scalar of `dtype`. */
export function scalar(args: OperatorArguments, value: number | boolean, dtype: DataType): Value {
  const { graph } = args;
  const number = Number(value);
  switch (dtype) {
    case 'float32':
      return graph.scalar(number);
    case 'int32':
      if (!isInt32(number)) return args.refuse(`works on int32 and ${number}`);
      return graph.constant({ dtype, shape: [], data: Int32Array.of(number) });
    case 'int64':
      return graph.constant({ dtype, shape: [], data: BigInt64Array.of(BigInt(number)) });
    case 'bool':
      return graph.constant({ dtype, shape: [], data: Uint8Array.of(number) });
    default:
      return args.refuse(`works on ${dtype}, which is not supported`);
  }
}

/**
 * Casts operands to the type that Keras gives their result, and finds its shape; `others` broadcast along but have a
 * type of their own.
 */
export function promote(
  args: OperatorArguments,
  operands: readonly (Operand | number | boolean)[],
  float: boolean,
  others: readonly KerasTensor[] = [],
): { values: Value[]; dtype: DataType; shape: Shape } {
  const tensors = operands.filter((operand) => typeof operand === 'object');
  let dtype = tensors.map((tensor) => tensor.dtype).reduce((a, b) => wider(args, a, b), 'bool');
  for (const operand of operands) {
    if (typeof operand === 'number')
      dtype = wider(args, dtype, Number.isSafeInteger(operand) && isWhole(dtype) ? dtype : 'float32');
  }
  if (float && dtype !== 'float32') dtype = 'float32';
  const values = operands.map((operand) => {
    if (typeof operand !== 'object') return scalar(args, operand, dtype);
    return operand.dtype === dtype ? operand.value : args.graph.node('Cast', [operand.value], { to: onnxTypes[dtype] });
  });
  return {
    values,
    dtype,
    shape: broadcast(args, [...tensors, ...others.map((tensor) => ({ ...tensor, constant: false }))]),
  };
}

function isWhole(dtype: DataType): boolean {
  return dtype === 'int32' || dtype === 'int64';
}

const ranks: readonly DataType[] = ['bool', 'int32', 'int64', 'float32'];

function wider(args: OperatorArguments, a: DataType, b: DataType): DataType {
  const rank = Math.max(ranks.indexOf(a), ranks.indexOf(b));
  if (!ranks.includes(a) || !ranks.includes(b)) args.refuse(`works on ${a} and ${b}, which is not supported`);
  return ranks[rank]!;
}

/** The shape of a broadcast, the batch kept apart: rows must not meet each other. */
export function broadcast(args: OperatorArguments, operands: readonly Operand[]): Shape {
  const batched = operands.filter(({ constant }) => !constant);
  const rank = batched[0]?.shape.length ?? args.refuse('has no tensor among its arguments');
  if (batched.some(({ shape }) => shape.length !== rank)) {
    args.refuse('joins tensors of different numbers of dimensions, so that the rows of a batch would meet');
  }
  const result: (number | null)[] = [null];
  for (const { shape, constant } of operands) {
    if (constant && (shape.length > rank || (shape.length === rank && shape[0] !== 1))) {
      args.refuse('joins a tensor with a constant that has a batch of its own');
    }
  }
  for (let axis = 1; axis < rank; axis++) {
    const sizes = operands
      .map(({ shape }) => shape[shape.length - rank + axis])
      .filter((size) => size !== undefined && size !== 1);
    const fixed = sizes.filter((size) => size !== null);
    if (fixed.some((size) => size !== fixed[0])) args.refuse(`joins sizes ${fixed.join(' and ')}`);
    result.push(sizes.length === 0 ? 1 : (fixed[0] ?? null));
  }
  return result;
}
