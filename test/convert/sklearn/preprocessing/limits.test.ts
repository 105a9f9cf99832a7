import { describe, expect, it } from 'vitest';
import { convertSklearn } from '../../../../src/convert/sklearn/index.js';
import {
  PythonDict,
  PythonGlobal,
  type PythonObject,
  PythonTuple,
  type PythonValue,
} from '../../../../src/formats/pickle/index.js';
import { estimatorOf } from '../evaluate.js';

const convert = (object: PythonObject) => convertSklearn(object, { format: 'pickle' });
const polynomial = (degree: PythonValue, features = 3n) =>
  estimatorOf('sklearn.preprocessing._polynomial.PolynomialFeatures', {
    degree,
    interaction_only: false,
    include_bias: true,
    n_features_in_: features,
  });

describe('a small file that asks for much', () => {
  it('gets no polynomial of any degree, nor any number of columns', () => {
    expect(() => convert(polynomial(1_000_000n, 1n))).toThrow('its degree is 1000000; at most 100 is converted');
    expect(() => convert(polynomial(20n, 50n))).toThrow('it makes more than 1048576 columns');
    expect(() => convert(polynomial(-1n))).toThrow('its degree should be a whole number');
    expect(convert(polynomial(2n)).signature.outputs[0]!.shape).toEqual([null, 10]);
  });

  it('gets no union that doubles with every level', () => {
    const union = (part: PythonObject) =>
      estimatorOf('sklearn.pipeline.FeatureUnion', {
        transformer_list: [new PythonTuple(['a', part]), new PythonTuple(['b', part])],
        transformer_weights: null,
      });
    let part = polynomial(2n);
    for (let level = 0; level < 40; level++) part = union(part);
    expect(() => convert(part)).toThrow(/columns side by side; at most \d+ are converted/);
  });

  it('gets no code beyond the categories that it has', () => {
    const encoder = (attributes: Record<string, PythonValue>) =>
      estimatorOf('sklearn.preprocessing._encoders.OneHotEncoder', {
        categories_: [['a', 'b']],
        handle_unknown: 'ignore',
        dtype: new PythonGlobal('numpy', 'float64', 'value'),
        ...attributes,
      });
    expect(() => convert(encoder({ drop_idx_: [2n] }))).toThrow('it drops a category that is not there');
    const grouped = { _infrequent_enabled: true, _default_to_infrequent_mappings: [[0n, 10n ** 12n]] };
    expect(() => convert(encoder(grouped))).toThrow('its infrequent categories are damaged');
    expect(() => convert(encoder({ categories_: new PythonDict() }))).toThrow('categories_ should be a list');
  });
});
