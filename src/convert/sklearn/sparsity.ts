import { type PythonObject, PythonTuple, type PythonValue } from '../../formats/pickle/index.js';
import type { Estimator } from './estimator.js';

/** Make sparse matrices of whatever they are given. */
const sparse: ReadonlySet<string> = new Set([
  ...['CountVectorizer', 'TfidfVectorizer', 'HashingVectorizer', 'FeatureHasher', 'TfidfTransformer'],
  ...['KNeighborsTransformer', 'RadiusNeighborsTransformer'],
]);

/** A parameter that says so, with what it is unless told; `sparse_output` was called `sparse` before 1.2. */
const byParameter: Readonly<Record<string, boolean>> = {
  OneHotEncoder: true,
  DictVectorizer: true,
  RandomTreesEmbedding: true,
  SplineTransformer: false,
  MultiLabelBinarizer: false,
  LabelBinarizer: false,
};

/** Give back what they are given, sparse or not. */
const keeping: ReadonlySet<string> = new Set([
  ...['StandardScaler', 'MaxAbsScaler', 'RobustScaler', 'Normalizer', 'Binarizer', 'SimpleImputer', 'Imputer'],
  ...['QuantileTransformer', 'PolynomialFeatures', 'FunctionTransformer', 'AdditiveChi2Sampler'],
  ...['VarianceThreshold', 'SelectKBest', 'SelectPercentile', 'SelectFpr', 'SelectFdr', 'SelectFwe'],
  ...['GenericUnivariateSelect', 'SelectFromModel', 'SequentialFeatureSelector', 'RFE', 'RFECV'],
]);

/** Give dense arrays whatever they are given. */
const dense: ReadonlySet<string> = new Set([
  ...['TruncatedSVD', 'NMF', 'LatentDirichletAllocation', 'PCA', 'KMeans', 'MiniBatchKMeans', 'Nystroem', 'RBFSampler'],
]);

/**
 * Tells where scikit-learn would have a scipy.sparse matrix. No matter to its own estimators, but XGBoost takes what is
 * not in such a matrix as missing. Answers are kept: estimators may share their parts.
 */
export class Sparsity {
  private readonly results = [
    new Map<PythonObject, boolean | undefined>(),
    new Map<PythonObject, boolean | undefined>(),
  ];

  /** Whether `transform` gives one, of input that is one or not; `undefined` when that is not known. */
  ofResult(estimator: Estimator, fromSparse: boolean): boolean | undefined {
    const results = this.results[fromSparse ? 1 : 0]!;
    const { object } = estimator;
    if (!results.has(object)) results.set(object, this.decide(estimator, fromSparse));
    return results.get(object);
  }

  private decide(estimator: Estimator, fromSparse: boolean): boolean | undefined {
    const { name } = estimator;
    if (sparse.has(name)) return true;
    if (Object.hasOwn(byParameter, name)) return flag(estimator, ['sparse_output', 'sparse'], byParameter[name]!);
    switch (name) {
      case 'KBinsDiscretizer':
        return estimator.get('encode') === 'onehot';
      case 'ColumnTransformer':
        return flag(estimator, ['sparse_output_'], false);
      case 'MissingIndicator': {
        const setting = estimator.get('sparse') ?? 'auto';
        return setting === 'auto' ? fromSparse : setting === true;
      }
      case 'Pipeline': {
        let result: boolean | undefined = fromSparse;
        for (const part of partsOf(estimator, 'steps')) {
          if (result !== undefined) result = this.ofResult(part, result);
        }
        return result;
      }
      case 'FeatureUnion': {
        const results = partsOf(estimator, 'transformer_list').map((part) => this.ofResult(part, fromSparse));
        return results.includes(true) ? true : results.includes(undefined) ? undefined : false;
      }
    }
    if (keeping.has(name)) return fromSparse;
    return !fromSparse || dense.has(name) ? false : undefined;
  }
}

function flag(estimator: Estimator, names: readonly string[], otherwise: boolean): boolean {
  const name = names.find((one) => estimator.get(one) !== undefined);
  return name === undefined ? otherwise : estimator.boolean(name);
}

/** Estimators of a list of named ones, without those that are dropped or passed through. */
function partsOf(estimator: Estimator, list: string): Estimator[] {
  return estimator.list(list).flatMap((item) => {
    const part: PythonValue = item instanceof PythonTuple ? (item.items[1] ?? null) : null;
    return part === null || typeof part === 'string' ? [] : [estimator.partOf(part)];
  });
}
