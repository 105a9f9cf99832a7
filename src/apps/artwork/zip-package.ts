import { crc32 } from 'node:zlib';
import { openPromise, type ZipFile } from 'yauzl';
import { VitrinaError } from '../../index.js';
import { defaultZipLimits, type ImageEntry, listImages, refused, type ZipLimits } from './zip-entries.js';

/** An entry, inflated; or what is wrong with this one alone, to follow "the image". */
export type ZipImage =
  | { readonly name: string; readonly bytes: Buffer }
  | { readonly name: string; readonly fault: string };

/**
 * A zip file of images, whose directory has been checked. Entries are inflated one at a time, when they are asked for;
 * zip files inside are entries like any other, and are not opened.
 */
export interface ZipPackage {
  /** Of the images, in the order of the file's directory. */
  readonly names: readonly string[];
  /**
   * The images, in the order of `names`. Damage to one is told in its place; a size that is not what the directory says
   * refuses all.
   *
   * @throws VitrinaError `package-invalid`
   * @throws the signal's reason
   */
  images(signal?: AbortSignal): AsyncGenerator<ZipImage>;
  close(): void;
}

/**
 * Opens a file. Names that lead outside, links, encryption, entries that share bytes, two of one name, and more in all
 * than the limits allow refuse the whole.
 *
 * @throws VitrinaError `package-invalid`
 * @throws the signal's reason
 */
export async function openZipPackage(
  path: string,
  limits: ZipLimits = defaultZipLimits,
  signal?: AbortSignal,
): Promise<ZipPackage> {
  const zip = await foreign(() =>
    openPromise(path, { autoClose: false, decodeStrings: false, validateEntrySizes: true }),
  );
  // Errors come with what failed; nobody listens to the file itself between two entries.
  zip.on('error', () => undefined);
  try {
    const entries = await foreign(() => listImages(zip, limits, signal));
    return {
      names: entries.map(({ name }) => name),
      async *images(signal) {
        for (const entry of entries) yield await foreign(() => inflate(zip, entry, signal), entry.name);
      },
      close: () => zip.close(),
    };
  } catch (error) {
    zip.close();
    throw error;
  }
}

/** What yauzl finds wrong becomes an error of the catalogue; what the system does is left as it is. */
async function foreign<T>(work: () => Promise<T>, entry?: string): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const plain = error instanceof Error && !(error instanceof VitrinaError) && error.constructor === Error;
    if (!plain || 'code' in error) throw error;
    const why = error.message.replace(/[^\x20-\x7e]/g, '?').slice(0, 200);
    throw refused(entry, `it cannot be read (${why.replace(/[.\s]+$/, '')})`, { cause: error });
  }
}

const stored = 0;
const deflated = 8;

async function inflate(zip: ZipFile, { name, entry }: ImageEntry, signal?: AbortSignal): Promise<ZipImage> {
  signal?.throwIfAborted();
  const { compressionMethod: method, uncompressedSize: size } = entry;
  if (method !== stored && method !== deflated) {
    return { name, fault: `is compressed by method ${method} of zip, of which 0 and 8 are read here` };
  }
  const stream = await zip.openReadStreamPromise(entry);
  const bytes = Buffer.allocUnsafe(size);
  let at = 0;
  try {
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      signal?.throwIfAborted();
      if (at + chunk.length > size) throw new Error('too many bytes in the stream');
      at += chunk.copy(bytes, at);
    }
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code?.startsWith('Z_')) return { name, fault: `is damaged in the zip file (${message})` };
    if (/^(too many|not enough) bytes in the stream/.test(message)) throw lies(name, size);
    throw error;
  } finally {
    stream.destroy();
  }
  if (at !== size) throw lies(name, size);
  return crc32(bytes) === entry.crc32
    ? { name, bytes }
    : { name, fault: 'is damaged in the zip file (its checksum differs)' };
}

const lies = (name: string, size: number) =>
  refused(name, `it does not have the ${size} bytes that the directory of the file says`);
