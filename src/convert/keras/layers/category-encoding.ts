import { encodeCategories } from '../categories.js';
import { argument, type LayerConverter, singleInput } from '../layer.js';

/** [batch, …] of indices → [batch, …, num_tokens] (one_hot) or [batch, num_tokens] (multi_hot, count). */
export const categoryEncoding: LayerConverter = {
  classNames: ['CategoryEncoding'],
  masks: 'stop',
  options: ['num_tokens', 'output_mode'],
  arguments: ['count_weights'],
  convert(call) {
    const { config } = call.layer;
    if ((argument(call, 0, 'count_weights') ?? null) !== null) config.refuse('it is called with count_weights');
    if (config.get('sparse') === true) config.refuse('its output is sparse');
    const mode = config.choice('output_mode', ['one_hot', 'multi_hot', 'count'], 'multi_hot');
    return [encodeCategories(call, singleInput(call), mode, config.integer('num_tokens'))];
  },
};
