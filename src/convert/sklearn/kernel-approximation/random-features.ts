import type { Value } from '../../graph-builder.js';
import type { Call } from '../call.js';
import { tableOf } from '../context.js';
import type { InputShape } from '../converter.js';
import type { Estimator } from '../estimator.js';
import { type Features, matrix } from '../features.js';

export function randomWeightsInput(estimator: Estimator): InputShape {
  estimator.checkFitted('random_weights_');
  return tableOf(estimator, estimator.matrix('random_weights_').rows);
}

/** `√(2 / components) · cos(projection + random_offset_)` of a projection [batch, components]. */
export function cosineFeatures(call: Call, projection: Value, components: number): Features {
  const offsets = call.estimator.vector('random_offset_', components);
  const angles = call.node('Add', [projection, call.floats(offsets)]);
  const scale = call.scalar(Math.sqrt(2 / components));
  return matrix(call.node('Mul', [call.node('Cos', [angles]), scale]), components, true);
}
