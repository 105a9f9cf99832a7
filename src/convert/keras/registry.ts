import type { LayerConverter } from './layer.js';
import { activation } from './layers/activation.js';
import { bidirectional } from './layers/bidirectional.js';
import { dense } from './layers/dense.js';
import { dropout } from './layers/dropout.js';
import { einsumDense } from './layers/einsum-dense.js';
import { elu } from './layers/elu.js';
import { embedding } from './layers/embedding.js';
import { identity } from './layers/identity.js';
import { leakyRelu } from './layers/leaky-relu.js';
import { masking } from './layers/masking.js';
import { prelu } from './layers/prelu.js';
import { recurrent, rnn } from './layers/recurrent.js';
import { relu } from './layers/relu.js';
import { softmax } from './layers/softmax.js';
import { thresholdedRelu } from './layers/thresholded-relu.js';
import { timeDistributed } from './layers/time-distributed.js';
import { operators } from './operators/index.js';

/** Every layer that converts, one line each; `src/convert/README.md` is generated from it. */
const converters: readonly LayerConverter[] = [
  // Core
  dense,
  einsumDense,
  embedding,
  masking,
  identity,
  // Activations
  activation,
  relu,
  leakyRelu,
  prelu,
  elu,
  softmax,
  thresholdedRelu,
  // Regularisation: nothing is left of it after training
  dropout,
  // Recurrent
  recurrent,
  rnn,
  bidirectional,
  timeDistributed,
  // Operators of TensorFlow between layers of Keras 2; those of Keras 3 are told by their module
  operators,
];

/** Indexes converters by class name; two that claim one class are a mistake of ours. */
export function registerLayers(list: readonly LayerConverter[]): ReadonlyMap<string, LayerConverter> {
  const registry = new Map<string, LayerConverter>();
  for (const converter of list) {
    for (const className of converter.classNames) {
      if (registry.has(className)) throw new Error(`Two converters claim the Keras layer ${className}.`);
      registry.set(className, converter);
    }
  }
  return registry;
}

export const layerRegistry = registerLayers(converters);
