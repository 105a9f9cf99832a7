/** src/convert/README.md: what converts, from the registries. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { activations } from '../src/convert/keras/activation.js';
import { operatorRegistry } from '../src/convert/keras/operators/index.js';
import { layerRegistry } from '../src/convert/keras/registry.js';
import { lightgbmObjectives } from '../src/convert/lightgbm/objective.js';
import { estimatorRegistry } from '../src/convert/sklearn/registry.js';
import { xgboostObjectives } from '../src/convert/xgboost/objective.js';
import type { Measured } from './make-fixtures/measure.js';

const list = (names: Iterable<string>): string =>
  [...names]
    .sort((a, b) => a.localeCompare(b))
    .map((name) => `\`${name}\``)
    .join(', ');

/** What `scripts/make-fixtures/measure.ts` saw, by the estimator's class. */
const measured = JSON.parse(readFileSync(join(import.meta.dirname, 'make-fixtures/measured.json'), 'utf8')) as Readonly<
  Record<string, Measured>
>;

const nameOf = (id: string) => id.slice(id.lastIndexOf('.') + 1);

function estimatorTable(): string {
  const rows = [...estimatorRegistry.keys()]
    .filter((id) => id.startsWith('sklearn.'))
    .sort((a, b) => packageOf(a).localeCompare(packageOf(b)) || nameOf(a).localeCompare(nameOf(b)))
    .map((id) => {
      const { versions, cases, difference } = measured[id] ?? { versions: [], cases: 0, difference: 0 };
      return `| \`${nameOf(id)}\` | ${packageOf(id)} | ${releases(versions)} | ${cases} | ${exactness(cases, difference)} |`;
    });
  return rows.join('\n');
}

/** `linear_model` of `sklearn.linear_model._base`. */
const packageOf = (id: string) => id.split('.')[1]!;

/** `0.19–1.6`, or the few there are. */
function releases(versions: readonly string[]): string {
  if (versions.length === 0) return '–';
  return versions.length < 3 ? versions.join(', ') : `${versions[0]}–${versions.at(-1)} (${versions.length})`;
}

/** The next power of ten above the largest difference. */
function exactness(cases: number, difference: number): string {
  if (cases === 0) return '–';
  return difference === 0 ? 'every bit' : `1e${Math.ceil(Math.log10(difference))}`;
}

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

Pickle and joblib files, compressed or not, of protocols 0 to 5. Graphs are float64, as scikit-learn is (XGBoost's are
float32, as XGBoost is). Every method that works on new rows becomes an output of its name; of one that gives
several arrays each does (\`kneighbors[0]\` the distances, \`kneighbors[1]\` the indices).

The table is measured, not promised: files that real releases of the library wrote, compared with what that release
computed. *Off by* is the largest difference in any of them, absolute or relative, whichever is smaller; labels were
identical in all. Cases count pipelines in which the estimator is a part.

| Estimator | Package | Releases compared | Cases | Off by |
|---|---|---|---|---|
${estimatorTable()}

What float64 costs: \`npm run bench:float64\` runs the same graphs in float32 beside them. The median over the fixtures
is 1.04 times the time of float32. More than twice it take probabilities of \`SVC\` with many classes, whose iteration
stops earlier in float32, and nearest neighbours, whose cost is moving the distances.

Where scikit-learn's own answer hangs on more than the numbers, ours may be another:

- Of neighbours at the same distance the first in the training data counts. scikit-learn takes the one that its tree or its
  threads come to first; of scikit-learn's digits one row in 450 gets other probabilities for it.
- Inputs are float64. Mixtures given whole numbers in NumPy compute part of the density in whole numbers (1.7 and
  1.9 do, 1.2 does not).

Always refused:

- Functions and classes of your own: their code is not in the file, and would not be run if it were.
- Parameters that a converter does not know, and releases newer than those that it was written for.
- What draws at random when it predicts (\`sample_posterior=True\`, a stratified dummy).

To add an estimator: [sklearn/README.md](sklearn/README.md).

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
