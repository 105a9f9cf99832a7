/** Rows of Arrow record batches, read while they arrive. */
import { type Problem, VitrinaError } from '../../errors.js';
import { type ArrowBatch, type ArrowColumn, readArrow, typeName } from '../../formats/index.js';
import type { Signature, TensorSpec } from '../../signature.js';
import { allocate, float16ToNumber, numberToFloat16, sizeOf, type Tensor, type TensorData } from '../../tensor.js';
import { FeatureReader } from '../predictions/features.js';
import { storeOf } from '../predictions/json-tensors.js';
import { type ChunkRules, noRows, type RowChunk, rowProblem, tooManyRows } from './row-chunk.js';

const mostProblems = 20;
/** What pandas calls an index that it writes as a column. */
const pandasIndex = /^__index_level_\d+__$/;

/**
 * Reads the columns that the model takes, by name: one an input, or one a column of the only input. Lists, fixed or
 * not, fill the further dimensions of an input. Nulls are missing values. Infinities and NaN pass where the model takes
 * them, as in binary tensors.
 *
 * Errors: `arrow-malformed`, `arrow-unsupported`, `request-invalid`, `rows-over-limit`.
 */
export async function* readArrowRows(
  pieces: AsyncIterable<Uint8Array>,
  signature: Signature,
  rules: ChunkRules,
  form: 'stream' | 'file',
): AsyncGenerator<RowChunk> {
  let fillers: readonly Filler[] | undefined;
  let pending: RowChunk[] = [];
  let waiting = 0;
  let first = 0;
  for await (const batch of readArrow(pieces, form, rules.batchBytes, float16ToNumber)) {
    fillers ??= planFillers(batch, signature);
    for (let from = 0; from < batch.length; ) {
      const rows = Math.min(rules.rows - waiting, batch.length - from);
      if (rows === 0) throw tooManyRows(rules.rows);
      const inputs = readInputs(batch, fillers, { from, rows, first: first + waiting }, rules.batchBytes);
      from += rows;
      pending.push({ inputs, rows, first: first + waiting, lines: undefined });
      waiting += rows;
      if (rules.shape === 'any' || (rules.shape === 'exact' && waiting === rules.rows)) {
        yield joinChunks(pending);
        first += waiting;
        pending = [];
        waiting = 0;
      }
    }
  }
  if (waiting > 0) yield joinChunks(pending);
  else if (first === 0) throw noRows('row');
}

/** How one input is filled. */
interface Filler {
  readonly spec: TensorSpec;
  /** The one column of the input, by its place; else its columns, one value each. */
  readonly column: number | undefined;
  readonly columns: readonly number[];
}

function planFillers({ fields }: ArrowBatch, signature: Signature): Filler[] {
  const { inputs, ignored = [] } = signature;
  const places = new Map<string, number>();
  const problems: Problem[] = [];
  const fault = (path: string, message: string) => {
    if (problems.length < mostProblems) problems.push({ path, message });
  };
  for (const [place, { name }] of fields.entries()) {
    if (places.has(name)) fault(name, 'is there twice');
    places.set(name, place);
  }
  const byInput = inputs.every(({ name }) => places.has(name));
  const features = byInput ? undefined : featuresOf(signature);
  const names = features ?? inputs.map(({ name }) => name);
  for (const name of names) if (!places.has(name)) fault(name, 'is missing');
  const known = new Set([...names, ...ignored]);
  for (const name of places.keys()) {
    if (!known.has(name) && !pandasIndex.test(name)) {
      fault(name, `is unknown; the columns are ${names.slice(0, 20).join(', ')}`);
    }
  }
  if (problems.length > 0) throw new VitrinaError('request-invalid', { problems });
  if (features === undefined || inputs.length > 1) {
    return inputs.map((spec) => ({ spec, column: places.get(spec.name)!, columns: [] }));
  }
  return [{ spec: inputs[0]!, column: undefined, columns: features.map((name) => places.get(name)!) }];
}

