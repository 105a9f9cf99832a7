import type { Call } from '../call.js';
import { anyWidthInput } from '../context.js';
import type { EstimatorConverter } from '../converter.js';
import { type Features, matrix } from '../features.js';
import { applyFunction, nameOfFunction } from './numpy-functions.js';

/** [batch, n] → transform: `func` of every element, or the input as it is without one. */
export const functionTransformer: EstimatorConverter = {
  className: 'sklearn.preprocessing._function_transformer.FunctionTransformer',
  parameters: [
    // `pass_y` until 0.21.
    ...['func', 'inverse_func', 'validate', 'accept_sparse', 'pass_y', 'check_inverse', 'feature_names_out'],
    ...['kw_args', 'inv_kw_args'],
  ],
  input: anyWidthInput,
  convert: (call) => ({ transform: () => transformed(call) }),
};

function transformed(call: Call): Features {
  const { estimator, input } = call;
  const func = estimator.get('func') ?? null;
  // Until 0.21 `None` meant that the input is validated.
  const strict = estimator.has('validate') ? estimator.boolean('validate') : !estimator.since([0, 22]);
  if (func === null) return strict ? call.matrix() : input;
  const name = nameOfFunction(call, func);
  if (name === 'ravel' || name === 'squeeze') return asDocuments(call);
  const { value, size } = call.matrix(undefined, { missing: !strict, infinite: !strict });
  const result = applyFunction(call, func, estimator.get('kw_args') ?? null, value);
  return matrix(result, size, false);
}

/** One column of text as one text a row: what a vectorizer takes after an imputer or a selector. */
function asDocuments({ estimator, input }: Call): Features {
  if (input.kind === 'documents') return input;
  const column = input.kind === 'frame' && input.columns.length === 1 ? input.columns[0]! : undefined;
  const source = column === undefined || 'table' in column ? column : column.source;
  const name = source?.table.readDocuments(source.index);
  if (name === undefined) return estimator.refuse('it makes a single column flat, and its input is not one of texts');
  return { kind: 'documents', input: name };
}
