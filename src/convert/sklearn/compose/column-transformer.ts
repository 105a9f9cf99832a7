import { PythonTuple, type PythonValue } from '../../../formats/pickle/index.js';
import type { Call } from '../call.js';
import type { EstimatorConverter } from '../converter.js';
import type { Estimator } from '../estimator.js';
import { type Features, selectColumns } from '../features.js';
import { joined, readWeights, weighted } from './joined.js';
import { readColumnCount, readColumnNames, readSelection, type Selection } from './selected-columns.js';

/** Columns of a table to the transformers that they belong to, whose results are put side by side. */
export const columnTransformer: EstimatorConverter = {
  className: 'sklearn.compose._column_transformer.ColumnTransformer',
  // Names of the results, and whether they are sparse, change no number.
  parameters: [
    ...['transformers', 'remainder', 'sparse_threshold', 'n_jobs', 'transformer_weights', 'verbose'],
    ...['verbose_feature_names_out', 'force_int_remainder_cols'],
  ],
  input(estimator) {
    estimator.checkFitted('transformers_');
    return { kind: 'table', size: readColumnCount(estimator), names: readColumnNames(estimator) };
  },
  convert: (call) => ({ transform: () => transformed(call) }),
};

function transformed(call: Call): Features {
  const { estimator, input } = call;
  if (input.kind === 'documents') return estimator.refuse('it takes a table, and its input is one text a row');
  const weights = readWeights(estimator);
  const parts = readTransformers(estimator).flatMap(({ name, transformer, selection }): Features[] => {
    if (transformer === 'drop' || selection.indices.length === 0) return [];
    const features = selection.isScalar
      ? singleColumn(call, selection)
      : selectColumns(call.graph, input, selection.indices);
    const result = transformer === 'passthrough' ? features : call.convert(transformer, features).transform?.();
    if (result === undefined) return estimator.refuse(`its part ${name} has no transform`);
    return [weighted(call, result, weights(name))];
  });
  return joined(call, parts);
}

interface FittedTransformer {
  readonly name: string;
  readonly transformer: PythonValue;
  readonly selection: Selection;
}

function readTransformers(estimator: Estimator): FittedTransformer[] {
  const names = readColumnNames(estimator);
  const count = readColumnCount(estimator);
  return estimator.list('transformers_').map((item) => {
    const [name, transformer, columns] = item instanceof PythonTuple || Array.isArray(item) ? itemsOf(item) : [];
    if (typeof name !== 'string' || transformer === undefined) {
      return estimator.refuse('its parts should be of a name, a transformer and columns');
    }
    if (transformer === 'drop') return { name, transformer, selection: { indices: [], isScalar: false } };
    return { name, transformer, selection: readSelection(estimator, columns ?? [], names, count) };
  });
}

const itemsOf = (item: PythonTuple | readonly PythonValue[]) => (item instanceof PythonTuple ? item.items : item);

/** A column selected without a list is one text a row. */
function singleColumn({ estimator, input }: Call, { indices }: Selection): Features {
  const column = input.kind === 'frame' ? input.columns[indices[0]!] : undefined;
  if (column === undefined || !('table' in column)) {
    return estimator.refuse('it hands on a single column of its input as texts, and the input is computed');
  }
  const name = column.table.readDocuments(column.index);
  if (name !== undefined) return { kind: 'documents', input: name };
  return estimator.refuse(`one part reads the column ${column.name} as text, and another does not`);
}
