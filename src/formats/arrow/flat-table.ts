/**
 * Tables of FlatBuffers, as the metadata of Arrow has them. Every read is checked against the bytes: a place outside
 * of them is `arrow-malformed`, and a list is no longer than the bytes that it would take.
 * Specification: https://flatbuffers.dev/internals/
 */
import { VitrinaError } from '../../errors.js';

export function malformed(problem: string): VitrinaError {
  return new VitrinaError('arrow-malformed', { problem });
}

export class FlatTable {
  private readonly layout: number;
  private readonly layoutSize: number;

  private constructor(
    private readonly view: DataView,
    private readonly at: number,
  ) {
    this.layout = at - int32(view, at);
    this.layoutSize = uint16(view, this.layout);
  }

  /** The table that `bytes` begin with a reference to. */
  static root(bytes: Uint8Array): FlatTable {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    return new FlatTable(view, uint32(view, 0));
  }

  has(field: number): boolean {
    return this.place(field) !== 0;
  }

  int8(field: number, fallback = 0): number {
    const at = this.place(field);
    if (at === 0) return fallback;
    check(this.view, at, 1);
    return this.view.getInt8(at);
  }

  int16(field: number, fallback = 0): number {
    const at = this.place(field);
    if (at === 0) return fallback;
    check(this.view, at, 2);
    return this.view.getInt16(at, true);
  }

  int32(field: number, fallback = 0): number {
    const at = this.place(field);
    return at === 0 ? fallback : int32(this.view, at);
  }

  /** A 64-bit integer that is a size, an offset or an id: what a double cannot hold is none. */
  int64(field: number, fallback = 0): number {
    const at = this.place(field);
    return at === 0 ? fallback : int64(this.view, at);
  }

  table(field: number): FlatTable | undefined {
    const at = this.place(field);
    return at === 0 ? undefined : new FlatTable(this.view, this.follow(at));
  }

  text(field: number): string | undefined {
    const at = this.place(field);
    if (at === 0) return undefined;
    const start = this.follow(at);
    const length = uint32(this.view, start);
    check(this.view, start + 4, length);
    return Buffer.from(this.view.buffer, this.view.byteOffset + start + 4, length).toString('utf8');
  }

  /** The tables of a list. */
  tables(field: number): FlatTable[] {
    const { start, length } = this.list(field, 4);
    return Array.from({ length }, (_, i) => new FlatTable(this.view, this.follow(start + 4 * i)));
  }

  /** A list of structures of `width` 64-bit integers, one after another. */
  int64s(field: number, width: number): Float64Array {
    const { start, length } = this.list(field, 8 * width);
    return Float64Array.from({ length: length * width }, (_, i) => int64(this.view, start + 8 * i));
  }

  private list(field: number, elementBytes: number): { start: number; length: number } {
    const at = this.place(field);
    if (at === 0) return { start: 0, length: 0 };
    const start = this.follow(at);
    const length = uint32(this.view, start);
    check(this.view, start + 4, length * elementBytes);
    return { start: start + 4, length };
  }

  /** Where a field is; 0 when it is not there. */
  private place(field: number): number {
    const slot = 4 + 2 * field;
    if (slot + 2 > this.layoutSize) return 0;
    const offset = uint16(this.view, this.layout + slot);
    return offset === 0 ? 0 : this.at + offset;
  }

  private follow(at: number): number {
    return at + uint32(this.view, at);
  }
}

function check(view: DataView, at: number, size: number): void {
  if (at < 0 || at + size > view.byteLength) throw malformed('its metadata points outside of itself');
}

function uint16(view: DataView, at: number): number {
  check(view, at, 2);
  return view.getUint16(at, true);
}

function int32(view: DataView, at: number): number {
  check(view, at, 4);
  return view.getInt32(at, true);
}

function uint32(view: DataView, at: number): number {
  check(view, at, 4);
  return view.getUint32(at, true);
}

function int64(view: DataView, at: number): number {
  check(view, at, 8);
  const value = Number(view.getBigInt64(at, true));
  if (!Number.isSafeInteger(value)) throw malformed(`it states a size of ${value}`);
  return value;
}
