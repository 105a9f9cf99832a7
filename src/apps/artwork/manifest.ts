import type { ImageFacts, ImageFault } from './image-task.js';
import type { ArtworkPackage } from './receiver-body.js';

/** Where an image came from: an entry of the zip file, an address, or an entry that is listed among the addresses too. */
export interface ImageOrigin {
  readonly entry?: string;
  readonly url?: string;
}

export interface NamedOrigin {
  /** The file's name: the last part of its entry or address. */
  readonly name: string;
  readonly source: ImageOrigin;
}

/** An image as the manifest has it. Its place in the list is its number, which its thumbnail is called by. */
export type ImageRecord = GoodImage | BrokenImage;

export interface GoodImage extends NamedOrigin {
  readonly bytes: number;
  readonly sha256: string;
  readonly format: string;
  /** As stored; `thumbnail` is upright. */
  readonly width: number;
  readonly height: number;
  readonly pages: number;
  readonly perceptual_hash: string;
  /** Relative to the manifest. */
  readonly thumbnail: string;
  /** Number of the first image with the same bytes, where this is a later one. */
  readonly duplicate_of?: number;
  /** What the image model says, where one is named. */
  readonly prediction?: unknown;
  readonly prediction_error?: string;
}

export interface BrokenImage extends NamedOrigin {
  readonly bytes?: number;
  readonly sha256?: string;
  /** To follow "the image". */
  readonly error: string;
}

export interface ImageCounts {
  readonly images: number;
  readonly ok: number;
  readonly broken: number;
}

export interface Manifest {
  readonly package: ArtworkPackage;
  readonly counts: ImageCounts;
  readonly images: readonly ImageRecord[];
}

export const thumbnailName = (number: number): string => `thumbnails/${number}.webp`;

export function brokenImage({ name, source }: NamedOrigin, { fault, bytes, sha256 }: ImageFault): BrokenImage {
  return {
    name,
    source,
    ...(bytes === undefined ? {} : { bytes }),
    ...(sha256 === undefined ? {} : { sha256 }),
    error: fault,
  };
}

export function goodImage(
  { name, source }: NamedOrigin,
  facts: ImageFacts,
  number: number,
  predicted: { readonly prediction?: unknown; readonly prediction_error?: string } = {},
): GoodImage {
  const { bytes, sha256, format, width, height, pages, perceptualHash } = facts;
  return {
    name,
    source,
    bytes,
    sha256,
    format,
    width,
    height,
    pages,
    perceptual_hash: perceptualHash,
    thumbnail: thumbnailName(number),
    ...predicted,
  };
}

/** The manifest of a package: the same images give the same text, whichever was done first. */
export function makeManifest(posted: ArtworkPackage, records: readonly ImageRecord[]): Manifest {
  const first = new Map<string, number>();
  const images = records.map((record, number): ImageRecord => {
    if ('error' in record) return record;
    const duplicateOf = first.get(record.sha256);
    if (duplicateOf !== undefined) return { ...record, duplicate_of: duplicateOf };
    first.set(record.sha256, number);
    return record;
  });
  const broken = images.filter((record) => 'error' in record).length;
  const counts = { images: images.length, ok: images.length - broken, broken };
  return { package: posted, counts, images };
}
