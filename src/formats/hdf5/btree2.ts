import { damaged, UNDEFINED } from './cursor.js';
import type { Storage } from './storage.js';

const MAX_DEPTH = 32;

/** Bytes needed for a number up to `limit`. */
export function bytesFor(limit: number): number {
  return Math.floor(Math.log2(Math.max(limit, 1)) / 8) + 1;
}

/**
 * All records of a version 2 B-tree of the given record type. Specification: III.A.2; sizes of the counts as
 * H5B2hdr.c computes them.
 */
export function readBtree2(storage: Storage, address: number, recordType: number): Uint8Array[] {
  const headerSize = 22 + storage.offsetSize + storage.lengthSize;
  const header = storage.checked(address, headerSize);
  header.signature('BTHD');
  header.version('a B-tree', 0);
  const found = header.u8();
  if (found !== recordType) throw damaged(`a B-tree has records of type ${found}, not ${recordType}`, address);
  const nodeSize = header.u32();
  const recordSize = header.u16();
  const depth = header.u16();
  header.skip(2);
  const root = storage.offset(header);
  const rootCount = header.u16();
  if (root === UNDEFINED || rootCount === 0) return [];
  if (depth > MAX_DEPTH || recordSize === 0 || nodeSize <= 10 + recordSize)
    throw damaged('a B-tree of no use', address);

  const leafMax = Math.floor((nodeSize - 10) / recordSize);
  const countSize = bytesFor(leafMax);
  const totalSizes = [0];
  let total = leafMax;
  for (let level = 1; level <= depth; level++) {
    const pointer = storage.offsetSize + countSize + totalSizes[level - 1]!;
    const max = Math.floor((nodeSize - 10 - pointer) / (recordSize + pointer));
    total = (max + 1) * total + max;
    totalSizes.push(bytesFor(total));
  }

  const records: Uint8Array[] = [];
  const visited = new Set<number>();
  const walk = (node: number, count: number, level: number): void => {
    if (visited.has(node)) throw damaged('a B-tree contains itself', node);
    visited.add(node);
    storage.count(count + 1);
    const pointerSize = storage.offsetSize + countSize + (level > 1 ? totalSizes[level - 1]! : 0);
    const used = 6 + count * recordSize + (level > 0 ? (count + 1) * pointerSize : 0);
    const cursor = storage.checked(node, used + 4);
    cursor.signature(level > 0 ? 'BTIN' : 'BTLF');
    cursor.version('a B-tree node', 0);
    cursor.version('the type of a B-tree node', recordType);
    for (let i = 0; i < count; i++) records.push(cursor.take(recordSize));
    if (level === 0) return;
    for (let i = 0; i <= count; i++) {
      const child = storage.offset(cursor);
      const childCount = cursor.unsigned(countSize);
      if (level > 1) cursor.skip(totalSizes[level - 1]!);
      walk(child, childCount, level - 1);
    }
  };
  walk(root, rootCount, depth);
  return records;
}
