import { type Cursor, damaged, UNDEFINED, unsafe, unsupported } from './cursor.js';
import type { Storage } from './storage.js';

/** How the elements of a dataset lie in the file. Chunk shapes are in elements. */
export type Layout =
  | { readonly kind: 'compact'; readonly bytes: Uint8Array }
  | { readonly kind: 'contiguous'; readonly address: number; readonly length: number }
  | { readonly kind: 'chunked'; readonly chunk: readonly number[]; readonly index: ChunkIndex };

export type ChunkIndex =
  | { readonly kind: 'btree1'; readonly address: number }
  | { readonly kind: 'single'; readonly address: number; readonly length: number | undefined; readonly mask: number }
  | { readonly kind: 'implicit'; readonly address: number }
  | { readonly kind: 'fixed-array'; readonly address: number };

const MAX_RANK = 33;

/** Reads a data layout message. Specification: IV.A.2.i. */
export function parseLayout(storage: Storage, cursor: Cursor): Layout {
  const version = cursor.u8();
  if (version < 3) throw unsupported(`a data layout of version ${version} (HDF5 before 1.6.3)`);
  if (version > 4) throw unsupported(`a data layout of version ${version} (HDF5 2)`);
  const kind = cursor.u8();
  if (kind === 0) return { kind: 'compact', bytes: cursor.take(cursor.u16()) };
  if (kind === 1) return { kind: 'contiguous', address: storage.offset(cursor), length: storage.length(cursor) };
  if (kind === 3)
    throw unsafe('a virtual dataset, whose values are in other files', 'save the model as one plain file');
  if (kind !== 2) throw damaged(`a data layout of the unknown class ${kind}`, cursor.base);
  return version === 3 ? parseChunks3(storage, cursor) : parseChunks4(storage, cursor);
}

function chunkShape(cursor: Cursor, dimensions: number, size: number): number[] {
  if (dimensions < 2 || dimensions > MAX_RANK) throw damaged(`chunks of ${dimensions} dimensions`, cursor.base);
  const shape = Array.from({ length: dimensions }, () => cursor.unsigned(size));
  // The last "dimension" is the size of an element, which the datatype states too.
  shape.pop();
  if (shape.some((length) => !(length > 0 && length < UNDEFINED))) throw damaged('a chunk of no size', cursor.base);
  return shape;
}

function parseChunks3(storage: Storage, cursor: Cursor): Layout {
  const dimensions = cursor.u8();
  const address = storage.offset(cursor);
  return { kind: 'chunked', chunk: chunkShape(cursor, dimensions, 4), index: { kind: 'btree1', address } };
}

function parseChunks4(storage: Storage, cursor: Cursor): Layout {
  const flags = cursor.u8();
  const dimensions = cursor.u8();
  const chunk = chunkShape(cursor, dimensions, cursor.u8());
  const index = cursor.u8();
  switch (index) {
    case 1: {
      const length = flags & 2 ? storage.length(cursor) : undefined;
      const mask = flags & 2 ? cursor.u32() : 0;
      return { kind: 'chunked', chunk, index: { kind: 'single', address: storage.offset(cursor), length, mask } };
    }
    case 2:
      return { kind: 'chunked', chunk, index: { kind: 'implicit', address: storage.offset(cursor) } };
    case 3:
      cursor.skip(1);
      return { kind: 'chunked', chunk, index: { kind: 'fixed-array', address: storage.offset(cursor) } };
    default:
      throw unsupported('a resizable dataset in the newest file format', "save it with h5py's default libver");
  }
}
