import { crc32, inflateRawSync } from 'node:zlib';
import { type Entry, fromBufferPromise, type ZipFile } from 'yauzl';
import { VitrinaError } from '../../errors.js';
import { inflationCap, type Limits } from '../limits.js';

const STORED = 0;
const DEFLATED = 8;
const UNIX_TYPE = 0o170000;
const UNIX_SYMLINK = 0o120000;

/** A member of an archive whose directory has been checked. */
export interface ZipMember {
  /** With `/`, whichever separator the file has. */
  readonly name: string;
  /** Bytes when inflated, as the directory states it. */
  readonly size: number;
  /** A stored member shares memory with the archive; a deflated one is inflated to the size it states and no further. */
  read(): Promise<Uint8Array>;
}

/**
 * Lists the members of an archive. The whole directory is checked: traversal, absolute names, duplicates, symbolic
 * links, encryption, unknown compression, and more in all than an honest archive of its size holds, are refused.
 *
 * @throws VitrinaError `artefact-malformed`, `artefact-unsupported`, `artefact-unsafe`, `artefact-over-limit`
 */
export async function listZip(bytes: Uint8Array, limits: Limits): Promise<ZipMember[]> {
  const zip = await foreign(() => fromBufferPromise(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)));
  const cap = inflationCap(bytes.length, limits);
  const members: ZipMember[] = [];
  let total = 0;
  for (const [name, entry] of await foreign(() => readDirectory(zip, limits))) {
    total += entry.uncompressedSize;
    if (total > cap) throw overLimit('an inflated size', total, 'inflationRatio', cap);
    const read = () => foreign(() => readMember(zip, entry, name, bytes));
    members.push({ name, size: entry.uncompressedSize, read });
  }
  return members;
}

/**
 * Reads the members that `wanted` picks, of an archive that passes the checks of `listZip`. The checksum of what is read
 * must hold.
 *
 * @throws VitrinaError what `listZip` throws
 */
export async function readZip(
  bytes: Uint8Array,
  wanted: (name: string) => boolean,
  limits: Limits,
): Promise<Map<string, Uint8Array>> {
  const members = new Map<string, Uint8Array>();
  for (const member of await listZip(bytes, limits)) {
    if (wanted(member.name)) members.set(member.name, await member.read());
  }
  return members;
}

/** What yauzl finds wrong becomes an error of the catalogue. */
async function foreign<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof VitrinaError) throw error;
    const { message } = error as Error;
    if (/^(absolute path|invalid relative path)/.test(message)) {
      throw unsafe(`a member outside of its folder (${message.slice(0, 200)})`);
    }
    throw damaged(message.slice(0, 200));
  }
}

async function readDirectory(zip: ZipFile, limits: Limits): Promise<Map<string, Entry>> {
  if (zip.entryCount > limits.count) throw overLimit('a number of members', zip.entryCount, 'count', limits.count);
  const entries = new Map<string, Entry>();
  for await (const entry of zip.eachEntry()) {
    const name = entry.fileName;
    const shown = JSON.stringify(name.slice(0, 120));
    if (entries.has(name)) throw damaged(`it has two members ${shown}`);
    if (entry.isEncrypted()) throw unsupported(`the encrypted member ${shown}`, 'save the model without a password');
    if (((entry.externalFileAttributes >>> 16) & UNIX_TYPE) === UNIX_SYMLINK)
      throw unsafe(`the symbolic link ${shown}`);
    if (entry.compressionMethod !== STORED && entry.compressionMethod !== DEFLATED) {
      throw unsupported(
        `compression method ${entry.compressionMethod} (${shown})`,
        'zip it again, stored or with deflate',
      );
    }
    entries.set(name, entry);
  }
  return entries;
}

async function readMember(zip: ZipFile, entry: Entry, name: string, bytes: Uint8Array): Promise<Uint8Array> {
  const header = await zip.readLocalFileHeaderPromise(entry);
  if (!header.fileName.equals(entry.fileNameRaw)) throw damaged(`the member ${JSON.stringify(name)} has two names`);
  const stored = bytes.subarray(header.fileDataStart, header.fileDataStart + entry.compressedSize);
  const size = entry.uncompressedSize;
  const data =
    entry.compressionMethod === STORED ? stored : inflateRawSync(stored, { maxOutputLength: Math.max(size, 1) });
  if (data.length !== size)
    throw damaged(`the member ${JSON.stringify(name)} states ${size} bytes and has ${data.length}`);
  if (crc32(data) !== entry.crc32) throw damaged(`the checksum of ${JSON.stringify(name)} does not match`);
  return data;
}

function damaged(what: string): VitrinaError {
  return new VitrinaError('artefact-malformed', { format: 'zip', what });
}

function unsupported(what: string, next: string): VitrinaError {
  return new VitrinaError('artefact-unsupported', { format: 'zip', what, next });
}

function unsafe(what: string): VitrinaError {
  return new VitrinaError('artefact-unsafe', { format: 'zip', what, next: 'save the model again' });
}

function overLimit(what: string, value: number, setting: keyof Limits, limit: number): VitrinaError {
  return new VitrinaError('artefact-over-limit', { format: 'zip', what, value, limit, setting });
}
