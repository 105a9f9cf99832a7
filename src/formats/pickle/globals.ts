import { movedClasses, movedModules, sklearnClasses, sklearnFunctions } from './sklearn-names.js';
import { type GlobalKind, PythonGlobal } from './values.js';

/** Types and callables of Python, NumPy, SciPy and pandas that make values, or inert objects. */
const classes: Readonly<Record<string, string>> = {
  _codecs: 'encode',
  builtins: 'bytearray bytes complex dict frozenset list range set slice tuple',
  collections: 'Counter OrderedDict defaultdict',
  copyreg: '__newobj__ _reconstructor',
  functools: 'partial',
  numpy: 'dtype matrix memmap ndarray vectorize',
  'numpy._core.multiarray': '_reconstruct scalar',
  'numpy._core.numeric': '_frombuffer',
  'numpy.ma.core': 'MaskedArray _mareconstruct',
  'numpy.random._generator': 'Generator',
  'numpy.random._mt19937': 'MT19937',
  'numpy.random._pcg64': 'PCG64 PCG64DXSM',
  'numpy.random._philox': 'Philox',
  'numpy.random._pickle': '__bit_generator_ctor __generator_ctor __randomstate_ctor',
  'numpy.random._sfc64': 'SFC64',
  'numpy.random.bit_generator': 'SeedSequence',
  'numpy.random.mtrand': 'RandomState',
  'scipy.interpolate._bsplines': 'BSpline _BSpline',
  'scipy.interpolate._interpolate': 'interp1d',
  'scipy.sparse._bsr': 'bsr_array bsr_matrix',
  'scipy.sparse._coo': 'coo_array coo_matrix',
  'scipy.sparse._csc': 'csc_array csc_matrix',
  'scipy.sparse._csr': 'csr_array csr_matrix',
  'scipy.sparse._dia': 'dia_array dia_matrix',
  'scipy.sparse._dok': 'dok_array dok_matrix',
  'scipy.sparse._lil': 'lil_array lil_matrix',
  // Distributions that a randomized search drew its parameters from.
  'scipy.stats._continuous_distns':
    'beta_gen cauchy_gen chi2_gen expon_gen gamma_gen halfnorm_gen invgamma_gen laplace_gen lognorm_gen norm_gen ' +
    'pareto_gen reciprocal_gen t_gen triang_gen truncexpon_gen truncnorm_gen uniform_gen weibull_min_gen',
  'scipy.stats._discrete_distns': 'bernoulli_gen binom_gen geom_gen nbinom_gen poisson_gen randint_gen',
  'scipy.stats._distn_infrastructure': 'rv_continuous_frozen rv_discrete_frozen rv_frozen',
  'pandas._libs.internals': '_unpickle_block',
  'pandas.core.arrays.string_': 'StringArray StringDtype',
  'pandas.core.frame': 'DataFrame',
  'pandas.core.indexes.base': 'Index _new_Index',
  'pandas.core.indexes.numeric': 'Float64Index Int64Index UInt64Index',
  'pandas.core.indexes.range': 'RangeIndex',
  'pandas.core.internals.managers': 'BlockManager SingleBlockManager',
  'pandas.core.series': 'Series',
  'lightgbm.basic': 'Booster',
  'lightgbm.sklearn': 'LGBMClassifier LGBMModel LGBMRanker LGBMRegressor',
  'xgboost.callback': 'EarlyStopping EvaluationMonitor LearningRateScheduler TrainingCheckPoint',
  'xgboost.compat': 'XGBoostLabelEncoder',
  'xgboost.core': 'Booster',
  'xgboost.sklearn': 'XGBClassifier XGBModel XGBRFClassifier XGBRFRegressor XGBRanker XGBRegressor',
  'joblib.numpy_pickle': 'NumpyArrayWrapper',
  ...sklearnClasses,
};

/** Functions and types that occur as parameters and are never called. */
const values: Readonly<Record<string, string>> = {
  builtins: 'DeprecationWarning FutureWarning bool float int object str',
  numpy:
    'bool bool_ float16 float32 float64 int16 int32 int64 int8 longlong object_ str_ uint16 uint32 uint64 uint8 ' +
    'floating generic inexact integer number signedinteger unsignedinteger datetime64 timedelta64 ' +
    'amax amin asarray clip cumsum max mean median min nan_to_num nanmean nanmedian ravel squeeze sum',
  'numpy._core._multiarray_umath':
    'absolute arccos arccosh arcsin arcsinh arctan arctanh cbrt ceil cos cosh deg2rad exp exp2 expm1 fabs floor ' +
    'isfinite isinf isnan log log10 log1p log2 logical_not negative rad2deg reciprocal rint sign sin sinh sqrt square ' +
    'tan tanh trunc',
  // An attribute of SciPy's splines.
  'scipy._lib.array_api_compat.numpy._aliases': 'asarray',
  ...sklearnFunctions,
};

