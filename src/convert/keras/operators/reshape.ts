import type { Value } from '../../graph-builder.js';
import { isObject, type Json, nameOf, show } from '../config.js';
import { castTensor, type KerasTensor, type Shape } from '../layer.js';
import type { OperatorArguments } from './arguments.js';
import type { Operator } from './index.js';

const one = (value: Value, like: KerasTensor, shape: Shape): KerasTensor[] => [{ value, dtype: like.dtype, shape }];

/** The batch stays: `(-1, …)` with as many elements a row as before. */
const reshape: Operator = (args) => {
  const x = args.tensor(0, 'x', 'tensor');
  const target = args.find(1, 'newshape', 'shape');
  const [batch, ...row] = Array.isArray(target) ? (target as Json[]) : [];
  const sizes = row.map((size) => (typeof size === 'number' ? size : Number.NaN));
  const before = x.shape.slice(1).reduce<number>((product, size) => product * (size ?? Number.NaN), 1);
  const open = sizes.indexOf(-1);
  if (open >= 0) sizes[open] = before / sizes.reduce((product, size, i) => (i === open ? product : product * size), 1);
  const after = sizes.reduce((product, size) => product * size, 1);
  if ((batch !== -1 && batch !== null) || !(after === before) || !sizes.every(Number.isSafeInteger)) {
    return args.refuse(
      `reshapes ${show(x.shape as Json)} to ${show(target as Json)}, which does not keep the rows of the batch apart for certain`,
    );
  }
  return one(args.graph.node('Reshape', [x.value, args.graph.int64s([-1, ...sizes])]), x, [null, ...sizes]);
};

function permute(args: OperatorArguments, x: KerasTensor, perm: readonly number[]): KerasTensor[] {
  const rank = x.shape.length;
  const axes = perm.map((axis) => (axis < 0 ? axis + rank : axis));
  if (axes[0] !== 0) return args.refuse('moves the batch');
  if ([...axes].sort((a, b) => a - b).join() !== x.shape.map((_, i) => i).join())
    args.refuse(`permutes by ${perm.join(', ')}`);
  return one(
    args.graph.node('Transpose', [x.value], { perm: axes }),
    x,
    axes.map((axis) => x.shape[axis]!),
  );
}

const transpose: Operator = (args) => {
  const x = args.tensor(0, 'x', 'a');
  return permute(args, x, args.integers(1, 'axes', 'perm'));
};

const swapAxes: Operator = (args) => {
  const x = args.tensor(0, 'x');
  const [a, b] = [args.number(0, 1, 'axis1'), args.number(0, 2, 'axis2')].map((axis) =>
    args.axis(axis, x.shape.length),
  );
  return permute(
    args,
    x,
    x.shape.map((_, i) => (i === a ? b! : i === b ? a! : i)),
  );
};

const expandDims: Operator = (args) => {
  const x = args.tensor(0, 'x', 'input');
  const axis = args.axis(args.number(0, 1, 'axis'), x.shape.length + 1);
  const value = args.graph.node('Unsqueeze', [x.value, args.graph.int64s([axis], 'axis')]);
  return one(value, x, [...x.shape.slice(0, axis), 1, ...x.shape.slice(axis)]);
};

const squeeze: Operator = (args) => {
  const x = args.tensor(0, 'x', 'input');
  const axes = args.integers(1, 'axis').map((axis) => args.axis(axis, x.shape.length));
  const value = args.graph.node('Squeeze', [x.value, args.graph.int64s(axes, 'axes')]);
  return one(
    value,
    x,
    x.shape.filter((_, i) => !axes.includes(i)),
  );
};

/** Sums sizes along `axis`; everything else must agree. */
function concat(args: OperatorArguments, tensors: readonly KerasTensor[], axis: number): KerasTensor[] {
  const [first] = tensors as [KerasTensor];
  const same = tensors.every(({ dtype, shape }) => dtype === first.dtype && shape.length === first.shape.length);
  if (!same) return args.refuse('joins tensors of different types or numbers of dimensions');
  const shape = first.shape.map((size, i) => {
    if (i !== axis) return tensors.map((tensor) => tensor.shape[i]!).find((known) => known !== null) ?? size;
    return tensors.reduce<number | null>((sum, tensor) => {
      const own = tensor.shape[i]!;
      return sum === null || own === null ? null : sum + own;
    }, 0);
  });
  return one(
    args.graph.node(
      'Concat',
      tensors.map(({ value }) => value),
      { axis },
    ),
    first,
    shape,
  );
}

