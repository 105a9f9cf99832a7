import { PythonGlobal } from '../../../formats/pickle/index.js';
import type { Call } from '../call.js';
import type { EstimatorConverter } from '../converter.js';
import { toNumber } from '../estimator.js';
import type { Features } from '../features.js';

/** [batch] of dictionaries → transform [batch, features]: numbers as they are, a 1 for each text. */
export const dictVectorizer: EstimatorConverter = {
  className: 'sklearn.feature_extraction._dict_vectorizer.DictVectorizer',
  parameters: ['dtype', 'separator', 'sparse', 'sort'],
  input(estimator) {
    estimator.checkFitted('vocabulary_');
    return { kind: 'json', json: 'object' };
  },
  convert: (call) => ({ transform: () => vectorised(call) }),
};

function vectorised(call: Call): Features {
  const { estimator, input } = call;
  if (input.kind !== 'documents') return estimator.refuse('it takes dictionaries, and its input is a table');
  const dtype = estimator.get('dtype');
  const name = dtype instanceof PythonGlobal ? dtype.id : '';
  if (!['numpy.float64', 'numpy.float32', 'builtins.float'].includes(name)) {
    estimator.refuse('its dtype is neither float64 nor float32');
  }
  const entries = [...estimator.dictionary('vocabulary_').entries()];
  const vocabulary = new Array<string>(entries.length).fill('');
  const seen = new Set<number>();
  for (const [name, value] of entries) {
    const place = toNumber(value);
    if (typeof name !== 'string' || place === undefined || !(place in vocabulary) || seen.has(place)) {
      estimator.refuse('its vocabulary should give each name, a text, a column of its own');
    }
    vocabulary[place!] = name as string;
    seen.add(place!);
  }
  if (vocabulary.length === 0) estimator.refuse('its vocabulary is empty');
  // Lists of texts came with 0.24, for dense results with 1.1.
  const lists = estimator.since(estimator.boolean('sparse') ? [0, 24] : [1, 1]);
  const parameters = { vocabulary, separator: estimator.text('separator'), lists };
  const pairs = call.context.featurize('dictionary', input.input, parameters, vocabulary.length);
  if (name !== 'numpy.float32') return pairs;
  return { ...pairs, values: call.node('Cast', [call.node('Cast', [pairs.values], { to: 1 })], { to: 11 }) };
}
