/**
 * Cuts the IPC form of Arrow, stream or file, into its messages while it arrives.
 * Specification: https://arrow.apache.org/docs/format/Columnar.html#serialization-and-interprocess-communication-ipc
 */
import { VitrinaError } from '../../errors.js';
import { FlatTable, malformed } from './flat-table.js';

/** What a message is about: the numbers of `MessageHeader`. */
export const headerTypes = { schema: 1, dictionaryBatch: 2, recordBatch: 3 } as const;

export interface ArrowMessage {
  readonly type: number;
  readonly header: FlatTable;
  readonly body: Uint8Array;
  /** Bytes of all of it. */
  readonly size: number;
  /** Of the schema in the footer of a file, which most files have in front as well. */
  readonly footer?: true;
}

const magic = 'ARROW1';
/** Metadata of one message: a schema of some hundred thousand columns. */
const metadataBytes = 16 * 2 ** 20;

/**
 * The messages, in order, until the stream says that it ends. A file is a stream between two magics, with a footer that
 * has the schema once more. Bytes are kept only as they arrive, whatever a message says of its
 * size, and no more than `batchBytes` for one message.
 *
 * Errors: `arrow-malformed`, `arrow-unsupported`.
 */
export async function* readMessages(
  pieces: AsyncIterable<Uint8Array>,
  form: 'stream' | 'file',
  batchBytes: number,
): AsyncGenerator<ArrowMessage> {
  const input = new PieceReader(pieces);
  let known: number | undefined;
  if (form === 'file') {
    const start = await input.take(8);
    if (start === undefined || Buffer.from(start).toString('latin1', 0, 6) !== magic) {
      throw malformed(`a file begins with ${magic}; send a stream as application/vnd.apache.arrow.stream`);
    }
    const word = (await input.take(8)) ?? cut();
    if (int32(word) === -1) known = int32(word.subarray(4));
    else {
      const [schema, length] = await takeBareMessage(input, word);
      yield messageOf(schema, new Uint8Array(0));
      known = length;
    }
  }
  for (;;) {
    const length = known ?? (await takeLength(input));
    known = undefined;
    if (length === undefined) {
      if (form === 'file') cut();
      return;
    }
    if (length === 0) {
      if (form === 'file') yield schemaOfFooter(await input.rest(metadataBytes));
      await input.drop();
      return;
    }
    if (length < 0 || length > metadataBytes) throw malformed(`it states a message of ${length} bytes`);
    const metadata = (await input.take(length)) ?? cut();
    const bodyLength = FlatTable.root(metadata).int64(3);
    if (bodyLength < 0) throw malformed(`it states a body of ${bodyLength} bytes`);
    if (bodyLength > batchBytes) {
      throw new VitrinaError('arrow-unsupported', {
        what: `a batch of ${bodyLength} bytes`,
        next: `write batches of ${batchBytes} bytes at most (pyarrow: max_chunksize), or raise the setting batch-limit`,
      });
    }
    yield messageOf(metadata, (await input.take(bodyLength)) ?? cut());
  }
}

function messageOf(metadata: Uint8Array, body: Uint8Array): ArrowMessage {
  const message = FlatTable.root(metadata);
  const header = message.table(2);
  if (header === undefined) throw malformed('a message has no header');
  return { type: message.int8(1), header, body, size: metadata.length + body.length };
}

/** What a file ends with: its footer, the length of that, and the magic again. */
function schemaOfFooter(end: Uint8Array): ArrowMessage {
  const tail = Buffer.from(end.buffer, end.byteOffset, end.length);
  const from = tail.length < 10 ? -1 : tail.length - 10 - tail.readInt32LE(tail.length - 10);
  if (from < 0 || from > tail.length - 10 || tail.toString('latin1', tail.length - 6) !== magic) {
    throw malformed('a file ends with its footer');
  }
  // A copy begins where an array of any type may begin.
  const header = FlatTable.root(end.slice(from, tail.length - 10)).table(1);
  if (header === undefined) throw malformed('its footer has no schema');
  return { type: headerTypes.schema, header, body: new Uint8Array(0), size: end.length, footer: true };
}

/** The size of the next message's metadata, nothing at the end. Before Arrow 0.15 there was no continuation mark. */
async function takeLength(input: PieceReader): Promise<number | undefined> {
  const prefix = await input.take(4);
  if (prefix === undefined) return undefined;
  const length = int32(prefix);
  return length === -1 ? int32((await input.take(4)) ?? cut()) : length;
}

/**
 * A first message without a prefix, as Polars writes the schema of a file, whose readers find it in the footer: it goes
 * to the mark of the next one. Gives the next one's length too.
 */
async function takeBareMessage(input: PieceReader, start: Uint8Array): Promise<[Uint8Array, number]> {
  const words = [start];
  for (;;) {
    const word = (await input.take(8)) ?? cut();
    if (int32(word) === -1) return [Buffer.concat(words), int32(word.subarray(4))];
    words.push(word);
    if (8 * words.length > metadataBytes) throw malformed('its schema does not end');
  }
}

function cut(): never {
  throw malformed('it is cut short');
}

function int32(bytes: Uint8Array): number {
  return new DataView(bytes.buffer, bytes.byteOffset, 4).getInt32(0, true);
}

/** Takes a stated number of bytes out of pieces of any size. */
class PieceReader {
  private readonly iterator: AsyncIterator<Uint8Array>;
  private held: Uint8Array[] = [];
  private heldBytes = 0;

  constructor(pieces: AsyncIterable<Uint8Array>) {
    this.iterator = pieces[Symbol.asyncIterator]();
  }

  /** Nothing at the end of the pieces. A copy that begins where an array of any type may begin. */
  async take(length: number): Promise<Uint8Array | undefined> {
    while (this.heldBytes < length) {
      const { done, value } = await this.iterator.next();
      if (done === true) {
        if (this.heldBytes > 0) cut();
        return undefined;
      }
      this.held.push(value);
      this.heldBytes += value.length;
    }
    const taken = new Uint8Array(length);
    let at = 0;
    let used = 0;
    for (; at < length; used++) {
      const piece = this.held[used]!;
      const part = piece.subarray(0, length - at);
      taken.set(part, at);
      at += part.length;
      if (part.length < piece.length) {
        this.held[used] = piece.subarray(part.length);
        break;
      }
    }
    this.held.splice(0, used);
    this.heldBytes -= length;
    return taken;
  }

  /** All that is left. */
  async rest(most: number): Promise<Uint8Array> {
    for (let next = await this.iterator.next(); next.done !== true; next = await this.iterator.next()) {
      this.held.push(next.value);
      this.heldBytes += next.value.length;
      if (this.heldBytes > most) throw malformed('its footer does not end');
    }
    return (await this.take(this.heldBytes)) ?? new Uint8Array(0);
  }

  /** Reads what is left, for whoever sends it, and forgets it. */
  async drop(): Promise<void> {
    this.held = [];
    while ((await this.iterator.next()).done !== true);
  }
}
