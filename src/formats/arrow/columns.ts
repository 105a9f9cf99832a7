/** Record batches of Arrow as columns. Every place in the body is checked before a value is read there. */
import { isUtf8 } from 'node:buffer';
import { inflateLz4 } from '../compression/lz4.js';
import { type FlatTable, malformed } from './flat-table.js';
import { type ArrowField, type ArrowType, type NumberType, shorten, unsupported } from './schema.js';

/** Rows that a batch may have beyond what its bytes hold: columns of nulls take none. */
const emptyRows = 1024;

export interface ArrowColumn {
  readonly name: string;
  /** Of the values, wherever they lie. */
  readonly type: ArrowType;
  readonly length: number;
  isNull(row: number): boolean;
  /** A number, a bigint, a boolean or a text; for what is not null. */
  value(row: number): unknown;
  /** The numbers themselves, where the column is one of numbers without a null. */
  readonly numbers: NumberArray | undefined;
  /** Of lists: their values, and where those of a row are. */
  readonly child: ArrowColumn | undefined;
  start(row: number): number;
  end(row: number): number;
}

export type NumberArray =
  | Float32Array
  | Float64Array
  | Int8Array
  | Int16Array
  | Int32Array
  | BigInt64Array
  | Uint8Array
  | Uint16Array
  | Uint32Array
  | BigUint64Array;

const arrays = {
  float16: Uint16Array,
  float32: Float32Array,
  float64: Float64Array,
  int8: Int8Array,
  int16: Int16Array,
  int32: Int32Array,
  int64: BigInt64Array,
  uint8: Uint8Array,
  uint16: Uint16Array,
  uint32: Uint32Array,
  uint64: BigUint64Array,
} as const;

/** Values that columns point into, by the id of the schema. */
export interface Dictionary {
  readonly length: number;
  isNull(place: number): boolean;
  value(place: number): unknown;
}

export type Dictionaries = ReadonlyMap<number, Dictionary>;

/** What turns the bits of a half into a number: given, since readers depend on nothing but errors. */
export type HalfToNumber = (bits: number) => number;

/**
 * The columns of a batch. Errors: `arrow-malformed`, `arrow-unsupported`.
 *
 * @param limit bytes that a compressed body may become
 */
export function readBatch(
  batch: FlatTable,
  body: Uint8Array,
  fields: readonly ArrowField[],
  dictionaries: Dictionaries,
  limit: number,
  half: HalfToNumber,
): { readonly length: number; readonly columns: ArrowColumn[]; readonly bytes: number } {
  const length = batch.int64(0);
  const cursor = new BatchCursor(batch, body, limit);
  if (length < 0 || length > emptyRows + 8 * cursor.capacity) throw malformed(`it states a batch of ${length} rows`);
  const columns = fields.map((field) => readColumn(field, cursor, dictionaries, half, length));
  return { length, columns, bytes: cursor.used };
}

/** Gives the nodes and buffers of a batch one after another, as the columns take them. */
class BatchCursor {
  private readonly nodes: Float64Array;
  private readonly buffers: Float64Array;
  private readonly variadic: Float64Array;
  private readonly compressed: boolean;
  private node = 0;
  private buffer = 0;
  private views = 0;
  private left: number;

  constructor(
    batch: FlatTable,
    private readonly body: Uint8Array,
    private readonly limit: number,
  ) {
    this.nodes = batch.int64s(1, 2);
    this.buffers = batch.int64s(2, 2);
    this.variadic = batch.int64s(4, 1);
    const compression = batch.table(3);
    this.compressed = compression !== undefined;
    this.left = limit;
    if (compression !== undefined && compression.int8(0) !== 0) {
      throw unsupported('a body compressed by ZSTD', 'write it uncompressed, or compressed by LZ4');
    }
  }

  /** Bytes that the batch holds in memory. */
  get used(): number {
    return this.body.length + this.limit - this.left;
  }

  /** Bytes that it can have values in. */
  get capacity(): number {
    return this.compressed ? this.left : this.body.length;
  }

