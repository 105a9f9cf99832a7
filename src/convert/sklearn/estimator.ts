import { VitrinaError } from '../../errors.js';
import {
  NumpyArray,
  NumpyScalar,
  PythonDict,
  PythonObject,
  PythonTuple,
  type PythonValue,
} from '../../formats/pickle/index.js';
import { float16ToNumber } from '../../tensor.js';
import type { Labels } from './labels.js';

/** Releases of scikit-learn whose estimators the converters were written for: 0.18 to 0.24, 1.0 to 1.9. */
const knownVersions = /^(0\.(1[89]|2[0-4])|1\.[0-9])(\D|$)/;
export const knownVersionsText = '0.18 to 1.9';

/**
 * A fitted estimator, read attribute by attribute. A wrong type is a refusal that names estimator and attribute.
 *
 * - **parameter**: an argument of the constructor, kept under its own name (`with_mean`).
 * - **attribute**: what `fit` learnt; its name ends in an underscore (`mean_`).
 */
export class Estimator {
  /** Class name without module: `StandardScaler`. */
  readonly name: string;
  /** Version of scikit-learn that wrote it; `''` for estimators of other libraries, which do not say. */
  readonly version: string;
  private readonly state: PythonDict;

  /**
   * `parentVersion` is that of the estimator which holds it: parts that are no estimators themselves do not say.
   * @throws estimator-unsupported when it has no state, or comes from a release that is not known
   */
  constructor(
    readonly object: PythonObject,
    parentVersion?: string,
  ) {
    this.name = object.global.name;
    if (!(object.state instanceof PythonDict)) this.refuse('the file gives it no attributes');
    this.state = object.state;
    const isForeign = !object.global.module.startsWith('sklearn.');
    const version = this.get('_sklearn_version') ?? parentVersion ?? (isForeign ? '' : undefined);
    if (typeof version !== 'string') {
      this.refuse(`the file does not say which scikit-learn wrote it, and the releases read are ${knownVersionsText}`);
    }
    this.version = version;
    if (!isForeign && !knownVersions.test(version)) {
      this.refuse(`scikit-learn ${version.slice(0, 40)} wrote it, and the releases read are ${knownVersionsText}`);
    }
  }

  refuse(why: string): never {
    throw new VitrinaError('estimator-unsupported', { estimator: this.name, why });
  }

  /** `undefined` when the file does not have it. */
  get(name: string): PythonValue | undefined {
    return this.state.get(name);
  }

  /** True when scikit-learn `release` (`[1, 2]`) or a later one wrote it. */
  since(release: readonly [major: number, minor: number]): boolean {
    const [major = 0, minor = 0] = this.version.split('.').map(Number.parseFloat);
    return major > release[0] || (major === release[0] && minor >= release[1]);
  }

  /** True when the file has it and it is not `None`. */
  has(name: string): boolean {
    return (this.get(name) ?? null) !== null;
  }

  /** Refuses parameters that are not in `known`: scikit-learn grows parameters that change numbers. */
  checkParameters(known: readonly string[] | 'any'): void {
    if (known === 'any') return;
    for (const key of this.state.keys()) {
      if (typeof key !== 'string' || key.startsWith('_') || key.endsWith('_') || known.includes(key)) continue;
      this.refuse(`its parameter ${key} is not known here; known are ${known.join(', ')}`);
    }
  }

  /** Refuses an estimator that has none of what `fit` learns. */
  checkFitted(attribute: string): void {
    if (this.get(attribute) === undefined)
      this.refuse(`it is not fitted (it has no ${attribute}); call fit() before saving`);
  }

  /** `n_features_in_`, which scikit-learn keeps since 0.23. */
  featureCount(): number {
    const count = unwrap(this.get('n_features_in_'));
    if (typeof count === 'bigint' && count > 0n && count < 2n ** 31n) return Number(count);
    return this.refuse('the file does not say how many features it takes');
  }

  boolean(name: string, fallback?: boolean): boolean {
    const value = unwrap(this.get(name) ?? fallback);
    if (typeof value !== 'boolean') this.refuse(`${name} should be True or False`);
    return value;
  }

  /** A pair of numbers, as `feature_range`. */
  pair(name: string): readonly [number, number] {
    const [first, second, ...rest] = this.list(name).map((item) => toNumber(item));
    if (rest.length > 0 || first === undefined || second === undefined) this.refuse(`${name} should be two numbers`);
    return [first, second];
  }

  /** A float or an integer that float64 has. */
  number(name: string, fallback?: number): number {
    const value = toNumber(this.get(name) ?? fallback ?? null);
    if (value === undefined) this.refuse(`${name} should be a number`);
    return value;
  }

  integer(name: string, fallback?: number): number {
    const value = this.number(name, fallback);
    if (!Number.isInteger(value)) this.refuse(`${name} should be an integer`);
    return value;
  }

  text(name: string, fallback?: string): string {
    const value = unwrap(this.get(name) ?? fallback);
    if (typeof value !== 'string') this.refuse(`${name} should be a text`);
    return value;
  }

