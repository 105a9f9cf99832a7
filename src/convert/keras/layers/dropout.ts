import type { LayerConverter } from '../layer.js';

/** any → the input itself: layers that act in training only. */
export const dropout: LayerConverter = {
  classNames: [
    'Dropout',
    'AlphaDropout',
    'GaussianDropout',
    'GaussianNoise',
    'SpatialDropout1D',
    'SpatialDropout2D',
    'SpatialDropout3D',
    'ActivityRegularization',
  ],
  masks: 'pass',
  options: ['rate', 'stddev', 'l1', 'l2', 'data_format'],
  convert: (call) => [...call.inputs],
};
