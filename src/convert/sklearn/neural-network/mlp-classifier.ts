import type { Value } from '../../graph-builder.js';
import { argMax, classifier, complement, perClass } from '../classification.js';
import type { EstimatorConverter } from '../converter.js';
import { toLabels } from '../estimator.js';
import { forward, perceptronInput, perceptronParameters } from './multilayer-perceptron.js';

/**
 * [batch, n] → predict_proba [batch, classes]; predict is the most probable class, or 0 and 1 for each of several labels,
 * [batch, labels].
 */
export const mlpClassifier: EstimatorConverter = {
  className: 'sklearn.neural_network._multilayer_perceptron.MLPClassifier',
  parameters: perceptronParameters,
  input: perceptronInput,
  convert(call) {
    const { estimator, graph } = call;
    const binarizer = estimator.partOf(estimator.part('_label_binarizer'));
    const classes = toLabels(binarizer.get('classes_')) ?? estimator.refuse('its classes should be labels of one type');
    const count = classes.shape[0]!;
    const type = binarizer.choice('y_type_', ['binary', 'multiclass', 'multilabel-indicator']);
    let outputs: Value | undefined;
    const outputsOnce = () => {
      if (outputs === undefined) {
        const result = forward(call);
        const expected = type === 'binary' ? 1 : count;
        if (result.outputs !== expected) estimator.refuse(`it has ${result.outputs} outputs, expected ${expected}`);
        outputs = result.value;
      }
      return outputs;
    };
    const above = () => call.node('Cast', [call.node('Greater', [outputsOnce(), call.scalar(0.5)])], { to: 7 });
    if (type === 'multilabel-indicator') {
      if (binarizer.get('sparse_input_') === true) estimator.refuse('it predicts a sparse matrix of labels');
      return {
        predict: () => ({ value: above(), dtype: 'int64', shape: [null, count] }),
        predict_proba: () => perClass(outputsOnce(), classes),
        predict_log_proba: () => perClass(call.node('Log', [outputsOnce()]), classes),
      };
    }
    const squeezed = (value: Value) => call.node('Squeeze', [value, graph.int64s([1])]);
    return type === 'binary'
      ? classifier(call, {
          classes,
          index: () => squeezed(above()),
          probabilities: () => complement(call, squeezed(outputsOnce())),
        })
      : classifier(call, { classes, index: () => argMax(call, outputsOnce()), probabilities: outputsOnce });
  },
};
