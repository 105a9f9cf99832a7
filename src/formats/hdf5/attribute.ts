import { type DataType, float16ToNumber, sizeOf } from '../../tensor.js';
import { Cursor, decodeText } from './cursor.js';
import { parseDataspace, readDataspace } from './dataspace.js';
import { parseDatatype, readDatatype } from './datatype.js';
import { type Message, MessageType, resolveShared } from './object-header.js';
import type { Storage } from './storage.js';
import { decodeElements } from './values.js';

/** `null` is h5py's Empty. Integers beyond 2^53 keep the nearest number. */
export type AttributeValue =
  | string
  | number
  | boolean
  | readonly string[]
  | readonly number[]
  | readonly boolean[]
  | null;

/** An attribute whose value is read when asked for, so that an exotic one nobody needs does no harm. */
export interface RawAttribute {
  readonly name: string;
  readonly read: () => AttributeValue;
}

/** Splits an attribute message. Specification: IV.A.2.m. */
export function parseAttribute(storage: Storage, body: Uint8Array, base: number): RawAttribute {
  const cursor = new Cursor(body, base);
  const version = cursor.version('an attribute', 1, 2, 3);
  const flags = cursor.u8();
  const nameSize = cursor.u16();
  const datatypeSize = cursor.u16();
  const dataspaceSize = cursor.u16();
  if (version === 3) cursor.skip(1);
  const part = (size: number): { body: Uint8Array; base: number } => {
    const start = cursor.base + cursor.position;
    const bytes = cursor.take(size);
    if (version === 1) cursor.align(8);
    return { body: bytes, base: start };
  };
  const nameBytes = part(nameSize).body;
  const zero = nameBytes.indexOf(0);
  const datatype = part(datatypeSize);
  const dataspace = part(dataspaceSize);
  const data = cursor.take(cursor.remaining);
  const shared = (bit: number): boolean => version > 1 && (flags & bit) !== 0;
  return {
    name: decodeText(zero < 0 ? nameBytes : nameBytes.subarray(0, zero)),
    read: () => {
      const message = (type: number, place: typeof datatype, bit: number): Message => ({
        type,
        ...place,
        shared: shared(bit),
      });
      const type = shared(1)
        ? readDatatype(storage, message(MessageType.datatype, datatype, 1))
        : parseDatatype(new Cursor(datatype.body, datatype.base));
      const space = resolveShared(storage, message(MessageType.dataspace, dataspace, 2));
      const shape = shared(2)
        ? readDataspace(storage, space.body, space.base)
        : parseDataspace(storage, new Cursor(dataspace.body, dataspace.base));
      if (shape === null) return null;
      const bytes = sizeOf(shape) * type.size;
      storage.announce(bytes, 'an attribute');
      // The padding of version 1 may follow the data.
      const { dtype, data: elements } = decodeElements(storage, type, shape, new Cursor(data, base).take(bytes));
      const values = Array.from(elements as Iterable<string | number | bigint>, (value) =>
        typeof value === 'string' ? value : dtype === 'bool' ? value !== 0 : toNumber(dtype, value),
      );
      return (shape.length === 0 ? values[0]! : values) as AttributeValue;
    },
  };
}

function toNumber(dtype: DataType, value: number | bigint): number {
  return dtype === 'float16' ? float16ToNumber(Number(value)) : Number(value);
}
