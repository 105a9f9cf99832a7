import type { Value } from '../../graph-builder.js';
import type { Call } from '../call.js';
import { tableOf } from '../context.js';
import type { EstimatorConverter } from '../converter.js';
import { type Estimator, toNumber, unwrap } from '../estimator.js';
import { type Features, gatherColumns, matrix } from '../features.js';

/** More columns than this are refused: a small file can ask for any number. */
const mostColumns = 2 ** 20;
const highestDegree = 100;

/**
 * [batch, n] → transform [batch, combinations]: 1, the features, and their products up to `degree`, lower degrees
 * first, combinations in lexical order.
 */
export const polynomialFeatures: EstimatorConverter = {
  className: 'sklearn.preprocessing._polynomial.PolynomialFeatures',
  parameters: ['degree', 'interaction_only', 'include_bias', 'order'],
  input: (estimator) => tableOf(estimator, inputSize(estimator)),
  convert: (call) => ({ transform: () => expand(call) }),
};

/** `n_input_features_` until 1.1. */
function inputSize(estimator: Estimator): number {
  if (estimator.has('n_features_in_')) return estimator.featureCount();
  estimator.checkFitted('n_input_features_');
  return estimator.integer('n_input_features_');
}

function expand(call: Call): Features {
  const { estimator, graph } = call;
  const size = inputSize(estimator);
  const [lowest, highest] = readDegrees(estimator);
  const interactionOnly = estimator.boolean('interaction_only');
  const { value } = call.matrix(size);
  const parts: Value[] = [];
  let width = 0;
  if (estimator.boolean('include_bias')) {
    const shape = call.node('Concat', [call.node('Shape', [value], { end: 1 }), graph.int64s([1])], { axis: 0 });
    parts.push(call.node('Expand', [call.scalar(1), shape]));
    width++;
  }
  // Combinations of one degree: the first feature of each, and where the rest of it stands in the degree below.
  let first = Array.from({ length: size }, (_, i) => i);
  let products = value;
  for (let degree = 1; degree <= highest && first.length > 0; degree++) {
    if (degree > 1) {
      const below = first;
      first = [];
      const rest: number[] = [];
      for (let feature = 0; feature < size; feature++) {
        for (let k = 0; k < below.length; k++) {
          if (interactionOnly ? below[k]! <= feature : below[k]! < feature) continue;
          first.push(feature);
          rest.push(k);
        }
        if (width + first.length > mostColumns) estimator.refuse(`it makes more than ${mostColumns} columns`);
      }
      if (first.length === 0) break;
      const heads = gatherColumns(graph, value, size, first);
      products = call.node('Mul', [gatherColumns(graph, products, below.length, rest), heads]);
    }
    if (degree < lowest) continue;
    parts.push(products);
    width += first.length;
  }
  if (width === 0) return estimator.refuse('it gives no column at all');
  return matrix(parts.length === 1 ? parts[0]! : call.node('Concat', parts, { axis: 1 }), width, false);
}

/** A number is the highest degree; since 1.0 a pair is the lowest and the highest. */
function readDegrees(estimator: Estimator): readonly [number, number] {
  const value = unwrap(estimator.get('degree'));
  const single = value === undefined ? undefined : toNumber(value);
  const [lowest, highest] = single === undefined ? estimator.pair('degree') : [0, single];
  if (!(Number.isInteger(lowest) && Number.isInteger(highest) && lowest >= 0 && highest >= lowest)) {
    return estimator.refuse('its degree should be a whole number, or two in ascending order');
  }
  if (highest > highestDegree)
    return estimator.refuse(`its degree is ${highest}; at most ${highestDegree} is converted`);
  return [lowest, highest];
}