const concatenate: Operator = (args) => {
  const tensors = args.tensors(0, 'xs', 'values');
  return concat(args, tensors, args.axis(args.number(0, 1, 'axis'), tensors[0]!.shape.length));
};

const stack: Operator = (args) => {
  const tensors = args.tensors(0, 'x', 'values');
  const axis = args.axis(args.number(0, 1, 'axis'), tensors[0]!.shape.length + 1);
  const position = args.graph.int64s([axis], 'axis');
  const raised = tensors.map((tensor) => ({
    ...tensor,
    value: args.graph.node('Unsqueeze', [tensor.value, position]),
    shape: [...tensor.shape.slice(0, axis), 1, ...tensor.shape.slice(axis)],
  }));
  return concat(args, raised, axis);
};

/** Equal parts by number; Keras 3 lists where to cut, TensorFlow the sizes. */
const split: Operator = (args) => {
  const x = args.tensor(0, 'x', 'value');
  const axis = args.axis(args.number(0, 2, 'axis'), x.shape.length);
  const size = x.shape[axis];
  if (typeof size !== 'number') return args.refuse('splits an axis of free size');
  const how = args.find(1, 'indices_or_sections', 'num_or_size_splits');
  let sizes: number[];
  if (typeof how === 'number') sizes = Array.from({ length: Math.min(how, size) }, () => size / how);
  else if (args.call.layer.generation === 3) {
    const cuts = [0, ...args.integers(1, 'indices_or_sections'), size];
    sizes = cuts.slice(1).map((cut, i) => cut - cuts[i]!);
  } else sizes = args.integers(1, 'num_or_size_splits');
  const total = sizes.reduce((sum, part) => sum + part, 0);
  if (total !== size || !sizes.every((part) => Number.isSafeInteger(part) && part > 0)) {
    return args.refuse(`splits a size of ${size} into ${sizes.slice(0, 10).join(', ')}`);
  }
  const parts = args.graph.multi('Split', [x.value, args.graph.int64s(sizes)], { axis }, { outputs: sizes.length });
  return parts.map((value, i) => ({
    value,
    dtype: x.dtype,
    shape: x.shape.map((own, j) => (j === axis ? sizes[i]! : own)),
  }));
};

const unstack: Operator = (args) => {
  const x = args.tensor(0, 'x', 'value');
  const axis = args.axis(args.number(0, 2, 'axis'), x.shape.length);
  const size = x.shape[axis];
  if (typeof size !== 'number' || size > 10_000) return args.refuse('takes apart an axis of free or very large size');
  if (args.number(size, 1, 'num') !== size) args.refuse(`takes ${size} apart into another number`);
  const shape = x.shape.filter((_, i) => i !== axis);
  return Array.from({ length: size }, (_, i) => {
    const index = args.graph.constant({ dtype: 'int64', shape: [], data: BigInt64Array.of(BigInt(i)) });
    return { value: args.graph.node('Gather', [x.value, index], { axis }), dtype: x.dtype, shape };
  });
};

const tile: Operator = (args) => {
  const x = args.tensor(0, 'x', 'input');
  const repeats = args.integers(1, 'repeats', 'multiples');
  if (repeats.length !== x.shape.length || repeats[0] !== 1 || repeats.some((count) => count < 1)) {
    return args.refuse(`repeats by ${repeats.join(', ')}`);
  }
  const shape = x.shape.map((size, i) => (size === null ? null : size * repeats[i]!));
  return one(args.graph.node('Tile', [x.value, args.graph.int64s(repeats)]), x, shape);
};

const flip: Operator = (args) => {
  const x = args.tensor(0, 'x', 'tensor');
  const axes = args.integers(1, 'axis').map((axis) => args.axis(axis, x.shape.length));
  const steps = args.graph.int64s(axes.map(() => -1));
  const ends = args.graph.int64s(axes.map(() => Number.MIN_SAFE_INTEGER));
  return one(args.graph.node('Slice', [x.value, steps, ends, args.graph.int64s(axes, 'axes'), steps]), x, x.shape);
};

