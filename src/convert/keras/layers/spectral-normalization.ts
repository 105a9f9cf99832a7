import { isObject } from '../config.js';
import { type LayerConverter, singleInput } from '../layer.js';

/**
 * What the wrapped layer does. Training keeps the kernel that it has divided by its spectral norm, so that there is
 * nothing left to do here.
 */
export const spectralNormalization: LayerConverter = {
  classNames: ['SpectralNormalization'],
  masks: 'stop',
  options: ['layer', 'power_iterations'],
  convert(call) {
    const { config } = call.layer;
    const inner = config.get('layer');
    if (!isObject(inner) || !isObject(inner.config)) return config.refuse('it wraps no layer');
    const { name } = inner.config;
    const weights = call.weights.child('layer', typeof name === 'string' ? name : undefined);
    return call.callInner(inner, weights, [singleInput(call)]);
  },
};
