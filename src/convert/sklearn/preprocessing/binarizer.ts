import { anyWidthInput } from '../context.js';
import type { EstimatorConverter } from '../converter.js';
import { matrix } from '../features.js';

/** [batch, n] → transform [batch, n]: 1 above `threshold`, else 0. */
export const binarizer: EstimatorConverter = {
  className: 'sklearn.preprocessing._data.Binarizer',
  parameters: ['threshold', 'copy'],
  input: anyWidthInput,
  convert(call) {
    const threshold = call.estimator.number('threshold');
    const above = (value: string) =>
      call.node('Cast', [call.node('Greater', [value, call.scalar(threshold)])], { to: 11 });
    return {
      transform() {
        const input = call.numbers();
        if (input.kind === 'matrix') return matrix(above(input.value), input.size, true);
        if (threshold < 0)
          return call.estimator.refuse('a negative threshold makes ones of the zeros of a sparse input');
        return { ...input, values: above(input.values) };
      },
    };
  },
};
