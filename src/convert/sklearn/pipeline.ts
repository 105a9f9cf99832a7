import { PythonTuple, type PythonValue } from '../../formats/pickle/index.js';
import type { EstimatorConverter, Methods } from './converter.js';
import type { Estimator } from './estimator.js';
import type { Features } from './features.js';

/** Steps one after the other: all but the last transform, and the methods are those of the last. */
export const pipeline: EstimatorConverter = {
  className: 'sklearn.pipeline.Pipeline',
  // `transform_input` and the others matter to `fit` alone.
  parameters: ['steps', 'memory', 'verbose', 'transform_input'],
  input(estimator, describe) {
    const steps = stepsOf(estimator);
    if (steps.length === 0) return estimator.refuse('all of its steps are "passthrough", so it does nothing');
    // A step that keeps nothing of what it was fitted on gives as many columns as it takes.
    for (const step of steps) {
      const shape = describe(estimator.partOf(step));
      if (shape.kind !== 'rows') return shape;
    }
    return { kind: 'rows' };
  },
  convert(call) {
    const steps = stepsOf(call.estimator);
    const last = steps.at(-1);
    if (last === undefined) return call.estimator.refuse('all of its steps are "passthrough", so it does nothing');
    let features: Features = call.input;
    for (const step of steps.slice(0, -1)) {
      const { transform } = call.convert(step, features);
      if (transform === undefined) return call.estimator.refuse('a step before the last one has no transform');
      features = transform();
    }
    // A pipeline does not pass on what finds neighbours.
    const { kneighbors, ...methods }: Methods = call.convert(last, features);
    // With a last step of "passthrough" only transform is left.
    return endsInPassthrough(call.estimator)
      ? { transform: methods.transform ?? (() => call.estimator.refuse('its last step has no transform')) }
      : methods;
  },
};

/** Estimators of the steps that do something. */
function stepsOf(estimator: Estimator): PythonValue[] {
  return allSteps(estimator).filter((step) => step !== null && step !== 'passthrough');
}

const endsInPassthrough = (estimator: Estimator) => {
  const last = allSteps(estimator).at(-1);
  return last === null || last === 'passthrough';
};

function allSteps(estimator: Estimator): PythonValue[] {
  return estimator.list('steps').map((step) => {
    const items = step instanceof PythonTuple ? step.items : Array.isArray(step) ? step : [];
    if (items.length !== 2) estimator.refuse('its steps should be pairs of a name and an estimator');
    return items[1]!;
  });
}
