import { isObject } from '../config.js';
import { type LayerConverter, singleInput } from '../layer.js';

/**
 * What the wrapped layer does, masks included. Training keeps the kernel that it has divided by its spectral norm, so that there is
 * nothing left to do here.
 */
export const spectralNormalization: LayerConverter = {
  classNames: ['SpectralNormalization'],
  masks: 'own',
  options: ['layer', 'power_iterations'],
  convert(call) {
    const { config } = call.layer;
    const inner = config.get('layer');
    if (!isObject(inner) || !isObject(inner.config)) return config.refuse('it wraps no layer');
    // Keras 2 leaves the inner layer out of the names in an .h5 file; none of them clashes with `vector_u`.
    return call.callInner(inner, call.weights.child('layer'), [singleInput(call)]);
  },
};
