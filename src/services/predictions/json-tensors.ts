/** JSON to tensors and back: the one translation that HTTP, the command line and golden files share. */
import { type Problem, VitrinaError } from '../../errors.js';
import { missingTexts, type Signature, type TensorSpec } from '../../signature.js';
import {
  allocateBriefly,
  type DataType,
  float16ToNumber,
  numberToFloat16,
  sizeOf,
  type Tensor,
  type TensorData,
} from '../../tensor.js';
import { floatLimits, integerLimits, NumberArray, storeNumbers } from './number-array.js';

/** How the elements of `spec` are stored. A missing value, a bound and JSON texts cost only those inputs that have them. */
export function storeOf({ dtype, missing, largest, json }: TensorSpec): Store {
  let store = json === undefined ? stores[dtype] : storeJson(json);
  if (largest !== undefined) {
    const inner = store;
    store = (data, at, value) =>
      typeof value === 'number' && Math.abs(value) > largest
        ? `${value} is beyond ±${largest}, the largest number that this model computes with`
        : inner(data, at, value);
  }
  if (missing === undefined) return store;
  const inner = store;
  const mark = dtype === 'string' ? missingTexts[missing] : Number.NaN;
  return (data, at, value) => {
    if (value !== null && value !== 'NaN') return inner(data, at, value);
    if (value === 'NaN' && dtype === 'string') return inner(data, at, value);
    (data as unknown[])[at] = mark;
    return undefined;
  };
}

/** Dictionaries and lists travel as JSON texts to the featurizer that reads them. */
function storeJson(kind: 'object' | 'list'): Store {
  return (data, at, given) => {
    const value = given instanceof NumberArray ? given.toLists() : given;
    const fits =
      kind === 'list' ? Array.isArray(value) : typeof value === 'object' && value !== null && !Array.isArray(value);
    if (!fits) return `expected ${kind === 'list' ? 'a list' : 'an object'}, got ${show(value)}`;
    (data as string[])[at] = JSON.stringify(value);
    return undefined;
  };
}

/** A value of JSON as an element, or a sentence that says why not. Returns `undefined` when it was stored. */
export type Store = (data: TensorData, at: number, value: unknown) => string | undefined;

function storeFloat(max: number, put: (data: TensorData, at: number, value: number) => void): Store {
  return (data, at, value) => {
    // What was an integer of 64 bits outside of JSON is rounded, as a long literal is.
    const number = typeof value === 'bigint' ? Number(value) : value;
    if (typeof number !== 'number') return `expected a number, got ${show(value)}`;
    if (!(Math.abs(number) <= max)) return `${value} is out of the type's range`;
    put(data, at, number);
    return undefined;
  };
}

function storeInteger(min: number, max: number): Store {
  return (data, at, value) => {
    if (typeof value !== 'number') return `expected an integer, got ${show(value)}`;
    if (!Number.isInteger(value)) return `expected an integer, got ${value}`;
    if (value < min || value > max) return `${value} is outside ${min} to ${max}`;
    (data as Int32Array)[at] = value;
    return undefined;
  };
}

/** JSON numbers above 2^53 have lost digits before we see them: refusing them is better than guessing. */
function storeBigInteger(min: number, bigMin: bigint, bigMax: bigint): Store {
  return (data, at, value) => {
    if (typeof value === 'bigint') {
      if (value < bigMin || value > bigMax) return `${value} is outside ${bigMin} to ${bigMax}`;
      (data as BigInt64Array)[at] = value;
      return undefined;
    }
    if (typeof value !== 'number') return `expected an integer, got ${show(value)}`;
    if (!Number.isSafeInteger(value)) return `expected an integer within ±(2^53 − 1), got ${value}`;
    if (value < min) return `${value} is negative`;
    (data as BigInt64Array)[at] = BigInt(value);
    return undefined;
  };
}

const putNumber = (data: TensorData, at: number, value: number) => {
  (data as Float32Array)[at] = value;
};

const stores: Readonly<Record<DataType, Store>> = {
  float16: storeFloat(floatLimits.float16, (data, at, value) => putNumber(data, at, numberToFloat16(value))),
  float32: storeFloat(floatLimits.float32, putNumber),
  float64: storeFloat(floatLimits.float64, putNumber),
  int8: storeInteger(...integerLimits.int8),
  int16: storeInteger(...integerLimits.int16),
  int32: storeInteger(...integerLimits.int32),
  uint8: storeInteger(...integerLimits.uint8),
  uint16: storeInteger(...integerLimits.uint16),
  uint32: storeInteger(...integerLimits.uint32),
  int64: storeBigInteger(Number.NEGATIVE_INFINITY, -(2n ** 63n), 2n ** 63n - 1n),
  uint64: storeBigInteger(0, 0n, 2n ** 64n - 1n),
  bool: (data, at, value) => {
    if (typeof value !== 'boolean') return `expected true or false, got ${show(value)}`;
    putNumber(data, at, Number(value));
    return undefined;
  },
  string: (data, at, value) => {
    if (typeof value !== 'string') return `expected a text, got ${show(value)}`;
    (data as string[])[at] = value;
    return undefined;
  },
};

