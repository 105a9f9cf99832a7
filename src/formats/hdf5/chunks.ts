import { walkBtree1 } from './btree1.js';
import { Cursor, damaged, UNDEFINED } from './cursor.js';
import { type Filter, unfilter } from './filters.js';
import type { ChunkIndex } from './layout.js';
import type { Storage } from './storage.js';

interface Chunk {
  /** Index of the chunk's first element, by dimension. */
  readonly start: readonly number[];
  readonly address: number;
  readonly length: number;
  /** Filters left out, one bit each. */
  readonly mask: number;
}

interface Plan {
  readonly path: string;
  readonly shape: readonly number[];
  readonly chunk: readonly number[];
  readonly elementSize: number;
  readonly filters: readonly Filter[];
}

/** What deflate can inflate at most: a byte becomes 1032. Anything above it was never stored. */
const MAX_INFLATION = 1032;

/**
 * Puts a chunked dataset together. The chunks are listed before anything is allocated: all of them must be there, and
 * what they store must be able to make up the size that the dataset declares.
 */
export function readChunks(storage: Storage, index: ChunkIndex, plan: Plan): Uint8Array {
  const { shape, chunk, elementSize, path } = plan;
  if (shape.length !== chunk.length) throw damaged(`${path} and its chunks differ in dimensions`);
  const grid = shape.map((size, axis) => Math.ceil(size / chunk[axis]!));
  const expected = grid.reduce((product, count) => product * count, 1);
  const chunkBytes = chunk.reduce((product, count) => product * count, elementSize);
  const total = shape.reduce((product, count) => product * count, elementSize);
  storage.announce(total, path);
  if (!(chunkBytes <= storage.limits.tensorBytes))
    throw storage.overLimit(`a chunk (${path})`, chunkBytes, 'tensorBytes');
  storage.count(expected);
  const chunks = listChunks(storage, index, plan, grid, chunkBytes);
  const stored = chunks.reduce((sum, { length }) => sum + length, 0);
  if (chunks.length !== expected || total > stored * MAX_INFLATION) {
    throw damaged(`${path} declares ${total} bytes, but its values were not all written`);
  }
  const result = new Uint8Array(total);
  const seen = new Set<string>();
  for (const { start, address, length, mask } of chunks) {
    const inside = start.every((at, axis) => at < shape[axis]! && at % chunk[axis]! === 0);
    const key = start.join();
    if (!inside || seen.has(key)) throw damaged(`${path} has a chunk out of place`, address);
    seen.add(key);
    const bytes = unfilter(plan.filters, storage.at(address, length).bytes, chunkBytes, mask);
    place(result, bytes, start, plan);
  }
  return result;
}

/** Copies a chunk row by row, leaving out what hangs over the edge. */
function place(result: Uint8Array, bytes: Uint8Array, start: readonly number[], plan: Plan): void {
  const { shape, chunk, elementSize } = plan;
  const last = shape.length - 1;
  const row = Math.min(chunk[last]!, shape[last]! - start[last]!) * elementSize;
  const strides = new Array<number>(shape.length).fill(elementSize);
  for (let axis = last - 1; axis >= 0; axis--) strides[axis] = strides[axis + 1]! * shape[axis + 1]!;
  const copy = (axis: number, from: number, to: number): void => {
    const target = to + start[axis]! * strides[axis]!;
    if (axis === last) {
      result.set(bytes.subarray(from, from + row), target);
      return;
    }
    const step = chunk.slice(axis + 1).reduce((product, count) => product * count, elementSize);
    const count = Math.min(chunk[axis]!, shape[axis]! - start[axis]!);
    for (let i = 0; i < count; i++) copy(axis + 1, from + i * step, target + i * strides[axis]!);
  };
  copy(0, 0, 0);
}

function listChunks(
  storage: Storage,
  index: ChunkIndex,
  plan: Plan,
  grid: readonly number[],
  chunkBytes: number,
): Chunk[] {
  const rank = grid.length;
  const place = (linear: number): number[] => {
    const start = new Array<number>(rank).fill(0);
    for (let axis = rank - 1, rest = linear; axis >= 0; axis--) {
      start[axis] = (rest % grid[axis]!) * plan.chunk[axis]!;
      rest = Math.floor(rest / grid[axis]!);
    }
    return start;
  };
  const expected = grid.reduce((product, count) => product * count, 1);
  switch (index.kind) {
    case 'btree1': {
      const chunks: Chunk[] = [];
      for (const { key, child } of walkBtree1(storage, index.address, 1, 8 + 8 * (rank + 1))) {
        const cursor = new Cursor(key);
        const length = cursor.u32();
        const mask = cursor.u32();
        chunks.push({ start: Array.from({ length: rank }, () => cursor.unsigned(8)), address: child, length, mask });
      }
      return chunks;
    }
    case 'single':
      if (index.address === UNDEFINED) return [];
      return [{ start: place(0), address: index.address, length: index.length ?? chunkBytes, mask: index.mask }];
    case 'implicit':
      if (index.address === UNDEFINED) return [];
      return Array.from({ length: expected }, (_, i) => ({
        start: place(i),
        address: index.address + i * chunkBytes,
        length: chunkBytes,
        mask: 0,
      }));
    case 'fixed-array':
      return readFixedArray(storage, index.address, expected, plan.filters.length > 0, chunkBytes).map((entry, i) => ({
        start: place(i),
        ...entry,
      }));
  }
}

/** Specification: VII.B (fixed array index). Pages that were never written are absent, and so refused by the caller. */
function readFixedArray(
  storage: Storage,
  address: number,
  expected: number,
  filtered: boolean,
  chunkBytes: number,
): Omit<Chunk, 'start'>[] {
  if (address === UNDEFINED) return [];
  const header = storage.checked(address, 12 + storage.lengthSize + storage.offsetSize);
  header.signature('FAHD');
  header.version('a fixed array', 0);
  header.version('the client of a fixed array', filtered ? 1 : 0);
  const entrySize = header.u8();
  const pageBits = header.u8();
  const count = storage.length(header);
  const data = storage.offset(header);
  if (count !== expected) throw damaged('a fixed array has another length than its dataset', address);
  const lengthSize = filtered ? entrySize - storage.offsetSize - 4 : 0;
  if (lengthSize < 0 || lengthSize > 8 || (!filtered && entrySize !== storage.offsetSize)) {
    throw damaged('a fixed array of impossible entries', address);
  }
  const entries: Omit<Chunk, 'start'>[] = [];
  const take = (cursor: Cursor, number: number): void => {
    for (let i = 0; i < number; i++) {
      const chunkAddress = storage.offset(cursor);
      const length = filtered ? cursor.unsigned(lengthSize) : chunkBytes;
      const mask = filtered ? cursor.u32() : 0;
      if (chunkAddress !== UNDEFINED) entries.push({ address: chunkAddress, length, mask });
    }
  };
  const prefix = 6 + storage.offsetSize;
  const perPage = 2 ** pageBits;
  if (count <= perPage) {
    const block = storage.checked(data, prefix + count * entrySize + 4);
    block.signature('FADB');
    block.skip(prefix - 4);
    take(block, count);
    return entries;
  }
  const pages = Math.ceil(count / perPage);
  const head = prefix + Math.ceil(pages / 8) + 4;
  storage.checked(data, head).signature('FADB');
  for (let page = 0; page < pages; page++) {
    const number = Math.min(perPage, count - page * perPage);
    take(storage.checked(data + head + page * (perPage * entrySize + 4), number * entrySize + 4), number);
  }
  return entries;
}
