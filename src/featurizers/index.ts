/**
 * Steps in TypeScript before the graph, for what ONNX expresses badly: text to counts, dictionaries to columns.
 * A featurizer is described by plain JSON, so that it is kept beside the graph and inside an ONNX file's metadata.
 */
import type { FeaturizerSpec } from '../signature.js';
import type { Tensor } from '../tensor.js';
import { makeDictionary } from './dictionary.js';
import { makeHashedFeatures } from './hashed-features.js';
import { makeLabelSets } from './label-sets.js';
import { SparseRows } from './sparse-rows.js';
import { makeTextFeaturizer } from './text/index.js';
import { checkTextParameters } from './text/parameters.js';

/** Adds the features of one element to `row`. Made once per version; holds no state between rows. */
export type RowFeaturizer = (text: string, row: SparseRows) => void;

/** Each kind checks its parameters and prepares what every row shares. @throws TypeError for parameters that are none */
const kinds: { readonly [kind: string]: (parameters: FeaturizerSpec['parameters']) => RowFeaturizer } = {
  dictionary: makeDictionary,
  'hashed-features': makeHashedFeatures,
  'label-sets': makeLabelSets,
  text: (parameters) => makeTextFeaturizer(checkTextParameters(parameters)),
};

/**
 * Prepares the featurizers of a version: the function takes the inputs of its signature and gives those of its graph.
 * Inputs that no featurizer reads pass unchanged.
 */
export function prepareFeaturizers(
  specs: readonly FeaturizerSpec[],
): (inputs: Readonly<Record<string, Tensor>>) => Record<string, Tensor> {
  const prepared = specs.map((spec) => {
    const make = Object.hasOwn(kinds, spec.kind) ? kinds[spec.kind] : undefined;
    if (make === undefined) throw new TypeError(`there is no featurizer "${spec.kind}"`);
    return { spec, featurize: make(spec.parameters) };
  });
  const read = new Set(specs.filter(({ shared }) => !shared).map(({ input }) => input));
  return (inputs) => {
    const fed: Record<string, Tensor> = {};
    for (const name in inputs) if (!read.has(name)) fed[name] = inputs[name]!;
    for (const { spec, featurize } of prepared) {
      const rows = new SparseRows();
      for (const text of inputs[spec.input]!.data as string[]) {
        featurize(text, rows);
        rows.endRow();
      }
      Object.assign(fed, rows.toTensors(spec.indices, spec.values));
    }
    return fed;
  };
}

export { SparseRows } from './sparse-rows.js';
