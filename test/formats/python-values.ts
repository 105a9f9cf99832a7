import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  NumpyArray,
  NumpyScalar,
  PythonByteArray,
  PythonComplex,
  PythonDict,
  PythonObject,
  PythonSet,
  PythonTuple,
  type PythonValue,
} from '../../src/formats/pickle/index.js';
import { float16ToNumber, type Tensor } from '../../src/tensor.js';

export interface PythonCase {
  readonly name: string;
  readonly base64: string;
  readonly expected: unknown;
}

export const pythonFixtures = join(import.meta.dirname, '../fixtures/python');

/** Cases that test/fixtures/make/pickles.py wrote. */
export function readCases(file: string): PythonCase[] {
  return JSON.parse(readFileSync(join(pythonFixtures, file), 'utf8')) as PythonCase[];
}

/** Python's `repr` of a float is what JavaScript writes, but for the exponent and `.0`; so numbers are compared. */
export function comparable(expected: unknown): unknown {
  if (Array.isArray(expected)) return expected.map(comparable);
  if (typeof expected !== 'object' || expected === null) return expected;
  return Object.fromEntries(
    Object.entries(expected).map(([key, value]) => {
      if (key === 'float') return [key, toFloat(value as string)];
      if (key === 'complex') return [key, (value as string[]).map(toFloat)];
      return [key, comparable(value)];
    }),
  );
}

export function toFloat(text: string): number {
  return Number(text.replace('inf', 'Infinity'));
}

/** The tags of test/fixtures/make/pickles.py. */
export function tag(value: PythonValue): unknown {
  if (value === null || typeof value === 'boolean' || typeof value === 'string') return value;
  if (typeof value === 'bigint') return { int: value.toString() };
  if (typeof value === 'number') return { float: value };
  if (value instanceof PythonComplex) return { complex: [value.real, value.imaginary] };
  if (value instanceof Uint8Array) return { bytes: Buffer.from(value).toString('hex') };
  if (value instanceof PythonByteArray) return { bytearray: Buffer.from(value.bytes).toString('hex') };
  if (Array.isArray(value)) return value.map(tag);
  if (value instanceof PythonTuple) return { tuple: value.items.map(tag) };
  if (value instanceof PythonDict) return { [value.type]: [...value.entries()].map(([k, v]) => [tag(k), tag(v)]) };
  if (value instanceof PythonSet) {
    return { [value.frozen ? 'frozenset' : 'set']: value.values().map(tag).sort(byText) };
  }
  if (value instanceof NumpyScalar) {
    const { kind, dataType } = value.dtype;
    return { scalar: [dataType ?? kind, tag(value.value)] };
  }
  if (value instanceof NumpyArray) return tagArray(value);
  if (value instanceof PythonObject) return { object: [value.global.id, value.args.map(tag)] };
  throw new Error(`no tag for ${String(value)}`);
}

function tagArray({ content }: NumpyArray): unknown {
  if (content === undefined) throw new Error('an array without content');
  if (content.kind === 'tensor') {
    const { dtype, shape } = content.tensor;
    return { array: [dtype === 'string' ? 'U' : dtype, [...shape], elementsOf(content.tensor)] };
  }
  if (content.kind === 'records') {
    const { records } = content;
    const columns = records.fieldNames.map((name) => {
      const tensor = records.field(name);
      return [name, [tensor.dtype, [...tensor.shape], elementsOf(tensor)]];
    });
    return { records: Object.fromEntries(columns) };
  }
  const { shape, items } = content.objects;
  const kind = items.length > 0 && items.every((item) => item instanceof Uint8Array) ? 'S' : 'O';
  return { array: [kind, [...shape], items.map(tag)] };
}

function elementsOf({ dtype, data }: Tensor): unknown[] {
  return Array.from(data as ArrayLike<number | bigint | string>, (value) => {
    if (dtype === 'bool') return value === 1;
    if (typeof value === 'string') return value;
    if (dtype === 'float16') return { float: float16ToNumber(value as number) };
    return dtype.startsWith('float') ? { float: value } : { int: String(value) };
  });
}

const byText = (a: unknown, b: unknown) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1);
