import { createHash } from 'node:crypto';
import { unsupported } from '../pickle/limits.js';
import { crc32, crc64 } from './checksums.js';
import { LzmaDecoder } from './lzma.js';
import { Input, Output } from './output.js';

const streamMagic = Uint8Array.of(0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00);
const footerMagic = 0x5a59;
const lzma2 = 0x21;

interface BlockSizes {
  readonly unpadded: number;
  readonly uncompressed: number;
}

/**
 * Inflates `.xz` streams, one after another; header, block and index checksums are verified.
 * Specification: https://tukaani.org/xz/xz-file-format.txt
 * @throws artefact-malformed, artefact-over-limit beyond `cap` bytes, artefact-unsupported for filters but LZMA2
 */
export function inflateXz(bytes: Uint8Array, cap: number): Uint8Array {
  const input = new Input('xz', bytes);
  const output = new Output('xz', cap);
  do {
    inflateStream(input, output);
    // Padding between streams: zeros, in multiples of four.
    while (input.left >= 4 && bytes[input.position] === 0) {
      if (input.uint32() !== 0) throw input.damaged('there is no stream where one belongs');
    }
  } while (input.left > 0);
  return output.finish();
}

function inflateStream(input: Input, output: Output): void {
  const start = input.position;
  if (!streamMagic.every((byte) => byte === input.uint8())) throw input.damaged('it does not begin as an xz stream');
  const flags = input.take(2);
  if (flags[0] !== 0 || flags[1]! > 15) throw input.damaged('its stream flags do not exist');
  if (input.uint32() !== crc32(flags)) throw input.damaged('the checksum of its header is wrong');
  const check = flags[1]!;
  const blocks: BlockSizes[] = [];
  for (;;) {
    const headerStart = input.position;
    const headerSize = input.uint8();
    if (headerSize === 0) {
      const backward = readIndex(input, headerStart, blocks);
      readFooter(input, flags, backward);
      return;
    }
    blocks.push(inflateBlock(input, output, headerStart, (headerSize + 1) * 4, check));
    if ((input.position - start) % 4 !== 0) throw input.damaged('a block is not aligned');
  }
}

function inflateBlock(input: Input, output: Output, start: number, headerSize: number, check: number): BlockSizes {
  input.position = start;
  const header = new Input('xz', input.take(headerSize - 4), 1);
  if (input.uint32() !== crc32(header.bytes)) throw input.damaged('the checksum of a block header is wrong');
  const flags = header.uint8();
  if ((flags & 0x3c) !== 0) throw input.damaged('a block header of unknown flags');
  const statedCompressed = (flags & 0x40) === 0 ? undefined : variableLength(header);
  const statedUncompressed = (flags & 0x80) === 0 ? undefined : variableLength(header);
  const filter = variableLength(header);
  if ((flags & 3) !== 0 || filter !== lzma2) {
    throw unsupported('xz', `a filter other than LZMA2 (0x${filter.toString(16)})`, 'compress without further filters');
  }
  if (variableLength(header) !== 1) throw input.damaged('the properties of LZMA2 are wrong');
  const dictionary = header.uint8();
  if (dictionary > 40) throw input.damaged('the properties of LZMA2 are wrong');
  while (header.left > 0) if (header.uint8() !== 0) throw input.damaged('a block header with leftovers');

  const dataStart = input.position;
  const outputStart = output.length;
  const dictionarySize =
    dictionary === 40 ? 2 ** 32 - 1 : (2 | (dictionary & 1)) * 2 ** (Math.floor(dictionary / 2) + 11);
  inflateLzma2(input, output, Math.max(dictionarySize, 4096));
  const compressed = input.position - dataStart;
  const uncompressed = output.length - outputStart;
  if ((statedCompressed ?? compressed) !== compressed || (statedUncompressed ?? uncompressed) !== uncompressed) {
    throw input.damaged('the sizes of a block are not the ones it states');
  }
  while ((input.position - dataStart) % 4 !== 0) if (input.uint8() !== 0) throw input.damaged('a block with leftovers');
  const checkSize = verifyCheck(input, output.bytes.subarray(outputStart, output.length), check);
  return { unpadded: headerSize + compressed + checkSize, uncompressed };
}

