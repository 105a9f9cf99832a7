/**
 * CSV that arrives in pieces: the same text as `readCsv` takes, record by record, without a string a cell. A cell is
 * a place in the bytes, and whoever wants a number reads it there.
 */
import { isUtf8 } from 'node:buffer';
import { VitrinaError } from '../../errors.js';
import { scanDecimals } from '../decimal.js';

const [comma, quote, lf, cr] = [0x2c, 0x22, 0x0a, 0x0d];

export interface CsvScannerLimits {
  /** Bytes of one record: nothing larger is kept in memory. */
  readonly recordBytes: number;
  /** Cells of one record. */
  readonly cells: number;
}

/**
 * Reads records out of pieces of a text: `push` each piece (and `end` after the last), and after each call `next`
 * until it says no. Only whole records are given; what is left of a piece waits for the next one.
 *
 * Errors, all of them `csv-malformed` with the line: those of `readCsv`, and a record beyond `limits`.
 */
export class CsvScanner {
  /** The bytes that cells lie in. */
  bytes: Buffer = Buffer.alloc(0);
  /** Cells of the record at hand: where they start and end, without their quotes. */
  starts = new Int32Array(64);
  ends = new Int32Array(64);
  /** Whether a cell was in quotes, and then whether there are doubled quotes in it. */
  marks = new Uint8Array(64);
  count = 0;
  /** Line on which the record at hand starts, from 1. */
  line = 0;

  private at = 0;
  private nextLine = 1;
  private width = -1;
  private started = false;
  private waiting: Uint8Array[] = [];
  private waitingBytes = 0;
  private inQuotes = false;

  constructor(private readonly limits: CsvScannerLimits) {}

  push(piece: Uint8Array): void {
    const end = this.lastRecordEnd(piece);
    if (end === 0) {
      this.keep(piece);
      return;
    }
    this.take(piece.subarray(0, end));
    if (end < piece.length) this.keep(piece.subarray(end));
  }

  /** The last record needs no line end. */
  end(): void {
    this.take(new Uint8Array(0));
  }

  /** Reads the next whole record; false when there is none yet. */
  next(): boolean {
    const { bytes } = this;
    for (;;) {
      if (this.at >= bytes.length) return false;
      const first = bytes[this.at];
      if (first !== lf && !(first === cr && bytes[this.at + 1] === lf)) break;
      this.at += first === cr ? 2 : 1;
      this.nextLine++;
    }
    this.line = this.nextLine;
    this.count = 0;
    this.cells();
    this.nextLine++;
    if (this.width === -1) this.width = this.count;
    else if (this.count !== this.width) {
      throw malformed(this.line, `it has ${this.count} cells, and the lines before it ${this.width}`);
    }
    return true;
  }

  /**
   * Reads the next record where it is one plain number for each of `offsets`, into those places of `into` behind `base`;
   * false, and nothing is read, where it is anything else, or not there.
   */
  nextNumbers(into: Float64Array | Float32Array, base: number, offsets: Int32Array): boolean {
    if (this.width !== offsets.length) return false;
    const { bytes } = this;
    let at = scanDecimals(bytes, this.at, into, base, offsets);
    if (at < 0) return false;
    if (bytes[at] === cr) at++;
    if (bytes[at++] !== lf) return false;
    this.at = at;
    this.line = this.nextLine++;
    return true;
  }

  /** The text of cell `index`. */
  text(index: number): string {
    const text = this.bytes.toString('utf8', this.starts[index], this.ends[index]);
    return this.marks[index] === 2 ? text.replaceAll('""', '"') : text;
  }

  /** All cells as texts. */
  texts(): string[] {
    return Array.from({ length: this.count }, (_, i) => this.text(i));
  }

