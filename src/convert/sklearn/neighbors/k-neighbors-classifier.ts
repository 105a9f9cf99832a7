import type { Value } from '../../graph-builder.js';
import type { Call } from '../call.js';
import { argMax, perClass } from '../classification.js';
import type { EstimatorConverter, Methods } from '../converter.js';
import type { Labels } from '../labels.js';
import { pickLabel } from '../labels.js';
import {
  findNearest,
  inverseDistances,
  neighbourParameters,
  neighboursInput,
  readPoints,
  readWeights,
} from './nearest.js';

/**
 * [batch, n] → predict_proba: the share of each class among the nearest samples, by number or by weight; predict is
 * the class with the most, the first among equals.
 */
export const kNeighborsClassifier: EstimatorConverter = {
  className: 'sklearn.neighbors._classification.KNeighborsClassifier',
  // `outlier_label` belongs to the other classifier, and old releases gave it to this one too.
  parameters: [...neighbourParameters, 'weights', 'outlier_label'],
  input: neighboursInput,
  convert(call) {
    const { estimator } = call;
    const { targets, labels } = readTargets(call);
    const weights = readWeights(estimator);
    const count = estimator.integer('n_neighbors');
    let votes: Value[] | undefined;
    const countVotes = () => {
      votes ??= (() => {
        const nearest = findNearest(call, count);
        const weight = weights === undefined ? undefined : inverseDistances(call, nearest.distances);
        return labels.map((label, i) => voteOf(call, targets[i]!, label.shape[0]!, nearest.indices, weight));
      })();
      return votes;
    };
    return votingMethods(call, labels, countVotes, estimator.labelLists('classes_') !== undefined);
  },
};

/** The class of each sample, by target, as indices of the target's labels. */
export function readTargets({ estimator }: Call): { targets: BigInt64Array[]; labels: Labels[] } {
  const labels = estimator.labelLists('classes_') ?? [estimator.labels('classes_')];
  const { rows } = readPoints(estimator);
  const { data } = estimator.numbers('_y');
  if (data.length !== rows * labels.length) estimator.refuse(`_y has ${data.length} values for ${rows} samples`);
  const targets = labels.map(({ shape }, t) => {
    const classes = shape[0]!;
    return BigInt64Array.from({ length: rows }, (_, i) => {
      const index = data[i * labels.length + t]!;
      if (!(Number.isInteger(index) && index >= 0 && index < classes))
        estimator.refuse('_y should be indices of classes_');
      return BigInt(index);
    });
  });
  return { targets, labels };
}

/** Sums of the weights (1 unless given) by class: [batch, classes]. */
function voteOf(call: Call, target: BigInt64Array, classes: number, indices: Value, weight: Value | undefined): Value {
  const { graph } = call;
  const all = graph.constant({ dtype: 'int64', shape: [target.length], data: target }, 'targets');
  const classOf = call.node('Gather', [all, indices]);
  const batch = call.node('Shape', [indices], { end: 1 });
  const shape = call.node('Concat', [batch, graph.int64s([classes])], { axis: 0 });
  const zeros = call.node('Expand', [call.scalar(0), shape]);
  const ones = weight ?? call.node('Expand', [call.scalar(1), call.node('Shape', [indices])]);
  return call.node('ScatterElements', [zeros, classOf, ones], { axis: 1, reduction: 'add' });
}

/** predict and predict_proba from votes [batch, classes], one for each target. */
function votingMethods(
  call: Call,
  labels: readonly Labels[],
  votes: () => readonly Value[],
  several: boolean,
): Methods {
  const shares = () => votes().map((vote) => call.node('Div', [vote, call.reduce('ReduceSum', vote, 1, true)]));
  return {
    classes: several ? labels : labels[0]!,
    predict() {
      const picked = votes().map((vote, i) => pickLabel(call.graph, labels[i]!, argMax(call, vote)));
      return several ? joinTargets(call, picked) : picked[0]!;
    },
    predict_proba() {
      const outputs = shares().map((share, i) => perClass(share, labels[i]!));
      return several ? outputs : outputs[0]!;
    },
  };
}

/** One column a target: [batch, targets]. */
export function joinTargets(call: Call, outputs: ReturnType<typeof pickLabel>[]): ReturnType<typeof pickLabel> {
  const { dtype } = outputs[0]!;
  if (outputs.some((output) => output.dtype !== dtype)) {
    call.estimator.refuse('its targets have labels of several types, which make no one array');
  }
  const columns = outputs.map(({ value }) => call.node('Unsqueeze', [value, call.graph.int64s([1])]));
  return { value: call.node('Concat', columns, { axis: 1 }), dtype, shape: [null, outputs.length] };
}
