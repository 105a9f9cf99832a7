import { parseDecimal } from '../formats/decimal.js';
import type { Tensor } from '../tensor.js';

/** Class labels of the training rows. */
export interface Labels {
  /** The classes, each once, sorted: int64, float64, bool or string, [classes]. */
  readonly classes: Tensor;
  /** The classes as texts: names of the columns of the probabilities. */
  readonly names: readonly string[];
  /** Place in `classes` of each row's label. */
  readonly codes: Int32Array;
}

/**
 * Labels from the cells of a column, of the type that pandas would give it: whole numbers, `True` and `False`, other
 * numbers, or texts. Sorted as NumPy sorts: texts by code points. No cell is empty.
 */
export function readLabels(cells: readonly string[]): Labels {
  if (cells.every((cell) => /^\s*[+-]?\d{1,18}\s*$/.test(cell))) {
    return labelsOf(cells.map(BigInt), compareNumbers, (values) => ({
      dtype: 'int64',
      shape: [values.length],
      data: BigInt64Array.from(values),
    }));
  }
  if (cells.every((cell) => /^(true|false)$/i.test(cell))) {
    return labelsOf(
      cells.map((cell) => cell.toLowerCase() === 'true'),
      (a, b) => Number(a) - Number(b),
      (values) => ({ dtype: 'bool', shape: [values.length], data: Uint8Array.from(values, Number) }),
      (value) => (value ? 'True' : 'False'),
    );
  }
  const numbers = cells.map(parseDecimal);
  if (numbers.every((value) => value !== undefined)) {
    return labelsOf(numbers, compareNumbers, (values) => ({
      dtype: 'float64',
      shape: [values.length],
      data: Float64Array.from(values),
    }));
  }
  return labelsOf([...cells], compareCodePoints, (values) => ({
    dtype: 'string',
    shape: [values.length],
    data: [...values],
  }));
}

function labelsOf<T>(
  values: readonly T[],
  compare: (a: T, b: T) => number,
  tensorOf: (classes: readonly T[]) => Tensor,
  nameOf: (value: T) => string = String,
): Labels {
  const classes = [...new Set(values)].sort(compare);
  const places = new Map(classes.map((value, place) => [value, place]));
  return {
    classes: tensorOf(classes),
    names: classes.map(nameOf),
    codes: Int32Array.from(values, (value) => places.get(value)!),
  };
}

const compareNumbers = <T extends number | bigint>(a: T, b: T) => (a < b ? -1 : a > b ? 1 : 0);

/** JavaScript compares UTF-16 units, which puts some characters in another order. */
export function compareCodePoints(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}
