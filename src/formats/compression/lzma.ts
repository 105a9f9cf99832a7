import { malformed } from '../pickle/limits.js';
import { Input, Output } from './output.js';

/**
 * Inflates the `.lzma` format (FORMAT_ALONE).
 * Specification: https://github.com/jljusten/LZMA-SDK/blob/master/DOC/lzma-specification.txt
 * @throws artefact-malformed, artefact-over-limit beyond `cap` bytes
 */
export function inflateLzma(bytes: Uint8Array, cap: number): Uint8Array {
  const input = new Input('lzma', bytes);
  const properties = input.uint8();
  if (properties >= 9 * 5 * 5) throw input.damaged('its properties do not exist');
  const dictionarySize = Math.max(input.uint32(), 4096);
  const low = input.uint32();
  const high = input.uint32();
  const size = low === 0xffffffff && high === 0xffffffff ? undefined : high * 2 ** 32 + low;
  const output = new Output('lzma', cap);
  if (size !== undefined && size > 0) output.reserve(Math.min(size, bytes.length));
  const decoder = new LzmaDecoder(output, bytes);
  decoder.setProperties(properties % 9, Math.floor(properties / 9) % 5, Math.floor(properties / 45));
  decoder.dictionarySize = dictionarySize;
  decoder.startRange(input.position, bytes.length);
  const ended = decoder.decode(size ?? Number.POSITIVE_INFINITY);
  if (!ended) decoder.finish();
  if (size !== undefined && output.length !== size) throw input.damaged('its length is not the one it states');
  return output.finish();
}

/** Places of the groups of probabilities in one array; `2048` is one half. */
const isMatch = 0;
const isRep = isMatch + 12 * 16;
const isRepG0 = isRep + 12;
const isRepG1 = isRepG0 + 12;
const isRepG2 = isRepG1 + 12;
const isRep0Long = isRepG2 + 12;
const distanceSlots = isRep0Long + 12 * 16;
const distanceSpecial = distanceSlots + 4 * 64;
const distanceAlign = distanceSpecial + 115;
const matchLength = distanceAlign + 16;
const lengthSize = 2 + 16 * 8 + 16 * 8 + 256;
const repLength = matchLength + lengthSize;
const literals = repLength + lengthSize;

const topValue = 1 << 24;

/** The LZMA decoder proper: `lzma.ts` gives it one stream, `xz.ts` chunk after chunk of LZMA2. */
export class LzmaDecoder {
  dictionarySize = 4096;
  /** First byte of the output that matches may reach. */
  dictionaryStart = 0;
  private probabilities = new Uint16Array(0);
  private literalContextBits = 0;
  private literalPositionMask = 0;
  private positionMask = 0;
  private state = 0;
  private rep0 = 0;
  private rep1 = 0;
  private rep2 = 0;
  private rep3 = 0;
  // Kept as signed 32-bit integers, which V8 does not box.
  private range = 0;
  private code = 0;
  private position = 0;
  private end = 0;

  constructor(
    private readonly output: Output,
    private readonly input: Uint8Array,
  ) {}

  setProperties(literalContextBits: number, literalPositionBits: number, positionBits: number): void {
    this.literalContextBits = literalContextBits;
    this.literalPositionMask = (1 << literalPositionBits) - 1;
    this.positionMask = (1 << positionBits) - 1;
    this.probabilities = new Uint16Array(literals + (0x300 << (literalContextBits + literalPositionBits)));
    this.resetState();
  }

  get hasProperties(): boolean {
    return this.probabilities.length > 0;
  }

  resetState(): void {
    this.probabilities.fill(1024);
    this.state = 0;
    this.rep0 = 0;
    this.rep1 = 0;
    this.rep2 = 0;
    this.rep3 = 0;
  }

  /** Begins a run of the range coder on the bytes from `start` to `end`. */
  startRange(start: number, end: number): void {
    this.position = start;
    this.end = end;
    if (end - start < 5) throw this.damaged('it is cut short');
    if (this.input[start] !== 0) throw this.damaged('its range coder does not begin with zero');
    this.range = -1;
    this.code = 0;
    for (let i = 1; i < 5; i++) this.code = (this.code << 8) | this.input[start + i]!;
    this.position = start + 5;
  }

  /** The end marker is optional where the size is known. @throws artefact-malformed when the coder is not at rest */
  finish(): void {
    if (this.code === 0) return;
    if (this.decode(0, true)) return;
    throw this.damaged('its range coder does not end with zero');
  }

  /** All bytes of the range coder were used. */
  get atEnd(): boolean {
    return this.position === this.end && this.code === 0;
  }

