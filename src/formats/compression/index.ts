import { inflationCap, type Limits } from '../limits.js';
import { inflateBzip2 } from './bzip2.js';
import { inflateDeflate } from './deflate.js';
import { inflateLz4 } from './lz4.js';
import { inflateLzma } from './lzma.js';
import { inflateXz } from './xz.js';

export type Compression = 'gzip' | 'zlib' | 'bzip2' | 'xz' | 'lzma' | 'lz4';

const magics: readonly (readonly [Compression, readonly number[]])[] = [
  ['gzip', [0x1f, 0x8b]],
  ['bzip2', [0x42, 0x5a, 0x68]],
  ['xz', [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00]],
  ['lzma', [0x5d, 0x00]],
  ['lz4', [0x04, 0x22, 0x4d, 0x18]],
];

/** How `bytes` are compressed, by their first bytes; `undefined` when they are not. */
export function detectCompression(bytes: Uint8Array): Compression | undefined {
  for (const [compression, magic] of magics) {
    if (magic.every((byte, i) => bytes[i] === byte)) return compression;
  }
  // A zlib header is a multiple of 31, and its method is 8 with a window of 32 KiB: joblib writes no other.
  const [first = 0, second = 0] = bytes;
  return first === 0x78 && ((first << 8) | second) % 31 === 0 && (second & 0x20) === 0 ? 'zlib' : undefined;
}

/**
 * Inflates a whole file, as far as its size allows: a file of `n` bytes may become `limits.inflationRatio · n`.
 * @throws artefact-malformed (checksums are verified), artefact-over-limit, artefact-unsupported
 */
export function inflate(compression: Compression, bytes: Uint8Array, limits: Limits): Uint8Array {
  const cap = inflationCap(bytes.length, limits);
  switch (compression) {
    case 'gzip':
    case 'zlib':
      return inflateDeflate(compression, bytes, cap);
    case 'bzip2':
      return inflateBzip2(bytes, cap);
    case 'xz':
      return inflateXz(bytes, cap);
    case 'lzma':
      return inflateLzma(bytes, cap);
    case 'lz4':
      return inflateLz4(bytes, cap);
  }
}
