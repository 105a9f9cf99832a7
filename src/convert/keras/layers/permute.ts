import { type LayerConverter, singleInput } from '../layer.js';
import { range, transpose } from '../spatial.js';

/** [batch, …] → [batch, …] with axes in the order `dims`, which counts from 1. */
export const permute: LayerConverter = {
  classNames: ['Permute'],
  masks: 'stop',
  options: ['dims'],
  convert(call) {
    const x = singleInput(call);
    const dims = call.layer.config.integers('dims');
    const sorted = [...dims].sort((a, b) => a - b);
    if (sorted.join() !== range(1, x.shape.length).join()) {
      call.layer.config.refuse(`its dims [${dims.join(', ')}] do not order an input of ${x.shape.length} dimensions`);
    }
    return [transpose(call, x, [0, ...dims])];
  },
};
