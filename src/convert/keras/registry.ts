import type { LayerConverter } from './layer.js';
import { activation } from './layers/activation.js';
import { adaptivePooling } from './layers/adaptive-pooling.js';
import { attention } from './layers/attention.js';
import { augmentation } from './layers/augmentation.js';
import { batchNormalization } from './layers/batch-normalization.js';
import { bidirectional } from './layers/bidirectional.js';
import { categoryEncoding } from './layers/category-encoding.js';
import { concatenate } from './layers/concatenate.js';
import { convolution } from './layers/convolution.js';
import { cropping } from './layers/cropping.js';
import { dense } from './layers/dense.js';
import { depthwiseConvolution } from './layers/depthwise-convolution.js';
import { discretization } from './layers/discretization.js';
import { dot } from './layers/dot.js';
import { dropout } from './layers/dropout.js';
import { einsumDense } from './layers/einsum-dense.js';
import { elu } from './layers/elu.js';
import { embedding } from './layers/embedding.js';
import { flatten } from './layers/flatten.js';
import { globalPooling } from './layers/global-pooling.js';
import { groupNormalization } from './layers/group-normalization.js';
import { groupedQueryAttention } from './layers/grouped-query-attention.js';
import { identity } from './layers/identity.js';
import { indexLookup } from './layers/index-lookup.js';
import { layerNormalization } from './layers/layer-normalization.js';
import { leakyRelu } from './layers/leaky-relu.js';
import { masking } from './layers/masking.js';
import { merge } from './layers/merge.js';
import { multiHeadAttention } from './layers/multi-head-attention.js';
import { normalization } from './layers/normalization.js';
import { permute } from './layers/permute.js';
import { pooling } from './layers/pooling.js';
import { prelu } from './layers/prelu.js';
import { recurrent, rnn } from './layers/recurrent.js';
import { relu } from './layers/relu.js';
import { repeatVector } from './layers/repeat-vector.js';
import { rescaling } from './layers/rescaling.js';
import { reshape } from './layers/reshape.js';
import { resizing } from './layers/resizing.js';
import { rmsNormalization } from './layers/rms-normalization.js';
import { separableConvolution } from './layers/separable-convolution.js';
import { softmax } from './layers/softmax.js';
import { spectralNormalization } from './layers/spectral-normalization.js';
import { thresholdedRelu } from './layers/thresholded-relu.js';
import { timeDistributed } from './layers/time-distributed.js';
import { transposedConvolution } from './layers/transposed-convolution.js';
import { unitNormalization } from './layers/unit-normalization.js';
import { upSampling } from './layers/up-sampling.js';
import { zeroPadding } from './layers/zero-padding.js';
import { operators } from './operators/index.js';

/** Every layer that converts, one line each; `src/convert/README.md` is generated from it. */
const converters: readonly LayerConverter[] = [
  // Core
  dense,
  einsumDense,
  embedding,
  indexLookup,
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
  // Convolution
  convolution,
  depthwiseConvolution,
  separableConvolution,
  transposedConvolution,
  // Pooling
  pooling,
  globalPooling,
  adaptivePooling,
  // Normalisation
  batchNormalization,
  layerNormalization,
  groupNormalization,
  rmsNormalization,
  unitNormalization,
  spectralNormalization,
  // Merging
  merge,
  concatenate,
  dot,
  // Reshaping
  reshape,
  flatten,
  permute,
  repeatVector,
  cropping,
  zeroPadding,
  upSampling,
  // Attention
  attention,
  multiHeadAttention,
  groupedQueryAttention,
  // Preprocessing
  rescaling,
  resizing,
  augmentation,
  normalization,
  categoryEncoding,
  discretization,
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