/** LZMA2: chunks that are stored, or compressed with LZMA under what earlier chunks left behind. */
function inflateLzma2(input: Input, output: Output, dictionarySize: number): void {
  const decoder = new LzmaDecoder(output, input.bytes);
  decoder.dictionarySize = dictionarySize;
  decoder.dictionaryStart = output.length;
  let needsDictionary = true;
  let needsState = true;
  for (;;) {
    const control = input.uint8();
    if (control === 0) return;
    if (control === 1 || control >= 0xe0) {
      needsDictionary = false;
      decoder.dictionaryStart = output.length;
    } else if (needsDictionary) throw input.damaged('a chunk needs what came before, and nothing did');
    if (control < 0x80) {
      if (control > 2) throw input.damaged('a chunk that does not exist');
      output.push(input.take(big16(input) + 1));
      continue;
    }
    const uncompressed = ((control & 0x1f) << 16) + big16(input) + 1;
    const compressed = big16(input) + 1;
    if (control >= 0xc0) {
      const properties = input.uint8();
      const contextBits = properties % 9;
      const positionBits = Math.floor(properties / 9) % 5;
      if (properties >= 9 * 5 * 5 || contextBits + positionBits > 4) throw input.damaged('its properties do not exist');
      decoder.setProperties(contextBits, positionBits, Math.floor(properties / 45));
      needsState = false;
    } else if (!decoder.hasProperties) throw input.damaged('a chunk needs what came before, and nothing did');
    else if (control >= 0xa0) {
      decoder.resetState();
      needsState = false;
    } else if (needsState) throw input.damaged('a chunk needs what came before, and nothing did');
    const chunk = input.position;
    input.take(compressed);
    decoder.startRange(chunk, input.position);
    decoder.decode(uncompressed);
    if (!decoder.atEnd) throw input.damaged('a chunk has leftovers');
  }
}

function big16(input: Input): number {
  const high = input.uint8();
  return (high << 8) | input.uint8();
}

/** @throws artefact-malformed when the index does not agree with the blocks. Returns the size of the index. */
function readIndex(input: Input, start: number, blocks: readonly BlockSizes[]): number {
  let agrees = variableLength(input) === blocks.length;
  if (agrees) {
    for (const block of blocks) {
      agrees &&= variableLength(input) === block.unpadded;
      agrees &&= variableLength(input) === block.uncompressed;
    }
  }
  if (!agrees) throw input.damaged('its index does not agree with its blocks');
  while ((input.position - start) % 4 !== 0) if (input.uint8() !== 0) throw input.damaged('its index has leftovers');
  const index = input.bytes.subarray(start, input.position);
  if (input.uint32() !== crc32(index)) throw input.damaged('the checksum of its index is wrong');
  return index.length + 4;
}

function readFooter(input: Input, flags: Uint8Array, indexSize: number): void {
  const crc = input.uint32();
  const footer = input.take(6);
  if (crc !== crc32(footer)) throw input.damaged('the checksum of its footer is wrong');
  const fields = new Input('xz', footer);
  const backward = (fields.uint32() + 1) * 4;
  if (backward !== indexSize || footer[4] !== flags[0] || footer[5] !== flags[1]) {
    throw input.damaged('its footer does not agree with its header');
  }
  const magic = input.uint8() | (input.uint8() << 8);
  if (magic !== footerMagic) throw input.damaged('its footer is wrong');
}

/** Checks by their number: size in bytes, and the check as little-endian hexadecimal. */
const checks: Readonly<Record<number, { size: number; of(content: Uint8Array): string }>> = {
  0: { size: 0, of: () => '' },
  1: { size: 4, of: (content) => reversed(crc32(content).toString(16).padStart(8, '0')) },
  4: { size: 8, of: (content) => reversed(crc64(content).toString(16).padStart(16, '0')) },
  10: { size: 32, of: (content) => createHash('sha256').update(content).digest('hex') },
};

function verifyCheck(input: Input, content: Uint8Array, kind: number): number {
  const check = checks[kind];
  if (check === undefined) throw unsupported('xz', `a check of kind ${kind}`, 'compress with CRC64, CRC32 or SHA-256');
  const stated = Buffer.from(input.take(check.size)).toString('hex');
  if (check.of(content) !== stated) throw input.damaged('the checksum of a block is wrong');
  return check.size;
}

/** Big-endian hexadecimal to little-endian. */
const reversed = (hex: string) => Buffer.from(hex, 'hex').reverse().toString('hex');

/** Seven bits a byte, least significant first. */
function variableLength(input: Input): number {
  let value = 0;
  for (let i = 0; i < 9; i++) {
    const byte = input.uint8();
    value += (byte & 0x7f) * 2 ** (7 * i);
    if (byte < 0x80) {
      if ((byte === 0 && i > 0) || !Number.isSafeInteger(value)) break;
      return value;
    }
  }
  throw input.damaged('a number that is too large');
}