  /** Values of the next column, and whether one of them may be null. */
  nextNode(): { length: number; nulls: boolean } {
    if (2 * this.node >= this.nodes.length) throw malformed('a batch has fewer columns than the schema');
    const length = this.nodes[2 * this.node]!;
    const nulls = this.nodes[2 * this.node + 1]! !== 0;
    this.node++;
    if (length < 0) throw malformed(`a column states ${length} values`);
    return { length, nulls };
  }

  nextBuffer(): Uint8Array {
    if (2 * this.buffer >= this.buffers.length) throw malformed('a batch has fewer buffers than its columns need');
    const offset = this.buffers[2 * this.buffer]!;
    const length = this.buffers[2 * this.buffer + 1]!;
    this.buffer++;
    if (offset < 0 || length < 0 || offset + length > this.body.length) {
      throw malformed(`a buffer of ${length} bytes at ${offset} lies outside of the body of ${this.body.length}`);
    }
    const bytes = this.body.subarray(offset, offset + length);
    return this.compressed && length > 0 ? this.inflate(bytes) : bytes;
  }

  nextViewBuffers(): Uint8Array[] {
    const count = this.variadic[this.views++] ?? 0;
    if (count < 0 || count > this.buffers.length) throw malformed(`a column states ${count} buffers of text`);
    return Array.from({ length: count }, () => this.nextBuffer());
  }

  private inflate(bytes: Uint8Array): Uint8Array {
    if (bytes.length < 8) throw malformed('a compressed buffer is cut short');
    const length = Number(new DataView(bytes.buffer, bytes.byteOffset, 8).getBigInt64(0, true));
    const rest = bytes.subarray(8);
    if (length === -1) return rest;
    if (length < 0 || length > this.left) throw malformed(`a buffer states that it inflates to ${length} bytes`);
    this.left -= length;
    if (length === 0) return new Uint8Array(0);
    let inflated: Uint8Array;
    try {
      inflated = inflateLz4(rest, length);
    } catch {
      throw malformed('a compressed buffer does not inflate to the size that it states');
    }
    if (inflated.length !== length) throw malformed('a compressed buffer does not inflate to the size that it states');
    return inflated;
  }
}

function readColumn(
  field: ArrowField,
  cursor: BatchCursor,
  dictionaries: Dictionaries,
  half: HalfToNumber,
  expected: number | undefined,
): ArrowColumn {
  const { name, type, dictionary } = field;
  const stored = dictionary === undefined ? type : dictionary.places;
  const { length, nulls } = cursor.nextNode();
  if (expected !== undefined && length !== expected) {
    throw malformed(`column "${shorten(name)}" states ${length} values in a batch of ${expected} rows`);
  }
  if (stored.kind === 'null') return { ...emptyColumn, name, type, length, isNull: () => true };
  const validity = cursor.nextBuffer();
  if (nulls && validity.length < Math.ceil(length / 8)) throw short(name);
  const isNull = nulls ? (row: number) => bit(validity, row) === 0 : () => false;
  const column = { ...emptyColumn, name, type, length, isNull };
  switch (stored.kind) {
    case 'number': {
      const values = numbersOf(stored.dtype, cursor.nextBuffer(), length, name);
      if (dictionary !== undefined) return throughDictionary(column, values, dictionaries.get(dictionary.id));
      const value =
        stored.dtype === 'float16' ? (row: number) => half(values[row] as number) : (row: number) => values[row];
      return { ...column, value, numbers: nulls ? undefined : values };
    }
    case 'bool': {
      const bits = cursor.nextBuffer();
      if (bits.length < Math.ceil(length / 8)) throw short(name);
      return { ...column, value: (row) => bit(bits, row) === 1 };
    }
    case 'text':
    case 'large-text': {
      const offsets = offsetsOf(stored.kind === 'large-text', cursor.nextBuffer(), length, name);
      const data = cursor.nextBuffer();
      if (offsets[length]! > data.length) throw short(name);
      return { ...column, value: (row) => textOf(data, offsets[row]!, offsets[row + 1]!, name) };
    }
    case 'text-view':
      return { ...column, value: viewReader(cursor.nextBuffer(), cursor.nextViewBuffers(), length, name) };
    case 'list':
    case 'large-list': {
      const offsets = offsetsOf(stored.kind === 'large-list', cursor.nextBuffer(), length, name);
      const child = childOf(field, cursor, dictionaries, half);
      if (offsets[length]! > child.length) throw short(name);
      return { ...column, child, start: (row) => offsets[row]!, end: (row) => offsets[row + 1]! };
    }
    case 'fixed-list': {
      const { size } = stored;
      const child = childOf(field, cursor, dictionaries, half);
      if (child.length < length * size) throw short(name);
      return { ...column, child, start: (row) => row * size, end: (row) => (row + 1) * size };
    }
    case 'other': {
      for (let i = 1; i < stored.buffers; i++) cursor.nextBuffer();
      for (const child of field.children) readColumn(child, cursor, dictionaries, half, undefined);
      return column;
    }
  }
}

