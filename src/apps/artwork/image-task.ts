/** What is asked of the process that decodes images, and what it answers. */

/** Pixels for an image model: RGB, the image stretched to this size, values 0…255 times `scale`. */
export interface PixelRequest {
  readonly width: number;
  readonly height: number;
  readonly layout: 'channels-last' | 'channels-first';
  readonly scale: number;
}

export type ImageSource = { readonly path: string } | { readonly bytes: Uint8Array };

export interface ImageTask {
  readonly source: ImageSource;
  /** Bytes of the file. */
  readonly maxBytes: number;
  /** Width times height, as the file states them. */
  readonly maxPixels: number;
  readonly pixels?: PixelRequest;
}

export type ImageFormat = 'jpeg' | 'png' | 'webp' | 'gif' | 'tiff' | 'avif';

export interface ImageFacts {
  readonly bytes: number;
  readonly sha256: string;
  readonly format: ImageFormat;
  /** As stored: an orientation in the metadata is not applied. */
  readonly width: number;
  readonly height: number;
  /** Frames of an animation, pages of a document; the first is what was decoded. */
  readonly pages: number;
  /** Of the image as stored, transparency passed over, as `imagehash` has it. */
  readonly perceptualHash: string;
  /** WebP of 256 pixels at most either way, upright, in sRGB, without metadata. */
  readonly thumbnail: Uint8Array;
  readonly pixels?: Float32Array;
}

/** An image that cannot be used. */
export interface ImageFault {
  /** What is wrong with it, to follow "the image": "is empty". */
  readonly fault: string;
  /** Where the file was read at all. */
  readonly bytes?: number;
  readonly sha256?: string;
}

export type Examination = ImageFacts | ImageFault;

/**
 * From the process: once when it can work, then for each task. `memory` is its resident memory in bytes, `failed` what
 * kept it from looking at the image at all.
 */
export type FromImageProcess =
  | { readonly ready: true }
  | { readonly examination: Examination; readonly memory: number }
  | { readonly failed: string };