  /** A text of `known`; what is not known is refused with what is. */
  choice<T extends string>(name: string, known: readonly T[], fallback?: T): T {
    const value = this.text(name, fallback);
    if (!(known as readonly string[]).includes(value)) {
      this.refuse(`${name} is "${value.slice(0, 40)}"; known are ${known.join(', ')}`);
    }
    return value as T;
  }

  /** An instance of an allowed class: a nested estimator, a kernel, a tree. */
  part(name: string): PythonObject {
    const value = this.get(name);
    if (!(value instanceof PythonObject)) this.refuse(`${name} should be an object`);
    return value;
  }

  /** An object that this estimator holds, read as an estimator of the same release. */
  partOf(value: PythonValue | undefined): Estimator {
    if (!(value instanceof PythonObject)) this.refuse('a part of it should be an estimator');
    return new Estimator(value, this.version);
  }

  /** A list, a tuple, or an array of objects, flattened. */
  list(name: string): readonly PythonValue[] {
    return listOf(this.get(name)) ?? this.refuse(`${name} should be a list`);
  }

  /** A dictionary. */
  dictionary(name: string): PythonDict {
    const value = this.get(name);
    if (!(value instanceof PythonDict)) this.refuse(`${name} should be a dictionary`);
    return value;
  }

  /** Numbers of any shape, dense or sparse, widened to float64. Integers that float64 does not have are refused. */
  numbers(name: string): Numbers {
    return toNumbers(this.get(name)) ?? this.refuse(`${name} should be an array of numbers`);
  }

  /** As `numbers`, but a single number counts as a vector of one. */
  scalarOrNumbers(name: string): Numbers {
    const single = toNumber(this.get(name) ?? null);
    return single === undefined ? this.numbers(name) : { data: Float64Array.of(single), shape: [1] };
  }

  /** [rows, columns]; a vector is one row. */
  matrix(name: string, rows?: number, columns?: number): { data: Float64Array; rows: number; columns: number } {
    const { data, shape } = this.numbers(name);
    if (shape.length < 1 || shape.length > 2) this.refuse(`${name} should be a matrix`);
    const matrix = { data, rows: shape.length === 2 ? shape[0]! : 1, columns: shape.at(-1)! };
    if ((rows ?? matrix.rows) !== matrix.rows || (columns ?? matrix.columns) !== matrix.columns) {
      this.refuse(`${name} is ${matrix.rows} × ${matrix.columns}, expected ${rows ?? 'any'} × ${columns ?? 'any'}`);
    }
    return matrix;
  }

  /** [size]: a vector of numbers, widened to float64. */
  vector(name: string, size?: number): Float64Array {
    const { data, shape } = this.numbers(name);
    if (shape.length !== 1) this.refuse(`${name} should be a vector`);
    if (size !== undefined && shape[0] !== size) this.refuse(`${name} has ${shape[0]} values, expected ${size}`);
    return data;
  }

  /** Class labels: integers, floats, booleans or texts, one type for all. */
  labels(name: string): Labels {
    return (
      toLabels(this.get(name)) ??
      this.refuse(`${name} should be labels of one type: integers, floats, booleans or texts`)
    );
  }

  /** One `Labels` a target; `undefined` when `name` is the labels of a single target. */
  labelLists(name: string): Labels[] | undefined {
    const value = this.get(name);
    const items = Array.isArray(value) ? value : value instanceof PythonTuple ? value.items : undefined;
    if (items === undefined || !items.every((item) => item instanceof NumpyArray)) return undefined;
    return items.map((item) => toLabels(item) ?? this.refuse(`${name} should be a list of labels`));
  }

  /**
   * Names of the columns it was fitted on, `undefined` when it was fitted on an array.
   * @throws estimator-unsupported when their number is not `size`
   */
  featureNames(size: number): readonly string[] | undefined {
    const value = this.get('feature_names_in_');
    if (value === undefined || value === null) return undefined;
    const texts = listOf(value) ?? [];
    if (texts.length !== size || !texts.every((name) => typeof name === 'string')) {
      this.refuse(`feature_names_in_ should be the names of its ${size} features`);
    }
    return texts as string[];
  }
}

/** Numbers of any shape, row-major. */
export interface Numbers {
  readonly data: Float64Array;
  readonly shape: readonly number[];
}

/** A NumPy scalar as the value that it holds. */
export const unwrap = (value: PythonValue | undefined) => (value instanceof NumpyScalar ? value.value : value);

/** A Python or NumPy number as float64; `undefined` for what is none, and for integers that float64 does not have. */
export function toNumber(value: PythonValue): number | undefined {
  const plain = unwrap(value);
  if (typeof plain === 'number') return plain;
  if (typeof plain === 'bigint' && BigInt(Number(plain)) === plain) return Number(plain);
  return undefined;
}