const pad: Operator = (args) => {
  const x = castTensor(args.graph, args.tensor(0, 'x', 'tensor'), 'float32');
  const widths = args.find(1, 'pad_width', 'paddings');
  const mode = nameOf(args.find(2, 'mode') ?? 'constant').toLowerCase();
  if (mode !== 'constant' && mode !== 'reflect') return args.refuse(`pads with mode ${mode.slice(0, 20)}`);
  const pairs = Array.isArray(widths) ? (widths as unknown as [number, number][]) : [];
  const whole = (size: unknown): boolean => Number.isSafeInteger(size) && (size as number) >= 0;
  if (
    pairs.length !== x.shape.length ||
    !pairs.every((pair) => Array.isArray(pair) && pair.length === 2 && pair.every(whole))
  ) {
    return args.refuse(`pads by ${show(widths as Json)}`);
  }
  if (pairs[0]![0] !== 0 || pairs[0]![1] !== 0) return args.refuse('pads the batch');
  const fill = args.graph.scalar(args.number(0, 3, 'constant_values'));
  const pads = args.graph.int64s([...pairs.map(([before]) => before), ...pairs.map(([, after]) => after)]);
  const shape = x.shape.map((size, i) => (size === null ? null : size + pairs[i]![0] + pairs[i]![1]));
  return one(args.graph.node('Pad', [x.value, pads, fill], { mode }), x, shape);
};

function gatherFixed(
  args: OperatorArguments,
  x: KerasTensor,
  axis: number,
  indices: readonly number[],
  scalar: boolean,
): KerasTensor[] {
  const size = x.shape[axis];
  if (typeof size === 'number' && indices.some((index) => index >= size || index < -size)) {
    return args.refuse(`takes index ${indices.find((index) => index >= size || index < -size)} of ${size}`);
  }
  const data = BigInt64Array.from(indices, BigInt);
  const index = args.graph.constant({ dtype: 'int64', shape: scalar ? [] : [indices.length], data });
  const shape = x.shape.flatMap((own, i) => (i !== axis ? [own] : scalar ? [] : [indices.length]));
  return one(args.graph.node('Gather', [x.value, index], { axis }), x, shape);
}

const take: Operator = (args) => {
  const x = args.tensor(0, 'x', 'params');
  const axis = args.axis(args.number(0, 2, 'axis'), x.shape.length);
  if (args.number(0, -1, 'batch_dims') !== 0) args.refuse('has batch_dims');
  const scalar = typeof args.find(1, 'indices') === 'number';
  return gatherFixed(args, x, axis, args.integers(1, 'indices'), scalar);
};

const repeat: Operator = (args) => {
  const x = args.tensor(0, 'x', 'input');
  const axis = args.axis(args.number(0, 2, 'axis'), x.shape.length);
  const count = args.number(1, 1, 'repeats');
  const size = x.shape[axis];
  if (typeof size !== 'number' || !Number.isSafeInteger(count) || count < 1 || size * count > 1_000_000) {
    return args.refuse('repeats an axis of free or very large size');
  }
  const indices = Array.from({ length: size * count }, (_, i) => Math.floor(i / count));
  return gatherFixed(args, x, axis, indices, false);
};

const oneHot: Operator = (args) => {
  const { graph } = args;
  const x = castTensor(graph, args.tensor(0, 'x', 'indices'), 'int32');
  const depth = args.number(0, 1, 'num_classes', 'depth');
  const last = args.number(-1, 2, 'axis');
  if ((last !== -1 && last !== x.shape.length) || !Number.isSafeInteger(depth) || depth < 1 || depth > 1_000_000) {
    return args.refuse(`has axis ${last} and depth ${depth}`);
  }
  const classes = graph.constant({
    dtype: 'int32',
    shape: [depth],
    data: Int32Array.from({ length: depth }, (_, i) => i),
  });
  const hit = graph.node('Equal', [graph.node('Unsqueeze', [x.value, graph.int64s([-1], 'axis')]), classes]);
  return [castTensor(graph, { value: hit, dtype: 'bool', shape: [...x.shape, depth] }, 'float32')];
};

const isEllipsis = (item: Json): boolean => isObject(item) && item.class_name === '__ellipsis__';

/** `{start, stop, step}`, bare in Keras 2, in a `__slice__` in Keras 3. */
function sliceOf(item: Json): { start: Json; stop: Json; step: Json } | undefined {
  if (!isObject(item)) return undefined;
  const parts = item.class_name === '__slice__' && isObject(item.config) ? item.config : item;
  if (!('start' in parts) && !('stop' in parts)) return undefined;
  return { start: parts.start ?? null, stop: parts.stop ?? null, step: parts.step ?? null };
}

