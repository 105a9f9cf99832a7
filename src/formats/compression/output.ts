import { malformed, overLimit } from '../pickle/limits.js';

/** Where decoders put what they inflate: grows by doubling, never beyond the cap. */
export class Output {
  bytes: Uint8Array;
  length = 0;

  constructor(
    readonly format: string,
    private readonly cap: number,
  ) {
    this.bytes = new Uint8Array(Math.min(cap, 1 << 16));
  }

  /** Makes room for `more` bytes. @throws artefact-over-limit */
  reserve(more: number): void {
    const needed = this.length + more;
    if (needed <= this.bytes.length) return;
    if (needed > this.cap) throw overLimit(this.format, 'inflated bytes', needed, this.cap, 'inflationRatio');
    // Near the cap at once: pages that nothing is written to cost nothing, copies do.
    const doubled = Math.max(needed, this.bytes.length * 2);
    const grown = new Uint8Array(doubled > this.cap / 4 ? this.cap : doubled);
    grown.set(this.bytes.subarray(0, this.length));
    this.bytes = grown;
  }

  push(bytes: Uint8Array): void {
    this.reserve(bytes.length);
    this.bytes.set(bytes, this.length);
    this.length += bytes.length;
  }

  /** Copies `count` bytes from `distance` back, which may overlap what is written. The caller checked the distance. */
  repeat(distance: number, count: number): void {
    this.reserve(count);
    const { bytes, length } = this;
    if (distance >= count) bytes.copyWithin(length, length - distance, length - distance + count);
    else for (let i = 0; i < count; i++) bytes[length + i] = bytes[length + i - distance]!;
    this.length = length + count;
  }

  finish(): Uint8Array {
    return this.bytes.subarray(0, this.length);
  }
}

/** Little-endian reads that refuse to leave the bytes. */
export class Input {
  position: number;

  constructor(
    readonly format: string,
    readonly bytes: Uint8Array,
    start = 0,
  ) {
    this.position = start;
  }

  get left(): number {
    return this.bytes.length - this.position;
  }

  uint8(): number {
    if (this.left < 1) throw this.damaged('it is cut short');
    return this.bytes[this.position++]!;
  }

  uint32(): number {
    const bytes = this.take(4);
    return (bytes[0]! | (bytes[1]! << 8) | (bytes[2]! << 16) | (bytes[3]! << 24)) >>> 0;
  }

  /** @throws artefact-malformed beyond 2^53 as well */
  uint64(): number {
    const low = this.uint32();
    const value = this.uint32() * 2 ** 32 + low;
    if (!Number.isSafeInteger(value)) throw this.damaged(`a size of ${value}`);
    return value;
  }

  take(length: number): Uint8Array {
    if (length > this.left) throw this.damaged('it is cut short');
    this.position += length;
    return this.bytes.subarray(this.position - length, this.position);
  }

  damaged(what: string): Error {
    return malformed(this.format, what, this.position);
  }
}