function show(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (value === null) return 'null';
  if (typeof value === 'bigint') return String(value);
  if (Array.isArray(value)) return `a list of ${value.length}`;
  if (value instanceof NumberArray) return `a list of ${value.shape[0]}`;
  if (typeof value === 'object') return 'an object';
  const text = JSON.stringify(value);
  return text.length <= 60 ? text : `${text.slice(0, 57)}…`;
}

function refuse(path: string, message: string): VitrinaError {
  return new VitrinaError('request-invalid', { problems: [{ path, message } satisfies Problem] });
}

/**
 * Reads a nested list, row-major, as the tensor that `spec` declares. Free dimensions take their size from the value.
 * `path` names the value in messages. Errors: `request-invalid`, which names the first element that does not fit.
 */
export function readTensor(spec: TensorSpec, value: unknown, path: string): Tensor {
  if (value instanceof NumberArray) {
    // What does not fit is read again as lists, for the sentence that says where.
    return tensorOf(spec, [value], value.shape) ?? readTensor(spec, value.toLists(), path);
  }
  const shape = shapeOf(spec.shape, value, path);
  const data = allocateBriefly(spec.dtype, sizeOf(shape));
  fill(data, 0, value, shape, 0, storeOf(spec), path);
  return { dtype: spec.dtype, shape, data };
}

/**
 * Reads rows, each an object with one value per input (or per column, where the input has named columns), as the
 * batched inputs of `signature`. Errors: `request-invalid`.
 */
export function readRows(signature: Signature, rows: readonly unknown[], path = ''): Record<string, Tensor> {
  const prefix = (i: number) => (path === '' ? `[${i}]` : `${path}[${i}]`);
  const columns = signature.inputs.length === 1 ? signature.inputs[0]!.columns : undefined;
  const fields = columns ?? signature.inputs.map((spec) => spec.name);
  const ignored = signature.ignored ?? [];
  for (let i = 0; i < rows.length; i++) checkRow(rows[i], fields, ignored, prefix(i));
  const inputs: Record<string, Tensor> = {};
  for (const spec of signature.inputs) {
    const own = columns === undefined ? { ...spec, shape: spec.shape.slice(1) } : spec;
    inputs[spec.name] =
      columns === undefined
        ? stack(
            own,
            rows.map((row) => (row as Record<string, unknown>)[spec.name]),
            (i) => `${prefix(i)}.${spec.name}`,
          )
        : tabulate(spec, columns, rows as Record<string, unknown>[], prefix);
  }
  return inputs;
}

function checkRow(
  row: unknown,
  fields: readonly string[],
  ignored: readonly string[],
  path: string,
): asserts row is Record<string, unknown> {
  if (typeof row !== 'object' || row === null || Array.isArray(row)) {
    throw refuse(path, `expected an object with ${fields.slice(0, 20).join(', ')}, got ${show(row)}`);
  }
  for (const field of fields) {
    if (!Object.hasOwn(row, field)) throw refuse(`${path}.${field}`, 'is missing');
  }
  for (const field in row) {
    if (!fields.includes(field) && !ignored.includes(field))
      throw refuse(`${path}.${field}`, `is unknown; the fields are ${fields.slice(0, 20).join(', ')}`);
  }
}

/** Rows of one input; every row has the shape of the first where the input's own is free. */
function stack(spec: TensorSpec, values: readonly unknown[], path: (i: number) => string): Tensor {
  if (values.some((value) => value instanceof NumberArray)) {
    const [first] = values as NumberArray[];
    const alike = (values as NumberArray[]).every((value) => sameShape(value.shape, first!.shape));
    const tensor = alike
      ? tensorOf({ ...spec, shape: [null, ...spec.shape] }, values as NumberArray[], [values.length, ...first!.shape])
      : undefined;
    return (
      tensor ??
      stack(
        spec,
        values.map((value) => (value instanceof NumberArray ? value.toLists() : value)),
        path,
      )
    );
  }
  const inner = shapeOf(spec.shape, values[0], path(0));
  const size = sizeOf(inner);
  const data = allocateBriefly(spec.dtype, values.length * size);
  const store = storeOf(spec);
  for (let i = 0; i < values.length; i++) fill(data, i * size, values[i], inner, 0, store, path(i));
  return { dtype: spec.dtype, shape: [values.length, ...inner], data };
}