/** `x[:, 1:, -1, None, ...]`; the batch is taken whole. */
const getItem: Operator = (args) => {
  const { graph } = args;
  const x = args.tensor(0, 'x', 'tensor');
  const key = args.find(1, 'key', 'slice_spec');
  const items = (Array.isArray(key) ? [...key] : [key]) as Json[];
  const taken = items.filter((item) => item !== null && !isEllipsis(item)).length;
  const gap = items.findIndex(isEllipsis);
  const whole = { start: null, stop: null, step: null };
  const fill = Array.from({ length: Math.max(0, x.shape.length - taken) }, (): Json => whole);
  if (gap >= 0) items.splice(gap, 1, ...fill);
  else items.push(...fill);
  let tensor: KerasTensor = { value: x.value, dtype: x.dtype, shape: x.shape };
  let axis = 0;
  for (const item of items) {
    if (axis === 0 && item === null) return args.refuse('puts an axis before the batch');
    if (item === null) {
      const value = graph.node('Unsqueeze', [tensor.value, graph.int64s([axis], 'axis')]);
      tensor = { ...tensor, value, shape: [...tensor.shape.slice(0, axis), 1, ...tensor.shape.slice(axis)] };
      axis++;
      continue;
    }
    if (axis >= tensor.shape.length) return args.refuse('has more indices than dimensions');
    if (typeof item === 'number' && Number.isSafeInteger(item)) {
      if (axis === 0) return args.refuse('takes a row of the batch');
      tensor = gatherFixed(args, tensor, axis, [item], true)[0]!;
      continue;
    }
    const slice = sliceOf(item);
    if (slice === undefined) return args.refuse(`is given the index ${show(item)}`);
    if (slice.start !== null || slice.stop !== null || (slice.step !== null && slice.step !== 1)) {
      if (axis === 0) return args.refuse('takes a part of the batch');
      tensor = sliceAxis(args, tensor, axis, slice);
    }
    axis++;
  }
  return [tensor];
};

function sliceAxis(
  args: OperatorArguments,
  x: KerasTensor,
  axis: number,
  slice: NonNullable<ReturnType<typeof sliceOf>>,
): KerasTensor {
  const read = (value: Json, fallback: number): number => {
    if (value === null) return fallback;
    return Number.isSafeInteger(value) ? (value as number) : args.refuse(`slices by ${show(value)}`);
  };
  const step = read(slice.step, 1);
  if (step === 0) return args.refuse('slices by steps of 0');
  const far = Number.MAX_SAFE_INTEGER;
  const start = read(slice.start, step > 0 ? 0 : far);
  const stop = read(slice.stop, step > 0 ? far : -far);
  const { graph } = args;
  const bounds = [[start], [stop], [axis], [step]].map((value) => graph.int64s(value));
  const size = x.shape[axis]!;
  const shape = x.shape.map((own, i) =>
    i === axis ? (size === null ? null : slicedSize(size, start, stop, step)) : own,
  );
  return { ...x, value: graph.node('Slice', [x.value, ...bounds]), shape };
}

/** How many elements Python's `range(size)[start:stop:step]` has. */
function slicedSize(size: number, start: number, stop: number, step: number): number {
  const clamp = (index: number, low: number, high: number): number =>
    Math.min(Math.max(index < 0 ? index + size : index, low), high);
  const [from, to] =
    step > 0 ? [clamp(start, 0, size), clamp(stop, 0, size)] : [clamp(start, -1, size - 1), clamp(stop, -1, size - 1)];
  return Math.max(0, Math.ceil((to - from) / step));
}

export const reshaping: Readonly<Record<string, Operator>> = {
  Reshape: reshape,
  reshape,
  Transpose: transpose,
  'compat.v1.transpose': transpose,
  transpose,
  Swapaxes: swapAxes,
  ExpandDims: expandDims,
  expand_dims: expandDims,
  Squeeze: squeeze,
  squeeze,
  'compat.v1.squeeze': squeeze,
  Concatenate: concatenate,
  concat: concatenate,
  Stack: stack,
  stack,
  Split: split,
  split,
  Unstack: unstack,
  unstack,
  Tile: tile,
  tile,
  Repeat: repeat,
  repeat,
  Flip: flip,
  reverse: flip,
  Pad: pad,
  pad,
  'compat.v1.pad': pad,
  Take: take,
  gather: take,
  'compat.v1.gather': take,
  OneHot: oneHot,
  one_hot: oneHot,
  GetItem: getItem,
  '__operators__.getitem': getItem,
};
