import { describe, expect, it } from 'vitest';
import {
  readColumnCount,
  readColumnNames,
  readSelection,
} from '../../../../src/convert/sklearn/compose/selected-columns.js';
import { Estimator } from '../../../../src/convert/sklearn/estimator.js';
import {
  PythonDict,
  PythonGlobal,
  PythonObject,
  PythonTuple,
  type PythonValue,
} from '../../../../src/formats/pickle/index.js';
import { estimatorOf } from '../evaluate.js';

const className = 'sklearn.compose._column_transformer.ColumnTransformer';
const made = (attributes: Record<string, PythonValue>) => new Estimator(estimatorOf(className, attributes));
const names = ['a', 'b', 'c', 'd'];
const estimator = made({ n_features_in_: 4n, feature_names_in_: names });
const select = (selector: PythonValue) => readSelection(estimator, selector, names, 4);
const slice = (...args: PythonValue[]) => new PythonObject(new PythonGlobal('builtins', 'slice', 'class'), args);

function pandasIndex(data: PythonValue): PythonObject {
  const content = new PythonDict();
  content.set('data', data);
  const index = new PythonGlobal('pandas.core.indexes.base', 'Index', 'class');
  return new PythonObject(new PythonGlobal('pandas.core.indexes.base', '_new_Index', 'class'), [index, content]);
}

describe('a selection of columns', () => {
  it.each<[string, PythonValue, number[]]>([
    ['names', ['c', 'a'], [2, 0]],
    ['positions, from the end too', [0n, -1n], [0, 3]],
    ['a mask', [true, false, false, true], [0, 3]],
    ['nothing', [], []],
    ['a slice of positions', slice(1n, -1n, null), [1, 2]],
    ['a slice with a step', slice(null, null, 2n), [0, 2]],
    ['a slice beyond the end', slice(2n, 99n, null), [2, 3]],
    ['a slice of names, the last included', slice('b', 'c', null), [1, 2]],
    ['an index of pandas', pandasIndex(['d', 'b']), [3, 1]],
    ['a tuple', new PythonTuple(['b']), [1]],
  ])('may be %s', (_, selector, indices) => {
    expect(select(selector)).toEqual({ indices, isScalar: false });
  });

  it('is one text a row when a column is named without a list', () => {
    expect(select('b')).toEqual({ indices: [1], isScalar: true });
    expect(select(-4n)).toEqual({ indices: [0], isScalar: true });
  });

  it('is that of the columns that remained, which 1.5 to 1.7 keep in a list of their own', () => {
    const list = new PythonObject(new PythonGlobal(className.slice(0, -18), '_RemainderColsList', 'class'), []);
    const state = new PythonDict();
    state.set('data', [1n, 3n]);
    list.state = state;
    expect(select(list).indices).toEqual([1, 3]);
  });

  it.each<[PythonValue, string]>([
    [['e'], 'it selects the column "e", which it was not fitted on'],
    [[4n], 'it selects a column that is not among its 4'],
    [[1.5], 'it selects a column that is not among its 4'],
    [[true], 'a mask of 1 selects among 4 columns'],
    [slice(null, null, -1n), 'a slice that goes backwards'],
    [null, 'it selects columns in a way that is not known here'],
  ])('is refused when it makes no sense: %#', (selector, message) => {
    expect(() => select(selector)).toThrow(message);
  });
});

describe('the columns of a table', () => {
  it('are named by whichever attribute the release has', () => {
    expect(readColumnNames(made({ _feature_names_in: ['x', 'y'] }))).toEqual(['x', 'y']);
    expect(readColumnNames(made({ _df_columns: pandasIndex(['x', 'y']) }))).toEqual(['x', 'y']);
    expect(readColumnNames(made({ _feature_names_in: [1n, 2n] }))).toBeUndefined();
    expect(readColumnNames(made({}))).toBeUndefined();
  });

  it('are counted, or the file is refused', () => {
    expect(readColumnCount(made({ _n_features: 3n }))).toBe(3);
    expect(readColumnCount(made({ _df_columns: pandasIndex(['x', 'y']) }))).toBe(2);
    expect(() => readColumnCount(made({}))).toThrow('does not say how many columns it takes');
    expect(() => readColumnCount(made({ _n_features: 3n, _df_columns: pandasIndex(['x']) }))).toThrow('1 names for 3');
  });
});