  /** Reads the cells of a record and what ends it. */
  private cells(): void {
    const { bytes } = this;
    let { at, count, starts, ends } = this;
    for (;;) {
      if (count === starts.length) {
        this.count = count;
        this.grow();
        ({ starts, ends } = this);
      }
      starts[count] = at;
      if (bytes[at] === quote) {
        this.count = count;
        starts[count] = at + 1;
        at = this.quoted(at + 1);
      } else {
        for (; ; at++) {
          // Nearly all of a number is above the comma.
          while (bytes[at]! > comma) at++;
          const byte = bytes[at];
          if (byte === comma || byte === lf || byte === undefined) break;
          if (byte === cr) {
            if (bytes[at + 1] === lf) break;
            throw malformed(this.line, 'a carriage return stands alone; end lines with LF or CRLF');
          }
          if (byte === quote) throw malformed(this.line, 'a quote stands inside a cell; put the whole cell in quotes');
          if (byte === 0) throw malformed(this.line, 'it holds a zero byte');
        }
        ends[count] = at;
        this.marks[count] = 0;
      }
      count++;
      const next = bytes[at];
      if (next === comma) {
        at++;
        continue;
      }
      this.count = count;
      if (next !== undefined && next !== lf && !(next === cr && bytes[at + 1] === lf)) {
        throw malformed(this.nextLine, 'text follows a closing quote; double every quote inside a quoted cell');
      }
      this.at = at + (next === cr ? 2 : 1);
      return;
    }
  }

  /** Reads to the closing quote of a cell that starts at `from`, and gives the place behind it. */
  private quoted(from: number): number {
    const { bytes } = this;
    let mark = 1;
    let at = from;
    for (; ; at++) {
      const byte = bytes[at];
      if (byte === undefined) throw malformed(this.line, 'a quote is opened and never closed');
      if (byte === lf) this.nextLine++;
      if (byte !== quote) continue;
      if (bytes[at + 1] !== quote) break;
      mark = 2;
      at++;
    }
    this.ends[this.count] = at;
    this.marks[this.count] = mark;
    return at + 1;
  }

  private grow(): void {
    const { cells } = this.limits;
    if (this.count >= cells) throw malformed(this.line, `it has more than ${cells} cells`);
    const length = Math.min(cells, this.starts.length * 4);
    const larger = <T extends Int32Array | Uint8Array>(from: T, to: T): T => {
      to.set(from);
      return to;
    };
    this.starts = larger(this.starts, new Int32Array(length));
    this.ends = larger(this.ends, new Int32Array(length));
    this.marks = larger(this.marks, new Uint8Array(length));
  }

  /** The place behind the last line end of `piece` that ends a record; 0 when there is none. */
  private lastRecordEnd(piece: Uint8Array): number {
    if (piece.indexOf(quote) < 0) return this.inQuotes ? 0 : piece.lastIndexOf(lf) + 1;
    let end = 0;
    let inQuotes = this.inQuotes;
    for (let i = 0; i < piece.length; i++) {
      const byte = piece[i]!;
      if (byte === quote) inQuotes = !inQuotes;
      else if (byte === lf && !inQuotes) end = i + 1;
    }
    this.inQuotes = inQuotes;
    return end;
  }

  private keep(piece: Uint8Array): void {
    this.waiting.push(piece);
    this.waitingBytes += piece.length;
    const { recordBytes } = this.limits;
    if (this.waitingBytes > recordBytes) {
      throw malformed(
        this.nextLine + this.linesLeft(),
        `it is longer than ${recordBytes} bytes, or a quote is opened before it and never closed`,
      );
    }
  }

  /** Line ends of the bytes that were taken and not read yet: none, unless `push` is called before `next` said no. */
  private linesLeft(): number {
    let lines = 0;
    for (let at = this.at; at < this.bytes.length; at++) if (this.bytes[at] === lf) lines++;
    return lines;
  }

  private take(piece: Uint8Array): void {
    const pieces = this.at < this.bytes.length ? [this.bytes.subarray(this.at), ...this.waiting] : this.waiting;
    this.bytes = Buffer.concat([...pieces, piece]);
    this.at = 0;
    this.waiting = [];
    this.waitingBytes = 0;
    if (!this.started && this.bytes.length > 0) {
      this.started = true;
      if (this.bytes[0] === 0xef && this.bytes[1] === 0xbb && this.bytes[2] === 0xbf) this.at = 3;
    }
    if (!isUtf8(this.bytes)) throw malformed(this.badLine(), 'its bytes are not UTF-8; save it as "CSV UTF-8"');
  }

  private badLine(): number {
    let line = this.nextLine;
    let from = 0;
    for (let end = this.bytes.indexOf(lf); end >= 0; end = this.bytes.indexOf(lf, from)) {
      if (!isUtf8(this.bytes.subarray(from, end))) return line;
      from = end + 1;
      line++;
    }
    return line;
  }
}

function malformed(line: number, problem: string): VitrinaError {
  return new VitrinaError('csv-malformed', { line, problem });
}
