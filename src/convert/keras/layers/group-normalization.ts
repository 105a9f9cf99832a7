import { fixedSize, floatInput, type LayerConverter } from '../layer.js';
import { meanOver, reciprocalRoot } from '../moments.js';
import { range } from '../spatial.js';

/**
 * any → same shape: the channels (`axis`) in `groups`, each with mean 0 and variance 1 over all but the batch, then
 * `gamma` and `beta` for each channel. `groups` of −1 is one group a channel.
 */
export const groupNormalization: LayerConverter = {
  classNames: ['GroupNormalization'],
  masks: 'pass',
  options: ['groups', 'axis', 'epsilon', 'center', 'scale'],
  convert(call) {
    const { graph, layer, weights } = call;
    const { config } = layer;
    const x = floatInput(call);
    if (layer.generation === 2 && x.mask !== undefined) config.refuse('its input is masked');
    const rank = x.shape.length;
    const given = config.integer('axis', -1);
    const axis = given < 0 ? given + rank : given;
    const channels = fixedSize(call, x, axis);
    const stated = config.integer('groups', 32);
    const groups = stated === -1 ? channels : stated;
    if (groups < 1 || channels % groups !== 0) config.refuse(`${channels} channels do not make ${groups} groups`);
    // In front of the channels a 0 keeps the size whatever it is; behind them sizes move, and one may be free (-1).
    const behind = x.shape.slice(axis + 1).map((size) => size ?? -1);
    if (behind.filter((size) => size === -1).length > 1) config.refuse('several sizes after its axis are free');
    const before = range(0, axis).map(() => 0);
    const grouped = graph.node('Reshape', [x.value, graph.int64s([...before, groups, channels / groups, ...behind])]);
    const axes = range(1, rank + 1).filter((i) => i !== axis);
    const centred = graph.node('Sub', [grouped, meanOver(graph, grouped, axes)]);
    const variance = meanOver(graph, graph.node('Mul', [centred, centred]), axes);
    const normal = graph.node('Mul', [centred, reciprocalRoot(graph, variance, config.number('epsilon', 1e-3))]);
    let value = graph.node('Reshape', [normal, graph.int64s([...before, channels, ...behind])]);
    const shape = [channels, ...behind.map(() => 1)];
    for (const [name, option, operator] of [
      ['gamma', 'scale', 'Mul'],
      ['beta', 'center', 'Add'],
    ] as const) {
      if (!config.boolean(option, true)) continue;
      const constant = call.constant(name, () => ({ ...weights.read(name, [channels]), shape }));
      value = graph.node(operator, [value, constant], {}, { name: layer.name });
    }
    return [{ ...x, value }];
  },
};