const emptyColumn = {
  value: () => undefined,
  numbers: undefined,
  child: undefined,
  start: () => 0,
  end: () => 0,
};

function childOf(field: ArrowField, cursor: BatchCursor, dictionaries: Dictionaries, half: HalfToNumber): ArrowColumn {
  const [child, ...others] = field.children;
  if (child === undefined || others.length > 0) throw malformed(`column "${shorten(field.name)}" is a list of nothing`);
  return readColumn(child, cursor, dictionaries, half, undefined);
}

function throughDictionary(column: ArrowColumn, places: NumberArray, dictionary: Dictionary | undefined): ArrowColumn {
  const { name, isNull } = column;
  if (dictionary === undefined) throw malformed(`the dictionary of column "${shorten(name)}" did not come before it`);
  const placeOf = (row: number) => {
    const place = Number(places[row]);
    if (place < 0 || place >= dictionary.length) {
      throw malformed(`column "${shorten(name)}" points at value ${place} of a dictionary of ${dictionary.length}`);
    }
    return place;
  };
  return {
    ...column,
    isNull: (row) => isNull(row) || dictionary.isNull(placeOf(row)),
    value: (row) => dictionary.value(placeOf(row)),
  };
}

function numbersOf(dtype: NumberType, bytes: Uint8Array, length: number, name: string): NumberArray {
  const array = arrays[dtype];
  const size = length * array.BYTES_PER_ELEMENT;
  if (bytes.length < size) throw short(name);
  const aligned = bytes.byteOffset % array.BYTES_PER_ELEMENT === 0 ? bytes : bytes.slice(0, size);
  return new array(aligned.buffer as ArrayBuffer, aligned.byteOffset, length);
}

/** `length + 1` places, none before the one in front of it. */
function offsetsOf(large: boolean, bytes: Uint8Array, length: number, name: string): ArrayLike<number> {
  if (length === 0) return [0];
  const given = numbersOf(large ? 'int64' : 'int32', bytes, length + 1, name);
  const offsets = large ? Float64Array.from(given as BigInt64Array, Number) : (given as Int32Array);
  for (let i = 0; i <= length; i++) {
    if (offsets[i]! < (i === 0 ? 0 : offsets[i - 1]!)) throw malformed(`the offsets of column "${shorten(name)}" fall`);
  }
  return offsets;
}

/** Texts of up to 12 bytes lie in their views, longer ones in the buffers behind. */
function viewReader(
  views: Uint8Array,
  buffers: readonly Uint8Array[],
  length: number,
  name: string,
): (row: number) => string {
  if (views.length < 16 * length) throw short(name);
  const view = new DataView(views.buffer, views.byteOffset, views.length);
  return (row) => {
    const at = 16 * row;
    const size = view.getInt32(at, true);
    if (size < 0) throw short(name);
    if (size <= 12) return textOf(views, at + 4, at + 4 + size, name);
    const data = buffers[view.getInt32(at + 8, true)];
    const from = view.getInt32(at + 12, true);
    if (data === undefined || from < 0 || from + size > data.length) throw short(name);
    return textOf(data, from, from + size, name);
  };
}

function textOf(data: Uint8Array, from: number, to: number, name: string): string {
  const bytes = data.subarray(from, to);
  if (!isUtf8(bytes)) throw malformed(`a text of column "${shorten(name)}" is not UTF-8`);
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('utf8');
}

function bit(bits: Uint8Array, row: number): number {
  return (bits[row >> 3]! >> (row & 7)) & 1;
}

function short(name: string) {
  return malformed(`column "${shorten(name)}" has fewer values than it states`);
}
