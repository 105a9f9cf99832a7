import { float16ToNumber, type Tensor } from '../../tensor.js';
import type { ReadyVersion } from '../repository/ready-version.js';

type Outputs = Readonly<Record<string, Tensor>>;

/** Where an output of the shadow is farthest from what the caller got. */
export interface Difference {
  readonly output: string;
  /** Row-major position of the element; nothing where the outputs cannot be compared element by element. */
  readonly at?: number;
  readonly answered: number | string | boolean;
  readonly shadow: number | string | boolean;
}

export interface Comparison {
  /** Whether any element is beyond the tolerance. */
  readonly differs: boolean;
  /** Rows whose class is another. */
  readonly labelChanges: number;
  /** Largest absolute difference of finite numbers, by output. */
  readonly largest: Readonly<Record<string, number>>;
  /** Of each output that differs, the element that differs most. */
  readonly differences: readonly Difference[];
}

/**
 * Compares what a caller got with what another version made of the same inputs: numbers a and b agree where
 * |a − b| ≤ tolerance · max(1, |a|), or where both are NaN, texts and truth values where they are equal.
 */
export function compareOutputs(
  answering: ReadyVersion,
  answered: Outputs,
  shadow: Outputs,
  tolerance: number,
): Comparison {
  const largest: Record<string, number> = {};
  const differences: Difference[] = [];
  let labelChanges = 0;
  for (const { name } of answering.signature.outputs) {
    const mine = answered[name];
    const other = shadow[name];
    if (mine === undefined) continue;
    if (other === undefined || isNumeric(mine) !== isNumeric(other) || mine.data.length !== other.data.length) {
      differences.push({ output: name, answered: describe(mine), shadow: describe(other) });
      continue;
    }
    if (isNumeric(mine)) {
      const { distance, at, differs } = compareNumbers(mine, other, tolerance);
      largest[name] = distance;
      if (differs) differences.push(differenceOf(name, mine, other, at));
    } else {
      const at = firstUnequal(mine, other);
      if (at >= 0) differences.push(differenceOf(name, mine, other, at));
    }
    labelChanges = Math.max(labelChanges, countLabelChanges(answering, name, mine, other));
  }
  const extra = Object.keys(shadow).find((name) => answered[name] === undefined);
  if (extra !== undefined) differences.push({ output: extra, answered: 'none', shadow: describe(shadow[extra]) });
  return { differs: differences.length > 0, labelChanges, largest, differences };
}

const isNumeric = ({ dtype }: Tensor) => dtype !== 'string' && dtype !== 'bool';

function numberAt({ dtype, data }: Tensor, at: number): number {
  const value = data[at]!;
  return dtype === 'float16' ? float16ToNumber(value as number) : Number(value);
}

function compareNumbers(mine: Tensor, other: Tensor, tolerance: number) {
  let distance = 0;
  let worst = -1;
  let at = -1;
  for (let i = 0; i < mine.data.length; i++) {
    const a = numberAt(mine, i);
    const b = numberAt(other, i);
    if (a === b || (Number.isNaN(a) && Number.isNaN(b))) continue;
    const apart = Math.abs(a - b);
    if (Number.isFinite(apart) && apart > distance) distance = apart;
    // NaN against a number, or infinities of two signs, are as far apart as can be.
    const beyond = Number.isFinite(apart) ? apart - tolerance * Math.max(1, Math.abs(a)) : Number.POSITIVE_INFINITY;
    if (beyond > 0 && beyond > worst) {
      worst = beyond;
      at = i;
    }
  }
  return { distance, at, differs: at >= 0 };
}

function firstUnequal({ data: mine }: Tensor, { data: other }: Tensor): number {
  for (let i = 0; i < mine.length; i++) if (mine[i] !== other[i]) return i;
  return -1;
}

function differenceOf(output: string, mine: Tensor, other: Tensor, at: number): Difference {
  return { output, at, answered: elementOf(mine, at), shadow: elementOf(other, at) };
}

/** What JSON has no number for, and long texts, are shortened texts. */
function elementOf(tensor: Tensor, at: number): number | string | boolean {
  const value = tensor.data[at]!;
  if (typeof value === 'string') return value.slice(0, 100);
  if (tensor.dtype === 'bool') return value !== 0;
  const number = numberAt(tensor, at);
  return Number.isFinite(number) ? number : String(number);
}

function describe(tensor: Tensor | undefined): string {
  return tensor === undefined ? 'none' : `${tensor.dtype}[${tensor.shape.join(', ')}]`;
}

/**
 * Rows whose class changed: in a column of texts, whole numbers or truth values, the value; in a row of probabilities
 * of named classes, the likeliest.
 */
function countLabelChanges({ signature, labels }: ReadyVersion, name: string, mine: Tensor, other: Tensor): number {
  const [rows, width] = mine.shape;
  if (rows === undefined || rows === 0) return 0;
  if (!mine.dtype.startsWith('float')) {
    if (mine.data.length !== rows) return 0;
    let changes = 0;
    for (let i = 0; i < rows; i++) if (mine.data[i] !== other.data[i]) changes++;
    return changes;
  }
  const columns = signature.outputs.find((spec) => spec.name === name)?.columns ?? labels;
  if (mine.shape.length !== 2 || width !== columns?.length || width! < 2) return 0;
  let changes = 0;
  for (let row = 0; row < rows; row++) if (likeliest(mine, row) !== likeliest(other, row)) changes++;
  return changes;
}

/** The first of the highest. */
function likeliest(tensor: Tensor, row: number): number {
  const width = tensor.shape[1]!;
  let best = 0;
  for (let i = 1; i < width; i++) {
    if (numberAt(tensor, row * width + i) > numberAt(tensor, row * width + best)) best = i;
  }
  return best;
}
