import type { EstimatorConverter } from '../converter.js';
import { transposed } from '../linear/linear-regressor.js';
import { decide, readSupportVectors, svmInput, svmParameters } from './support-vectors.js';

/** [batch, n] → predict [batch]: `Σ dual · kernel(x, support vector) + intercept`. */
function regressor(className: string): EstimatorConverter {
  return {
    className,
    parameters: svmParameters,
    input: svmInput,
    convert(call) {
      const machine = readSupportVectors(call.estimator);
      const { data, rows, columns } = machine.coefficients;
      if (rows !== 1) call.estimator.refuse(`_dual_coef_ has ${rows} rows, expected 1`);
      return {
        predict: () => ({
          value: call.node('Squeeze', [decide(call, machine, transposed(data, 1, columns), 1), call.graph.int64s([1])]),
          dtype: 'float64',
          shape: [null],
        }),
      };
    },
  };
}

export const svr = regressor('sklearn.svm._classes.SVR');
export const nuSVR = regressor('sklearn.svm._classes.NuSVR');
