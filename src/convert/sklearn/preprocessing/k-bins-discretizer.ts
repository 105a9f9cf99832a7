import { NumpyArray, NumpyDtype, PythonGlobal, PythonObject } from '../../../formats/pickle/index.js';
import type { Value } from '../../graph-builder.js';
import type { Call } from '../call.js';
import { tableOf } from '../context.js';
import type { EstimatorConverter } from '../converter.js';
import { type Estimator, toNumbers } from '../estimator.js';
import { densify, type Features, matrix } from '../features.js';
import { searchSorted } from '../search-sorted.js';
import { pairsOf } from './one-hot-encoder.js';

/** [batch, n] → transform: the bin of each value, [batch, n], or one column a bin. */
export const kBinsDiscretizer: EstimatorConverter = {
  className: 'sklearn.preprocessing._discretization.KBinsDiscretizer',
  // How bins were found matters to `fit` alone.
  parameters: [...['n_bins', 'encode', 'strategy', 'dtype', 'subsample', 'random_state', 'quantile_method']],
  input(estimator) {
    estimator.checkFitted('bin_edges_');
    return tableOf(estimator, estimator.list('bin_edges_').length);
  },
  convert: (call) => ({ transform: () => binned(call) }),
};

function binned(call: Call): Features {
  const { estimator } = call;
  const edges = readEdges(estimator);
  const x = rounded(call, call.matrix(edges.length).value);
  const bins = since12(estimator) ? searchSorted(call, x, inner(edges), 'right') : binnedBefore12(call, x, edges);
  const encode = estimator.choice('encode', ['onehot', 'onehot-dense', 'ordinal']);
  if (encode === 'ordinal') return matrix(bins, edges.length, true);
  const starts: number[] = [];
  let size = 0;
  for (const own of edges) {
    starts.push(size);
    size += own.length - 1;
  }
  const codes = call.node('Cast', [call.node('Add', [bins, call.floats(starts)])], { to: 7 });
  return densify(call.graph, pairsOf(call, codes, size));
}

const since12 = (estimator: Estimator) => estimator.since([1, 2]);
const inner = (edges: readonly Float64Array[]) => edges.map((own) => own.subarray(1, -1));

/** Until 1.1 a value just below an edge counted as above it, by `1e-8 + 1e-5·|x|`. */
function binnedBefore12(call: Call, x: Value, edges: readonly Float64Array[]): Value {
  const margin = call.node('Add', [call.scalar(1e-8), call.node('Mul', [call.node('Abs', [x]), call.scalar(1e-5)])]);
  const place = searchSorted(
    call,
    call.node('Add', [x, margin]),
    edges.map((own) => own.subarray(1)),
    'right',
  );
  return call.node('Min', [place, call.floats(edges.map((own) => own.length - 2))]);
}

/** With `dtype=numpy.float32` values are rounded before they are compared. */
function rounded(call: Call, x: Value): Value {
  const dtype = call.estimator.get('dtype') ?? null;
  const name = dtype instanceof PythonGlobal ? dtype.name : dtype instanceof NumpyDtype ? dtype.dataType : undefined;
  if (dtype === null || name === 'float64') return x;
  if (name !== 'float32') return call.estimator.refuse('its dtype is neither float32 nor float64');
  return call.node('Cast', [call.node('Cast', [x], { to: 1 })], { to: 11 });
}

function readEdges(estimator: Estimator): Float64Array[] {
  return estimator.list('bin_edges_').map((item) => {
    const edges = item instanceof NumpyArray || item instanceof PythonObject ? toNumbers(item)?.data : undefined;
    return edges !== undefined && edges.length >= 2 ? edges : estimator.refuse('bin_edges_ should be lists of edges');
  });
}
