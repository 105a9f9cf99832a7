import type { Value } from '../../graph-builder.js';
import type { Call } from '../call.js';
import { perClass } from '../classification.js';
import { anyWidthInput } from '../context.js';
import type { EstimatorConverter, Methods } from '../converter.js';
import { type Estimator, toLabels, toNumbers } from '../estimator.js';
import { type Labels, labelTexts, pickLabel } from '../labels.js';
import { constantIndex, constantRows } from './constant-rows.js';

/**
 * [batch, any] → the same label and probabilities for every row. Strategies that draw at random are refused: no two
 * calls of scikit-learn agree either.
 */
export const dummyClassifier: EstimatorConverter = {
  className: 'sklearn.dummy.DummyClassifier',
  parameters: ['constant', 'random_state', 'strategy'],
  input: anyWidthInput,
  convert(call) {
    const { estimator } = call;
    estimator.checkFitted('class_prior_');
    if (estimator.get('sparse_output_') === true) estimator.refuse('it predicts a sparse matrix of labels');
    // 0.22 and 0.23 were about to change the default, and kept what it came to.
    const strategy = estimator.text(estimator.has('_strategy') ? '_strategy' : 'strategy');
    const lists = estimator.labelLists('classes_');
    if (lists === undefined) {
      const target = readTarget(estimator, estimator.labels('classes_'), estimator.vector('class_prior_'), strategy);
      return single(call, target);
    }
    if (strategy === 'constant') estimator.refuse('strategy="constant" for several targets is not converted');
    if (lists.length === 0) estimator.refuse('classes_ is empty');
    const priors = estimator.list('class_prior_').map(toNumbers);
    return several(
      call,
      lists.map((classes, i) => {
        const prior = priors[i]?.data ?? estimator.refuse('class_prior_ should be one vector a target');
        return readTarget(estimator, classes, prior, strategy);
      }),
    );
  },
};

interface Target {
  readonly classes: Labels;
  /** Position of the label that it predicts. */
  readonly index: number;
  readonly probabilities: Float64Array;
}

function readTarget(estimator: Estimator, classes: Labels, prior: Float64Array, strategy: string): Target {
  const count = classes.shape[0]!;
  if (prior.length !== count) estimator.refuse(`class_prior_ has ${prior.length} values for ${count} classes`);
  const frequent = prior.indexOf(Math.max(...prior));
  switch (strategy) {
    case 'prior':
      return { classes, index: frequent, probabilities: prior };
    case 'most_frequent':
      return { classes, index: frequent, probabilities: oneHot(count, frequent) };
    case 'constant': {
      const index = labelTexts(classes).indexOf(constantText(estimator));
      if (index < 0) estimator.refuse('constant is none of its classes');
      return { classes, index, probabilities: oneHot(count, index) };
    }
    default:
      return estimator.refuse(
        `strategy is "${strategy.slice(0, 40)}"; known are prior, most_frequent, constant, and others answer at random`,
      );
  }
}

/** `constant` is a label, or an array of one. */
function constantText(estimator: Estimator): string {
  const value = estimator.get('constant') ?? null;
  const labels = toLabels(value) ?? toLabels([value]);
  if (labels?.shape[0] !== 1) estimator.refuse('constant should be one label');
  return labelTexts(labels)[0]!;
}

const oneHot = (count: number, index: number) => Float64Array.from({ length: count }, (_, i) => (i === index ? 1 : 0));

function single(call: Call, { classes, index, probabilities }: Target): Methods {
  return {
    classes,
    predict: () => pickLabel(call.graph, classes, constantIndex(call, index)),
    predict_proba: () => perClass(constantRows(call, probabilities), classes),
    predict_log_proba: () => perClass(constantRows(call, probabilities.map(Math.log)), classes),
  };
}

function several(call: Call, targets: readonly Target[]): Methods {
  const { graph } = call;
  const dtype = targets[0]!.classes.dtype;
  if (targets.some(({ classes }) => classes.dtype !== dtype))
    call.estimator.refuse('its targets have labels of several types');
  const column = (value: Value) => graph.node('Unsqueeze', [value, graph.int64s([1])]);
  return {
    classes: targets.map(({ classes }) => classes),
    predict() {
      const picked = targets.map(({ classes, index }) =>
        column(pickLabel(graph, classes, constantIndex(call, index)).value),
      );
      return { value: graph.node('Concat', picked, { axis: 1 }), dtype, shape: [null, targets.length] };
    },
    predict_proba: () =>
      targets.map(({ classes, probabilities }) => perClass(constantRows(call, probabilities), classes)),
    predict_log_proba: () =>
      targets.map(({ classes, probabilities }) => perClass(constantRows(call, probabilities.map(Math.log)), classes)),
  };
}
