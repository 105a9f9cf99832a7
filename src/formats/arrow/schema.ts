/** The schema of Arrow data: names and types of columns. Specification: Schema.fbs of Apache Arrow. */
import { VitrinaError } from '../../errors.js';
import { type FlatTable, malformed } from './flat-table.js';

/** How the values of a column lie in memory. */
export type ArrowType =
  | { readonly kind: 'number'; readonly dtype: NumberType }
  | { readonly kind: 'bool' | 'text' | 'large-text' | 'text-view' | 'null' }
  | { readonly kind: 'list' | 'large-list' }
  | { readonly kind: 'fixed-list'; readonly size: number }
  /** A type whose values are not read, by its name; `buffers` is what a batch has of it. */
  | { readonly kind: 'other'; readonly name: string; readonly buffers: number };

export type NumberType =
  | 'float16'
  | 'float32'
  | 'float64'
  | 'int8'
  | 'int16'
  | 'int32'
  | 'int64'
  | 'uint8'
  | 'uint16'
  | 'uint32'
  | 'uint64';

export interface ArrowField {
  readonly name: string;
  readonly type: ArrowType;
  /** Where the column holds places in a dictionary of values of `type`: its id, and the type of the places. */
  readonly dictionary: { readonly id: number; readonly places: ArrowType } | undefined;
  readonly children: readonly ArrowField[];
}

const deepest = 8;
const mostFields = 200_000;

/** Types whose values are not read, with the number of their buffers; lists and structures among them have children. */
const others: Readonly<Record<number, readonly [name: string, buffers: number]>> = {
  4: ['Binary', 3],
  7: ['Decimal', 2],
  8: ['Date', 2],
  9: ['Time', 2],
  10: ['Timestamp', 2],
  11: ['Interval', 2],
  13: ['Struct', 1],
  15: ['FixedSizeBinary', 2],
  17: ['Map', 2],
  18: ['Duration', 2],
  19: ['LargeBinary', 3],
};

const unreadable: Readonly<Record<number, string>> = {
  14: 'Union',
  22: 'RunEndEncoded',
  23: 'BinaryView',
  25: 'ListView',
  26: 'LargeListView',
};

/** Errors: `arrow-malformed`, `arrow-unsupported` for what cannot even be passed over. */
export function readSchema(schema: FlatTable): ArrowField[] {
  if (schema.int16(0) !== 0) throw unsupported('numbers of big-endian machines', 'write it on a little-endian machine');
  const counter = { fields: 0 };
  return schema.tables(1).map((field) => readField(field, 1, counter));
}

function readField(field: FlatTable, depth: number, counter: { fields: number }): ArrowField {
  if (++counter.fields > mostFields) throw malformed(`its schema has more than ${mostFields} fields`);
  if (depth > deepest) throw malformed(`its schema is nested deeper than ${deepest} levels`);
  const name = field.text(0) ?? '';
  const dictionary = field.table(4);
  return {
    name,
    type: readType(name, field.int8(2), field.table(3)),
    dictionary:
      dictionary === undefined
        ? undefined
        : { id: dictionary.int64(0), places: integer(dictionary.table(1)) ?? { kind: 'number', dtype: 'int32' } },
    children: field.tables(5).map((child) => readField(child, depth + 1, counter)),
  };
}

function readType(name: string, code: number, type: FlatTable | undefined): ArrowType {
  switch (code) {
    case 1:
      return { kind: 'null' };
    case 2: {
      const found = integer(type);
      if (found === undefined) throw malformed(`column "${shorten(name)}" has integers of an unknown width`);
      return found;
    }
    case 3: {
      const dtype = (['float16', 'float32', 'float64'] as const)[type?.int16(0) ?? 0];
      if (dtype === undefined) throw malformed(`column "${shorten(name)}" has numbers of an unknown precision`);
      return { kind: 'number', dtype };
    }
    case 5:
      return { kind: 'text' };
    case 6:
      return { kind: 'bool' };
    case 12:
      return { kind: 'list' };
    case 16: {
      const size = type?.int32(0) ?? 0;
      if (size < 0) throw malformed(`column "${shorten(name)}" has lists of ${size} values`);
      return { kind: 'fixed-list', size };
    }
    case 20:
      return { kind: 'large-text' };
    case 21:
      return { kind: 'large-list' };
    case 24:
      return { kind: 'text-view' };
  }
  const other = others[code];
  if (other !== undefined) return { kind: 'other', name: other[0], buffers: other[1] };
  const known = unreadable[code];
  if (known === undefined) throw malformed(`column "${shorten(name)}" has an unknown type`);
  throw unsupported(`a column "${shorten(name)}" of type ${known}`, 'leave it out');
}

function integer(type: FlatTable | undefined): ArrowType | undefined {
  const dtype = `${type?.int8(1) ? '' : 'u'}int${type?.int32(0) ?? 0}`;
  return /^u?int(8|16|32|64)$/.test(dtype) ? { kind: 'number', dtype: dtype as NumberType } : undefined;
}

export function unsupported(what: string, next: string): VitrinaError {
  return new VitrinaError('arrow-unsupported', { what, next });
}

export function shorten(name: string): string {
  return name.length <= 60 ? name : `${name.slice(0, 57)}…`;
}

/** A type as people write it. */
export function typeName(type: ArrowType): string {
  if (type.kind === 'number') return type.dtype;
  return type.kind === 'other' ? type.name : type.kind;
}
