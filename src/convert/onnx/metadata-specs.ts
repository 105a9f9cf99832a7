/** Inputs and outputs as the metadata of a graph describes them: read from JSON that anybody may have written. */
import type { TensorSpec } from '../../signature.js';
import { type DataType, dataTypes } from '../../tensor.js';

/** A tensor's description, or a phrase that says what is wrong with it. */
export function readSpec(value: unknown): TensorSpec | string {
  if (!isMapping(value)) return 'one is no mapping';
  const { name, dtype, shape, columns, missing, finite, largest, json } = value;
  if (typeof name !== 'string' || name === '') return 'one has no name';
  if (!dataTypes.includes(dtype as DataType)) return `"${name}" has no known type`;
  if (!isShape(shape)) return `"${name}" has no shape`;
  if (columns !== undefined && !namesColumns(columns, shape)) {
    return `"${name}" has columns that are not as many different texts as it is wide`;
  }
  if (missing !== undefined && missing !== 'NaN' && missing !== 'None') return `"${name}" has an unknown missing value`;
  if (finite !== undefined && finite !== true) return `"${name}" is neither finite nor silent about it`;
  if (largest !== undefined && !(typeof largest === 'number' && largest > 0)) return `"${name}" has no largest value`;
  if (json !== undefined && json !== 'object' && json !== 'list') return `"${name}" has texts of an unknown kind`;
  return {
    name,
    dtype: dtype as DataType,
    shape,
    ...(columns === undefined ? {} : { columns: columns as string[] }),
    ...(missing === undefined ? {} : { missing }),
    ...(finite === undefined ? {} : { finite }),
    ...(largest === undefined ? {} : { largest: largest as number }),
    ...(json === undefined ? {} : { json }),
  };
}

/** Whether both describe one tensor, whatever else is said about it. */
export function sameTensor(a: TensorSpec, b: TensorSpec): boolean {
  return (
    a.name === b.name &&
    a.dtype === b.dtype &&
    a.shape.length === b.shape.length &&
    a.shape.every((size, axis) => size === b.shape[axis])
  );
}

function isShape(value: unknown): value is (number | null)[] {
  return (
    Array.isArray(value) &&
    value.every((size) => size === null || (Number.isSafeInteger(size) && (size as number) >= 0))
  );
}

function namesColumns(value: unknown, shape: readonly (number | null)[]): boolean {
  return isTexts(value) && shape.length === 2 && value.length === shape[1] && new Set(value).size === value.length;
}

export const isMapping = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

export const isTexts = (value: unknown): value is string[] =>
  Array.isArray(value) && value.every((item) => typeof item === 'string');
