import { floatInput, type LayerConverter } from '../layer.js';
import { rectify } from '../rectify.js';
import { writtenSince } from '../version.js';

/** any → same shape: slope below the threshold, identity above it, capped at `max_value`. */
export const relu: LayerConverter = {
  classNames: ['ReLU'],
  masks: 'pass',
  options: ['max_value', 'negative_slope', 'threshold'],
  convert(call) {
    const { config } = call.layer;
    const x = floatInput(call);
    const maxValue = config.get('max_value') === null ? undefined : config.number('max_value');
    const options = {
      negativeSlope: config.number('negative_slope', 0),
      threshold: config.number('threshold', 0),
      maxValue,
      selects: writtenSince(call.layer, 3, 15),
    };
    return [{ ...x, value: rectify(call.graph, x.value, options) }];
  },
};
