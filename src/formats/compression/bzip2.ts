import { malformed, unsupported } from '../pickle/limits.js';
import { bzip2Crc32 } from './checksums.js';
import { Output } from './output.js';

const maxCodeLength = 20;
const groupSize = 50;

/**
 * Inflates bzip2 streams, one after another; block and stream checksums are verified.
 * Reference: https://sourceware.org/git/?p=bzip2.git;a=blob;f=decompress.c
 * @throws artefact-malformed, artefact-over-limit beyond `cap` bytes
 */
export function inflateBzip2(bytes: Uint8Array, cap: number): Uint8Array {
  const output = new Output('bzip2', cap);
  const bits = new BitReader(bytes);
  do inflateStream(bits, output);
  while (bits.alignAndHasMore());
  return output.finish();
}

function inflateStream(bits: BitReader, output: Output): void {
  if (bits.read(24) !== 0x425a68) throw bits.damaged('it does not begin with "BZh"');
  const level = bits.read(8) - 0x30;
  if (level < 1 || level > 9) throw bits.damaged('a block size that does not exist');
  const capacity = level * 100_000;
  // Grows with the blocks that come: a header of four bytes does not earn megabytes.
  const scratch = new Scratch(capacity);
  let combined = 0;
  for (;;) {
    const high = bits.read(24);
    const low = bits.read(24);
    const crc = ((bits.read(16) << 16) | bits.read(16)) >>> 0;
    if (high === 0x177245 && low === 0x385090) {
      if (crc !== combined >>> 0) throw bits.damaged('the checksum of the stream is wrong');
      return;
    }
    if (high !== 0x314159 || low !== 0x265359) throw bits.damaged('there is no block where one belongs');
    const start = output.length;
    inflateBlock(bits, scratch, output);
    if (bzip2Crc32(output.bytes.subarray(start, output.length)) !== crc) {
      throw bits.damaged('the checksum of a block is wrong');
    }
    combined = ((combined << 1) | (combined >>> 31)) ^ crc;
  }
}

/** Symbols of one block: what precedes the Burrows-Wheeler transform, then its links. */
class Scratch {
  links = new Uint32Array(1 << 12);
  length = 0;

  constructor(private readonly capacity: number) {}

  push(symbol: number, count: number, bits: BitReader): void {
    const needed = this.length + count;
    if (needed > this.capacity) throw bits.damaged('a block is larger than it may be');
    if (needed > this.links.length) {
      const grown = new Uint32Array(Math.min(this.capacity, Math.max(needed, this.links.length * 2)));
      grown.set(this.links.subarray(0, this.length));
      this.links = grown;
    }
    this.links.fill(symbol, this.length, needed);
    this.length = needed;
  }
}

function inflateBlock(bits: BitReader, scratch: Scratch, output: Output): void {
  if (bits.read(1) === 1) throw unsupported('bzip2', 'a randomised block', 'compress with bzip2 1.0 or later');
  const origin = bits.read(24);
  const alphabet = readAlphabet(bits);
  readSymbols(bits, alphabet, scratch);
  if (origin >= scratch.length) throw bits.damaged('a block begins beyond its end');
  linkBytes(scratch);
  writeRuns(scratch, origin, output);
}

/** Bytes that occur in the block, as a two-level bitmap. */
function readAlphabet(bits: BitReader): Uint8Array {
  const groups = bits.read(16);
  const alphabet: number[] = [];
  for (let group = 0; group < 16; group++) {
    if (((groups >> (15 - group)) & 1) === 0) continue;
    const members = bits.read(16);
    for (let i = 0; i < 16; i++) if (((members >> (15 - i)) & 1) === 1) alphabet.push(group * 16 + i);
  }
  if (alphabet.length === 0) throw bits.damaged('a block without any byte');
  return Uint8Array.from(alphabet);
}

/** Huffman codes, run lengths and move-to-front undone: the block's bytes into `scratch`. */
function readSymbols(bits: BitReader, alphabet: Uint8Array, scratch: Scratch): void {
  const tableCount = bits.read(3);
  const selectorCount = bits.read(15);
  if (tableCount < 2 || tableCount > 6 || selectorCount === 0) throw bits.damaged('a block without code tables');
  const order = Uint8Array.from({ length: tableCount }, (_, i) => i);
  const selectors = new Uint8Array(selectorCount);
  for (let i = 0; i < selectorCount; i++) {
    let place = 0;
    while (bits.read(1) === 1) if (++place >= tableCount) throw bits.damaged('a table that does not exist');
    selectors[i] = moveToFront(order, place);
  }
  const symbolCount = alphabet.length + 2;
  const tables = Array.from({ length: tableCount }, () => readTable(bits, symbolCount));
  const end = symbolCount - 1;
  scratch.length = 0;
  let run = 0;
  let weight = 1;
  for (let group = 0; ; group++) {
    if (group >= selectorCount) throw bits.damaged('a block without an end');
    const table = tables[selectors[group]!]!;
    for (let i = 0; i < groupSize; i++) {
      const symbol = table.decode(bits);
      if (symbol <= 1) {
        // RUNA and RUNB: a run length in bijective base 2.
        if (weight > 2 ** 21) throw bits.damaged('a block is larger than it may be');
        run += weight << symbol;
        weight *= 2;
        continue;
      }
      if (run > 0) {
        scratch.push(alphabet[0]!, run, bits);
        run = 0;
        weight = 1;
      }
      if (symbol === end) return;
      scratch.push(moveToFront(alphabet, symbol - 1), 1, bits);
    }
  }
}

