import { walkBtree1 } from './btree1.js';
import { readBtree2 } from './btree2.js';
import { Cursor, damaged, decodeText, UNDEFINED } from './cursor.js';
import { FractalHeap } from './fractal-heap.js';
import { type Message, MessageType } from './object-header.js';
import type { Storage } from './storage.js';

/** A member of a group: the address of an object, or the kind of a link that is not followed. */
export type Link =
  | { readonly name: string; readonly address: number }
  | { readonly name: string; readonly refused: 'a soft link' | 'an external link' | 'a user-defined link' };

const LINK_NAME_RECORD = 5;
const SYMBOL_ENTRY_IS_SOFT_LINK = 2;

/** The members of a group in any of the three forms: symbol table, link messages, or a heap of them. */
export function readLinks(storage: Storage, messages: readonly Message[]): Link[] {
  const links: Link[] = [];
  for (const message of messages) {
    const cursor = new Cursor(message.body, message.base);
    if (message.type === MessageType.symbolTable) readSymbolTable(storage, cursor, links);
    else if (message.type === MessageType.link) links.push(parseLink(storage, cursor));
    else if (message.type === MessageType.linkInfo) readDenseLinks(storage, cursor, links);
  }
  const names = new Set<string>();
  for (const { name } of links) {
    if (names.has(name)) throw damaged(`a group has two members ${JSON.stringify(name)}`);
    names.add(name);
  }
  return links;
}

/** Specification: III.B (symbol table nodes), III.D (local heap). */
function readSymbolTable(storage: Storage, message: Cursor, links: Link[]): void {
  const tree = storage.offset(message);
  const heapAddress = storage.offset(message);
  const heap = storage.at(heapAddress);
  heap.signature('HEAP');
  heap.version('a local heap', 0);
  heap.skip(3);
  const size = storage.length(heap);
  heap.skip(storage.lengthSize);
  const names = storage.at(storage.offset(heap), size);
  for (const { child } of walkBtree1(storage, tree, 0, storage.lengthSize)) {
    const node = storage.at(child);
    node.signature('SNOD');
    node.version('a symbol table node', 1);
    node.skip(1);
    const symbols = node.u16();
    storage.count(symbols);
    for (let i = 0; i < symbols; i++) {
      const nameOffset = storage.offset(node);
      const address = storage.offset(node);
      const cache = node.u32();
      node.skip(20);
      const text = new Cursor(names.bytes, names.base);
      text.skip(nameOffset);
      const name = text.zeroTerminated();
      links.push(cache === SYMBOL_ENTRY_IS_SOFT_LINK ? { name, refused: 'a soft link' } : { name, address });
    }
  }
}

/** Specification: IV.A.2.g. */
function parseLink(storage: Storage, cursor: Cursor): Link {
  cursor.version('a link', 1);
  const flags = cursor.u8();
  const kind = flags & 8 ? cursor.u8() : 0;
  if (flags & 4) cursor.skip(8);
  if (flags & 16) cursor.skip(1);
  const name = decodeText(cursor.take(cursor.unsigned(1 << (flags & 3))));
  if (kind === 0) return { name, address: storage.offset(cursor) };
  return { name, refused: kind === 1 ? 'a soft link' : kind === 64 ? 'an external link' : 'a user-defined link' };
}

/** Specification: IV.A.2.c. */
function readDenseLinks(storage: Storage, cursor: Cursor, links: Link[]): void {
  cursor.version('link information', 0);
  if (cursor.u8() & 1) cursor.skip(8);
  const heapAddress = storage.offset(cursor);
  const tree = storage.offset(cursor);
  if (heapAddress === UNDEFINED) return;
  const heap = new FractalHeap(storage, heapAddress);
  for (const record of readBtree2(storage, tree, LINK_NAME_RECORD)) {
    links.push(parseLink(storage, new Cursor(heap.object(record.subarray(4)), heapAddress)));
  }
}
