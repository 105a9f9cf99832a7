/** Decodes an image and says what is in it. Runs in a process of its own: a native decoder that crashes takes it along. */
import { createHash } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import sharp, { type Metadata, type Sharp, type SharpOptions } from 'sharp';
import type { Examination, ImageFacts, ImageFault, ImageFormat, ImageTask, PixelRequest } from './image-task.js';
import { resizeGray } from './lanczos.js';
import { grayOf, hashedSize, hashGray } from './perceptual-hash.js';

/** Loaders of libvips that strangers' files may reach; all others (SVG, PDF, raw, …) are closed. */
const loaders = ['Jpeg', 'Png', 'Webp', 'Nsgif', 'Tiff', 'Heif'];
sharp.block({ operation: ['VipsForeignLoad'] });
sharp.unblock({ operation: loaders.map((name) => `VipsForeignLoad${name}`) });
sharp.cache(false);
sharp.concurrency(1);

const formats: Readonly<Record<string, ImageFormat>> = {
  jpeg: 'jpeg',
  png: 'png',
  webp: 'webp',
  gif: 'gif',
  tiff: 'tiff',
  heif: 'avif',
};

const thumbnailSize = 256;
/** Pixels either way of what thumbnail, hash and pixels are made of, so that the file is decoded once. */
const leastWorkingSize = 512;

/** Pixels of 8 bits, interleaved: RGB or RGBA in sRGB. */
interface Raw {
  readonly data: Uint8Array;
  readonly width: number;
  readonly height: number;
  readonly channels: 3 | 4;
}

/** Facts or a fault; throws only what is not the image's doing, such as a file that is not there. */
export async function examineImage({ source, maxBytes, maxPixels, pixels }: ImageTask): Promise<Examination> {
  const size = 'path' in source ? statSync(source.path).size : source.bytes.length;
  if (size === 0) return { fault: 'is empty', bytes: 0 };
  if (size > maxBytes) return { fault: `has ${size} bytes, over the limit of ${maxBytes}`, bytes: size };
  const file = 'path' in source ? readFileSync(source.path) : source.bytes;
  const known = { bytes: file.length, sha256: createHash('sha256').update(file).digest('hex') };
  const options: SharpOptions = { limitInputPixels: maxPixels, failOn: 'error', sequentialRead: true };
  try {
    // Of the header alone, whatever size it states.
    const metadata = await sharp(file, { ...options, limitInputPixels: false }).metadata();
    const format = formats[metadata.format ?? ''];
    const { width, height } = metadata;
    if (format === undefined || (format === 'avif' && metadata.compression !== 'av1')) return unread(known);
    if (width * height > maxPixels) {
      return { fault: `has ${width} × ${height} pixels, over the limit of ${maxPixels}`, ...known };
    }
    const raw = await decode(sharp(file, options), pixels);
    return {
      ...known,
      format,
      width,
      height,
      pages: metadata.pages ?? 1,
      perceptualHash: perceptualHash(raw),
      thumbnail: await thumbnail(raw, metadata),
      ...(pixels === undefined ? {} : { pixels: await modelPixels(raw, pixels) }),
    } satisfies ImageFacts;
  } catch (error) {
    const { message } = error as Error;
    if (/unsupported image format/.test(message)) return unread(known);
    return { fault: `cannot be decoded: ${plain(message)}`, ...known };
  }
}

const unread = (known: { bytes: number; sha256: string }): ImageFault => ({
  fault: `is in no format that is read here (${Object.values(formats).join(', ')})`,
  ...known,
});

/** libvips' words, which may go on for many lines, and quote the file. */
function plain(message: string): string {
  const [first = ''] = message.split('\n', 1);
  return first
    .replace(/[^\x20-\x7e]/g, '?')
    .slice(0, 200)
    .replace(/[.\s]+$/, '');
}

/** The whole image is decoded, so that damage anywhere in it is met, and kept no larger than is needed. */
async function decode(image: Sharp, pixels: PixelRequest | undefined): Promise<Raw> {
  const size = Math.max(leastWorkingSize, 2 * (pixels?.width ?? 0), 2 * (pixels?.height ?? 0));
  const { data, info } = await image
    .resize({ width: size, height: size, fit: 'inside', withoutEnlargement: true })
    .toColourspace('srgb')
    .raw({ depth: 'uchar' })
    .toBuffer({ resolveWithObject: true });
  const { width, height, channels } = info;
  if (channels >= 3) return { data, width, height, channels: channels === 3 ? 3 : 4 };
  // Gray, with transparency or without.
  const full = channels === 1 ? 3 : 4;
  const wide = new Uint8Array(width * height * full);
  for (let i = 0; i < width * height; i++) {
    wide.fill(data[i * channels]!, i * full, i * full + 3);
    if (full === 4) wide[i * 4 + 3] = data[i * 2 + 1]!;
  }
  return { data: wide, width, height, channels: full };
}

function open({ data, width, height, channels }: Raw): Sharp {
  return sharp(data, { raw: { width, height, channels } });
}

/** What turns an image upright, by the number that the metadata give (Exif 2.32, tag 274): first mirrored, then turned. */
const upright: Readonly<Record<number, readonly [mirrored: boolean, degrees: number]>> = {
  2: [true, 0],
  3: [false, 180],
  4: [true, 180],
  5: [true, 270],
  6: [false, 90],
  7: [true, 90],
  8: [false, 270],
};

async function thumbnail(raw: Raw, { orientation = 1 }: Metadata): Promise<Uint8Array> {
  const [mirrored, degrees] = upright[orientation] ?? [false, 0];
  const small = await open(raw)
    .resize({ width: thumbnailSize, height: thumbnailSize, fit: 'inside', withoutEnlargement: true })
    .flop(mirrored)
    .raw()
    .toBuffer({ resolveWithObject: true });
  const { width, height } = small.info;
  return open({ data: small.data, width, height, channels: raw.channels })
    .rotate(degrees)
    .webp({ quality: 80 })
    .toBuffer();
}

function perceptualHash({ data, width, height, channels }: Raw): string {
  return hashGray(resizeGray(grayOf(data, channels), width, height, hashedSize, hashedSize));
}

async function modelPixels(raw: Raw, { width, height, layout, scale }: PixelRequest): Promise<Float32Array> {
  const rgb = await open(withoutAlpha(raw)).resize({ width, height, fit: 'fill', kernel: 'lanczos3' }).raw().toBuffer();
  const plane = width * height;
  const pixels = new Float32Array(rgb.length);
  for (let i = 0; i < rgb.length; i++) {
    const at = layout === 'channels-last' ? i : (i % 3) * plane + Math.trunc(i / 3);
    pixels[at] = rgb[i]! * scale;
  }
  return pixels;
}

/** Without mixing it into the colours first, as libvips would when it resizes. */
function withoutAlpha({ data, width, height, channels }: Raw): Raw {
  if (channels === 3) return { data, width, height, channels };
  const rgb = new Uint8Array(width * height * 3);
  for (let i = 0; i < width * height; i++) rgb.set(data.subarray(i * 4, i * 4 + 3), i * 3);
  return { data: rgb, width, height, channels: 3 };
}
