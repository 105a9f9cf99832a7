import { Cursor, damaged } from './cursor.js';
import type { Storage } from './storage.js';

const MAX_RANK = 32;

/** The shape that a dataspace message states; `null` for the null dataspace (h5py.Empty). Specification: IV.A.2.b. */
export function parseDataspace(storage: Storage, cursor: Cursor): number[] | null {
  const version = cursor.version('a dataspace', 1, 2);
  const rank = cursor.u8();
  const flags = cursor.u8();
  const kind = cursor.u8();
  if (version === 1) cursor.skip(4);
  else if (kind === 2) return null;
  if (rank > MAX_RANK) throw damaged(`a shape of ${rank} dimensions`, cursor.base);
  const shape = Array.from({ length: rank }, () => storage.length(cursor));
  if (flags & 1) cursor.skip(rank * storage.lengthSize);
  let size = 1;
  for (const dimension of shape) size *= dimension;
  if (!Number.isSafeInteger(size)) throw damaged(`the shape [${shape.join(', ')}] is impossibly large`, cursor.base);
  return shape;
}

export function readDataspace(storage: Storage, body: Uint8Array, base: number): number[] | null {
  return parseDataspace(storage, new Cursor(body, base));
}