/** Functions of compiled modules that make an object of the class that they are given. */
const makers: Readonly<Record<string, string>> = {
  // Only for the methods of SciPy's distributions.
  builtins: 'getattr',
  'numpy._core': '_ufunc_reconstruct',
  'pandas._libs.arrays': '__pyx_unpickle_NDArrayBacked',
  'numpy.random.bit_generator': '__pyx_unpickle_SeedSequence',
  'sklearn.metrics._dist_metrics': 'newObj',
  'sklearn.neighbors._ball_tree': 'newObj',
  'sklearn.neighbors._kd_tree': 'newObj',
  'sklearn._loss._loss': (sklearnClasses['sklearn._loss._loss'] ?? '').replace(/\w+/g, '__pyx_unpickle_$&'),
};

/** Old names of modules outside of scikit-learn. */
const otherMoves: Readonly<Record<string, string>> = {
  __builtin__: 'builtins',
  copy_reg: 'copyreg',
  'numpy.core': 'numpy._core',
  'numpy.core._multiarray_umath': 'numpy._core._multiarray_umath',
  'numpy.core.multiarray': 'numpy._core.multiarray',
  'numpy.core.numeric': 'numpy._core.numeric',
  'numpy.core.umath': 'numpy._core._multiarray_umath',
  'numpy.ma': 'numpy.ma.core',
  'numpy.random._bit_generator': 'numpy.random.bit_generator',
  'pandas.arrays': 'pandas.core.arrays.string_',
  'scipy.interpolate.interpolate': 'scipy.interpolate._interpolate',
  'scipy.sparse.bsr': 'scipy.sparse._bsr',
  'scipy.sparse.coo': 'scipy.sparse._coo',
  'scipy.sparse.csc': 'scipy.sparse._csc',
  'scipy.sparse.csr': 'scipy.sparse._csr',
  'scipy.sparse.dia': 'scipy.sparse._dia',
  'scipy.sparse.dok': 'scipy.sparse._dok',
  'scipy.sparse.lil': 'scipy.sparse._lil',
  'sklearn.externals.joblib.numpy_pickle': 'joblib.numpy_pickle',
};

/** Single names that changed: old module, old name, module, name. */
const renamed: readonly (readonly [string, string, string, string])[] = [
  ['__builtin__', 'xrange', 'builtins', 'range'],
  ['exceptions', 'DeprecationWarning', 'builtins', 'DeprecationWarning'],
  ['exceptions', 'FutureWarning', 'builtins', 'FutureWarning'],
  // pandas 3 names its classes as its users do.
  ['pandas', 'Index', 'pandas.core.indexes.base', 'Index'],
  ['pandas', 'RangeIndex', 'pandas.core.indexes.range', 'RangeIndex'],
  ['pandas', 'StringDtype', 'pandas.core.arrays.string_', 'StringDtype'],
  // Both kinds of tree were one Cython class before scikit-learn 0.20.
  ['sklearn.neighbors.ball_tree', 'BinaryTree', 'sklearn.neighbors._ball_tree', 'BallTree'],
  ['sklearn.neighbors.kd_tree', 'BinaryTree', 'sklearn.neighbors._kd_tree', 'KDTree'],
];

const split = (names: string) => names.split(' ').filter((name) => name !== '');

// The separator cannot occur in a line of a pickle's GLOBAL, and `a.b` + `c` is not `a` + `b.c`.
const keyOf = (module: string, name: string) => `${module}\n${name}`;

const table = buildTable();

function buildTable(): ReadonlyMap<string, PythonGlobal> {
  const entries = new Map<string, PythonGlobal>();
  const modules = new Map<string, PythonGlobal[]>();
  const groups: readonly (readonly [Readonly<Record<string, string>>, GlobalKind])[] = [
    [classes, 'class'],
    [values, 'value'],
    [makers, 'maker'],
  ];
  for (const [group, kind] of groups) {
    for (const [module, names] of Object.entries(group)) {
      for (const name of split(names)) {
        const global = new PythonGlobal(module, name, kind);
        entries.set(keyOf(module, name), global);
        modules.set(module, [...(modules.get(module) ?? []), global]);
      }
    }
  }
  for (const [from, to] of Object.entries({ ...movedModules, ...otherMoves })) {
    for (const global of modules.get(to) ?? []) entries.set(keyOf(from, global.name), global);
  }
  for (const [from, to, names] of movedClasses) {
    for (const name of split(names)) entries.set(keyOf(from, name), entries.get(keyOf(to, name))!);
  }
  // A ufunc pickles by the name it has in `numpy`.
  for (const global of modules.get('numpy._core._multiarray_umath') ?? [])
    entries.set(keyOf('numpy', global.name), global);
  for (const [from, name, to, newest] of renamed) entries.set(keyOf(from, name), entries.get(keyOf(to, newest))!);
  entries.set(keyOf('numpy.matrixlib.defmatrix', 'matrix'), entries.get(keyOf('numpy', 'matrix'))!);
  entries.set(
    keyOf('numpy.random', '__RandomState_ctor'),
    entries.get(keyOf('numpy.random._pickle', '__randomstate_ctor'))!,
  );
  return entries;
}

/** The stand-in for a global of the allow-list, whatever release named it; `undefined` for every other name. */
export function resolveGlobal(module: string, name: string): PythonGlobal | undefined {
  return table.get(keyOf(module, name));
}

/** A name from a hostile file, fit for an error message. */
export function printable(name: string): string {
  const text = name.length > 120 ? `${name.slice(0, 120)}…` : name;
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not reach a terminal
  return text.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g, '\ufffd');
}
