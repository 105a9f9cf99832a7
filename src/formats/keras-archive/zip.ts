import { crc32, inflateRawSync } from 'node:zlib';
import { type Entry, fromBufferPromise, type ZipFile } from 'yauzl';
import { VitrinaError } from '../../errors.js';
import type { Limits } from '../limits.js';

const STORED = 0;
const DEFLATED = 8;
const UNIX_TYPE = 0o170000;
const UNIX_SYMLINK = 0o120000;

/**
 * Reads the members that `wanted` picks; names use `/`, whichever separator the file has. The whole directory is
 * checked first: traversal, absolute names, duplicates, symbolic links, encryption and unknown compression are refused
 * in any member, wanted or not. A stored member shares memory with `bytes`; a deflated one is inflated to the size it
 * states and no further, and its checksum must hold.
 *
 * @throws VitrinaError `artefact-malformed`, `artefact-unsupported`, `artefact-over-limit`
 */
export async function readZip(
  bytes: Uint8Array,
  wanted: (name: string) => boolean,
  limits: Limits,
): Promise<Map<string, Uint8Array>> {
  const members = new Map<string, Uint8Array>();
  let total = 0;
  try {
    const zip = await fromBufferPromise(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
    for (const [name, entry] of await readDirectory(zip, limits)) {
      if (!wanted(name)) continue;
      total += entry.uncompressedSize;
      if (total > limits.inflatedBytes) throw overLimit('an inflated size', total, 'inflatedBytes', limits);
      members.set(name, await readMember(zip, entry, name, bytes));
    }
  } catch (error) {
    if (error instanceof VitrinaError) throw error;
    throw damaged((error as Error).message);
  }
  return members;
}

async function readDirectory(zip: ZipFile, limits: Limits): Promise<Map<string, Entry>> {
  if (zip.entryCount > limits.count) throw overLimit('a number of members', zip.entryCount, 'count', limits);
  const entries = new Map<string, Entry>();
  for await (const entry of zip.eachEntry()) {
    const name = entry.fileName;
    const shown = JSON.stringify(name.slice(0, 120));
    if (entries.has(name)) throw damaged(`it has two members ${shown}`);
    if (entry.isEncrypted()) throw unsupported(`the encrypted member ${shown}`, 'save the model without a password');
    if (((entry.externalFileAttributes >>> 16) & UNIX_TYPE) === UNIX_SYMLINK) {
      throw unsupported(`the symbolic link ${shown}`, 'save the model again with model.save("model.keras")');
    }
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

function overLimit(what: string, value: number, setting: 'inflatedBytes' | 'count', limits: Limits): VitrinaError {
  return new VitrinaError('artefact-over-limit', { format: 'zip', what, value, limit: limits[setting], setting });
}
