import { VitrinaError } from '../../errors.js';
import type { XgboostModel } from '../../formats/xgboost/index.js';
import type { GraphBuilder, Value } from '../graph-builder.js';

/** How a margin becomes a prediction, and a base score a margin. */
type Link = 'identity' | 'logistic' | 'exponential' | 'hinge' | 'softmax' | 'softprob';

/**
 * Objectives of XGBoost 0.90 to 3.4 by their link.
 * Source: `PredTransform` and `ProbToMargin` in src/objective.
 */
const links: Readonly<Record<string, Link>> = {
  'reg:squarederror': 'identity',
  'reg:linear': 'identity',
  'reg:squaredlogerror': 'identity',
  'reg:pseudohubererror': 'identity',
  'reg:absoluteerror': 'identity',
  'reg:quantileerror': 'identity',
  'rank:pairwise': 'identity',
  'rank:ndcg': 'identity',
  'rank:map': 'identity',
  'binary:logitraw': 'identity',
  'reg:logistic': 'logistic',
  'binary:logistic': 'logistic',
  'count:poisson': 'exponential',
  'reg:gamma': 'exponential',
  'reg:tweedie': 'exponential',
  'survival:cox': 'exponential',
  'survival:aft': 'exponential',
  'binary:hinge': 'hinge',
  'multi:softmax': 'softmax',
  'multi:softprob': 'softprob',
};

export const xgboostObjectives: readonly string[] = Object.keys(links);

function linkOf({ objective }: XgboostModel): Link {
  // `gpu:reg:linear` and its like of releases before 1.0 compute the same.
  const name = objective.replace(/^gpu:/, '');
  if (Object.hasOwn(links, name)) return links[name]!;
  throw new VitrinaError('model-unsupported', {
    what: `XGBoost's objective ${JSON.stringify(objective.slice(0, 60))} is not known here`,
    next: `the objectives known are ${xgboostObjectives.join(', ')}`,
  });
}

/**
 * Base scores as margins, in float32.
 * @throws artefact-malformed for a probability that has no margin
 */
export function toMargin(model: XgboostModel, scores: Float32Array): Float32Array {
  const fround = Math.fround;
  const link = linkOf(model);
  const margins = scores.map((score) => {
    if (link === 'exponential') return Math.log(score);
    // Before 1.3 the base score of a raw margin was a probability as well.
    const isProbability = link === 'logistic' || (model.objective === 'binary:logitraw' && !isSince(model, 1, 3));
    if (!isProbability) return score;
    // Since 3.4 a probability of 0 or 1 is moved inside.
    const bounded = isSince(model, 3, 4) ? Math.min(Math.max(score, fround(1e-6)), fround(1 - fround(1e-6))) : score;
    return -Math.log(fround(fround(1 / bounded) - 1));
  });
  if (margins.some((margin) => !Number.isFinite(margin))) {
    const what = `a base_score of ${scores.join(', ')} does not suit ${model.objective}`;
    throw new VitrinaError('artefact-malformed', { format: 'XGBoost', what });
  }
  return margins;
}

/** Whether release `major.minor` or a later one wrote the model. */
export function isSince({ version }: XgboostModel, major: number, minor: number): boolean {
  return version !== null && (version[0] > major || (version[0] === major && version[1] >= minor));
}

/**
 * float32 [batch, groups] → what `Booster.predict` gives, float32: [batch, groups], of `multi:softmax` the number of the
 * class, [batch, 1]. Functions are computed in float64 and rounded once, which is what a good `expf` gives.
 */
export function addPrediction(graph: GraphBuilder, model: XgboostModel, margin: Value): Value {
  switch (linkOf(model)) {
    case 'identity':
      return margin;
    case 'exponential':
      return exponential(graph, margin);
    case 'hinge':
      return graph.node('Cast', [graph.node('Greater', [margin, graph.scalar(0)])], { to: 1 });
    case 'logistic': {
      const negative = graph.node('Neg', [margin]);
      // Since 1.6 the exponential is kept from overflowing.
      const power = isSince(model, 1, 6) ? graph.node('Min', [negative, graph.scalar(Math.fround(88.7))]) : negative;
      const one = graph.scalar(1);
      return graph.node('Div', [one, graph.node('Add', [exponential(graph, power), one])]);
    }
    case 'softmax':
      return graph.node('Cast', [graph.node('ArgMax', [margin], { axis: 1, keepdims: 1 })], { to: 1 });
    case 'softprob':
      return addSoftmax(graph, margin);
  }
}

/** Softmax along the groups, in float32 with the sum in float64, as XGBoost computes it. */
export function addSoftmax(graph: GraphBuilder, margin: Value): Value {
  const axis = graph.int64s([1]);
  const largest = graph.node('ReduceMax', [margin, axis], { keepdims: 1 });
  const powers = exponential(graph, graph.node('Sub', [margin, largest]));
  const sum = graph.node('ReduceSum', [graph.node('Cast', [powers], { to: 11 }), axis], { keepdims: 1 });
  return graph.node('Div', [powers, graph.node('Cast', [sum], { to: 1 })]);
}

/** The exponential of float32, rounded once. */
function exponential(graph: GraphBuilder, value: Value): Value {
  return graph.node('Cast', [graph.node('Exp', [graph.node('Cast', [value], { to: 11 })])], { to: 1 });
}

/** Whether the objective's predictions are class probabilities of each group. */
export const isSoftmax = (model: XgboostModel) => linkOf(model) === 'softmax';
