import { PythonTuple, type PythonValue } from '../../../formats/pickle/index.js';
import type { Call } from '../call.js';
import type { EstimatorConverter, InputShape } from '../converter.js';
import type { Estimator } from '../estimator.js';
import type { Features } from '../features.js';
import { joined, readWeights, weighted } from './joined.js';

/** One input to several transformers, whose results are put side by side. */
export const featureUnion: EstimatorConverter = {
  className: 'sklearn.pipeline.FeatureUnion',
  parameters: ['transformer_list', 'n_jobs', 'transformer_weights', 'verbose', 'verbose_feature_names_out'],
  input(estimator, describe): InputShape {
    for (const { transformer } of readParts(estimator)) {
      if (transformer === 'passthrough') continue;
      const shape = describe(estimator.partOf(transformer));
      if (shape.kind !== 'rows') return shape;
    }
    return { kind: 'rows' };
  },
  convert: (call) => ({ transform: () => union(call) }),
};

function union(call: Call): Features {
  const weights = readWeights(call.estimator);
  const parts = readParts(call.estimator).map(({ name, transformer }) => {
    const result = transformer === 'passthrough' ? call.input : call.convert(transformer, call.input).transform?.();
    return weighted(call, result ?? call.estimator.refuse(`its part ${name} has no transform`), weights(name));
  });
  return joined(call, parts);
}

/** Parts that are not dropped; until 0.23 `None` dropped one as well. */
function readParts(estimator: Estimator): { name: string; transformer: PythonValue }[] {
  return estimator.list('transformer_list').flatMap((item) => {
    const [name, transformer] = item instanceof PythonTuple ? item.items : Array.isArray(item) ? item : [];
    if (typeof name !== 'string' || transformer === undefined) {
      return estimator.refuse('its parts should be pairs of a name and a transformer');
    }
    return transformer === 'drop' || transformer === null ? [] : [{ name, transformer }];
  });
}
