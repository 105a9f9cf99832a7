import { inflateSync } from 'node:zlib';
import { fletcher32 } from './checksum.js';
import { Cursor, damaged, unsafe, unsupported } from './cursor.js';

interface Filter {
  readonly id: number;
  readonly values: readonly number[];
}

const DEFLATE = 1;
const SHUFFLE = 2;
const FLETCHER32 = 3;

/** Names of filters that are met but not read; numbers: https://github.com/HDFGroup/hdf5_plugins/blob/master/docs/RegisteredFilterPlugins.md */
const refused: Readonly<Record<number, string>> = {
  4: 'szip',
  5: 'n-bit',
  6: 'scale-offset',
  305: 'LZO',
  307: 'bzip2',
  32000: 'LZF',
  32001: 'Blosc',
  32004: 'LZ4',
  32008: 'bitshuffle',
  32013: 'ZFP',
  32015: 'Zstandard',
  32026: 'Blosc2',
};

/** Reads a filter pipeline message and refuses what is not deflate, shuffle or fletcher32. Specification: IV.A.2.l. */
export function parseFilters(cursor: Cursor): Filter[] {
  const version = cursor.version('a filter pipeline', 1, 2);
  const count = cursor.u8();
  if (version === 1) cursor.skip(6);
  const filters: Filter[] = [];
  for (let i = 0; i < count; i++) {
    const id = cursor.u16();
    const nameLength = version === 1 || id >= 256 ? cursor.u16() : 0;
    cursor.skip(2);
    const valueCount = cursor.u16();
    cursor.skip(version === 1 ? Math.ceil(nameLength / 8) * 8 : nameLength);
    const values = Array.from({ length: valueCount }, () => cursor.u32());
    if (version === 1 && valueCount % 2 === 1) cursor.skip(4);
    if (id !== DEFLATE && id !== SHUFFLE && id !== FLETCHER32) {
      const refuse = refused[id] === undefined ? unsafe : unsupported;
      throw refuse(
        `the filter ${id}${refused[id] === undefined ? ', a plug-in of its own' : ` (${refused[id]})`}`,
        'save it without compression, or with gzip (deflate), shuffle and fletcher32 alone',
      );
    }
    filters.push({ id, values });
  }
  return filters;
}

/**
 * Undoes the pipeline on one chunk. `size` is what the chunk must come to: no more is ever inflated, and less is an
 * error. A bit set in `mask` says that the filter was left out for this chunk.
 */
export function unfilter(filters: readonly Filter[], stored: Uint8Array, size: number, mask: number): Uint8Array {
  let bytes = stored;
  for (let i = filters.length - 1; i >= 0; i--) {
    if (mask & (1 << i)) continue;
    const { id, values } = filters[i]!;
    if (id === DEFLATE) bytes = inflate(bytes, size + 4);
    else if (id === SHUFFLE) bytes = unshuffle(bytes, values[0] ?? 1);
    else bytes = withoutFletcher32(bytes);
  }
  if (bytes.length !== size) throw damaged(`a chunk has ${bytes.length} bytes, not ${size}`);
  return bytes;
}

/** A checksum of four bytes may still hang on what was deflated. */
function inflate(bytes: Uint8Array, maxOutputLength: number): Uint8Array {
  try {
    return inflateSync(bytes, { maxOutputLength });
  } catch {
    throw damaged('a compressed chunk cannot be inflated to the size it states');
  }
}

function unshuffle(bytes: Uint8Array, size: number): Uint8Array {
  if (size <= 1) return bytes;
  const count = Math.floor(bytes.length / size);
  const result = new Uint8Array(bytes.length);
  for (let byte = 0, from = 0; byte < size; byte++) {
    for (let i = 0, to = byte; i < count; i++, to += size) result[to] = bytes[from++]!;
  }
  result.set(bytes.subarray(count * size), count * size);
  return result;
}

function withoutFletcher32(bytes: Uint8Array): Uint8Array {
  const end = bytes.length - 4;
  if (end < 0) throw damaged('a chunk is shorter than its checksum');
  const data = bytes.subarray(0, end);
  if (new Cursor(bytes.subarray(end)).u32() !== fletcher32(data))
    throw damaged('the checksum of a chunk does not match');
  return data;
}

export type { Filter };
