import { sizeOf, type Tensor, viewBytes } from '../../tensor.js';
import { Cursor, damaged, decodeText, UNDEFINED } from './cursor.js';
import type { ElementType } from './datatype.js';
import type { Storage } from './storage.js';

/**
 * Elements as stored to a tensor. Little-endian numbers are viewed, not copied, wherever their place is aligned, so
 * such a tensor shares the bytes of the file.
 */
export function decodeElements(
  storage: Storage,
  type: ElementType,
  shape: readonly number[],
  bytes: Uint8Array,
): Tensor {
  if (type.kind === 'number') {
    return { dtype: type.dtype, shape, data: viewBytes(type.dtype, type.swap ? swapBytes(bytes, type.size) : bytes) };
  }
  const texts: string[] = [];
  const cursor = new Cursor(bytes);
  storage.count(sizeOf(shape));
  for (let i = sizeOf(shape); i > 0; i--) {
    texts.push(type.kind === 'text' ? fixedText(cursor.take(type.size), type.padding) : vlenText(storage, cursor));
  }
  return { dtype: 'string', shape, data: texts };
}

function swapBytes(bytes: Uint8Array, size: number): Uint8Array {
  const copy = Buffer.from(bytes);
  if (size === 2) copy.swap16();
  else if (size === 4) copy.swap32();
  else if (size === 8) copy.swap64();
  return copy;
}

/** Padding: 0 ends at the first zero byte, 1 is filled with zeros, 2 with spaces. Specification: IV.A.2.d, strings. */
function fixedText(bytes: Uint8Array, padding: number): string {
  let end = bytes.length;
  if (padding === 0) {
    const zero = bytes.indexOf(0);
    if (zero >= 0) end = zero;
  } else {
    const filler = padding === 2 ? 0x20 : 0;
    while (end > 0 && bytes[end - 1] === filler) end--;
  }
  return decodeText(bytes.subarray(0, end));
}

/** A text of variable length: its size, and where it lies in the global heap. Specification: III.E. */
function vlenText(storage: Storage, cursor: Cursor): string {
  const length = cursor.u32();
  const address = storage.offset(cursor);
  const index = cursor.u32();
  if (length === 0 || address === 0 || address === UNDEFINED) return '';
  const bytes = globalHeapObject(storage, address, index);
  if (bytes.length < length) throw damaged('a text is longer than its place', address);
  storage.announce(length, 'a text');
  return decodeText(bytes.subarray(0, length));
}

function globalHeapObject(storage: Storage, address: number, index: number): Uint8Array {
  const head = storage.at(address);
  head.signature('GCOL');
  head.version('a global heap', 1);
  head.skip(3);
  const size = storage.length(head);
  const heap = storage.at(address, size);
  heap.skip(8 + storage.lengthSize);
  while (heap.remaining >= 8 + storage.lengthSize) {
    storage.count(1);
    const found = heap.u16();
    heap.skip(6);
    const length = storage.length(heap);
    if (found === 0) break;
    const bytes = heap.take(length);
    if (found === index) return bytes;
    heap.align(8);
  }
  throw damaged(`the global heap has no object ${index}`, address);
}
