import type { Call } from '../call.js';
import { perClass } from '../classification.js';
import type { EstimatorConverter, Methods, Output } from '../converter.js';
import { toLabels } from '../estimator.js';
import { concatenate, type Features, matrix } from '../features.js';
import { type Labels, pickLabel } from '../labels.js';
import { column, gatherFrom, sideBySide } from '../tree/target-methods.js';
import { asFloat, single } from './combine.js';
import { inputOfParts, partsOf } from './parts.js';

const stacking = (name: string, convert: (call: Call) => Methods): EstimatorConverter => ({
  className: `sklearn.ensemble._stacking.${name}`,
  parameters: ['estimators', 'final_estimator', 'cv', 'stack_method', 'n_jobs', 'passthrough', 'verbose'],
  input: (estimator, describe) => inputOfParts(estimator, describe, partsOf(estimator)[0]),
  convert,
});

const methods = ['predict_proba', 'decision_function', 'predict'] as const;

/** What the parts say, side by side, and the input after that with `passthrough`. */
function stacked(call: Call, binary: boolean): Features {
  const { estimator, graph } = call;
  const names = estimator.list('stack_method_').filter((name) => name !== null);
  const parts = partsOf(estimator);
  if (names.length !== parts.length) estimator.refuse('stack_method_ should name a method for each of its estimators');
  const columns = parts.flatMap((part, i): Features[] => {
    const name =
      methods.find((known) => known === names[i]) ??
      estimator.refuse('stack_method_ names a method that it does not know');
    const result = call.convert(part, call.input)[name]?.() ?? estimator.refuse(`a part of it has no ${name}`);
    // Of two probabilities the second says all; of several targets the first of each is left out too.
    const several = Array.isArray(result);
    const outputs = (several ? result : [result]) as Output[];
    return outputs.map((output) => {
      const [, width = 1] = output.shape;
      const value = asFloat(call, output);
      if (output.shape.length === 1) return matrix(call.node('Unsqueeze', [value, graph.int64s([1])]), 1, true);
      if (!several && !(binary && name === 'predict_proba')) return matrix(value, width ?? 1, true);
      return matrix(gatherFrom(call, value, width ?? 1, 1), (width ?? 1) - 1, true);
    });
  });
  const inputs = estimator.boolean('passthrough') ? [...columns, call.input] : columns;
  return concatenate(graph, inputs);
}

/** [batch, n] → the methods of the final estimator, on what the parts say; labels as they were. */
function convertClassifier(call: Call): Methods {
  const { estimator } = call;
  // With several targets there is a list of encoders, and of classes.
  const encoders = estimator.get('_label_encoder');
  if (Array.isArray(encoders)) return convertSeveral(call);
  const classes = estimator.labels('classes_');
  const features = stacked(call, classes.shape[0] === 2);
  const final = call.convert(estimator.part('final_estimator_'), features);
  const { predict, predict_proba, decision_function } = final;
  return {
    classes,
    ...(predict === undefined ? {} : { predict: () => pickLabel(call.graph, classes, asIndex(call, predict())) }),
    ...(predict_proba === undefined
      ? {}
      : { predict_proba: () => perClass(single(call, predict_proba()).value, classes) }),
    ...(decision_function === undefined ? {} : { decision_function }),
    transform: () => features,
  };
}

/** The final estimator was fitted on the numbers of the classes. */
const asIndex = (call: Call, { value, dtype }: Output) =>
  dtype === 'int64' ? value : call.estimator.refuse('its final estimator does not predict numbers of classes');

/** Several targets of classes: the labels of each, and the probability of the first class of each. */
function convertSeveral(call: Call): Methods {
  const { estimator } = call;
  const classes = estimator
    .list('_label_encoder')
    .map(
      (encoder): Labels =>
        toLabels(estimator.partOf(encoder).get('classes_')) ?? estimator.refuse('its classes are of mixed types'),
    );
  if (classes.length === 0) estimator.refuse('_label_encoder should have one encoder a target');
  const features = stacked(call, classes.length === 2);
  const { predict, predict_proba } = call.convert(estimator.part('final_estimator_'), features);
  return {
    classes,
    ...(predict === undefined
      ? {}
      : {
          predict: () => {
            const index = asIndex(call, predict());
            const columns = classes.map((labels, k) => pickLabel(call.graph, labels, column(call, index, k)));
            return sideBySide(call, columns);
          },
        }),
    ...(predict_proba === undefined
      ? {}
      : {
          predict_proba: () => {
            const results = predict_proba();
            if (!Array.isArray(results)) return estimator.refuse('its final estimator has one target');
            const firsts = (results as Output[]).map(({ value }) => gatherFrom(call, value, 1, 0));
            const value = firsts.length === 1 ? firsts[0]! : call.node('Concat', firsts, { axis: 1 });
            return { value, dtype: 'float64' as const, shape: [null, firsts.length] };
          },
        }),
    transform: () => features,
  };
}

/** [batch, n] → predict of the final estimator, on what the parts predict. */
function convertRegressor(call: Call): Methods {
  const features = stacked(call, false);
  const { predict } = call.convert(call.estimator.part('final_estimator_'), features);
  const transform = () => features;
  return predict === undefined ? call.estimator.refuse('its final estimator does not predict') : { predict, transform };
}

export const stackingClassifier = stacking('StackingClassifier', convertClassifier);
export const stackingRegressor = stacking('StackingRegressor', convertRegressor);
