import type { PythonValue } from '../../../formats/pickle/index.js';
import type { Value } from '../../graph-builder.js';
import type { Call } from '../call.js';
import { argMax, perClass } from '../classification.js';
import type { EstimatorConverter } from '../converter.js';
import { type Estimator, listOf, unwrap } from '../estimator.js';
import type { Labels } from '../labels.js';
import { pickLabel } from '../labels.js';
import { joinTargets, readTargets } from './k-neighbors-classifier.js';
import { guardNeighbours, neighbourParameters, neighboursInput, readWeights } from './nearest.js';
import { sumWithinRadius } from './within-radius.js';

/**
 * [batch, n] → predict_proba: the share of each class among the samples within `radius`; predict is the class with
 * the most, the first among equals. A row without neighbours gets the label for outliers, or is refused without one.
 */
export const radiusNeighborsClassifier: EstimatorConverter = {
  className: 'sklearn.neighbors._classification.RadiusNeighborsClassifier',
  parameters: [...neighbourParameters, 'weights', 'outlier_label'],
  input: neighboursInput,
  convert(call) {
    const { estimator } = call;
    const { targets, labels } = readTargets(call);
    const several = estimator.labelLists('classes_') !== undefined;
    const outliers = readOutlierLabels(estimator, labels);
    let votes: { counts: Value[]; isOutlier: Value } | undefined;
    const countVotes = () => {
      votes ??= count(call, targets, labels, outliers);
      return votes;
    };
    const predict = () => {
      const { counts, isOutlier } = countVotes();
      const picked = counts.map((value, i) => pick(call, labels[i]!, value, isOutlier, outliers?.[i]));
      return several ? joinTargets(call, picked) : picked[0]!;
    };
    // There is no predict_proba before 0.22.
    if (!estimator.since([0, 22])) return { classes: several ? labels : labels[0]!, predict };
    return {
      classes: several ? labels : labels[0]!,
      predict,
      predict_proba() {
        const { counts, isOutlier } = countVotes();
        const outputs = counts.map((value, i) => {
          const label = labels[i]!;
          const sum = call.reduce('ReduceSum', value, 1, true);
          const safe = call.node('Where', [call.node('Equal', [sum, call.scalar(0)]), call.scalar(1), sum]);
          const shares = call.node('Div', [value, safe]);
          const index = outliers === undefined ? -1 : indexOf(label, outliers[i]!);
          if (index < 0) return perClass(shares, label);
          const certain = Float64Array.from({ length: label.shape[0]! }, (_, j) => (j === index ? 1 : 0));
          return perClass(call.node('Where', [isOutlier, call.floats(certain), shares]), label);
        });
        return several ? outputs : outputs[0]!;
      },
    };
  },
};

type Label = string | bigint | number | boolean;

/** Votes of each target [batch, classes], and where there are no neighbours, [batch, 1]. */
function count(
  call: Call,
  targets: readonly BigInt64Array[],
  labels: readonly Labels[],
  outliers: readonly Label[] | undefined,
): { counts: Value[]; isOutlier: Value } {
  const sizes = labels.map(({ shape }) => shape[0]!);
  const width = sizes.reduce((sum, size) => sum + size, 0);
  const samples = targets[0]!.length;
  const marks = new Float64Array(samples * width);
  let first = 0;
  const starts: number[] = [];
  for (const [t, target] of targets.entries()) {
    for (let i = 0; i < samples; i++) marks[i * width + first + Number(target[i]!)] = 1;
    starts.push(first);
    first += sizes[t]!;
  }
  const { sums, weights } = sumWithinRadius(call, marks, width);
  if (outliers === undefined) guardNeighbours(call, weights);
  const { graph } = call;
  const counts = starts.map((start, i) =>
    call.node('Slice', [sums, graph.int64s([start]), graph.int64s([start + sizes[i]!]), graph.int64s([1])]),
  );
  return { counts, isOutlier: call.node('Equal', [weights, call.scalar(0)]) };
}

function pick(call: Call, labels: Labels, votes: Value, isOutlier: Value, outlier: Label | undefined) {
  const index = argMax(call, votes);
  if (outlier === undefined) return pickLabel(call.graph, labels, index);
  const count = labels.shape[0]!;
  const data = [...(labels.data as ArrayLike<Label> & Iterable<Label>), outlier];
  const known = indexOf(labels, outlier);
  const extended =
    known >= 0
      ? labels
      : labels.dtype === 'string'
        ? { ...labels, shape: [count + 1], data: data as string[] }
        : labels.dtype === 'int64'
          ? { ...labels, shape: [count + 1], data: BigInt64Array.from(data as bigint[], BigInt) }
          : { ...labels, shape: [count + 1], data: Float64Array.from(data as number[], Number) };
  const row = call.node('Squeeze', [isOutlier, call.graph.int64s([1])]);
  const position = BigInt64Array.of(BigInt(known >= 0 ? known : count));
  const constant = call.graph.constant({ dtype: 'int64', shape: [], data: position }, 'outlier');
  return pickLabel(call.graph, extended, call.node('Where', [row, constant, index]));
}

function indexOf({ data, dtype }: Labels, label: Label): number {
  const plain = (value: unknown) => (dtype === 'string' ? value : Number(value));
  return Array.from(data as ArrayLike<Label>).findIndex((value) => plain(value) === plain(label));
}

/** A label for each target; `undefined` when rows without neighbours raise. */
function readOutlierLabels(estimator: Estimator, labels: readonly Labels[]): Label[] | undefined {
  const given = unwrap(estimator.get('outlier_label')) ?? null;
  if (given === null) return undefined;
  const learnt = estimator.get('outlier_label_') as PythonValue | undefined;
  const items = learnt === undefined ? labels.map(() => given) : (listOf(learnt) ?? [learnt]);
  const outliers = items.map((item) => unwrap(item));
  for (const [i, { dtype }] of labels.entries()) {
    const type = typeof outliers[i];
    const fits =
      dtype === 'string' ? type === 'string' : dtype === 'bool' ? false : ['bigint', 'number'].includes(type);
    if (!fits) estimator.refuse('its outlier_label is not of the type of its classes');
  }
  // Since 1.4 a brute search takes the label for a position among the classes.
  const isPosition = (value: unknown, i: number) => Number(value) === i;
  const confused = estimator.since([1, 4]) && estimator.get('_fit_method') === 'brute' && labels.length === 1;
  if (confused && readWeights(estimator) === undefined) {
    const { data, dtype } = labels[0]!;
    if (dtype === 'string' || given === 'most_frequent' || !Array.from(data as ArrayLike<unknown>).every(isPosition)) {
      estimator.refuse(`scikit-learn ${estimator.version} mixes up outlier_label and positions of the classes here`);
    }
  }
  return outliers as Label[];
}