function moveToFront(values: Uint8Array, place: number): number {
  const value = values[place]!;
  values.copyWithin(1, 0, place);
  values[0] = value;
  return value;
}

/** A canonical Huffman code, decoded length by length. */
class CodeTable {
  /** By length: the largest code, and what turns a code into a place of `symbols`. */
  private readonly largest = new Int32Array(maxCodeLength + 2).fill(-1);
  private readonly offset = new Int32Array(maxCodeLength + 2);
  private readonly symbols: Uint16Array;
  private readonly shortest: number;

  constructor(lengths: Uint8Array) {
    this.shortest = Math.min(...lengths);
    this.symbols = new Uint16Array(lengths.length);
    let place = 0;
    let code = 0;
    for (let length = this.shortest; length <= maxCodeLength; length++) {
      this.offset[length] = place - code;
      for (let symbol = 0; symbol < lengths.length; symbol++) {
        if (lengths[symbol] !== length) continue;
        this.symbols[place++] = symbol;
        code++;
      }
      this.largest[length] = code - 1;
      code *= 2;
    }
  }

  decode(bits: BitReader): number {
    let length = this.shortest;
    let code = bits.read(length);
    for (;;) {
      if (code <= this.largest[length]!) {
        const symbol = this.symbols[code + this.offset[length]!];
        if (symbol === undefined) throw bits.damaged('a code that does not exist');
        return symbol;
      }
      if (++length > maxCodeLength) throw bits.damaged('a code that does not exist');
      code = (code << 1) | bits.read(1);
    }
  }
}

function readTable(bits: BitReader, symbolCount: number): CodeTable {
  const lengths = new Uint8Array(symbolCount);
  let length = bits.read(5);
  for (let symbol = 0; symbol < symbolCount; symbol++) {
    for (;;) {
      if (length < 1 || length > maxCodeLength) throw bits.damaged('a code length that does not exist');
      if (bits.read(1) === 0) break;
      length += bits.read(1) === 0 ? 1 : -1;
    }
    lengths[symbol] = length;
  }
  return new CodeTable(lengths);
}

/** Prepares the inverse Burrows-Wheeler transform: the upper bits of each entry lead to the next byte. */
function linkBytes({ links, length }: Scratch): void {
  const starts = new Uint32Array(256);
  for (let i = 0; i < length; i++) starts[links[i]! & 0xff]!++;
  let sum = 0;
  for (let byte = 0; byte < 256; byte++) {
    const count = starts[byte]!;
    starts[byte] = sum;
    sum += count;
  }
  for (let i = 0; i < length; i++) links[starts[links[i]! & 0xff]!++]! |= i << 8;
}

/** Follows the links and undoes the first run-length code: four equal bytes are followed by a count. */
function writeRuns({ links, length }: Scratch, origin: number, output: Output): void {
  let entry = links[origin]!;
  let previous = -1;
  let equal = 0;
  for (let i = 0; i < length; i++) {
    entry = links[entry >>> 8]!;
    const byte = entry & 0xff;
    if (equal === 4) {
      output.reserve(byte);
      output.bytes.fill(previous, output.length, output.length + byte);
      output.length += byte;
      equal = 0;
      previous = -1;
      continue;
    }
    equal = byte === previous ? equal + 1 : 1;
    previous = byte;
    output.reserve(1);
    output.bytes[output.length++] = byte;
  }
}

/** Bits, most significant first. */
class BitReader {
  private position = 0;
  private hold = 0;
  private held = 0;

  constructor(private readonly bytes: Uint8Array) {}

  /** The next `count` bits, at most 24. */
  read(count: number): number {
    while (this.held < count) {
      if (this.position >= this.bytes.length) throw this.damaged('it is cut short');
      this.hold = ((this.hold & 0xffffff) << 8) | this.bytes[this.position++]!;
      this.held += 8;
    }
    this.held -= count;
    return (this.hold >>> this.held) & ((1 << count) - 1);
  }

  /** Drops the rest of the byte; true when another stream follows. */
  alignAndHasMore(): boolean {
    this.held = 0;
    return this.position < this.bytes.length;
  }

  damaged(what: string): Error {
    return malformed('bzip2', what, this.position);
  }
}