/** Items of a list, a tuple or an array, flattened; `undefined` for what is none of these. */
export function listOf(value: PythonValue | undefined): readonly PythonValue[] | undefined {
  if (Array.isArray(value)) return value;
  if (value instanceof PythonTuple) return value.items;
  if (!(value instanceof NumpyArray)) return undefined;
  const { content } = value;
  if (content?.kind === 'objects') return content.objects.items;
  if (content?.kind !== 'tensor') return undefined;
  const { dtype, data } = content.tensor;
  if (dtype === 'bool') return Array.from(data as Uint8Array, (item) => item === 1);
  return Array.from(data as ArrayLike<number | bigint | string>);
}

/** `undefined` for what is no array (or list) of numbers. */
export function toNumbers(value: PythonValue | undefined): Numbers | undefined {
  if (value instanceof PythonObject) return sparseToNumbers(value);
  if (value instanceof NumpyArray) {
    const { content } = value;
    if (content?.kind === 'tensor' && content.tensor.dtype !== 'string') {
      const { dtype, shape, data } = content.tensor;
      if (data instanceof Float64Array) return { data, shape };
      if (dtype === 'float16') return { data: Float64Array.from(data as Uint16Array, float16ToNumber), shape };
      const wide = new Float64Array(data.length);
      for (let i = 0; i < wide.length; i++) {
        const item = data[i]!;
        wide[i] = Number(item);
        if (typeof item === 'bigint' && BigInt(wide[i]!) !== item) return undefined;
      }
      return { data: wide, shape };
    }
  }
  const items = listOf(value)?.map(toNumber);
  if (items === undefined || items.includes(undefined)) return undefined;
  const shape = value instanceof NumpyArray ? value.shape : [items.length];
  return { data: Float64Array.from(items as number[]), shape };
}

/** A scipy.sparse matrix in compressed rows or columns, as a dense one of at most 2^26 numbers. */
function sparseToNumbers(object: PythonObject): Numbers | undefined {
  const kind = /^(csr|csc)_(matrix|array)$/.exec(object.global.name)?.[1];
  if (kind === undefined || !object.global.module.startsWith('scipy.sparse') || !(object.state instanceof PythonDict)) {
    return undefined;
  }
  const part = (name: string) => toNumbers((object.state as PythonDict).get(name))?.data;
  const [values, indices, pointers, shape] = [part('data'), part('indices'), part('indptr'), part('_shape')];
  if (values === undefined || indices === undefined || pointers === undefined || shape?.length !== 2) return undefined;
  const [rows, columns] = shape as unknown as [number, number];
  if (!(rows * columns <= 2 ** 26)) return undefined;
  const major = kind === 'csr' ? rows : columns;
  const minor = kind === 'csr' ? columns : rows;
  if (pointers.length !== major + 1 || indices.length < values.length) return undefined;
  const data = new Float64Array(rows * columns);
  for (let i = 0; i < major; i++) {
    for (let k = pointers[i]!; k < pointers[i + 1]!; k++) {
      const j = indices[k];
      if (j === undefined || !(j >= 0 && j < minor) || k >= values.length) return undefined;
      data[kind === 'csr' ? i * columns + j : j * columns + i]! += values[k]!;
    }
  }
  return { data, shape: [rows, columns] };
}

/** `undefined` for what is no vector of integers, floats, booleans or texts. */
export function toLabels(value: PythonValue | undefined): Labels | undefined {
  const items = listOf(value)?.map(unwrap);
  if (items === undefined || items.length === 0) return undefined;
  if (value instanceof NumpyArray && value.shape.length !== 1) return undefined;
  const shape = [items.length];
  if (items.every((item) => typeof item === 'string')) return { dtype: 'string', shape, data: items as string[] };
  // NumPy's bytes, which were the texts of Python 2.
  if (items.every((item) => item instanceof Uint8Array && item.every((byte) => byte < 0x80))) {
    return { dtype: 'string', shape, data: items.map((item) => Buffer.from(item as Uint8Array).toString('latin1')) };
  }
  if (items.every((item) => typeof item === 'boolean')) {
    return { dtype: 'bool', shape, data: Uint8Array.from(items as boolean[], Number) };
  }
  if (value instanceof NumpyArray && value.content?.kind === 'tensor') {
    const { dtype, data } = value.content.tensor;
    if (dtype === 'float64' || dtype === 'float32')
      return { dtype: 'float64', shape, data: Float64Array.from(data as Float64Array) };
    if (dtype.includes('int') && dtype !== 'uint64') {
      return { dtype: 'int64', shape, data: BigInt64Array.from(items as (number | bigint)[], BigInt) };
    }
    return undefined;
  }
  if (items.every((item) => typeof item === 'bigint' && BigInt.asIntN(64, item) === item)) {
    return { dtype: 'int64', shape, data: BigInt64Array.from(items as bigint[]) };
  }
  return items.every((item) => typeof item === 'number')
    ? { dtype: 'float64', shape, data: Float64Array.from(items as number[]) }
    : undefined;
}
