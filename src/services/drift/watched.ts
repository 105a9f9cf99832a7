import type { TensorSpec } from '../../signature.js';
import { missingTexts } from '../../signature.js';
import { float16ToNumber, type Tensor } from '../../tensor.js';
import type { ReadyVersion } from '../repository/ready-version.js';

/** More features of a version than this are not watched, and a wider tensor is watched as one feature. */
export const mostFeatures = 512;

export type Side = 'input' | 'output';

/** A feature or an output that is watched: which elements of which tensor. */
export interface Watched {
  readonly side: Side;
  readonly name: string;
  readonly tensor: string;
  /** Whether the tensor's first dimension is the batch; otherwise it is one row. */
  readonly batched: boolean;
  /** Of each row, the elements `offset`, `offset + step`, … */
  readonly offset: number;
  readonly step: number;
  /** The classes, where the value of a row is the name of the likeliest. */
  readonly classes?: readonly string[];
}

export type Scalar = number | string;

/**
 * What is watched of a version: every column of its inputs; of inputs with more than two dimensions the last one (the
 * signals of a series, the channels of an image), over all others; of its outputs the predictions, and the likeliest
 * class where an output is the probabilities of named classes. Dictionaries and lists are not watched.
 */
export function watchedOf({ signature, labels }: Pick<ReadyVersion, 'signature' | 'labels'>): Watched[] {
  const inputs = signature.inputs.filter(({ json }) => json === undefined).flatMap((spec) => columnsOf('input', spec));
  const outputs = signature.outputs.flatMap((spec) => {
    const classes = classesOf(spec, labels);
    if (classes === undefined) return columnsOf('output', spec);
    const one: Watched = {
      side: 'output',
      name: spec.name,
      tensor: spec.name,
      batched: true,
      offset: 0,
      step: 1,
      classes,
    };
    return [one];
  });
  return [...inputs.slice(0, mostFeatures), ...outputs.slice(0, mostFeatures)];
}

function columnsOf(side: Side, { name, shape, columns }: TensorSpec): Watched[] {
  const inner = shape.slice(1);
  const width = inner.at(-1) ?? 1;
  const batched = shape[0] === null;
  if (inner.at(-1) === null || width === 1 || width > mostFeatures) {
    return [{ side, name, tensor: name, batched, offset: 0, step: 1 }];
  }
  return Array.from({ length: width }, (_, offset) => ({
    side,
    name: (inner.length === 1 ? columns?.[offset] : undefined) ?? `${name}[${offset}]`,
    tensor: name,
    batched,
    offset,
    step: width,
  }));
}

function classesOf({ dtype, shape, columns }: TensorSpec, labels: readonly string[] | undefined) {
  const names = columns ?? labels;
  const isProbabilities = dtype.startsWith('float') && shape.length === 2 && shape[0] === null;
  return isProbabilities && names !== undefined && names.length > 1 && shape[1] === names.length ? names : undefined;
}

/**
 * Gives each value of `watched` in rows `first`, `first + every`, … to `see`; nothing of a tensor that is not there.
 * `skip` passes over that many elements of a row after each.
 */
export function forEachValue(
  { tensor: name, batched, offset, step, classes }: Watched,
  tensors: Readonly<Record<string, Tensor>>,
  first: number,
  every: number,
  skip: number,
  see: (value: Scalar | undefined) => void,
): void {
  const tensor = tensors[name];
  if (tensor === undefined) return;
  const rows = batched ? (tensor.shape[0] ?? 1) : 1;
  const width = rows === 0 ? 0 : tensor.data.length / rows;
  for (let row = batched ? first : 0; row < rows; row += every) {
    if (classes !== undefined) {
      see(classes[likeliest(tensor, row, width)]);
      continue;
    }
    const end = (row + 1) * width;
    for (let at = row * width + offset; at < end; at += step * (1 + skip)) see(scalarAt(tensor, at));
  }
}

/** `undefined` is a missing value. */
export function scalarAt({ dtype, data }: Tensor, at: number): Scalar | undefined {
  const value = data[at]!;
  if (typeof value === 'number') {
    const number = dtype === 'float16' ? float16ToNumber(value) : value;
    return Number.isNaN(number) ? undefined : number;
  }
  if (typeof value === 'string') {
    return value === missingTexts.NaN || value === missingTexts.None ? undefined : value.slice(0, 100);
  }
  return Number(value);
}

/** The first of the highest. */
function likeliest(tensor: Tensor, row: number, width: number): number {
  let best = 0;
  for (let i = 1; i < width; i++) {
    if ((scalarAt(tensor, row * width + i) ?? -1) > (scalarAt(tensor, row * width + best) ?? -1)) best = i;
  }
  return best;
}
