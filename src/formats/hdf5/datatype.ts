import type { DataType } from '../../tensor.js';
import { Cursor, damaged, unsupported } from './cursor.js';
import { type Message, resolveShared } from './object-header.js';
import type { Storage } from './storage.js';

/** The element type of a dataset or attribute, as far as weights and their names need it. */
export type ElementType =
  | {
      readonly kind: 'number';
      readonly dtype: Exclude<DataType, 'string'>;
      readonly size: number;
      readonly swap: boolean;
    }
  | { readonly kind: 'text'; readonly size: number; readonly padding: number }
  | { readonly kind: 'vlen-text'; readonly size: number };

const classNames = [
  'fixed-point',
  'floating-point',
  'time',
  'string',
  'bit field',
  'opaque',
  'compound',
  'reference',
  'enumeration',
  'variable-length',
  'array',
];

const integers = {
  1: ['uint8', 'int8'],
  2: ['uint16', 'int16'],
  4: ['uint32', 'int32'],
  8: ['uint64', 'int64'],
} as const;

/** IEEE 754 layouts: size → [precision, exponent location, exponent size, mantissa size, bias]. */
const floats = {
  2: { dtype: 'float16', layout: [16, 10, 5, 10, 15] },
  4: { dtype: 'float32', layout: [32, 23, 8, 23, 127] },
  8: { dtype: 'float64', layout: [64, 52, 11, 52, 1023] },
} as const;

export function readDatatype(storage: Storage, message: Message): ElementType {
  const { body, base } = resolveShared(storage, message);
  return parseDatatype(new Cursor(body, base));
}

/** Reads one datatype message. Specification: IV.A.2.d. */
export function parseDatatype(cursor: Cursor): ElementType {
  const at = cursor.base + cursor.position;
  const head = cursor.u8();
  const bits = cursor.unsigned(3);
  const size = cursor.u32();
  const version = head >> 4;
  if (version < 1 || version > 5) throw damaged(`a datatype has the unknown version ${version}`, at);
  switch (head & 15) {
    case 0: {
      const names = integers[size as keyof typeof integers];
      if (names === undefined) throw unsupported(`integers of ${size} bytes`);
      const [shift, precision] = [cursor.u16(), cursor.u16()];
      if (shift !== 0 || precision !== size * 8) throw unsupported(`integers of ${precision} bits in ${size} bytes`);
      return { kind: 'number', dtype: names[(bits >> 3) & 1]!, size, swap: size > 1 && (bits & 1) === 1 };
    }
    case 1:
      return parseFloat754(cursor, bits, size);
    case 3:
      if (size === 0) throw damaged('a text of no bytes', at);
      return { kind: 'text', size, padding: bits & 15 };
    case 8:
      return parseBoolean(cursor, bits & 0xffff, version);
    case 9:
      if ((bits & 15) !== 1) throw unsupported('lists of variable length');
      return { kind: 'vlen-text', size };
    default:
      throw unsupported(`the ${classNames[head & 15] ?? `unknown (${head & 15})`} datatype`);
  }
}

function parseFloat754(cursor: Cursor, bits: number, size: number): ElementType {
  const shift = cursor.u16();
  const precision = cursor.u16();
  const [exponentAt, exponentSize, mantissaAt, mantissaSize] = [cursor.u8(), cursor.u8(), cursor.u8(), cursor.u8()];
  const layout = [precision, exponentAt, exponentSize, mantissaSize, cursor.u32()];
  const known = floats[size as keyof typeof floats];
  const standard =
    known?.layout.every((value, i) => value === layout[i]) &&
    shift === 0 &&
    mantissaAt === 0 &&
    ((bits >> 4) & 3) === 2 &&
    ((bits >> 8) & 0xff) === size * 8 - 1 &&
    (bits & 0x40) === 0;
  if (known === undefined || !standard) {
    throw unsupported(
      `a ${size * 8}-bit floating-point type with ${exponentSize} bits of exponent`,
      'save the weights as float16, float32 or float64',
    );
  }
  return { kind: 'number', dtype: known.dtype, size, swap: (bits & 1) === 1 };
}

/** h5py writes booleans as an enumeration of int8 with the names FALSE = 0 and TRUE = 1; no other is known here. */
function parseBoolean(cursor: Cursor, members: number, version: number): ElementType {
  const base = parseDatatype(cursor);
  const names: string[] = [];
  for (let i = 0; i < members; i++) {
    const start = cursor.position;
    names.push(cursor.zeroTerminated());
    if (version < 3) cursor.skip((8 - ((cursor.position - start) % 8)) % 8);
  }
  if (base.kind !== 'number' || base.size !== 1 || members !== 2) throw unsupported('an enumeration datatype');
  const values = [cursor.u8(), cursor.u8()];
  if (names[values.indexOf(0)] !== 'FALSE' || names[values.indexOf(1)] !== 'TRUE') {
    throw unsupported('an enumeration datatype');
  }
  return { kind: 'number', dtype: 'bool', size: 1, swap: false };
}