/** The numbers of `parts`, one after the other, as a tensor; nothing when a size or a number does not fit. */
function tensorOf(spec: TensorSpec, parts: readonly NumberArray[], shape: readonly number[]): Tensor | undefined {
  if (shape.length !== spec.shape.length) return undefined;
  for (const [axis, size] of spec.shape.entries()) if (size !== null && size !== shape[axis]) return undefined;
  const data = allocateBriefly(spec.dtype, sizeOf(shape));
  let at = 0;
  for (const part of parts) {
    if (!storeNumbers(spec, part.data, data, at)) return undefined;
    at += part.data.length;
  }
  return { dtype: spec.dtype, shape, data };
}

const sameShape = (one: readonly number[] | undefined, other: readonly number[] | undefined): boolean =>
  one !== undefined && one.length === other?.length && one.every((size, axis) => size === other[axis]);

/** Rows of scalars by column name, as a two-dimensional tensor. */
function tabulate(
  spec: TensorSpec,
  columns: readonly string[],
  rows: readonly Record<string, unknown>[],
  prefix: (i: number) => string,
): Tensor {
  const data = allocateBriefly(spec.dtype, rows.length * columns.length);
  const store = storeOf(spec);
  for (let i = 0; i < rows.length; i++) {
    for (let j = 0; j < columns.length; j++) {
      const fault = store(data, i * columns.length + j, rows[i]![columns[j]!]);
      if (fault !== undefined) throw refuse(`${prefix(i)}.${columns[j]}`, fault);
    }
  }
  return { dtype: spec.dtype, shape: [rows.length, columns.length], data };
}

/** The sizes of `value`, free ones read from its first elements. */
function shapeOf(declared: readonly (number | null)[], value: unknown, path: string): number[] {
  let level = value;
  let at = path;
  return declared.map((size) => {
    if (!Array.isArray(level))
      throw refuse(at, `expected a list${size === null ? '' : ` of ${size}`}, got ${show(level)}`);
    const actual = size ?? level.length;
    if (actual === 0) throw refuse(at, 'the list is empty');
    level = level[0];
    at = `${at}[0]`;
    return actual;
  });
}

/** Fills `data` from `offset` with the elements of `value`, whose shape is `shape` from `axis` on. */
function fill(
  data: TensorData,
  offset: number,
  value: unknown,
  shape: readonly number[],
  axis: number,
  store: Store,
  path: string,
): void {
  if (axis === shape.length) {
    const fault = store(data, offset, value);
    if (fault !== undefined) throw refuse(path, fault);
    return;
  }
  const size = shape[axis]!;
  if (!Array.isArray(value)) throw refuse(path, `expected a list of ${size}, got ${show(value)}`);
  if (value.length !== size) throw refuse(path, `expected ${size} elements, got ${value.length}`);
  if (axis === shape.length - 1) {
    for (let i = 0; i < size; i++) {
      const fault = store(data, offset + i, value[i]);
      if (fault !== undefined) throw refuse(`${path}[${i}]`, fault);
    }
    return;
  }
  let step = 1;
  for (let i = axis + 1; i < shape.length; i++) step *= shape[i]!;
  for (let i = 0; i < size; i++) fill(data, offset + i * step, value[i], shape, axis + 1, store, `${path}[${i}]`);
}

/**
 * A tensor as nested lists. Numbers are exact (a float32 is widened, as Python's `float()` does); what JSON has no
 * number for is the text `"NaN"`, `"Infinity"` or `"-Infinity"`; integers beyond 2^53 are texts.
 */
export function writeTensor(tensor: Tensor): unknown {
  return nest(tensor, 0, 0, tensor.data.length);
}

/** Row `row` of a batched tensor, without its first dimension. */
export function writeRow(tensor: Tensor, row: number): unknown {
  const size = tensor.data.length / tensor.shape[0]!;
  return nest(tensor, 1, row * size, (row + 1) * size);
}

function nest(tensor: Tensor, axis: number, from: number, to: number): unknown {
  const { shape } = tensor;
  if (axis === shape.length) return element(tensor, from);
  const size = shape[axis]!;
  const step = size === 0 ? 0 : (to - from) / size;
  const items = new Array<unknown>(size);
  for (let i = 0; i < size; i++) items[i] = nest(tensor, axis + 1, from + i * step, from + (i + 1) * step);
  return items;
}

function element({ dtype, data }: Tensor, at: number): unknown {
  const value = data[at]!;
  if (typeof value === 'bigint') return value >= -(2n ** 53n) && value <= 2n ** 53n ? Number(value) : value.toString();
  if (typeof value === 'string') return value === missingTexts.NaN || value === missingTexts.None ? null : value;
  if (dtype === 'bool') return value !== 0;
  const number = dtype === 'float16' ? float16ToNumber(value) : value;
  return Number.isFinite(number) ? number : String(number);
}
