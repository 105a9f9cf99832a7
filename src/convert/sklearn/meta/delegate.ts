import type { EstimatorConverter } from '../converter.js';
import type { Estimator } from '../estimator.js';

/** An estimator that answers as the one that it holds does, under the first of `attributes` that it has. */
export function delegate(
  className: string,
  attributes: readonly string[],
  parameters: readonly string[],
): EstimatorConverter {
  const held = (estimator: Estimator) => {
    const attribute = attributes.find((name) => estimator.has(name)) ?? attributes[0]!;
    estimator.checkFitted(attribute);
    return estimator.part(attribute);
  };
  return {
    className,
    parameters,
    input: (estimator, describe) => describe(estimator.partOf(held(estimator))),
    convert: (call) => call.convert(held(call.estimator), call.input),
  };
}
