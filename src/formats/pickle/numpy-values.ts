import { type DataType, type NumericData, type Tensor, viewBytes } from '../../tensor.js';
import { malformed, unsupported } from './limits.js';
import type { PythonValue } from './values.js';

/**
 * NumPy's letter for a family of types: float, int, unsigned, bool, object, text (UCS-4), bytes, void (records),
 * complex, datetime, timedelta.
 */
export type DtypeKind = 'f' | 'i' | 'u' | 'b' | 'O' | 'U' | 'S' | 'V' | 'c' | 'M' | 'm';

export interface DtypeField {
  readonly name: string;
  readonly dtype: NumpyDtype;
  readonly offset: number;
}

const sizes: Readonly<Record<string, readonly number[]>> = {
  f: [2, 4, 8, 12, 16],
  i: [1, 2, 4, 8],
  u: [1, 2, 4, 8],
  b: [1],
  c: [8, 16, 24, 32],
};

/** A `numpy.dtype`. Pickles make one from a short code and then give it a state, so its parts are set once more. */
export class NumpyDtype {
  bigEndian: boolean;
  itemSize: number;
  /** Fields of a structured type, in order. */
  fields: readonly DtypeField[] | undefined = undefined;

  constructor(
    readonly kind: DtypeKind,
    itemSize: number,
    bigEndian = false,
  ) {
    this.itemSize = itemSize;
    this.bigEndian = bigEndian;
  }

  /**
   * From NumPy's code, as `f8`, `<i4`, `|b1`, `U12`, `O`.
   * Reference: https://numpy.org/doc/stable/reference/arrays.dtypes.html
   * @throws artefact-malformed, artefact-unsupported
   */
  static parse(code: string, format = 'pickle'): NumpyDtype {
    const match = /^([<>|=]?)([fiubOUSVcMma?])(\d{0,10})(?:\[[\w/]+\])?$/.exec(code);
    if (match === null) throw unsupported(format, `the NumPy type ${JSON.stringify(code.slice(0, 80))}`, nextType);
    const order = match[1]!;
    const kind = (match[2] === '?' ? 'b' : match[2] === 'a' ? 'S' : match[2]!) as DtypeKind;
    const digits = match[3]!;
    const size = kind === 'b' && digits === '' ? 1 : kind === 'O' || kind === 'M' || kind === 'm' ? 8 : Number(digits);
    if (sizes[kind]?.includes(size) === false) throw malformed(format, `the NumPy type ${code} does not exist`);
    return new NumpyDtype(kind, kind === 'U' ? size * 4 : size, order === '>');
  }

  /** As NumPy writes it: `<f8`, `|O`, `<U3`. */
  get code(): string {
    const order = this.itemSize > 1 && 'fiucUMm'.includes(this.kind) ? (this.bigEndian ? '>' : '<') : '|';
    const size = this.kind === 'O' ? '' : this.kind === 'U' ? this.itemSize / 4 : this.itemSize;
    return `${order}${this.kind}${size}`;
  }

  /** The element type of a tensor of this type; `undefined` when no tensor can hold it. */
  get dataType(): Exclude<DataType, 'string'> | undefined {
    switch (this.kind) {
      case 'b':
        return 'bool';
      case 'f':
        return this.itemSize <= 8 ? (`float${this.itemSize * 8}` as 'float64') : undefined;
      case 'i':
        return `int${this.itemSize * 8}` as 'int64';
      case 'u':
        return `uint${this.itemSize * 8}` as 'uint64';
      default:
        return undefined;
    }
  }

  /** True when elements, or elements of a field, are Python objects. */
  get hasObject(): boolean {
    return this.kind === 'O' || (this.fields?.some((field) => field.dtype.kind === 'O') ?? false);
  }
}

export const nextType = 'convert the array to a numeric, boolean or text type before saving';

/** A NumPy scalar: `value` is a `bigint` for integer types, a `number` for floats. */
export class NumpyScalar {
  constructor(
    readonly dtype: NumpyDtype,
    readonly value: null | boolean | bigint | number | string | Uint8Array,
  ) {}
}

/** Elements of a structured type, row by row as in memory: a tree's nodes. */
export class RecordArray {
  constructor(
    readonly dtype: NumpyDtype,
    readonly shape: readonly number[],
    readonly bytes: Uint8Array,
  ) {}

  get fieldNames(): string[] {
    return this.dtype.fields?.map((field) => field.name) ?? [];
  }

  /** One field of every record, as a tensor of the array's shape. @throws artefact-malformed, artefact-unsupported */
  field(name: string): Tensor {
    const field = this.dtype.fields?.find((candidate) => candidate.name === name);
    if (field === undefined) {
      throw malformed('pickle', `the records have no field "${name}" but ${this.fieldNames.join(', ')}`);
    }
    const dtype = field.dtype.dataType;
    if (dtype === undefined || field.dtype.fields !== undefined) {
      throw unsupported('pickle', `records whose field "${name}" is of NumPy type ${field.dtype.code}`, nextType);
    }
    const { itemSize: size } = field.dtype;
    const stride = this.dtype.itemSize;
    const count = stride === 0 ? 0 : this.bytes.length / stride;
    const column = new Uint8Array(count * size);
    for (let byte = 0; byte < size; byte++) {
      const place = field.dtype.bigEndian ? size - 1 - byte : byte;
      for (let i = 0, from = field.offset + byte, to = place; i < count; i++, from += stride, to += size) {
        column[to] = this.bytes[from]!;
      }
    }
    return { dtype, shape: this.shape, data: viewBytes(dtype, column) as NumericData };
  }
}

/** Elements of dtype `object` or `bytes`, row-major. */
export interface ObjectArray {
  readonly shape: readonly number[];
  readonly items: PythonValue[];
}

export type ArrayContent =
  | { readonly kind: 'tensor'; readonly tensor: Tensor }
  | { readonly kind: 'objects'; readonly objects: ObjectArray }
  | { readonly kind: 'records'; readonly records: RecordArray };

/** A NumPy array. A pickle makes it empty and fills it later; `content` is complete once the reader returns. */
export class NumpyArray {
  content: ArrayContent | undefined;

  /** `type` is the class as Python names it: `numpy.ndarray`, `numpy.matrix`. */
  constructor(
    content: ArrayContent | undefined,
    readonly type = 'numpy.ndarray',
  ) {
    this.content = content;
  }

  get shape(): readonly number[] {
    const { content } = this;
    if (content === undefined) return [0];
    if (content.kind === 'tensor') return content.tensor.shape;
    return content.kind === 'objects' ? content.objects.shape : content.records.shape;
  }

  /** Numbers, booleans or text, row-major. @throws artefact-unsupported for arrays of objects or records */
  get tensor(): Tensor {
    if (this.content?.kind === 'tensor') return this.content.tensor;
    throw unsupported(
      'pickle',
      `an array of ${this.content?.kind ?? 'nothing'} where one of numbers or text belongs`,
      nextType,
    );
  }
}
