/**
 * Resizing of images as TensorFlow does it: half-pixel centres, no antialiasing.
 * Source: tensorflow/core/kernels/image (resize_bicubic_op.cc, resize_area_op.cc, scale_and_translate_op.cc).
 */
import { fixedSize, type KerasTensor, type LayerCall } from './layer.js';

export type Interpolation =
  | 'nearest'
  | 'bilinear'
  | 'bicubic'
  | 'area'
  | 'lanczos3'
  | 'lanczos5'
  | 'gaussian'
  | 'mitchellcubic';

export const interpolations: readonly Interpolation[] = [
  'nearest',
  'bilinear',
  'bicubic',
  'area',
  'lanczos3',
  'lanczos5',
  'gaussian',
  'mitchellcubic',
];

/** A square of more weights than this is left alone: the matrix of an image from 4096 to 4096 pixels. */
const maxWeights = 2 ** 24;

/**
 * [batch, channels, height, width] → [batch, channels, …size]. Nearest and bilinear take free sizes; the others
 * multiply with a matrix of weights for each axis, and need fixed ones.
 */
export function resizeImage(
  call: LayerCall,
  x: KerasTensor,
  size: readonly [number, number],
  interpolation: Interpolation,
): KerasTensor {
  const { graph, layer } = call;
  const shape = [x.shape[0]!, x.shape[1]!, ...size];
  const options = { name: layer.name };
  if (interpolation === 'nearest' || interpolation === 'bilinear') {
    const attributes = {
      coordinate_transformation_mode: 'half_pixel',
      ...(interpolation === 'nearest' ? { mode: 'nearest', nearest_mode: 'round_prefer_ceil' } : { mode: 'linear' }),
    };
    const kept = graph.node('Shape', [x.value], { start: 0, end: 2 });
    const sizes = graph.node('Concat', [kept, graph.int64s(size)], { axis: 0 });
    const value = graph.node('Resize', [x.value, '', '', sizes], attributes, options);
    return { value, dtype: x.dtype, shape };
  }
  const matrix = (from: number, to: number, transposed: boolean): string => {
    if (from * to > maxWeights) layer.config.refuse(`it resizes ${from} to ${to} pixels by ${interpolation}`);
    const weights = weightsOf(interpolation, from, to);
    const data = transposed
      ? Float32Array.from(weights, (_, i) => weights[(i % to) * from + Math.floor(i / to)]!)
      : weights;
    return graph.constant({ dtype: 'float32', shape: transposed ? [from, to] : [to, from], data }, 'resize');
  };
  const rows = matrix(fixedSize(call, x, 2), size[0], false);
  const columns = matrix(fixedSize(call, x, 3), size[1], true);
  const value = graph.node('MatMul', [graph.node('MatMul', [rows, x.value]), columns], {}, options);
  return { value, dtype: x.dtype, shape };
}

/** The weights [to, from] of one axis. */
export function weightsOf(
  interpolation: Exclude<Interpolation, 'nearest' | 'bilinear'>,
  from: number,
  to: number,
): Float32Array {
  const weights = new Float32Array(to * from);
  const row = { bicubic: cubicRow, area: areaRow }[interpolation as 'bicubic' | 'area'] ?? kernelRow(interpolation);
  for (let i = 0; i < to; i++) {
    row(i, from, to, (index, weight) => {
      weights[i * from + index]! += weight;
    });
  }
  return weights;
}

type Row = (i: number, from: number, to: number, add: (index: number, weight: number) => void) => void;

/** Keys' cubic with a = −0.5, its argument rounded to 1/1024; what is outside counts nothing. */
const cubicRow: Row = (i, from, to, add) => {
  const scale = Math.fround(from / to);
  const place = Math.fround(Math.fround(Math.fround(i + 0.5) * scale) - 0.5);
  const first = Math.floor(place);
  const offset = roundHalfToEven(Math.fround(place - first) * 1024) / 1024;
  const near = (x: number): number => (1.5 * x - 2.5) * x * x + 1;
  const far = (x: number): number => ((-0.5 * x + 2.5) * x - 4) * x + 2;
  const taps = [far(offset + 1), near(offset), near(1 - offset), far(2 - offset)];
  const inside = taps.map((tap, k) => (first - 1 + k >= 0 && first - 1 + k < from ? tap : 0));
  const sum = inside.reduce((a, b) => a + b, 0);
  inside.forEach((tap, k) => {
    if (tap !== 0) add(first - 1 + k, tap / sum);
  });
};

/** The mean over the part of the axis that falls to element i. */
const areaRow: Row = (i, from, to, add) => {
  const scale = from / to;
  const [start, end] = [i * scale, (i + 1) * scale];
  for (let k = Math.floor(start); k < Math.ceil(end - 1e-6); k++) {
    const weight = Math.min(k + 1, end) - Math.max(k, start);
    add(Math.min(k, from - 1), weight / scale);
  }
};

const kernels: Readonly<Record<string, { readonly radius: number; weigh(x: number): number }>> = {
  lanczos3: { radius: 3, weigh: (x) => lanczos(x, 3) },
  lanczos5: { radius: 5, weigh: (x) => lanczos(x, 5) },
  gaussian: { radius: 1.5, weigh: (x) => (x >= 1.5 ? 0 : Math.exp(-(x * x) / 0.5)) },
  mitchellcubic: {
    radius: 2,
    weigh: (x) => {
      if (x >= 2) return 0;
      if (x >= 1) return (((-7 / 18) * x + 2) * x - 10 / 3) * x + 16 / 9;
      return ((7 / 6) * x - 2) * x * x + 8 / 9;
    },
  },
};

function lanczos(x: number, radius: number): number {
  if (x > radius) return 0;
  if (x <= 1e-3) return 1;
  return (radius * Math.sin(Math.PI * x) * Math.sin((Math.PI * x) / radius)) / (Math.PI * Math.PI * x * x);
}

function kernelRow(interpolation: string): Row {
  const { radius, weigh } = kernels[interpolation]!;
  return (i, from, to, add) => {
    const place = ((i + 0.5) * from) / to;
    const clamp = (index: number): number => Math.min(Math.max(index, 0), from - 1);
    const start = clamp(Math.ceil(place - radius - 0.5));
    const end = clamp(Math.floor(place + radius - 0.5));
    const taps = Array.from({ length: end - start + 1 }, (_, k) => weigh(Math.abs(start + k + 0.5 - place)));
    const sum = taps.reduce((a, b) => a + b, 0);
    taps.forEach((tap, k) => {
      add(start + k, tap / sum);
    });
  };
}

function roundHalfToEven(x: number): number {
  const below = Math.floor(x);
  const rest = x - below;
  if (rest !== 0.5) return Math.round(x);
  return below % 2 === 0 ? below : below + 1;
}
