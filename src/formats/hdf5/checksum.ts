import { damaged } from './cursor.js';

const rotate = (value: number, bits: number): number => (value << bits) | (value >>> (32 - bits));

/**
 * Bob Jenkins' lookup3 (`hashlittle`, initial value 0): the checksum of every version 2 metadata structure.
 * Source: https://burtleburtle.net/bob/c/lookup3.c, H5checksum.c of the HDF5 library.
 */
export function lookup3(bytes: Uint8Array): number {
  let length = bytes.length;
  let a = (0xdeadbeef + length) | 0;
  let b = a;
  let c = a;
  let i = 0;
  const word = (at: number): number =>
    (bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8) | ((bytes[at + 2] ?? 0) << 16) | ((bytes[at + 3] ?? 0) << 24);
  while (length > 12) {
    a = (a + word(i)) | 0;
    b = (b + word(i + 4)) | 0;
    c = (c + word(i + 8)) | 0;
    a = (a - c) ^ rotate(c, 4);
    c = (c + b) | 0;
    b = (b - a) ^ rotate(a, 6);
    a = (a + c) | 0;
    c = (c - b) ^ rotate(b, 8);
    b = (b + a) | 0;
    a = (a - c) ^ rotate(c, 16);
    c = (c + b) | 0;
    b = (b - a) ^ rotate(a, 19);
    a = (a + c) | 0;
    c = (c - b) ^ rotate(b, 4);
    b = (b + a) | 0;
    i += 12;
    length -= 12;
  }
  if (length === 0) return c >>> 0;
  // Bytes past the end count as zero, as in lookup3's byte-wise tail.
  a = (a + word(i)) | 0;
  b = (b + word(i + 4)) | 0;
  c = (c + word(i + 8)) | 0;
  c = (c ^ b) - rotate(b, 14);
  a = (a ^ c) - rotate(c, 11);
  b = (b ^ a) - rotate(a, 25);
  c = (c ^ b) - rotate(b, 16);
  a = (a ^ c) - rotate(c, 4);
  b = (b ^ a) - rotate(a, 14);
  c = (c ^ b) - rotate(b, 24);
  return c >>> 0;
}

/** Fletcher's checksum over 16-bit big-endian words, as H5_checksum_fletcher32 forms it. */
export function fletcher32(bytes: Uint8Array): number {
  let sum1 = 0;
  let sum2 = 0;
  const even = bytes.length & ~1;
  for (let i = 0; i < even; ) {
    const stop = Math.min(i + 720, even);
    for (; i < stop; i += 2) {
      sum1 += (bytes[i]! << 8) | bytes[i + 1]!;
      sum2 += sum1;
    }
    sum1 = (sum1 & 0xffff) + (sum1 >>> 16);
    sum2 = (sum2 & 0xffff) + (sum2 >>> 16);
  }
  if (bytes.length & 1) {
    sum1 += bytes[even]! << 8;
    sum2 += sum1;
    sum1 = (sum1 & 0xffff) + (sum1 >>> 16);
    sum2 = (sum2 & 0xffff) + (sum2 >>> 16);
  }
  sum1 = (sum1 & 0xffff) + (sum1 >>> 16);
  sum2 = (sum2 & 0xffff) + (sum2 >>> 16);
  return ((sum2 << 16) | sum1) >>> 0;
}

/** Checks the lookup3 checksum in the last four bytes of a structure. */
export function verifyChecksum(bytes: Uint8Array, offset: number): void {
  if (bytes.length < 4) throw damaged('a checksum is missing', offset);
  const end = bytes.length - 4;
  const stored = (bytes[end]! | (bytes[end + 1]! << 8) | (bytes[end + 2]! << 16) | (bytes[end + 3]! << 24)) >>> 0;
  if (lookup3(bytes.subarray(0, end)) !== stored) throw damaged('a checksum does not match', offset);
}