/** Names of the columns of a model that takes one value each; nothing for any other. */
function featuresOf(signature: Signature): string[] | undefined {
  try {
    return new FeatureReader(signature).features.map(({ name }) => name);
  } catch (error) {
    if (error instanceof VitrinaError && error.code === 'model-unsupported') return undefined;
    throw error;
  }
}

interface Rows {
  readonly from: number;
  readonly rows: number;
  /** Which row of the body `from` is. */
  readonly first: number;
}

function readInputs(
  { columns }: ArrowBatch,
  fillers: readonly Filler[],
  rows: Rows,
  limit: number,
): Record<string, Tensor> {
  const budget = { bytes: limit };
  const inputs: Record<string, Tensor> = {};
  for (const { spec, column, columns: own } of fillers) {
    if (column !== undefined) inputs[spec.name] = readNested(spec, columns[column]!, rows, budget);
    else {
      const data = allocate(spec.dtype, rows.rows * own.length);
      const put = valuePutter(spec, budget);
      for (const [offset, place] of own.entries()) {
        readScalars(spec, columns[place]!, rows, data, offset, own.length, put);
      }
      inputs[spec.name] = { dtype: spec.dtype, shape: [rows.rows, own.length], data };
    }
  }
  return inputs;
}

/** One column of plain values as column `offset` of a table that is `width` wide. */
function readScalars(
  spec: TensorSpec,
  column: ArrowColumn,
  { from, rows, first }: Rows,
  data: TensorData,
  offset: number,
  width: number,
  put: Put,
): void {
  demandReadable(column);
  const { numbers } = column;
  if (numbers !== undefined && copies(spec, column)) {
    const target = data as Float64Array;
    for (let row = 0; row < rows; row++) target[row * width + offset] = numbers[from + row] as number;
    return;
  }
  for (let row = 0; row < rows; row++) {
    const fault =
      column.child === undefined
        ? put(data, row * width + offset, column, from + row)
        : 'expected one value, got a list';
    if (fault !== undefined) throw invalid(first + row, column.name, fault);
  }
}

/** One column as an input of any dimensions. */
function readNested(spec: TensorSpec, column: ArrowColumn, rows: Rows, budget: { bytes: number }): Tensor {
  const put = valuePutter(spec, budget);
  const inner = spec.shape.slice(1);
  if (column.child === undefined && (inner.length === 0 || (inner.length === 1 && inner[0] === 1))) {
    const data = allocate(spec.dtype, rows.rows);
    readScalars(spec, column, rows, data, 0, 1, put);
    return { dtype: spec.dtype, shape: [rows.rows, ...inner.map(() => 1)], data };
  }
  const sizes = sizesOf(column, rows, inner);
  const size = sizeOf(sizes);
  if (size * rows.rows > budget.bytes) throw invalid(rows.first, column.name, `has ${size} values a row`);
  const data = allocate(spec.dtype, rows.rows * size);
  for (let row = 0; row < rows.rows; row++) {
    const fault = fill(spec, column, rows.from + row, sizes, 0, data, row * size, put);
    if (fault !== undefined) throw invalid(rows.first + row, column.name, fault);
  }
  return { dtype: spec.dtype, shape: [rows.rows, ...sizes], data };
}

/** The sizes of an input's inner dimensions, free ones as the first row has them. */
function sizesOf(column: ArrowColumn, { from, first }: Rows, declared: readonly (number | null)[]): number[] {
  let level: ArrowColumn | undefined = column;
  let at = from;
  return declared.map((size) => {
    if (level?.child === undefined) throw invalid(first, column.name, `expected a list, got ${typeName(column.type)}`);
    const actual: number = size ?? level.end(at) - level.start(at);
    if (actual === 0) throw invalid(first, column.name, 'the list is empty');
    at = level.start(at);
    level = level.child;
    return actual;
  });
}

