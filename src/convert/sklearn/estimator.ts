import { VitrinaError } from '../../errors.js';
import {
  NumpyArray,
  NumpyScalar,
  PythonDict,
  type PythonObject,
  PythonTuple,
  type PythonValue,
} from '../../formats/pickle/index.js';

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
  /** Version of scikit-learn that wrote it. */
  readonly version: string;
  private readonly state: PythonDict;

  /** @throws estimator-unsupported when it has no state, or comes from a release that is not known */
  constructor(readonly object: PythonObject) {
    this.name = object.global.name;
    if (!(object.state instanceof PythonDict)) this.refuse('the file gives it no attributes');
    this.state = object.state;
    const version = this.get('_sklearn_version');
    if (typeof version !== 'string') {
      this.refuse(`the file does not say which scikit-learn wrote it, and the releases read are ${knownVersionsText}`);
    }
    this.version = version;
    if (!knownVersions.test(version)) {
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

  /** Refuses parameters that are not in `known`: scikit-learn grows parameters that change numbers. */
  checkParameters(known: readonly string[]): void {
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
    const value = this.get(name);
    const items = value instanceof PythonTuple ? value.items : Array.isArray(value) ? value : [];
    const [first, second] = items.map((item) => toNumber(item));
    if (items.length !== 2 || first === undefined || second === undefined) this.refuse(`${name} should be two numbers`);
    return [first, second];
  }

  /** [size]: a vector of floats, widened to float64, which loses nothing. */
  vector(name: string, size?: number): Float64Array {
    const value = this.get(name);
    const tensor = value instanceof NumpyArray && value.content?.kind === 'tensor' ? value.tensor : undefined;
    if (tensor?.shape.length !== 1 || (tensor.dtype !== 'float64' && tensor.dtype !== 'float32')) {
      this.refuse(`${name} should be a vector of floats`);
    }
    if (size !== undefined && tensor.shape[0] !== size) {
      this.refuse(`${name} has ${tensor.shape[0]} values for ${size} features`);
    }
    return Float64Array.from(tensor.data as Float64Array);
  }

  /**
   * Names of the columns it was fitted on, `undefined` when it was fitted on an array.
   * @throws estimator-unsupported when their number is not `size`
   */
  featureNames(size: number): readonly string[] | undefined {
    const value = this.get('feature_names_in_');
    if (value === undefined || value === null) return undefined;
    const content = value instanceof NumpyArray ? value.content : undefined;
    const names =
      content?.kind === 'objects' ? content.objects.items : content?.kind === 'tensor' ? content.tensor.data : [];
    const texts = Array.from(names as ArrayLike<unknown>);
    if (texts.length !== size || !texts.every((name) => typeof name === 'string')) {
      this.refuse(`feature_names_in_ should be the names of its ${size} features`);
    }
    return texts as string[];
  }
}

const unwrap = (value: PythonValue | undefined) => (value instanceof NumpyScalar ? value.value : value);

/** A Python or NumPy number as float64; `undefined` for what is none, and for integers that float64 does not have. */
function toNumber(value: PythonValue): number | undefined {
  const plain = unwrap(value);
  if (typeof plain === 'number') return plain;
  if (typeof plain === 'bigint' && BigInt(Number(plain)) === plain) return Number(plain);
  return undefined;
}
