import type { Call } from '../call.js';
import type { EstimatorConverter, Methods, Output } from '../converter.js';
import { single } from '../ensemble/combine.js';
import { inputOfParts, partsOf } from '../ensemble/parts.js';
import type { Labels } from '../labels.js';

const multiOutput = (name: string, convert: (call: Call) => Methods): EstimatorConverter => ({
  className: `sklearn.multioutput.${name}`,
  parameters: ['estimator', 'n_jobs'],
  input: (estimator, describe) => inputOfParts(estimator, describe, partsOf(estimator)[0]),
  convert,
});

/** One estimator a target: predict [batch, targets]. */
function convertRegressor(call: Call): Methods {
  const parts = partsOf(call.estimator).map((part) => call.convert(part, call.input));
  return {
    predict: () =>
      joined(
        call,
        parts.map(({ predict }) => predict?.() ?? call.estimator.refuse('a part of it does not predict')),
      ),
  };
}

/** Results of one type, [batch] each, as [batch, targets]. */
function joined(call: Call, outputs: readonly Output[]): Output {
  const [{ dtype }] = outputs as [Output];
  if (outputs.some((output) => output.dtype !== dtype || output.shape.length !== 1)) {
    call.estimator.refuse('its targets are of different types');
  }
  const axis = call.graph.int64s([1]);
  const columns = outputs.map(({ value }) => call.node('Unsqueeze', [value, axis]));
  return { value: call.node('Concat', columns, { axis: 1 }), dtype, shape: [null, outputs.length] };
}

/** As the regressor, and predict_proba a list of one result a target. */
function convertClassifier(call: Call): Methods {
  const parts = partsOf(call.estimator).map((part) => call.convert(part, call.input));
  const probabilities = parts.map(({ predict_proba }) => predict_proba);
  return {
    classes: parts.map(({ classes }) => classes as Labels),
    ...convertRegressor(call),
    ...(probabilities.includes(undefined)
      ? {}
      : { predict_proba: () => probabilities.map((method) => single(call, method!())) }),
  };
}

export const multiOutputRegressor = multiOutput('MultiOutputRegressor', convertRegressor);
export const multiOutputClassifier = multiOutput('MultiOutputClassifier', convertClassifier);
