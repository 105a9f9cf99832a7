import { VitrinaError } from '../../errors.js';
import { PythonObject, type PythonValue } from '../../formats/pickle/index.js';
import type { FeaturizerSpec, Guard } from '../../signature.js';
import type { GraphBuilder, Value } from '../graph-builder.js';
import { Call } from './call.js';
import type { EstimatorConverter, InputShape, Methods } from './converter.js';
import { Estimator } from './estimator.js';
import type { Features, SparseMatrix } from './features.js';
import { Sparsity } from './sparsity.js';

/** Estimators nested deeper than this are refused. */
const deepest = 50;

/** One conversion: the graph, what was learnt on the way, and the way from an estimator to its converter. */
export class ConversionContext {
  readonly guards: Guard[] = [];
  readonly featurizers: FeaturizerSpec[] = [];
  readonly components = new Set<string>();
  readonly notes = new Set<string>();
  /** Release of the library that wrote a model which says so itself (XGBoost). */
  libraryVersion: string | undefined;
  isIndivisible = false;
  private readonly known = new Map<PythonObject, Map<Features, Methods>>();
  private readonly made = new Map<string, unknown>();
  private readonly sparsity = new Sparsity();
  private readonly sparseResults = new WeakMap<Features, boolean | undefined>();
  private depth = 0;

  constructor(
    readonly graph: GraphBuilder,
    private readonly registry: ReadonlyMap<string, EstimatorConverter>,
  ) {}

  /** The methods of `object` on `features`; asked again, the same. @throws estimator-unsupported */
  convert(object: PythonValue | undefined, features: Features, parent?: Estimator): Methods {
    const estimator = this.estimatorOf(object, parent);
    const known = this.known.get(estimator.object)?.get(features);
    if (known !== undefined) return known;
    if (this.depth >= deepest) estimator.refuse(`estimators are nested deeper than ${deepest}`);
    this.components.add(estimator.name);
    this.depth++;
    try {
      const converted = this.converterOf(estimator.object).convert(new Call(this, estimator, features));
      const methods = once(this.marked(estimator, features, converted));
      const own = this.known.get(estimator.object) ?? new Map<Features, Methods>();
      this.known.set(estimator.object, own.set(features, methods));
      return methods;
    } finally {
      this.depth--;
    }
  }

  /** Whether scikit-learn has `features` as a scipy.sparse matrix; `undefined` when that is not known. */
  isSparse(features: Features): boolean | undefined {
    return this.sparseResults.has(features)
      ? this.sparseResults.get(features)
      : features.kind === 'sparse'
        ? undefined
        : false;
  }

  /** Takes note of what `transform` gives. */
  private marked(estimator: Estimator, features: Features, methods: Methods): Methods {
    const { transform } = methods;
    if (transform === undefined) return methods;
    return {
      ...methods,
      transform: () => {
        const result = transform();
        const fromSparse = this.isSparse(features);
        const isSparse = fromSparse === undefined ? undefined : this.sparsity.ofResult(estimator, fromSparse);
        // A transformer of one part gives that part's result on, and may have made it dense.
        this.sparseResults.set(result, isSparse);
        return result;
      },
    };
  }

  /** What the estimator takes at the root of a file. */
  describeInput(estimator: Estimator): InputShape {
    if (++this.depth > deepest) estimator.refuse(`estimators are nested deeper than ${deepest}`);
    const input = this.converterOf(estimator.object).input;
    const shape =
      input?.(estimator, (part) => this.describeInput(part)) ?? tableOf(estimator, estimator.featureCount());
    this.depth--;
    return shape;
  }

  /** A fitted estimator, its parameters checked. `undefined` and what is no object are refused. */
  estimatorOf(object: PythonValue | undefined, parent?: Estimator): Estimator {
    if (!(object instanceof PythonObject)) {
      const why = 'a part of it should be an estimator, and the file has something else there';
      throw new VitrinaError('estimator-unsupported', { estimator: parent?.name ?? 'the file', why });
    }
    const { parameters } = this.converterOf(object);
    const estimator = new Estimator(object, parent?.version);
    estimator.checkParameters(parameters);
    return estimator;
  }

