import { damaged, UNDEFINED } from './cursor.js';
import type { Storage } from './storage.js';

const MAX_LEVEL = 64;

/** A node of a version 1 B-tree: keys surround children, one more of them than there are children. */
export interface Leaf {
  /** The key to the left of the child. */
  readonly key: Uint8Array;
  readonly child: number;
}

/**
 * All leaf entries of a version 1 B-tree, left to right. `kind` is 0 for groups, 1 for chunks; `keySize` in bytes.
 * A node met twice is an error, so a tree that loops ends. Specification: III.A.1.
 */
export function* walkBtree1(storage: Storage, address: number, kind: 0 | 1, keySize: number): Generator<Leaf> {
  if (address === UNDEFINED) return;
  const visited = new Set<number>();
  const stack: { address: number; level: number }[] = [{ address, level: MAX_LEVEL + 1 }];
  for (let next = stack.pop(); next !== undefined; next = stack.pop()) {
    if (visited.has(next.address)) throw damaged('a B-tree contains itself', next.address);
    visited.add(next.address);
    const cursor = storage.at(next.address);
    cursor.signature('TREE');
    cursor.version('the kind of a B-tree', kind);
    const level = cursor.u8();
    if (level >= next.level || (next.level <= MAX_LEVEL && level !== next.level - 1)) {
      throw damaged('the levels of a B-tree do not fit', next.address);
    }
    const entries = cursor.u16();
    cursor.skip(2 * storage.offsetSize);
    storage.count(entries + 1);
    const children: { address: number; level: number }[] = [];
    for (let i = 0; i < entries; i++) {
      const key = cursor.take(keySize);
      const child = storage.offset(cursor);
      if (level === 0) yield { key, child };
      else children.push({ address: child, level });
    }
    stack.push(...children.reverse());
  }
}
