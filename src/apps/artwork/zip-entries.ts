/** Which entries of a zip file are images, and which make it one that is not touched. */
import { isUtf8 } from 'node:buffer';
import { type Entry, getFileNameLowLevel, type ZipFile } from 'yauzl';
import { VitrinaError } from '../../index.js';

/** Caps on one zip file. */
export interface ZipLimits {
  /** Images; entries of any kind may be four times as many. */
  readonly maxEntries: number;
  /** Bytes of an image, inflated. */
  readonly maxEntryBytes: number;
  /** Bytes of all images, inflated. */
  readonly maxTotalBytes: number;
  /** Inflated bytes for each byte in the file, for entries beyond a megabyte. */
  readonly maxRatio: number;
}

export const defaultZipLimits: ZipLimits = {
  maxEntries: 1_000,
  maxEntryBytes: 64 * 2 ** 20,
  maxTotalBytes: 512 * 2 ** 20,
  maxRatio: 200,
};

/** An entry that may be an image. */
export interface ImageEntry {
  readonly name: string;
  readonly entry: Entry;
}

const ratioMattersFrom = 2 ** 20;
const entriesPerImage = 4;
const longestSegment = 255;

/** The kind of a file among its Unix attributes (stat(2)): what Info-ZIP keeps in the upper half of the external ones. */
const kindMask = 0o170000;
const regularFile = 0o100000;
const folder = 0o040000;

/** What Finder and Explorer leave in folders. */
const debris = /(^|\/)(__MACOSX\/|\.DS_Store$|Thumbs\.db$|desktop\.ini$)/i;

export const refused = (entry: string | undefined, why: string, options?: ErrorOptions): VitrinaError =>
  new VitrinaError('package-invalid', { entry: entry?.slice(0, 200), why }, options);

/**
 * Reads the whole directory, and the local header of each entry, before anything is inflated.
 *
 * @throws VitrinaError `package-invalid`
 * @throws the signal's reason
 */
export async function listImages(zip: ZipFile, limits: ZipLimits, signal?: AbortSignal): Promise<ImageEntry[]> {
  if (zip.entryCount > limits.maxEntries * entriesPerImage) throw tooMany(zip.entryCount, limits);
  const images: ImageEntry[] = [];
  const names = new Set<string>();
  const ranges: { name: string; from: number; to: number }[] = [];
  let total = 0;
  for await (const entry of zip.eachEntry()) {
    signal?.throwIfAborted();
    const name = nameOf(entry);
    checkName(name, entry.fileNameRaw);
    checkKind(entry, name);
    const same = name
      .split('/')
      .filter((segment) => segment !== '.' && segment !== '')
      .join('/')
      .normalize('NFC')
      .toLowerCase();
    if (names.has(same)) throw refused(name, 'there are two of this name, upper and lower case being one');
    names.add(same);
    ranges.push(await placeOf(zip, entry, name));
    if (name.endsWith('/') || debris.test(name)) continue;
    if (images.length === limits.maxEntries) throw tooMany(images.length + 1, limits);
    checkSize(entry, name, limits);
    total += entry.uncompressedSize;
    if (total > limits.maxTotalBytes) {
      throw refused(name, `with it the images have ${total} bytes, over the limit of ${limits.maxTotalBytes}`);
    }
    images.push({ name, entry });
  }
  checkOverlaps(ranges);
  return images;
}

const utf8Flag = 0x800;

/** macOS writes UTF-8 and does not say so; nothing else that is not ASCII looks like it. */
function nameOf({ generalPurposeBitFlag: flags, fileNameRaw: raw, extraFields }: Entry): string {
  return getFileNameLowLevel(isUtf8(raw) ? flags | utf8Flag : flags, raw, extraFields, true);
}

function checkName(name: string, raw: Buffer): void {
  if (name === '') throw refused(name, 'it has no name');
  // In the character set of DOS these bytes are signs.
  if (/\p{Cc}/u.test(name) || raw.some((byte) => byte < 0x20)) {
    throw refused(name, 'its name has a control character');
  }
  if (name.includes('\\'))
    throw refused(name, 'its name has a backslash, which is a separator to some and not to others');
  if (name.startsWith('/') || /^[A-Za-z]:/.test(name)) throw refused(name, 'its name is absolute');
  for (const segment of name.split('/')) {
    if (segment === '..') throw refused(name, 'its name leads out of the package');
    if (Buffer.byteLength(segment) > longestSegment) {
      throw refused(name, `its name has a part of more than ${longestSegment} bytes`);
    }
  }
}

function checkKind(entry: Entry, name: string): void {
  if (entry.isEncrypted()) throw refused(name, 'it is encrypted');
  const kind = (entry.externalFileAttributes >>> 16) & kindMask;
  if (kind !== 0 && kind !== regularFile && kind !== folder)
    throw refused(name, 'it is a link or a device, and no file');
}

function checkSize({ uncompressedSize: size, compressedSize }: Entry, name: string, limits: ZipLimits): void {
  if (size > limits.maxEntryBytes)
    throw refused(name, `it has ${size} bytes, over the limit of ${limits.maxEntryBytes}`);
  if (size > ratioMattersFrom && size > compressedSize * limits.maxRatio) {
    throw refused(name, `it is more than ${limits.maxRatio} times as large as it is in the file`);
  }
}

/** Where header and bytes of an entry lie; both headers have to agree on what it is. */
async function placeOf(zip: ZipFile, entry: Entry, name: string) {
  const local = await zip.readLocalFileHeaderPromise(entry);
  if (!local.fileName.equals(entry.fileNameRaw)) throw refused(name, 'it has two names');
  const encrypted = (local.generalPurposeBitFlag & 1) === 1;
  if (encrypted || local.compressionMethod !== entry.compressionMethod) {
    throw refused(name, 'its two headers say different things of it');
  }
  return { name, from: entry.relativeOffsetOfLocalHeader, to: local.fileDataStart + entry.compressedSize };
}

/** Entries that share bytes are how a small file becomes a large one without nesting (Fifield, "A better zip bomb", 2019). */
function checkOverlaps(ranges: { name: string; from: number; to: number }[]): void {
  ranges.sort((a, b) => a.from - b.from);
  for (let i = 1; i < ranges.length; i++) {
    if (ranges[i]!.from < ranges[i - 1]!.to) throw refused(ranges[i]!.name, 'it shares bytes with another entry');
  }
}

const tooMany = (entries: number, { maxEntries }: ZipLimits) =>
  refused(undefined, `it has ${entries} entries, over the limit of ${maxEntries} images`);
