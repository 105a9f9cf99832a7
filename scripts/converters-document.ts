/** src/convert/README.md: what converts, from the registries. */
import { activations } from '../src/convert/keras/activation.js';
import { operatorRegistry } from '../src/convert/keras/operators/index.js';
import { layerRegistry } from '../src/convert/keras/registry.js';
import { lightgbmObjectives } from '../src/convert/lightgbm/objective.js';
import { estimatorRegistry } from '../src/convert/sklearn/registry.js';
import { xgboostObjectives } from '../src/convert/xgboost/objective.js';

const list = (names: Iterable<string>): string =>
  [...names]
    .sort((a, b) => a.localeCompare(b))
    .map((name) => `\`${name}\``)
    .join(', ');

export function converters(): string {
  const operators = [...operatorRegistry.keys()];
  // Classes of Keras 3 begin with a capital; functions of TensorFlow do not, and may have a module.
  const classes = operators.filter((name) => /^[A-Z]/.test(name));
  const functions = operators.filter((name) => !/^[A-Z]/.test(name));
  return `# What converts

<!-- Generated from the registries by \`npm run docs\`. -->

An artefact becomes an ONNX graph with the same numbers as Python's, or is refused by a text that names what stands in
the way. Nothing in the file is ever executed.

## Keras

Files: \`.h5\` of Keras 2 and 3, \`.keras\` of Keras 2.12 and later; Sequential and Functional models, nested, with shared
layers, several inputs and outputs, lists and dictionaries of them. Weights alone are refused: the architecture must be
in the file.

**Layers** (${layerRegistry.size}): ${list(layerRegistry.keys())}.

**Activations**: ${list(Object.keys(activations))}; and layers that stand as an activation (\`LeakyReLU\`).

**Operators** between layers, of \`keras.ops\` in Keras 3: ${list(classes)}.

**Operators** of TensorFlow in Keras 2: ${list(functions)}.

Always refused:

- \`Lambda\` layers, custom layers and models: their code is not in the file, and would not be run if it were.
- \`stateful=True\`, layers called with \`training=True\`, and operators along the batch: an answer would depend on other
  requests.
- Options that a converter does not know: they might change numbers.
- Policies other than \`float32\`, \`float16\` and \`mixed_float16\`. The last two are computed in float32 and rounded to
  float16 at the edges of each layer.

To add a layer: one file in \`keras/layers/\`, one line in \`keras/registry.ts\`, one model in the fixtures.

## scikit-learn

Pickle and joblib files. Graphs are float64, as scikit-learn is.

**Estimators** (${estimatorRegistry.size}): ${list([...estimatorRegistry.keys()].map((id) => id.slice(id.lastIndexOf('.') + 1)))}.

## XGBoost and LightGBM

Pickled wrappers and Boosters, and model files: of XGBoost 0.90 to 3.4 JSON, UBJSON and the old binary format, of
LightGBM 2.3 to 4.6 text. Boosters \`gbtree\`, \`dart\`, \`gblinear\`; \`gbdt\`, \`dart\`, \`goss\`, \`rf\` and linear
trees. Missing values, categories and early stopping count as the library counts them. XGBoost is computed in float32 and
LightGBM in float64, in the order of the library, so that sums are equal to the last bit.

**Objectives** of XGBoost: ${list(xgboostObjectives)}.

**Objectives** of LightGBM: ${list(lightgbmObjectives)}.

A model file gives what \`Booster.predict\` gives. Columns of categories take the categories where the file keeps them
(pandas, since XGBoost 3.1 and in LightGBM), else their codes.

## ONNX

Any model in the standard domains; the graph is served as it is.
`;
}