  /**
   * Writes `count` bytes more, or up to the end marker; true when that was met. With `markerOnly`, nothing but the
   * marker is accepted.
   */
  decode(count: number, markerOnly = false): boolean {
    const { output, probabilities } = this;
    const goal = output.length + count;
    while (output.length < goal || markerOnly) {
      const positionState = (output.length - this.dictionaryStart) & this.positionMask;
      if (this.bit(isMatch + this.state * 16 + positionState) === 0) {
        if (markerOnly) throw this.damaged('it goes on beyond its size');
        this.literal();
        continue;
      }
      let length: number;
      if (this.bit(isRep + this.state) === 0) {
        this.rep3 = this.rep2;
        this.rep2 = this.rep1;
        this.rep1 = this.rep0;
        length = this.length(matchLength, positionState);
        this.state = this.state < 7 ? 7 : 10;
        this.rep0 = this.distance(length);
        if (this.rep0 === -1) {
          if (count !== Number.POSITIVE_INFINITY && !markerOnly) throw this.damaged('it ends before its size');
          if (this.code !== 0) throw this.damaged('its range coder does not end with zero');
          return true;
        }
        if (markerOnly) throw this.damaged('it goes on beyond its size');
      } else {
        if (markerOnly) throw this.damaged('it goes on beyond its size');
        if (this.bit(isRepG0 + this.state) === 0) {
          if (this.bit(isRep0Long + this.state * 16 + positionState) === 0) {
            this.state = this.state < 7 ? 9 : 11;
            this.copy(1, goal);
            continue;
          }
        } else {
          let distance: number;
          if (this.bit(isRepG1 + this.state) === 0) distance = this.rep1;
          else {
            if (this.bit(isRepG2 + this.state) === 0) distance = this.rep2;
            else {
              distance = this.rep3;
              this.rep3 = this.rep2;
            }
            this.rep2 = this.rep1;
          }
          this.rep1 = this.rep0;
          this.rep0 = distance;
        }
        length = this.length(repLength, positionState);
        this.state = this.state < 7 ? 8 : 11;
      }
      this.copy(length, goal);
    }
    return probabilities.length === 0;
  }

  private copy(length: number, goal: number): void {
    const { output } = this;
    const distance = (this.rep0 >>> 0) + 1;
    if (distance > output.length - this.dictionaryStart || distance > this.dictionarySize) {
      throw this.damaged('a match reaches before its start');
    }
    if (output.length + length > goal) throw this.damaged('it goes on beyond its size');
    output.repeat(distance, length);
  }

  private literal(): void {
    const { output } = this;
    output.reserve(1);
    const { bytes } = output;
    const at = output.length;
    const previous = at > this.dictionaryStart ? bytes[at - 1]! : 0;
    const place = ((at - this.dictionaryStart) & this.literalPositionMask) << this.literalContextBits;
    const base = literals + 0x300 * (place + (previous >> (8 - this.literalContextBits)));
    let symbol = 1;
    if (this.state >= 7) {
      const distance = (this.rep0 >>> 0) + 1;
      if (distance > at - this.dictionaryStart) throw this.damaged('a match reaches before its start');
      let matched = bytes[at - distance]!;
      do {
        const expected = (matched >> 7) & 1;
        matched <<= 1;
        const bit = this.bit(base + ((1 + expected) << 8) + symbol);
        symbol = (symbol << 1) | bit;
        if (expected !== bit) break;
      } while (symbol < 0x100);
    }
    while (symbol < 0x100) symbol = (symbol << 1) | this.bit(base + symbol);
    bytes[at] = symbol & 0xff;
    output.length = at + 1;
    this.state = this.state < 4 ? 0 : this.state < 10 ? this.state - 3 : this.state - 6;
  }

  private length(base: number, positionState: number): number {
    if (this.bit(base) === 0) return 2 + this.tree(base + 2 + positionState * 8, 3);
    if (this.bit(base + 1) === 0) return 10 + this.tree(base + 2 + 128 + positionState * 8, 3);
    return 18 + this.tree(base + 2 + 256, 8);
  }

  private distance(length: number): number {
    const slot = this.tree(distanceSlots + Math.min(length - 2, 3) * 64, 6);
    if (slot < 4) return slot;
    const bits = (slot >> 1) - 1;
    const distance = (2 | (slot & 1)) << bits;
    if (slot < 14) return distance + this.reverseTree(distanceSpecial + distance - slot, bits);
    return (distance + (this.direct(bits - 4) << 4) + this.reverseTree(distanceAlign, 4)) | 0;
  }

  private tree(base: number, bits: number): number {
    let symbol = 1;
    for (let i = 0; i < bits; i++) symbol = (symbol << 1) | this.bit(base + symbol);
    return symbol - (1 << bits);
  }

  private reverseTree(base: number, bits: number): number {
    let node = 1;
    let symbol = 0;
    for (let i = 0; i < bits; i++) {
      const bit = this.bit(base + node);
      node = (node << 1) | bit;
      symbol |= bit << i;
    }
    return symbol;
  }

  /** One bit by its probability. */
  private bit(index: number): number {
    const { probabilities } = this;
    const probability = probabilities[index]!;
    const bound = Math.imul(this.range >>> 11, probability);
    let bit: number;
    if (this.code >>> 0 < bound >>> 0) {
      this.range = bound;
      probabilities[index] = probability + ((2048 - probability) >> 5);
      bit = 0;
    } else {
      this.range = (this.range - bound) | 0;
      this.code = (this.code - bound) | 0;
      probabilities[index] = probability - (probability >> 5);
      bit = 1;
    }
    if (this.range >>> 0 < topValue) this.normalise();
    return bit;
  }

  /** Bits of equal probability. */
  private direct(bits: number): number {
    let value = 0;
    for (let i = 0; i < bits; i++) {
      this.range = this.range >>> 1;
      const bit = this.code >>> 0 >= this.range >>> 0 ? 1 : 0;
      if (bit === 1) this.code = (this.code - this.range) | 0;
      if (this.range >>> 0 < topValue) this.normalise();
      value = (value << 1) | bit;
    }
    return value;
  }

  private normalise(): void {
    if (this.position >= this.end) throw this.damaged('it is cut short');
    this.range <<= 8;
    this.code = (this.code << 8) | this.input[this.position++]!;
  }

  private damaged(what: string): Error {
    return malformed(this.output.format, what, this.position);
  }
}
