/** Resizing as Pillow does it (`Image.resize` with `LANCZOS`, of 8-bit gray), to the bit: hashes of small images hang on it. */

const lobes = 3;
/** Weights are whole multiples of 2⁻²², as Pillow's are. */
const one = 2 ** 22;

/** What one pixel is made of: the pixels from `from` on, by these weights. */
interface Tap {
  readonly from: number;
  readonly weights: Float64Array;
}

/** Gray values, row by row. */
export function resizeGray(
  gray: Uint8Array,
  width: number,
  height: number,
  toWidth: number,
  toHeight: number,
): Uint8Array {
  const narrow = width === toWidth ? gray : resizeRows(gray, width, height, toWidth);
  if (height === toHeight) return narrow;
  return turn(resizeRows(turn(narrow, toWidth, height), height, toWidth, toHeight), toHeight, toWidth);
}

function resizeRows(gray: Uint8Array, width: number, height: number, toWidth: number): Uint8Array {
  const taps = tapsOf(width, toWidth);
  const resized = new Uint8Array(toWidth * height);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < toWidth; x++) {
      const { from, weights } = taps[x]!;
      let sum = one / 2;
      for (let i = 0; i < weights.length; i++) sum += gray[y * width + from + i]! * weights[i]!;
      resized[y * toWidth + x] = Math.min(255, Math.max(0, Math.floor(sum / one)));
    }
  }
  return resized;
}

function tapsOf(size: number, toSize: number): Tap[] {
  const scale = size / toSize;
  const spread = Math.max(scale, 1);
  const support = lobes * spread;
  return Array.from({ length: toSize }, (_, pixel) => {
    const center = (pixel + 0.5) * scale;
    const from = Math.max(0, Math.trunc(center - support + 0.5));
    const to = Math.min(size, Math.trunc(center + support + 0.5));
    const weights = Float64Array.from({ length: to - from }, (_, i) => lanczos((from + i - center + 0.5) / spread));
    const whole = weights.reduce((sum, weight) => sum + weight, 0);
    return {
      from,
      weights: weights.map((weight) => Math.sign(weight) * Math.floor(Math.abs(weight / whole) * one + 0.5)),
    };
  });
}

const lanczos = (x: number) => (x >= -lobes && x < lobes ? sinc(x) * sinc(x / lobes) : 0);

const sinc = (x: number) => (x === 0 ? 1 : Math.sin(x * Math.PI) / (x * Math.PI));

/** Rows become columns. */
function turn(gray: Uint8Array, width: number, height: number): Uint8Array {
  const turned = new Uint8Array(gray.length);
  for (let y = 0; y < height; y++) for (let x = 0; x < width; x++) turned[x * height + y] = gray[y * width + x]!;
  return turned;
}
