import { bytesFor, readBtree2 } from './btree2.js';
import { Cursor, damaged, UNDEFINED, unsupported } from './cursor.js';
import type { Storage } from './storage.js';

const HUGE_OBJECT_RECORD = 1;

/** Where groups with many links, and objects with many or large attributes, keep them. Specification: III.G. */
export class FractalHeap {
  private readonly idLength: number;
  private readonly maxManaged: number;
  private readonly width: number;
  private readonly startingSize: number;
  private readonly maxDirectSize: number;
  private readonly offsetBytes: number;
  private readonly root: number;
  private readonly rootRows: number;
  private readonly hugeTree: number;
  private readonly checksummed: boolean;
  private huge: Map<number, { address: number; length: number }> | undefined;

  constructor(
    private readonly storage: Storage,
    address: number,
  ) {
    const size = 22 + 12 * storage.lengthSize + 3 * storage.offsetSize + 4;
    const cursor = storage.checked(address, size);
    cursor.signature('FRHP');
    cursor.version('a fractal heap', 0);
    this.idLength = cursor.u16();
    if (cursor.u16() !== 0) throw unsupported('a compressed heap of links or attributes');
    this.checksummed = (cursor.u8() & 2) !== 0;
    this.maxManaged = cursor.u32();
    cursor.skip(storage.lengthSize);
    this.hugeTree = storage.offset(cursor);
    cursor.skip(storage.lengthSize + storage.offsetSize + 8 * storage.lengthSize);
    this.width = cursor.u16();
    this.startingSize = storage.length(cursor);
    this.maxDirectSize = storage.length(cursor);
    this.offsetBytes = Math.ceil(cursor.u16() / 8);
    cursor.skip(2);
    this.root = storage.offset(cursor);
    this.rootRows = cursor.u16();
    const sane =
      this.width > 0 &&
      this.startingSize > 0 &&
      this.maxDirectSize >= this.startingSize &&
      Number.isInteger(Math.log2(this.startingSize)) &&
      Number.isInteger(Math.log2(this.maxDirectSize));
    if (!sane) throw damaged('a fractal heap of impossible sizes', address);
  }

  /** The object that a heap id stands for. */
  object(id: Uint8Array): Uint8Array {
    const cursor = new Cursor(id);
    const flags = cursor.u8();
    switch ((flags >> 4) & 3) {
      case 0: {
        const offset = cursor.unsigned(this.offsetBytes);
        const length = cursor.unsigned(bytesFor(Math.min(this.maxDirectSize, this.maxManaged)));
        return this.managed(offset, length);
      }
      case 1:
        return this.hugeObject(cursor);
      case 2: {
        const length = this.idLength > 17 ? (((flags & 15) << 8) | cursor.u8()) + 1 : (flags & 15) + 1;
        return cursor.take(length);
      }
      default:
        throw damaged('a heap object of an unknown kind');
    }
  }

  private hugeObject(cursor: Cursor): Uint8Array {
    const { storage } = this;
    if (this.idLength - 1 >= storage.offsetSize + storage.lengthSize) {
      const address = storage.offset(cursor);
      return storage.at(address, storage.length(cursor)).bytes;
    }
    this.huge ??= new Map(
      readBtree2(storage, this.hugeTree, HUGE_OBJECT_RECORD).map((bytes) => {
        const record = new Cursor(bytes);
        const place = { address: storage.offset(record), length: storage.length(record) };
        return [storage.length(record), place] as const;
      }),
    );
    const id = cursor.unsigned(Math.min(this.idLength - 1, 8));
    const place = this.huge.get(id);
    if (place === undefined) throw damaged(`the heap has no huge object ${id}`);
    return storage.at(place.address, place.length).bytes;
  }

  private managed(offset: number, length: number): Uint8Array {
    if (this.root === UNDEFINED) throw damaged('a heap without blocks is pointed at');
    if (this.rootRows === 0) return this.inDirectBlock(this.root, this.startingSize, offset, length);
    return this.inIndirectBlock(this.root, this.rootRows, offset, length);
  }

  private inDirectBlock(address: number, size: number, offset: number, length: number): Uint8Array {
    const head = 5 + this.storage.offsetSize + this.offsetBytes;
    const cursor = this.storage.at(address, size);
    cursor.signature('FHDB');
    cursor.version('a heap block', 0);
    if (offset < head + (this.checksummed ? 4 : 0)) throw damaged('a heap object lies in a header', address);
    const block = new Cursor(cursor.bytes, cursor.base);
    block.skip(offset);
    return block.take(length);
  }

  /** Rows 0 and 1 hold blocks of the starting size, each further row doubles it. */
  private rowSize(row: number): number {
    return row < 2 ? this.startingSize : this.startingSize * 2 ** (row - 1);
  }

  private inIndirectBlock(address: number, rows: number, offset: number, length: number): Uint8Array {
    const { storage } = this;
    storage.count(1);
    const directRows = Math.log2(this.maxDirectSize) - Math.log2(this.startingSize) + 2;
    const head = 5 + storage.offsetSize + this.offsetBytes;
    const cursor = storage.checked(address, head + rows * this.width * storage.offsetSize + 4);
    cursor.signature('FHIB');
    cursor.version('a heap block', 0);
    let start = 0;
    for (let row = 0; row < rows; row++) {
      const size = this.rowSize(row);
      if (offset < start + size * this.width) {
        const column = Math.floor((offset - start) / size);
        const entry = new Cursor(cursor.bytes, cursor.base);
        entry.skip(head + (row * this.width + column) * storage.offsetSize);
        const child = storage.offset(entry);
        const inner = offset - start - column * size;
        if (row < directRows) return this.inDirectBlock(child, size, inner, length);
        // The rows of a child follow from its size, smaller than this block's: the recursion ends.
        const childRows = Math.log2(size) - Math.log2(this.startingSize * this.width) + 1;
        if (!Number.isInteger(childRows) || childRows < 1 || childRows >= rows)
          throw damaged('a heap of no use', address);
        return this.inIndirectBlock(child, childRows, inner, length);
      }
      start += size * this.width;
    }
    throw damaged('a heap object lies outside its heap', address);
  }
}
