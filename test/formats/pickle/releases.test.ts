import { describe, expect, it } from 'vitest';
import { resolveGlobal } from '../../../src/formats/pickle/globals.js';
import { type NumpyArray, type PythonObject, PythonTuple, readPickle } from '../../../src/formats/pickle/index.js';
import { global, pickle } from '../../hostile/pickle-writer.js';

/** What releases of scikit-learn, SciPy and pandas call a thing, and what it is called in the newest. */
describe('names that releases changed', () => {
  it.each([
    ['sklearn.neighbors.kd_tree', 'BinaryTree', 'sklearn.neighbors._kd_tree.KDTree'],
    ['sklearn.neighbors.ball_tree', 'BinaryTree', 'sklearn.neighbors._ball_tree.BallTree'],
    [
      'sklearn.covariance.outlier_detection',
      'EllipticEnvelope',
      'sklearn.covariance._elliptic_envelope.EllipticEnvelope',
    ],
    ['sklearn.cross_decomposition._cca', 'CCA', 'sklearn.cross_decomposition._pls.CCA'],
    ['sklearn.model_selection._classification_threshold', '_CurveScorer', 'sklearn.metrics._scorer._CurveScorer'],
    ['__builtin__', 'xrange', 'builtins.range'],
    ['exceptions', 'FutureWarning', 'builtins.FutureWarning'],
    ['pandas', 'Index', 'pandas.core.indexes.base.Index'],
    ['pandas.arrays', 'StringArray', 'pandas.core.arrays.string_.StringArray'],
  ])('%s.%s', (module, name, id) => {
    expect(resolveGlobal(module, name)?.id).toBe(id);
  });

  it('a distribution of SciPy keeps its own methods', () => {
    const frozen = pickle(
      ...['\x80\x02', global('builtins', 'getattr'), global('scipy.stats._discrete_distns', 'randint_gen')],
      ')\x81S"_entropy"\n\x86R.',
    );
    expect((readPickle(frozen).value as PythonObject).global.id).toBe('builtins.getattr');
  });

  it('a namedtuple of protocol 0', () => {
    const triplet = pickle(
      ...[global('copy_reg', '_reconstructor'), '(', global('sklearn.impute._iterative', '_ImputerTriplet')],
      ...[global('__builtin__', 'tuple'), '(I1\nI2\nttR.'],
    );
    expect((readPickle(triplet).value as PythonObject).args).toEqual([1n, 2n]);
    expect(readPickle(pickle('(I1\nt.')).value).toBeInstanceOf(PythonTuple);
  });
});

describe('8-bit strings of Python 2', () => {
  const array = (bytes: string) =>
    pickle(
      ...[
        '\x80\x02',
        global('numpy.core.multiarray', '_reconstruct'),
        global('numpy', 'ndarray'),
        'K\x00\x85U\x01b\x87R',
      ],
      ...[
        '(K\x01K\x01\x85',
        global('numpy', 'dtype'),
        'U\x02f8K\x00K\x01\x87R(K\x03U\x01<NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb',
      ],
      ...[`\x89U\x08${bytes}tb.`],
    );

  it('are the bytes of an array', () => {
    const { content } = readPickle(array('\x00\x00\x00\x00\x00\x00\xf0\x3f')).value as NumpyArray;
    expect(content).toMatchObject({ kind: 'tensor', tensor: { data: Float64Array.of(1) } });
  });

  it('are text where they are ASCII, and of no known encoding elsewhere', () => {
    expect(readPickle(pickle('U\x02ab.')).value).toBe('ab');
    for (const text of ['U\x01\xe9.', 'T\x01\x00\x00\x00\xe9.', "S'\\xe9'\n.", '(U\x01\xe9t.', '}U\x01\xe9Ns.']) {
      expect(() => readPickle(pickle(text))).toThrow(/8-bit string of Python 2/);
    }
  });
});
