import { describe, expect, it } from 'vitest';
import { Estimator } from '../../../src/convert/sklearn/estimator.js';
import { Sparsity } from '../../../src/convert/sklearn/sparsity.js';
import {
  KeySpace,
  PythonDict,
  PythonGlobal,
  PythonObject,
  PythonTuple,
  type PythonValue,
} from '../../../src/formats/pickle/index.js';

const space = new KeySpace();

function make(name: string, state: Readonly<Record<string, PythonValue>> = {}): PythonObject {
  const object = new PythonObject(new PythonGlobal('sklearn.test', name, 'class'), []);
  const entries = new PythonDict(space);
  for (const [key, value] of Object.entries({ ...state, _sklearn_version: '1.6.1' })) entries.set(key, value);
  object.state = entries;
  return object;
}

const named = (...parts: PythonValue[]) => parts.map((part, i) => new PythonTuple([`part${i}`, part]));
const oneHot = (isSparse: boolean) => make('OneHotEncoder', { sparse_output: isSparse });

describe('Sparsity', () => {
  it.each<[string, PythonObject, boolean, boolean | undefined]>([
    ['a vectorizer', make('TfidfVectorizer'), false, true],
    ['an encoder', oneHot(true), false, true],
    ['a dense encoder', oneHot(false), false, false],
    ['an encoder before 1.2', make('OneHotEncoder', { sparse: false }), false, false],
    ['an encoder that does not say', make('OneHotEncoder'), false, true],
    ['a scaler of a dense array', make('StandardScaler'), false, false],
    ['a scaler of a sparse matrix', make('StandardScaler'), true, true],
    ['a decomposition of a sparse matrix', make('TruncatedSVD'), true, false],
    ['columns that came out sparse', make('ColumnTransformer', { sparse_output_: true }), false, true],
    ['columns that came out dense', make('ColumnTransformer', { sparse_output_: false }), false, false],
    ['bins as columns', make('KBinsDiscretizer', { encode: 'onehot' }), false, true],
    ['bins as numbers', make('KBinsDiscretizer', { encode: 'ordinal' }), false, false],
    ['an indicator as it comes', make('MissingIndicator', { sparse: 'auto' }), true, true],
    ['steps', make('Pipeline', { steps: named(oneHot(true), 'passthrough', make('MaxAbsScaler')) }), false, true],
    ['steps to a dense end', make('Pipeline', { steps: named(oneHot(true), make('TruncatedSVD')) }), false, false],
    ['a union', make('FeatureUnion', { transformer_list: named(make('StandardScaler'), oneHot(true)) }), false, true],
    ['a dense union', make('FeatureUnion', { transformer_list: named(make('PCA'), 'drop') }), false, false],
    ['what is not known, of a dense array', make('Isomap'), false, false],
    ['what is not known, of a sparse matrix', make('Isomap'), true, undefined],
  ])('knows of %s', (_, object, fromSparse, expected) => {
    expect(new Sparsity().ofResult(new Estimator(object), fromSparse)).toBe(expected);
  });

  it('decides about shared parts once', () => {
    let object = oneHot(true);
    for (let i = 0; i < 48; i++) object = make('FeatureUnion', { transformer_list: named(object, object) });
    expect(new Sparsity().ofResult(new Estimator(object), false)).toBe(true);
  });
});
