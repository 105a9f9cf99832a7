import type { EstimatorConverter } from '../converter.js';

/** An estimator that answers as the one that it holds under `attribute` does. */
export function delegate(className: string, attribute: string, parameters: readonly string[]): EstimatorConverter {
  return {
    className,
    parameters,
    input: (estimator, describe) => {
      estimator.checkFitted(attribute);
      return describe(estimator.partOf(estimator.part(attribute)));
    },
    convert(call) {
      call.estimator.checkFitted(attribute);
      return call.convert(call.estimator.part(attribute), call.input);
    },
  };
}
