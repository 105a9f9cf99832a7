import { unsupported } from '../pickle/limits.js';
import { xxh32 } from './checksums.js';
import { Input, Output } from './output.js';

const frameMagic = 0x184d2204;
const skippableMagic = 0x184d2a50;
const maxDistance = 65535;

/**
 * Inflates LZ4 frames, one after another; every checksum that is there is verified.
 * Specification: https://github.com/lz4/lz4/blob/dev/doc/lz4_Frame_format.md and lz4_Block_format.md
 * @throws artefact-malformed, artefact-over-limit beyond `cap` bytes, artefact-unsupported for dictionaries
 */
export function inflateLz4(bytes: Uint8Array, cap: number): Uint8Array {
  const input = new Input('lz4', bytes);
  const output = new Output('lz4', cap);
  do {
    const magic = input.uint32();
    if ((magic & 0xfffffff0) >>> 0 === skippableMagic) input.take(input.uint32());
    else if (magic === frameMagic) inflateFrame(input, output);
    else throw input.damaged('it has no frame where one belongs');
  } while (input.left > 0);
  return output.finish();
}

function inflateFrame(input: Input, output: Output): void {
  const headerStart = input.position;
  const flags = input.uint8();
  const blockSizeCode = (input.uint8() >> 4) & 7;
  if (flags >> 6 !== 1 || (flags & 2) !== 0 || blockSizeCode < 4)
    throw input.damaged('a frame header of unknown flags');
  const independent = (flags & 0x20) !== 0;
  const contentSize = (flags & 8) === 0 ? undefined : input.uint64();
  if ((flags & 1) !== 0) throw unsupported('lz4', 'a dictionary', 'compress without one');
  const header = input.bytes.subarray(headerStart, input.position);
  if (input.uint8() !== ((xxh32(header) >>> 8) & 0xff)) throw input.damaged('the checksum of its header is wrong');

  const blockSize = 1 << (8 + 2 * blockSizeCode);
  const frameStart = output.length;
  for (;;) {
    const word = input.uint32();
    if (word === 0) break;
    const size = word & 0x7fffffff;
    if (size > blockSize) throw input.damaged(`a block of ${size} bytes`);
    const block = input.take(size);
    if ((flags & 0x10) !== 0 && input.uint32() !== xxh32(block))
      throw input.damaged('the checksum of a block is wrong');
    const blockStart = output.length;
    if (word >>> 31 === 1) output.push(block);
    else inflateBlock(new Input('lz4', block), output, independent ? blockStart : frameStart, blockStart + blockSize);
  }
  const content = output.bytes.subarray(frameStart, output.length);
  if (contentSize !== undefined && content.length !== contentSize)
    throw input.damaged('its length is not the one it states');
  if ((flags & 4) !== 0 && input.uint32() !== xxh32(content)) throw input.damaged('its checksum is wrong');
}

/** `windowStart`: the first byte of the output that a match may reach; `end`: what the output may grow to. */
function inflateBlock(input: Input, output: Output, windowStart: number, end: number): void {
  const length = (nibble: number) => {
    let total = nibble;
    if (nibble === 15) {
      let byte: number;
      do {
        byte = input.uint8();
        total += byte;
      } while (byte === 255);
    }
    return total;
  };
  while (input.left > 0) {
    const token = input.uint8();
    const literals = input.take(length(token >> 4));
    if (output.length + literals.length > end) throw input.damaged('a block inflates beyond its size');
    output.push(literals);
    // The last sequence of a block has literals alone.
    if (input.left === 0) return;
    const distance = input.uint8() | (input.uint8() << 8);
    const count = length(token & 15) + 4;
    if (distance === 0 || distance > Math.min(maxDistance, output.length - windowStart)) {
      throw input.damaged('a match reaches before its start');
    }
    if (output.length + count > end) throw input.damaged('a block inflates beyond its size');
    output.repeat(distance, count);
  }
}