function fill(
  spec: TensorSpec,
  column: ArrowColumn,
  at: number,
  sizes: readonly number[],
  axis: number,
  data: TensorData,
  offset: number,
  put: Put,
): string | undefined {
  const { child } = column;
  if (axis === sizes.length) {
    if (child !== undefined) return 'expected one value, got a list';
    demandReadable(column);
    return put(data, offset, column, at);
  }
  const size = sizes[axis]!;
  if (child === undefined || column.isNull(at)) return `expected a list of ${size}, got ${child ? 'null' : 'a value'}`;
  const start = column.start(at);
  if (column.end(at) - start !== size) return `expected ${size} elements, got ${column.end(at) - start}`;
  if (axis === sizes.length - 1 && child.numbers !== undefined && copies(spec, child)) {
    (data as Float64Array).set(child.numbers.subarray(start, start + size) as Float64Array, offset);
    return undefined;
  }
  const step = sizeOf(sizes.slice(axis + 1));
  for (let i = 0; i < size; i++) {
    const fault = fill(spec, child, start + i, sizes, axis + 1, data, offset + i * step, put);
    if (fault !== undefined) return fault;
  }
  return undefined;
}

/** Whether the numbers of a column are the input's own, or fit into them exactly. */
function copies({ dtype, largest }: TensorSpec, { type }: ArrowColumn): boolean {
  if (type.kind !== 'number' || largest !== undefined) return false;
  if (type.dtype === dtype) return true;
  return dtype === 'float64' && /^(float32|u?int(8|16|32))$/.test(type.dtype);
}

type Put = (data: TensorData, at: number, column: ArrowColumn, row: number) => string | undefined;

/** Stores a value as `store` stores one of JSON; what JSON has no number for, as the input takes it. */
function valuePutter(spec: TensorSpec, budget: { bytes: number }): Put {
  const store = storeOf(spec);
  const { dtype, finite, missing } = spec;
  const isFloat = dtype.startsWith('float');
  return (data, at, column, row) => {
    if (column.isNull(row)) return store(data, at, null);
    let value = column.value(row);
    if (typeof value === 'number' && isFloat && !Number.isFinite(value)) {
      if (missing !== undefined && Number.isNaN(value)) return store(data, at, null);
      if (finite) return store(data, at, value);
      (data as Float64Array)[at] = dtype === 'float16' ? numberToFloat16(value) : value;
      return undefined;
    }
    if (typeof value === 'bigint' && Number.isSafeInteger(Number(value))) value = Number(value);
    if (typeof value === 'string') {
      budget.bytes -= value.length;
      if (budget.bytes < 0) return 'the texts of these rows are too long together; send them in smaller batches';
    }
    return store(data, at, value);
  };
}

function demandReadable({ name, type }: ArrowColumn): void {
  if (type.kind !== 'other') return;
  throw new VitrinaError('arrow-unsupported', {
    what: `a column "${name.slice(0, 60)}" of type ${type.name}`,
    next: 'cast it to numbers, texts or truths',
  });
}

function invalid(row: number, name: string, message: string): VitrinaError {
  return new VitrinaError('request-invalid', { problems: [rowProblem(row, undefined, name, message)] });
}

function joinChunks(chunks: readonly RowChunk[]): RowChunk {
  const [head] = chunks;
  if (chunks.length === 1) return head!;
  const rows = chunks.reduce((sum, chunk) => sum + chunk.rows, 0);
  const inputs: Record<string, Tensor> = {};
  for (const [name, { dtype, shape }] of Object.entries(head!.inputs)) {
    const inner = shape.slice(1);
    const data = allocate(dtype, rows * sizeOf(inner));
    let at = 0;
    for (const chunk of chunks) {
      const own = chunk.inputs[name]!;
      if (own.shape.slice(1).join() !== inner.join()) {
        throw invalid(chunk.first, name, `is ${own.shape.slice(1)} where the rows before it are ${inner}`);
      }
      if (Array.isArray(data)) for (let i = 0; i < own.data.length; i++) data[at + i] = own.data[i] as string;
      else (data as Float64Array).set(own.data as Float64Array, at);
      at += own.data.length;
    }
    inputs[name] = { dtype, shape: [rows, ...inner], data };
  }
  return { inputs, rows, first: head!.first, lines: undefined };
}
