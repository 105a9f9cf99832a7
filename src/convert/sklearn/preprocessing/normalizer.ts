import type { Value } from '../../graph-builder.js';
import type { Call } from '../call.js';
import { anyWidthInput } from '../context.js';
import type { EstimatorConverter } from '../converter.js';
import { type Features, matrix } from '../features.js';

/** [batch, n] → transform [batch, n]: each row divided by its norm, a row of zeros as it is. */
export const normalizer: EstimatorConverter = {
  className: 'sklearn.preprocessing._data.Normalizer',
  parameters: ['norm', 'copy'],
  input: anyWidthInput,
  convert: (call) => ({ transform: () => normalised(call) }),
};

function normalised(call: Call): Features {
  const input = call.numbers();
  const isSparse = input.kind === 'sparse';
  const values = isSparse ? input.values : input.value;
  const norms = normsOf(call, values, isSparse);
  // Norms of almost nothing count as zero since 1.0; a sparse row knows zero alone.
  const hasFloor = !isSparse && call.estimator.since([1, 0]);
  const isZero = hasFloor
    ? call.node('Less', [norms, call.scalar(10 * 2 ** -52)])
    : call.node('Equal', [norms, call.scalar(0)]);
  const divided = call.node('Div', [values, call.node('Where', [isZero, call.scalar(1), norms])]);
  return isSparse ? { ...input, values: divided } : matrix(divided, input.size, true);
}

/** [batch, 1] */
function normsOf(call: Call, values: Value, isSparse: boolean): Value {
  switch (call.estimator.choice('norm', ['l1', 'l2', 'max'])) {
    case 'l1':
      return call.reduce('ReduceSum', call.node('Abs', [values]), 1, true);
    case 'l2':
      return call.node('Sqrt', [call.reduce('ReduceSum', call.node('Mul', [values, values]), 1, true)]);
    case 'max': {
      // Until 0.22 the highest value, not the highest magnitude.
      if (call.estimator.since([0, 23])) return call.reduce('ReduceMax', call.node('Abs', [values]), 1, true);
      const highest = call.reduce('ReduceMax', values, 1, true);
      return isSparse ? call.node('Max', [highest, call.scalar(0)]) : highest;
    }
  }
}
