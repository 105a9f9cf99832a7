/**
 * Arrow's IPC form, read while it arrives: own code, since bodies come from strangers, and every length and offset in
 * them is checked before it is believed.
 * Specification: https://arrow.apache.org/docs/format/Columnar.html
 */
import { type ArrowColumn, type Dictionaries, type Dictionary, type HalfToNumber, readBatch } from './columns.js';
import { type FlatTable, malformed } from './flat-table.js';
import { type ArrowMessage, headerTypes, readMessages } from './messages.js';
import { type ArrowField, readSchema, unsupported } from './schema.js';

export type { ArrowColumn } from './columns.js';
export { type ArrowField, type ArrowType, typeName } from './schema.js';

export interface ArrowBatch {
  readonly fields: readonly ArrowField[];
  readonly columns: readonly ArrowColumn[];
  readonly length: number;
}

/**
 * The record batches of a stream or file, in order. Of a file that has its schema in the footer alone, as the JavaScript
 * library writes it, or dictionaries behind the batches, as Polars does, batches are held until those have come. `batchBytes` bounds each of them, and all dictionaries together.
 * Errors: `arrow-malformed`, `arrow-unsupported`.
 */
export async function* readArrow(
  pieces: AsyncIterable<Uint8Array>,
  form: 'stream' | 'file',
  batchBytes: number,
  half: HalfToNumber,
): AsyncGenerator<ArrowBatch> {
  let fields: readonly ArrowField[] | undefined;
  const dictionaries = new StoredDictionaries(batchBytes, half);
  const batchOf = ({ header, body }: ArrowMessage, known: readonly ArrowField[]): ArrowBatch => ({
    fields: known,
    ...readBatch(header, body, known, dictionaries.known, batchBytes, half),
  });
  // Of a file: what cannot be read before its footer has come.
  const held: ArrowMessage[] = [];
  let heldBytes = 0;
  for await (const message of readMessages(pieces, form, batchBytes)) {
    const { type } = message;
    if (type === headerTypes.schema) {
      if (fields !== undefined && !message.footer) throw malformed('it has a second schema');
      if (fields === undefined) dictionaries.expect(readSchema(message.header));
      fields ??= dictionaries.fields;
      if (!message.footer) continue;
      for (const one of held) if (one.type === headerTypes.dictionaryBatch) dictionaries.read(one.header, one.body);
      for (const one of held) if (one.type === headerTypes.recordBatch) yield batchOf(one, fields);
    } else if (type !== headerTypes.dictionaryBatch && type !== headerTypes.recordBatch) {
      throw unsupported(`a message of type ${type}`, 'send record batches');
    } else if (fields !== undefined && type === headerTypes.dictionaryBatch) {
      dictionaries.read(message.header, message.body);
    } else if (fields !== undefined && held.length === 0 && (form === 'stream' || dictionaries.complete)) {
      yield batchOf(message, fields);
    } else if (form === 'file') {
      held.push(message);
      heldBytes += message.size;
      if (heldBytes > batchBytes) {
        throw unsupported('batches before what is needed to read them', 'send a stream, or a smaller file');
      }
    } else throw malformed('it does not begin with a schema');
  }
  if (fields === undefined) throw malformed('it has no schema');
}

class StoredDictionaries {
  readonly known: Dictionaries = new Map<number, StoredDictionary>();
  fields: readonly ArrowField[] = [];
  private readonly types = new Map<number, ArrowField>();

  constructor(
    private readonly limit: number,
    private readonly half: HalfToNumber,
  ) {}

  /** Whether every column's dictionary has come. */
  get complete(): boolean {
    return this.known.size === this.types.size;
  }

  expect(fields: readonly ArrowField[]): void {
    this.fields = fields;
    this.findIn(fields);
  }

  private findIn(fields: readonly ArrowField[]): void {
    for (const field of fields) {
      if (field.dictionary !== undefined) this.types.set(field.dictionary.id, { ...field, dictionary: undefined });
      this.findIn(field.children);
    }
  }

  read(header: FlatTable, body: Uint8Array): void {
    const id = header.int64(0);
    const type = this.types.get(id);
    const batch = header.table(1);
    if (type === undefined || batch === undefined) throw malformed('it has a dictionary that no column uses');
    const known = this.known as Map<number, StoredDictionary>;
    const { columns, bytes: own } = readBatch(batch, body, [type], this.known, this.limit, this.half);
    const isDelta = header.int8(2) !== 0;
    const before = isDelta ? known.get(id) : undefined;
    known.set(id, new StoredDictionary([...(before?.parts ?? []), ...columns], (before?.bytes ?? 0) + own));
    let bytes = 0;
    for (const stored of known.values()) bytes += stored.bytes;
    if (bytes > this.limit) {
      throw unsupported(`dictionaries of ${bytes} bytes`, 'write plain columns, or raise the setting batch-limit');
    }
  }
}

class StoredDictionary implements Dictionary {
  readonly length: number;
  private readonly values = new Map<number, unknown>();

  constructor(
    readonly parts: readonly ArrowColumn[],
    readonly bytes: number,
  ) {
    if (parts.length > 10_000) throw malformed('a dictionary has more than 10000 parts');
    this.length = parts.reduce((sum, { length }) => sum + length, 0);
  }

  isNull(place: number): boolean {
    const [part, own] = this.find(place);
    return part.isNull(own);
  }

  value(place: number): unknown {
    let value = this.values.get(place);
    if (value === undefined) {
      const [part, own] = this.find(place);
      value = part.value(own);
      this.values.set(place, value);
    }
    return value;
  }

  private find(place: number): [ArrowColumn, number] {
    let from = 0;
    for (const part of this.parts) {
      if (place < from + part.length) return [part, place - from];
      from += part.length;
    }
    throw malformed(`a dictionary has no value ${place}`);
  }
}
