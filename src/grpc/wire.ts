/**
 * Protocol Buffers' wire format, for the two messages that carry tensors. The other messages are small and rare, and
 * left to proto-loader; these come with megabytes, from anybody who may predict.
 * Specification: https://protobuf.dev/programming-guides/encoding/
 */
import { VitrinaError } from '../errors.js';

export const wireTypes = { varint: 0, fixed64: 1, bytes: 2, startGroup: 3, endGroup: 4, fixed32: 5 } as const;

/** Levels of groups that a field nobody knows may have. */
const groupDepth = 16;

export function malformed(problem: string): VitrinaError {
  return new VitrinaError('request-malformed', { problem: `The message cannot be decoded: ${problem}` });
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** A cursor over one message; every step is checked against its end. Errors: `request-malformed`. */
export class WireReader {
  /** Number and wire type of the field that `next` found. */
  field = 0;
  type = 0;
  /** The halves of the last varint. */
  private low = 0;
  private high = 0;

  constructor(
    private readonly bytes: Buffer,
    private at = 0,
    private readonly end = bytes.length,
  ) {}

  /** Moves to the next field; false at the end of the message. */
  next(): boolean {
    if (this.at >= this.end) return false;
    this.readVarint();
    this.field = this.low >>> 3;
    this.type = this.low & 7;
    if (this.field === 0) throw malformed('it has a field of number 0');
    return true;
  }

  bool(): boolean {
    this.expect(wireTypes.varint);
    this.readVarint();
    return this.low !== 0 || this.high !== 0;
  }

  /** The value where a number can hold it; a bigint beyond. */
  int64(): number | bigint {
    this.expect(wireTypes.varint);
    this.readVarint();
    return this.signed();
  }

  uint64(): number | bigint {
    this.expect(wireTypes.varint);
    this.readVarint();
    return this.unsigned();
  }

  double(): number {
    this.expect(wireTypes.fixed64);
    return this.bytes.readDoubleLE(this.step(8));
  }

  /** A view of the message, not a copy. */
  block(): Buffer {
    this.expect(wireTypes.bytes);
    const from = this.length();
    return this.bytes.subarray(from, this.at);
  }

  text(): string {
    return this.textOf(this.block());
  }

  /** A cursor over the message inside the current field. */
  message(): WireReader {
    this.expect(wireTypes.bytes);
    const from = this.length();
    return new WireReader(this.bytes, from, this.at);
  }

  /** Elements of a repeated number, packed or not, behind those of `into`. */
  int32s(into: number[]): void {
    this.each(wireTypes.varint, () => into.push(this.low | 0));
  }

  uint32s(into: number[]): void {
    this.each(wireTypes.varint, () => into.push(this.low >>> 0));
  }

  bools(into: number[]): void {
    this.each(wireTypes.varint, () => into.push(this.low !== 0 || this.high !== 0 ? 1 : 0));
  }

  int64s(into: (number | bigint)[]): void {
    this.each(wireTypes.varint, () => into.push(this.signed()));
  }

  uint64s(into: (number | bigint)[]): void {
    this.each(wireTypes.varint, () => into.push(this.unsigned()));
  }

  floats(into: number[]): void {
    this.each(wireTypes.fixed32, (at) => into.push(this.bytes.readFloatLE(at)));
  }

  doubles(into: number[]): void {
    this.each(wireTypes.fixed64, (at) => into.push(this.bytes.readDoubleLE(at)));
  }

  /** Passes over the current field's value. */
  skip(depth = 0): void {
    switch (this.type) {
      case wireTypes.varint:
        this.readVarint();
        return;
      case wireTypes.fixed64:
        this.step(8);
        return;
      case wireTypes.bytes:
        this.length();
        return;
      case wireTypes.fixed32:
        this.step(4);
        return;
      case wireTypes.startGroup:
        this.skipGroup(depth);
        return;
      default:
        throw malformed(`its field ${this.field} has wire type ${this.type}`);
    }
  }

  private skipGroup(depth: number): void {
    const { field } = this;
    if (depth === groupDepth) throw malformed(`it has groups in more than ${groupDepth} levels`);
    while (this.next()) {
      if (this.type === wireTypes.endGroup && this.field === field) return;
      this.skip(depth + 1);
    }
    throw malformed('it ends within a group');
  }

  private each(type: number, take: (at: number) => void): void {
    const element = () => {
      if (type === wireTypes.varint) {
        this.readVarint();
        take(0);
      } else take(this.step(type === wireTypes.fixed32 ? 4 : 8));
    };
    if (this.type === type) {
      element();
      return;
    }
    this.expect(wireTypes.bytes);
    this.length();
    const until = this.at;
    this.at = this.start;
    while (this.at < until) element();
    if (this.at !== until) throw malformed(`its field ${this.field} ends within an element`);
  }

  /** Where the last block began. */
  private start = 0;

  /** Passes over a length and as many bytes, and gives where they begin. */
  private length(): number {
    this.readVarint();
    if (this.high !== 0) throw malformed(`its field ${this.field} is longer than the message`);
    this.start = this.at;
    return this.step(this.low >>> 0);
  }

  private step(count: number): number {
    const from = this.at;
    if (count > this.end - from) throw malformed(`its field ${this.field} is longer than the message`);
    this.at = from + count;
    return from;
  }

  private expect(type: number): void {
    if (this.type !== type) throw malformed(`its field ${this.field} has wire type ${this.type}, not ${type}`);
  }

  private textOf(block: Buffer): string {
    try {
      return utf8.decode(block);
    } catch {
      throw malformed(`its field ${this.field} is a text that is not UTF-8`);
    }
  }

  private signed(): number | bigint {
    const high = this.high | 0;
    if (high >= -0x200000 && high < 0x200000) return high * 0x1_0000_0000 + (this.low >>> 0);
    return (BigInt(high) << 32n) | BigInt(this.low >>> 0);
  }

  private unsigned(): number | bigint {
    const high = this.high >>> 0;
    if (high < 0x200000) return high * 0x1_0000_0000 + (this.low >>> 0);
    return (BigInt(high) << 32n) | BigInt(this.low >>> 0);
  }

  private readVarint(): void {
    const { bytes, end } = this;
    let low = 0;
    let high = 0;
    for (let i = 0; i < 10; i++) {
      if (this.at >= end) throw malformed('it ends within a number');
      const byte = bytes[this.at++]!;
      const value = byte & 0x7f;
      if (i < 4) low |= value << (7 * i);
      else if (i === 4) {
        low |= value << 28;
        high = value >>> 4;
      } else high |= value << (7 * i - 32);
      if (byte < 0x80) {
        this.low = low;
        this.high = high;
        return;
      }
    }
    throw malformed('it has a number of more than ten bytes');
  }
}

/** Writes one message into one buffer; what it holds is measured first, so that nothing is copied twice. */
export class WireWriter {
  private readonly bytes: Buffer;
  private at = 0;

  constructor(size: number) {
    this.bytes = Buffer.allocUnsafe(size);
  }

  /** The message; it fills the buffer to the last byte. */
  finish(): Buffer {
    if (this.at !== this.bytes.length) throw new Error(`measured ${this.bytes.length} bytes, and wrote ${this.at}`);
    return this.bytes;
  }

  tag(field: number, type: number): void {
    this.varint(field * 8 + type);
  }

  /** A whole number from 0 to 2^53. */
  varint(value: number): void {
    let rest = value;
    while (rest >= 0x80) {
      this.bytes[this.at++] = (rest % 0x80) | 0x80;
      rest = Math.floor(rest / 0x80);
    }
    this.bytes[this.at++] = rest;
  }

  /** 64 bits in two's complement. */
  bigVarint(value: bigint): void {
    let rest = BigInt.asUintN(64, value);
    while (rest >= 0x80n) {
      this.bytes[this.at++] = Number(rest & 0x7fn) | 0x80;
      rest >>= 7n;
    }
    this.bytes[this.at++] = Number(rest);
  }

  text(field: number, text: string, size: number): void {
    this.head(field, size);
    this.at += this.bytes.write(text, this.at, 'utf8');
  }

  block(field: number, block: Uint8Array): void {
    this.head(field, block.length);
    this.bytes.set(block, this.at);
    this.at += block.length;
  }

  /** Tag and length of what is written next. */
  head(field: number, size: number): void {
    this.tag(field, wireTypes.bytes);
    this.varint(size);
  }

  float(value: number): void {
    this.at = this.bytes.writeFloatLE(value, this.at);
  }

  double(value: number): void {
    this.at = this.bytes.writeDoubleLE(value, this.at);
  }
}

/** Bytes of `varint`. */
export function sizeOfVarint(value: number): number {
  let size = 1;
  for (let rest = value; rest >= 0x80; rest = Math.floor(rest / 0x80)) size++;
  return size;
}

/** Bytes of a field of fewer than 16 that holds `size` bytes. */
export const sizeOfField = (size: number): number => 1 + sizeOfVarint(size) + size;
