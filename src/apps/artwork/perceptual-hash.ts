/**
 * The perceptual hash of an image: 64 bits that differ in few places where two images look alike. Zauner,
 * "Implementation and Benchmarking of Perceptual Image Hash Functions" (2010), 3.2.1, in the form in which Python's
 * `imagehash.phash` computes it, so that hashes of either can be compared.
 */

/** Width and height of the gray image that is hashed. */
export const hashedSize = 32;
const kept = 8;

/** cos(π·k·(2n+1) / 2N) of the DCT-II, for the frequencies that are kept. */
const cosines = Array.from({ length: kept }, (_, k) =>
  Float64Array.from({ length: hashedSize }, (_, n) => Math.cos((Math.PI * k * (2 * n + 1)) / (2 * hashedSize))),
);

/**
 * The hash of 32 × 32 gray values, row by row, as 16 hexadecimal digits: which of the 8 × 8 lowest frequencies of their
 * DCT-II lie above the median of these 64, that of the mean gray included.
 */
export function hashGray(gray: ArrayLike<number>): string {
  const columns = cosines.map((cosine) =>
    Float64Array.from({ length: hashedSize }, (_, x) => {
      let sum = 0;
      for (let y = 0; y < hashedSize; y++) sum += gray[y * hashedSize + x]! * cosine[y]!;
      return sum;
    }),
  );
  const low = columns.flatMap((column) =>
    cosines.map((cosine) => {
      let sum = 0;
      for (let x = 0; x < hashedSize; x++) sum += column[x]! * cosine[x]!;
      return Math.abs(sum) < rounding ? 0 : sum;
    }),
  );
  const sorted = [...low].sort((a, b) => a - b);
  const median = (sorted[31]! + sorted[32]!) / 2;
  let bits = 0n;
  for (const frequency of low) bits = (bits << 1n) | (frequency > median ? 1n : 0n);
  return bits.toString(16).padStart(16, '0');
}

/** Sums of 1,024 products up to 255 are wrong by less; a symmetric image has frequencies that are 0 and must stay so. */
const rounding = 1e-8;

/** Gray of interleaved colours as Pillow makes it of RGB (ITU-R BT.601 luma, in 16-bit fixed point). */
export function grayOf(pixels: Uint8Array, channels: number): Uint8Array {
  return Uint8Array.from({ length: pixels.length / channels }, (_, i) => {
    const at = i * channels;
    return (pixels[at]! * 19_595 + pixels[at + 1]! * 38_470 + pixels[at + 2]! * 7_471 + 0x8000) >> 16;
  });
}

/** Bits in which two hashes differ, of 64. */
export function hashDistance(a: string, b: string): number {
  let bits = BigInt(`0x${a}`) ^ BigInt(`0x${b}`);
  let count = 0;
  for (; bits > 0n; bits &= bits - 1n) count++;
  return count;
}
