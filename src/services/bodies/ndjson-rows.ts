/** Rows of newline-delimited JSON, one object a line, read while the text arrives. */
import { VitrinaError } from '../../errors.js';
import type { Signature } from '../../signature.js';
import { readRows } from '../predictions/json-tensors.js';
import { type ChunkRules, noRows, type RowChunk, relocate, tooManyRows } from './row-chunk.js';

const lf = 0x0a;

/** Parses one JSON text strictly; given, since the server's own reader lies above the services. */
export type ParseJson = (bytes: Buffer) => unknown;

/**
 * Reads rows as the objects of a JSON list are read. Blank lines are no rows. Integers of 64 bits keep their digits.
 *
 * Errors: those of `parse`, and `request-invalid`, with the line; `ndjson-malformed`, `rows-over-limit`.
 */
export async function* readNdjsonRows(
  pieces: AsyncIterable<Uint8Array>,
  signature: Signature,
  rules: ChunkRules,
  parse: ParseJson,
): AsyncGenerator<RowChunk> {
  const { inputs } = signature;
  const exact =
    inputs.some(({ dtype }) => dtype === 'int64' || dtype === 'uint64') &&
    inputs.every(({ json }) => json === undefined);
  const reader = new NdjsonRows(signature, rules, exact ? parseWithIntegers(parse) : parse);
  for await (const piece of pieces) {
    yield* reader.push(piece);
    yield* reader.pause();
  }
  yield* reader.end();
}

class NdjsonRows {
  private values: unknown[] = [];
  private lines: number[] = [];
  private first = 0;
  private line = 1;
  private waiting: Uint8Array[] = [];
  private waitingBytes = 0;

  constructor(
    private readonly signature: Signature,
    private readonly rules: ChunkRules,
    private readonly parse: ParseJson,
  ) {}

  *push(piece: Uint8Array): Generator<RowChunk> {
    let from = 0;
    for (let end = piece.indexOf(lf); end >= 0; end = piece.indexOf(lf, from)) {
      yield* this.read(piece.subarray(from, end));
      this.line++;
      from = end + 1;
    }
    if (from === piece.length) return;
    this.waiting.push(from === 0 ? piece : piece.subarray(from));
    this.waitingBytes += piece.length - from;
    this.checkLength(this.waitingBytes);
  }

  /** What there is when no more has come yet. */
  *pause(): Generator<RowChunk> {
    const { rows, shape } = this.rules;
    if (shape === 'any' || (shape === 'exact' && this.values.length === rows)) yield* this.take();
  }

  *end(): Generator<RowChunk> {
    yield* this.read(new Uint8Array(0));
    yield* this.take();
    if (this.first === 0) throw noRows('line with an object');
  }

  private *read(rest: Uint8Array): Generator<RowChunk> {
    let bytes = Buffer.from(rest.buffer, rest.byteOffset, rest.length);
    if (this.waiting.length > 0) {
      this.checkLength(this.waitingBytes + rest.length);
      bytes = Buffer.concat([...this.waiting, rest]);
      this.waiting = [];
      this.waitingBytes = 0;
    } else this.checkLength(bytes.length);
    if (isBlank(bytes)) return;
    if (this.values.length === this.rules.rows) {
      if (this.rules.shape === 'whole') throw tooManyRows(this.rules.rows);
      yield* this.take();
    }
    this.values.push(this.parseLine(bytes));
    this.lines.push(this.line);
  }

  private parseLine(bytes: Buffer): unknown {
    try {
      return this.parse(bytes);
    } catch (error) {
      if (!(error instanceof VitrinaError)) throw error;
      throw new VitrinaError(
        'ndjson-malformed',
        { line: this.line, problem: error.message.replace(/\.$/, '') },
        { cause: error },
      );
    }
  }

  private checkLength(bytes: number): void {
    const { rowBytes } = this.rules;
    if (bytes <= rowBytes) return;
    throw new VitrinaError('ndjson-malformed', { line: this.line, problem: `It is longer than ${rowBytes} bytes` });
  }

  private *take(): Generator<RowChunk> {
    const { values, lines, first, signature } = this;
    if (values.length === 0) return;
    this.values = [];
    this.lines = [];
    this.first += values.length;
    const chunk = { inputs: {}, rows: values.length, first, lines };
    try {
      yield { ...chunk, inputs: readRows(signature, values) };
    } catch (error) {
      throw relocate(error, chunk, signature);
    }
  }
}

function isBlank(bytes: Uint8Array): boolean {
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i]!;
    if (byte !== 0x20 && byte !== 0x09 && byte !== 0x0d) return false;
  }
  return true;
}

/** Noncharacters of Unicode: no text has them, and what has them is a number that JSON's own cannot hold. */
const mark = '\uFDD1';
const textOrNumber = /"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g;

/** Integers that a double cannot hold become bigints: `JSON.parse` alone would round them without a word. */
function parseWithIntegers(parse: ParseJson): ParseJson {
  return (bytes) => {
    const value = parse(bytes);
    const text = bytes.toString('utf8');
    if (!/\d{16}/.test(text)) return value;
    const marked = text.replace(textOrNumber, (found) =>
      /^-?\d{16,}$/.test(found) && !Number.isSafeInteger(Number(found)) ? `"${mark}${found}"` : found,
    );
    return JSON.parse(marked, (_key, inner) =>
      typeof inner === 'string' && inner.startsWith(mark) && /^-?\d+$/.test(inner.slice(1))
        ? BigInt(inner.slice(1))
        : inner,
    );
  };
}