  /** What `make` gives the first time that `key` is asked for: fifty parts on one input check it once. */
  once<T>(key: string, make: () => T): T {
    if (!this.made.has(key)) this.made.set(key, make());
    return this.made.get(key) as T;
  }

  /** The result depends on all rows of a request: no batch may join it with others. */
  dependOnRequest(): void {
    this.isIndivisible = true;
  }

  /** A row where `ok`, bool [batch], is false is refused with `message`. */
  guard(ok: Value, path: string, message: string): void {
    const output = this.graph.unique('guard');
    this.graph.output({ name: output, dtype: 'bool', shape: [null] }, ok);
    this.guards.push({ output, path, message });
  }

  /** Adds a step before the graph that reads the input called `input`, and gives what it will feed. */
  featurize(kind: string, input: string, parameters: FeaturizerSpec['parameters'], size: number): SparseMatrix {
    const { graph } = this;
    const shape = [null, null];
    const indices = graph.input({ name: graph.unique(`${input}_indices`), dtype: 'int64', shape });
    const values = graph.input({ name: graph.unique(`${input}_values`), dtype: 'float64', shape });
    this.featurizers.push({ kind, input, indices, values, parameters });
    return { kind: 'sparse', indices, values, size, finite: true };
  }

  private converterOf({ global: { id } }: PythonObject): EstimatorConverter {
    const converter = this.registry.get(id);
    if (converter !== undefined) return converter;
    throw new VitrinaError('estimator-unsupported', {
      estimator: id,
      why: `there is no converter for it; ${this.nearTo(id)}`,
    });
  }

  /** What converts of the same part of the library, and how much there is beside. */
  private nearTo(id: string): string {
    const nameOf = (other: string) => other.slice(other.lastIndexOf('.') + 1);
    const part = id.split('.').slice(0, 2).join('.');
    const near = [...this.registry.keys()]
      .filter((other) => other.startsWith(`${part}.`))
      .map(nameOf)
      .sort();
    const all = `${this.registry.size} estimators convert, listed in src/convert/README.md`;
    return near.length === 0 ? all : `of ${part} there is one for ${near.join(', ')}; ${all}`;
  }
}

/** As many columns as scikit-learn hashes texts to: a number in a small file shall not cost the memory of millions. */
const widestTable = 2 ** 20;

/** `size`, when a table may have so many columns. */
export function checkWidth(estimator: Estimator, size: number): number {
  if (size > 0 && size <= widestTable) return size;
  return estimator.refuse(`it takes ${size} features; 1 to ${widestTable} are what a table may have`);
}

/** A table of `size` columns, with the names that the estimator kept. */
export function tableOf(estimator: Estimator, size: number): InputShape {
  checkWidth(estimator, size);
  return { kind: 'table', size, names: estimator.featureNames(size) };
}

/** Input of what keeps a matrix under `name` that has as many columns as its rows had features. */
export const matrixInput =
  (name: string) =>
  (estimator: Estimator): InputShape => {
    estimator.checkFitted(name);
    return tableOf(estimator, estimator.matrix(name).columns);
  };

/** Input of what learns nothing from its rows: releases that do not keep the number of features take any. */
export const anyWidthInput = (estimator: Estimator): InputShape =>
  estimator.has('n_features_in_') ? tableOf(estimator, estimator.featureCount()) : { kind: 'rows' };

/** Every method adds its nodes once, however often it is called. */
function once(methods: Methods): Methods {
  const result: Record<string, unknown> = {};
  for (const [name, method] of Object.entries(methods)) {
    if (typeof method !== 'function') {
      result[name] = method;
      continue;
    }
    let value: unknown;
    result[name] = () => {
      value ??= (method as () => unknown)();
      return value;
    };
  }
  return result as Methods;
}
