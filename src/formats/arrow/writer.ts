/**
 * Writes Arrow's IPC form, batch by batch: numbers, truths, texts, and fixed-size lists of them.
 * Specification: https://arrow.apache.org/docs/format/Columnar.html#serialization-and-interprocess-communication-ipc
 */
import type { NumberArray } from './columns.js';
import { type FlatNode, type FlatNumber, writeFlat } from './flat-writer.js';
import { headerTypes } from './messages.js';
import type { NumberType } from './schema.js';

/** Values of one column, row after row. */
export type ColumnData =
  | { readonly dtype: NumberType; readonly values: NumberArray }
  /** 0 and 1. */
  | { readonly dtype: 'bool'; readonly values: Uint8Array }
  /** `undefined` is null. */
  | { readonly dtype: 'string'; readonly values: readonly (string | undefined)[] };

export type WrittenColumn = ColumnData & {
  readonly name: string;
  /** Sizes of lists in lists, outermost first; none for plain values. */
  readonly sizes: readonly number[];
};

const version: FlatNumber = { bytes: 2, value: 4 };
const int8 = (value: number): FlatNumber => ({ bytes: 1, value });
const int16 = (value: number): FlatNumber => ({ bytes: 2, value });
const int32 = (value: number): FlatNumber => ({ bytes: 4, value });
const int64 = (value: number): FlatNumber => ({ bytes: 8, value });
const magic = Buffer.from('ARROW1\0\0', 'latin1');
const endOfStream = Buffer.from([0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0]);

/** Gives the bytes of a stream or a file piece by piece. All batches have the columns of the first. */
export class ArrowWriter {
  private schema: FlatNode | undefined;
  private readonly blocks: number[] = [];
  private written = 0;

  constructor(private readonly form: 'stream' | 'file') {}

  batch(columns: readonly WrittenColumn[], rows: number): Uint8Array {
    const pieces: Uint8Array[] = [];
    if (this.schema === undefined) {
      this.schema = schemaOf(columns);
      if (this.form === 'file') pieces.push(magic);
      pieces.push(message(headerTypes.schema, this.schema, 0));
      this.written = pieces.reduce((sum, { length }) => sum + length, 0);
    }
    const body = new BatchBody();
    for (const column of columns) body.add(column, rows, 0);
    const header: FlatNode = {
      table: [int64(rows), { int64s: body.nodes, width: 2 }, { int64s: body.buffers, width: 2 }],
    };
    const metadata = message(headerTypes.recordBatch, header, body.length);
    this.blocks.push(this.written, metadata.length, body.length);
    this.written += metadata.length + body.length;
    return Buffer.concat([...pieces, metadata, ...body.pieces]);
  }

  /** What goes behind the last batch. */
  end(): Uint8Array {
    if (this.form === 'stream' || this.schema === undefined) return endOfStream;
    const footer = writeFlat({
      table: [version, this.schema, { tables: [] }, { int64s: this.blocks, width: 3 }],
    });
    const length = Buffer.alloc(4);
    length.writeInt32LE(footer.length);
    return Buffer.concat([endOfStream, footer, length, magic.subarray(0, 6)]);
  }
}

/** The prefix and the metadata of a message. */
function message(type: number, header: FlatNode, bodyLength: number): Uint8Array {
  const metadata = writeFlat({ table: [version, int8(type), header, int64(bodyLength)] });
  const prefix = Buffer.alloc(8);
  prefix.writeInt32LE(-1);
  prefix.writeInt32LE(metadata.length, 4);
  return Buffer.concat([prefix, metadata]);
}

function schemaOf(columns: readonly WrittenColumn[]): FlatNode {
  return { table: [int16(0), { tables: columns.map((column) => fieldOf(column.name, column, column.sizes)) }] };
}

function fieldOf(name: string, column: WrittenColumn, [size, ...inner]: readonly number[]): FlatNode {
  const [code, type] = size === undefined ? typeOf(column.dtype) : [16, { table: [int32(size)] }];
  const children = size === undefined ? [] : [fieldOf('item', column, inner)];
  return { table: [{ text: name }, int8(1), int8(code), type, undefined, { tables: children }] };
}

function typeOf(dtype: WrittenColumn['dtype']): [number, FlatNode] {
  if (dtype === 'string') return [5, { table: [] }];
  if (dtype === 'bool') return [6, { table: [] }];
  const bits = Number(/\d+$/.exec(dtype)![0]);
  if (dtype.startsWith('float')) return [3, { table: [int16({ 16: 0, 32: 1, 64: 2 }[bits]!)] }];
  return [2, { table: [int32(bits), int8(dtype.startsWith('u') ? 0 : 1)] }];
}

/** Collects the nodes and buffers of a batch; every buffer begins at a multiple of 8. */
class BatchBody {
  readonly nodes: number[] = [];
  readonly buffers: number[] = [];
  readonly pieces: Uint8Array[] = [];
  length = 0;

  add(column: WrittenColumn, rows: number, depth: number): void {
    const size = column.sizes[depth];
    if (size !== undefined) {
      this.nodes.push(rows, 0);
      this.push(new Uint8Array(0));
      this.add(column, rows * size, depth + 1);
      return;
    }
    if (column.dtype === 'string') this.addTexts(column.values, rows);
    else {
      this.nodes.push(rows, 0);
      this.push(new Uint8Array(0));
      const { values } = column;
      this.push(
        column.dtype === 'bool'
          ? packBits(rows, (i) => values[i] !== 0)
          : new Uint8Array(values.buffer, values.byteOffset, values.byteLength),
      );
    }
  }

  private addTexts(values: readonly (string | undefined)[], rows: number): void {
    const nulls = values.reduce((count: number, value) => count + (value === undefined ? 1 : 0), 0);
    this.nodes.push(rows, nulls);
    this.push(nulls === 0 ? new Uint8Array(0) : packBits(rows, (i) => values[i] !== undefined));
    const offsets = new Int32Array(rows + 1);
    const texts = values.map((value) => Buffer.from(value ?? ''));
    for (const [i, text] of texts.entries()) offsets[i + 1] = offsets[i]! + text.length;
    this.push(new Uint8Array(offsets.buffer));
    this.push(Buffer.concat(texts));
  }

  private push(bytes: Uint8Array): void {
    this.buffers.push(this.length, bytes.length);
    const padding = (8 - (bytes.length % 8)) % 8;
    this.pieces.push(bytes);
    if (padding > 0) this.pieces.push(new Uint8Array(padding));
    this.length += bytes.length + padding;
  }
}

function packBits(length: number, isSet: (at: number) => boolean): Uint8Array {
  const bits = new Uint8Array(Math.ceil(length / 8));
  for (let i = 0; i < length; i++) if (isSet(i)) bits[i >> 3] = bits[i >> 3]! | (1 << (i & 7));
  return bits;
}
