import type { Tensor } from '../../../tensor.js';
import { encodeCategories, withinDepth } from '../categories.js';
import type { LayerConfig } from '../config.js';
import { castTensor, type KerasTensor, type LayerConverter, singleInput } from '../layer.js';

/**
 * [batch, …] of texts or whole numbers → their indices in the vocabulary (int64, same shape), or those encoded as
 * CategoryEncoding does. The vocabulary stands in the options, or in `vocabulary.txt` of a `.keras` file.
 *
 * What is not in the vocabulary has the one index of the unknown; without one it fails the request, as it fails in Keras.
 * Source: keras/src/layers/preprocessing/index_lookup.py
 */
export const indexLookup: LayerConverter = {
  classNames: ['StringLookup', 'IntegerLookup'],
  masks: 'stop',
  takesTexts: true,
  options: [
    ...['max_tokens', 'num_oov_indices', 'mask_token', 'oov_token', 'output_mode', 'pad_to_max_tokens', 'vocabulary'],
    ...['vocabulary_dtype', 'vocabulary_size', 'encoding', 'invert', 'has_input_vocabulary'],
  ],
  convert(call) {
    const { graph, layer, weights } = call;
    const { config, className, generation } = layer;
    const texts = className === 'StringLookup';
    if (config.boolean('invert', false)) config.refuse('it gives texts for indices (invert)');
    if (config.get('sparse') === true) config.refuse('its output is sparse');
    if (!/^utf-?8$/i.test(config.string('encoding', 'utf-8'))) config.refuse('its texts are not encoded in UTF-8');
    const unknown = config.integer('num_oov_indices', 1);
    if (unknown !== 0 && unknown !== 1) config.refuse(`num_oov_indices is ${unknown}; known are 0 and 1`);
    const modes = ['int', 'one_hot', 'multi_hot', 'count'] as const;
    const mode =
      config.string('output_mode', 'int') === 'binary' ? 'multi_hot' : config.choice('output_mode', modes, 'int');
    const mask = config.get('mask_token');
    if (mask !== null && !entryOf(texts).is(mask)) config.refuse(`its mask_token should be ${entryOf(texts).form}`);
    if (mask !== null && mode !== 'int') config.refuse(`it has a mask_token, and output_mode is "${mode}"`);
    const input = singleInput(call);
    if (texts !== (input.dtype === 'string')) config.refuse(`it is given ${texts ? 'numbers' : 'texts'}`);

    const front = [...(mask === null ? [] : [mask]), ...Array.from({ length: unknown }, () => config.get('oov_token'))];
    const entries = withoutFront(readVocabulary(config, weights.text('vocabulary.txt'), texts), front);
    const keys = mask === null ? entries : [...entries, mask];
    if (new Set(keys).size < keys.length) config.refuse('its vocabulary has an entry twice');
    const size = front.length + entries.length;
    const depth = config.boolean('pad_to_max_tokens', false) ? config.integer('max_tokens') : size;
    const places = entries.map((_, i) => BigInt(front.length + i));
    if (mask !== null) places.push(0n);
    const otherwise = unknown === 1 ? BigInt(front.length - 1) : -1n;
    const integers = (data: readonly bigint[]): Tensor => ({
      dtype: 'int64',
      shape: [data.length],
      data: BigInt64Array.from(data),
    });
    const source: Tensor = texts
      ? { dtype: 'string', shape: [keys.length], data: keys as string[] }
      : integers((keys as number[]).map(BigInt));
    const value = graph.node(
      'LabelEncoder',
      [texts ? input.value : castTensor(graph, input, 'int64').value],
      { keys_tensor: source, values_tensor: integers(places), default_tensor: integers([otherwise]) },
      { domain: 'ai.onnx.ml', name: layer.name },
    );
    const indices: KerasTensor = { value, dtype: 'int64', shape: input.shape };
    if (mode === 'int') return [unknown === 1 ? indices : { ...indices, value: withinDepth(graph, value, size)[0] }];
    const encoded = encodeCategories(call, indices, mode, depth);
    return [generation === 3 ? castTensor(graph, encoded, 'int64') : encoded];
  },
};

/** What a vocabulary holds. */
const entryOf = (texts: boolean) => ({
  is: (entry: unknown): entry is string | number => (texts ? typeof entry === 'string' : Number.isSafeInteger(entry)),
  form: texts ? 'a text' : 'a whole number',
});

function readVocabulary(config: LayerConfig, file: string | undefined, texts: boolean): readonly (string | number)[] {
  const given = config.get('vocabulary');
  const list = Array.isArray(given) ? given : given === null ? file?.split('\n') : undefined;
  if (list === undefined) return config.refuse('its vocabulary is not in the file');
  const entries = Array.isArray(given) || texts ? list : list.map(Number);
  const { is, form } = entryOf(texts);
  if (entries.length > 0 && entries.every(is)) return entries;
  return config.refuse(`each entry of its vocabulary should be ${form}`);
}

/** A vocabulary may begin with the special entries, all of them and in order, or leave them out. */
function withoutFront(entries: readonly (string | number)[], front: readonly unknown[]): readonly (string | number)[] {
  return front.every((entry, i) => entries[i] === entry) ? entries.slice(front.length) : entries;
}
