import { existsSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { VitrinaError } from '../../src/errors.js';
import { readJoblib } from '../../src/formats/joblib/index.js';
import { readNpy } from '../../src/formats/npy/index.js';
import { PythonDict, type PythonObject, readPickle } from '../../src/formats/pickle/index.js';
import { readCases } from '../formats/python-values.js';
import { global, pickle, stackGlobal, text, uint32, uint64 } from './pickle-writer.js';

/** The time that any hostile file may take: of the processor, whatever else the machine does. */
const seconds = 2;

function refusal(bytes: Uint8Array, read: (bytes: Uint8Array) => unknown = readPickle): VitrinaError {
  const start = process.cpuUsage();
  try {
    read(bytes);
  } catch (error) {
    expect(process.cpuUsage(start).user / 1e6).toBeLessThan(seconds);
    if (error instanceof VitrinaError) return error;
    throw error;
  }
  throw new Error('it was read');
}

describe('names that are not data', () => {
  const call = '(S"touch PWNED"\ntR.';
  it.each([
    ['GLOBAL', pickle(global('os', 'system'), call), 'os.system'],
    ['STACK_GLOBAL', pickle('\x80\x04', stackGlobal('posix', 'system'), text('id'), '\x85R.'), 'posix.system'],
    ['INST', pickle('(S"id"\nisubprocess\nPopen\n.'), 'subprocess.Popen'],
    ['OBJ', pickle('(', global('subprocess', 'Popen'), 'S"id"\no.'), 'subprocess.Popen'],
    ['NEWOBJ', pickle('\x80\x02', global('runpy', '_run_code'), ')\x81.'), 'runpy._run_code'],
    ['NEWOBJ_EX', pickle('\x80\x04', global('types', 'CodeType'), ')}\x92.'), 'types.CodeType'],
    ['eval', pickle(global('__builtin__', 'eval'), call), '__builtin__.eval'],
    ['exec', pickle(global('builtins', 'exec'), call), 'builtins.exec'],
    ['getattr', pickle(global('builtins', 'getattr'), '(', global('os', 'path'), 'S"os"\ntR.'), 'os.path'],
    [
      'getattr of an estimator',
      pickle('\x80\x02', global('builtins', 'getattr'), global('sklearn.svm._classes', 'SVC'), ')\x81S"fit"\n\x86R.'),
      'builtins.getattr',
    ],
    [
      'getattr of a class',
      pickle(
        global('builtins', 'getattr'),
        ...['(', global('scipy.stats._discrete_distns', 'randint_gen'), 'S"__init__"\ntR.'],
      ),
      'builtins.getattr',
    ],
    ['__import__', pickle(global('builtins', '__import__'), '(S"os"\ntR.'), 'builtins.__import__'],
    ['functools.partial', pickle(global('functools', 'partial'), '(', global('os', 'system'), 'tR.'), 'os.system'],
    [
      'functools.partial of a function that is data elsewhere',
      pickle(global('functools', 'partial'), '(', global('numpy', 'log1p'), 'tR.'),
      'functools.partial',
    ],
    [
      'a dotted name',
      pickle('\x80\x04', stackGlobal('sklearn', 'svm._classes.SVC.__class__'), '.'),
      'sklearn.svm._classes.SVC.__class__',
    ],
    [
      'a split that joins to a known name',
      pickle(global('sklearn.svm', '_classes.SVC'), '.'),
      'sklearn.svm._classes.SVC',
    ],
    ['another case', pickle(global('Builtins', 'set'), '.'), 'Builtins.set'],
    ['a space', pickle(global('builtins ', 'set'), '.'), 'builtins .set'],
    ['__proto__', pickle(global('__proto__', '__proto__'), ')R.'), '__proto__.__proto__'],
    ['constructor', pickle(global('builtins', 'constructor'), ')R.'), 'builtins.constructor'],
    ['numpy.load', pickle(global('numpy', 'load'), '(S"x"\ntR.'), 'numpy.load'],
    ['joblib.load', pickle(global('joblib', 'load'), '(S"x"\ntR.'), 'joblib.load'],
    ['torch', pickle(global('torch._utils', '_rebuild_tensor_v2'), '.'), 'torch._utils._rebuild_tensor_v2'],
    ['a ufunc by name', pickle(global('numpy.core', '_ufunc_reconstruct'), '(S"os"\nS"system"\ntR.'), 'os.system'],
  ])('are refused: %s', (_, bytes, name) => {
    const error = refusal(bytes);
    expect(error.code).toBe('pickle-global-refused');
    expect(error.fields).toMatchObject({ global: name });
    expect(error.message).toContain(name);
    expect(refusal(bytes, readJoblib).code).toBe('pickle-global-refused');
    expect(existsSync('PWNED')).toBe(false);
  });

  it('are all named, in a file that is damaged behind them as well', () => {
    const error = refusal(pickle(global('os', 'system'), '0', global('a', 'b'), '0', global('os', 'system'), 'K'));
    expect(error.fields).toEqual({ global: 'os.system', others: ['a.b'] });
  });

  it('do not reach a terminal with control characters', () => {
    expect(refusal(pickle('\x80\x04', stackGlobal('o\x1b[31ms', 'x\ny'), '.')).message).toContain(
      'o\ufffd[31ms.x\ufffdy',
    );
  });

  it('are found in the arrays of objects inside of other files', () => {
    const header = "{'descr': '|O', 'fortran_order': False, 'shape': (1,)}";
    const npy = Buffer.concat([
      Buffer.from('\x93NUMPY\x01\x00', 'latin1'),
      Buffer.from([header.length, 0]),
      Buffer.from(header),
      pickle(global('os', 'system'), call),
    ]);
    expect(refusal(npy, readNpy).fields).toMatchObject({ global: 'os.system' });
    const wrapper = [
      global('joblib.numpy_pickle', 'NumpyArrayWrapper'),
      ')\x81}(Vsubclass\n',
      global('numpy', 'ndarray'),
      'Vshape\nK\x01\x85Vorder\nVC\nVdtype\n',
      global('numpy', 'dtype'),
      '(VO8\nI00\nI01\ntRub',
    ];
    expect(refusal(pickle('\x80\x02', ...wrapper, global('os', 'system'), '.', '.'), readJoblib).fields).toMatchObject({
      global: 'os.system',
    });
    expect(refusal(pickle('\x80\x02', ...wrapper, '].', '.'), readJoblib).message).toContain('holds something else');
  });

  it('are found in a second pickle of the file, where Python would not look', () => {
    expect(refusal(pickle('N.', global('os', 'system'), '.')).code).toBe('pickle-global-refused');
    expect(readPickle(pickle('N.', 'noise')).trailingBytes).toBe(5);
    expect(readPickle(pickle('N.', 'I1\n.')).values).toEqual([null, 1n]);
  });
});

describe('opcodes that reach outside of the file', () => {
  it.each([
    ['PERSID', 'Pid\n.', /persistent id \(PERSID\)/],
    ['BINPERSID', 'NQ.', /persistent id \(BINPERSID\)/],
    ['EXT1', '\x82\x01.', /extension registry \(EXT1\)/],
    ['EXT2', '\x83\x01\x00.', /extension registry \(EXT2\)/],
    ['EXT4', '\x84\x01\x00\x00\x00.', /extension registry \(EXT4\)/],
    ['NEXT_BUFFER', '\x97.', /outside of the file \(NEXT_BUFFER\)/],
    ['READONLY_BUFFER', 'N\x98.', /outside of the file \(READONLY_BUFFER\)/],
    ['a protocol to come', '\x80\x06N.', /protocol 6/],
  ])('are refused: %s', (_, bytes, message) => {
    expect(refusal(pickle(bytes)).message).toMatch(message);
  });
});

describe('stand-ins', () => {
  it.each([
    [
      'a call of a function',
      pickle(global('numpy', 'log1p'), ')R.'),
      /a call of numpy\._core\._multiarray_umath\.log1p/,
    ],
    ['a call of text', pickle('Vx\n)R.'), /a call of what is no class/],
    ['arguments that are no tuple', pickle(global('builtins', 'set'), ']R.'), /arguments are no tuple/],
    ['BUILD on a dictionary', pickle('}}b.'), /a state is given to what takes none/],
    ['BUILD on a class', pickle(global('sklearn.svm._classes', 'SVC'), '}b.'), /a state is given to what takes none/],
    ['BUILD twice', pickle(global('sklearn.svm._classes', 'SVC'), ')\x81}b}b.'), /a state twice/],
    ['SETITEM on a list', pickle(']NNs.'), /keys are set on what is no dictionary/],
    ['APPEND on a tuple', pickle(')Na.'), /appended to what is no list/],
    ['ADDITEMS on a list', pickle('](N\x90.'), /added to what is no set/],
    ['an unhashable key', pickle('}]Ns.'), /cannot be hashed/],
    ['two NaN keys', pickle('}Fnan\nNsFnan\nNs.'), /two NaN keys/],
    [
      'a partial with arguments',
      pickle(
        global('functools', 'partial'),
        '(',
        global('sklearn.utils.validation', 'check_array'),
        'p0\ntR(g0\n(K\x01t}Ntb.',
      ),
      /functools\.partial\.__setstate__/,
    ],
    [
      'a function with a base of its own',
      pickle(global('copyreg', '_reconstructor'), '(', global('numpy', 'log1p'), global('builtins', 'dict'), '}tR.'),
      /a call of numpy/,
    ],
    ['another encoding', pickle(global('_codecs', 'encode'), '(Vx\nVrot13\ntR.'), /_codecs\.encode/],
    [
      'a maker of a function',
      pickle(global('sklearn.neighbors._kd_tree', 'newObj'), '(', global('numpy', 'log1p'), 'tR.'),
      /newObj/,
    ],
    [
      'a dtype in itself',
      pickle(global('numpy', 'dtype'), '(VV8\nI00\nI01\ntRp0\n(I3\nV|\nN(Vf\nt}Vf\n(g0\nI0\ntsI8\nI1\nI0\ntb.'),
      /numpy\.dtype/,
    ],
    [
      'a field outside of its record',
      pickle(
        global('numpy', 'dtype'),
        '(VV8\nI00\nI01\ntR(I3\nV|\nN(Vf\nt}Vf\n(',
        global('numpy', 'dtype'),
        '(Vf8\nI00\nI01\ntRI4\ntsI8\nI1\nI0\ntb.',
      ),
      /outside of its record/,
    ],
  ])('refuse %s', (_, bytes, message) => {
    expect(refusal(bytes).message).toMatch(message);
  });

  it('have no prototype that a file could reach', () => {
    const { value } = readPickle(pickle('}(V__proto__\n}(Vpolluted\nI1\nuVconstructor\nI2\nVtoString\nI3\nu.'));
    expect(value).toBeInstanceOf(PythonDict);
    const dict = value as PythonDict;
    expect(dict.keys()).toEqual(['__proto__', 'constructor', 'toString']);
    expect(dict.get('hasOwnProperty')).toBeUndefined();
    expect(({} as Record<string, unknown>).polluted).toBeUndefined();
    const object = readPickle(
      pickle(global('sklearn.svm._classes', 'SVC'), ')\x81}(V__class__\nI1\nV__proto__\nI2\nub.'),
    ).value;
    expect(Object.keys(object as PythonObject).sort()).toEqual([
      'args',
      'entries',
      'global',
      'items',
      'kwargs',
      'state',
    ]);
  });
});

describe('sizes', () => {
  const lists = (count: number) => ']'.repeat(count);
  it.each([
    ['a long without end', pickle('\x8b', uint32(0xffffffff)), /integer of bytes of 4294967295/],
    ['a long of 1 MB', pickle('\x8b', uint32(2 ** 20), '\x7f'.repeat(2 ** 20), '.'), /integer of bytes/],
    ['a decimal of 1 MB', pickle('L', '9'.repeat(2 ** 20), 'L\n.'), /integer of digits/],
    [
      'text longer than the file',
      pickle('\x8d', uint64(2n ** 62n), '.'),
      /a length of 4611686018427387904 bytes in a file of 10/,
    ],
    ['bytes longer than the file', pickle('B', uint32(2 ** 31), '.'), /bytes are needed/],
    ['a frame longer than the file', pickle('\x95', uint64(100n), 'N.'), /a length of 100 bytes in a file of 11/],
    ['a frame that is cut short', pickle('\x95', uint64(5n), 'N.'), /a frame of 5 bytes, of which 2 are there/],
    [
      'a frame that ends in an opcode',
      pickle('\x80\x04\x95', uint64(3n), 'J\x01\x00', '\x00\x00.'),
      /bytes are needed/,
    ],
    [
      'a frame in a frame',
      pickle('\x95', uint64(20n), 'N', '\x95', uint64(2n), 'N.', ' '.repeat(20)),
      /a frame begins inside/,
    ],
    ['STOP before the end of its frame', pickle('\x95', uint64(5n), 'N.NNN'), /ends before its last frame/],
    ['a nesting of 300 000 lists', pickle(lists(300_000), 'a'.repeat(299_999), '.'), /nesting of 201/],
    ['a nesting of 300 000 tuples', pickle(')', '\x85'.repeat(300_000), '.'), /nesting of 201/],
    ['a key of 300 000 tuples', pickle('})', '\x85'.repeat(300_000), 'Ns.'), /nested deeper than 200/],
    [
      'a long path met second',
      pickle(lists(150), 'a'.repeat(149), 'q\x000', lists(100), 'h\x00', 'a'.repeat(100), '.'),
      /nesting of 2\d\d/,
    ],
    ['three million lists', pickle(lists(3_000_000)), /decoded bytes/],
    ['three million dictionaries', pickle('}'.repeat(3_000_000)), /decoded bytes/],
    ['four million marks', pickle('('.repeat(4_000_000)), /decoded bytes/],
    ['four million places of the memo', pickle('N', '\x94'.repeat(4_000_000), '.'), /decoded bytes/],
    ['a million pickles', pickle('N.'.repeat(1_000_000)), /decoded bytes/],
    [
      'two thousand copies of a megabyte',
      pickle(
        'X',
        uint32(2 ** 20),
        'a'.repeat(2 ** 20),
        'q\x000',
        global('_codecs', 'encode'),
        'q\x010(',
        'h\x01h\x00Vlatin1\n\x86R'.repeat(2000),
        't.',
      ),
      /decoded bytes/,
    ],
    [
      'two thousand copies of a list',
      pickle(
        '](',
        'N'.repeat(100_000),
        'eq\x000',
        global('builtins', 'set'),
        'q\x01(',
        'h\x01h\x00\x85R'.repeat(2000),
        't.',
      ),
      /decoded bytes/,
    ],
    [
      'an array of 2^47 zeros',
      pickle(
        global('numpy.core.multiarray', '_reconstruct'),
        '(',
        global('numpy', 'ndarray'),
        '(L140737488355328L\ntVb\ntR.',
      ),
      /an array of bytes/,
    ],
    [
      'an array without elements',
      pickle(global('numpy.core.multiarray', '_reconstruct'), '(', global('numpy', 'ndarray'), '(I3\ntVb\ntR.'),
      /an array without elements/,
    ],
    [
      'text of no width, ten million times',
      pickle(
        global('numpy', 'dtype'),
        '(VU0\nI00\nI01\ntRp0\n0',
        global('numpy.core.multiarray', '_reconstruct'),
        '(',
        global('numpy', 'ndarray'),
        '(I0\ntVb\ntR(I1\n(I9999999\ntg0\nI00\nC\x00tb.',
      ),
      /decoded bytes/,
    ],
  ])('are refused: %s', (_, bytes, message) => {
    expect(refusal(bytes).message).toMatch(message);
  });

  it('are refused where shared lists would unfold without end', () => {
    const levels = (count: number) =>
      Array.from(
        { length: count },
        (_, i) => `](${(i === 0 ? 'K\x01' : `h${String.fromCharCode(i - 1)}`).repeat(10)}eq${String.fromCharCode(i)}0`,
      );
    expect(refusal(pickle(...levels(100), 'h\x63.')).message).toMatch(/shared objects that unfold to a number of/);
    const { value } = readPickle(pickle(...levels(5), 'h\x04.'));
    expect(value).toHaveLength(10);
  });

  it('cost what they weigh: a key of shared tuples is not written out', () => {
    const tuples = Array.from(
      { length: 100 },
      (_, i) => `h${String.fromCharCode(i)}h${String.fromCharCode(i)}\x86q${String.fromCharCode(i + 1)}0`,
    );
    const entries = 'h\x64K\x01\x86Nh\x64K\x02\x86N'.repeat(20_000);
    const start = process.cpuUsage();
    const bytes = pickle('K\x01\x85q\x000', ...tuples, '}(', entries, 'u.');
    expect(refusal(bytes).message).toMatch(/shared objects that unfold/);
    expect(process.cpuUsage(start).user / 1e6).toBeLessThan(seconds);
  });

  it('allow a cycle, which is read once', () => {
    const { value } = readPickle(pickle(']q\x00(', 'h\x00'.repeat(1000), 'e.'));
    expect((value as unknown[])[999]).toBe(value);
  });
});

describe('damage', () => {
  const real = [
    ...readCases('pickles.json').filter(({ name }) => /protocol [025]/.test(name)),
    ...readCases('joblibs.json'),
  ].map(({ name, base64 }) => ({ name, bytes: Buffer.from(base64, 'base64') }));

  it('at every cut is refused', () => {
    for (const { bytes } of real.filter(({ bytes }) => bytes.length < 500)) {
      for (let length = 0; length < bytes.length; length++) {
        let reached = -1;
        try {
          reached = readJoblib(bytes.subarray(0, length)).values.length;
        } catch (error) {
          if (!(error instanceof VitrinaError)) throw error;
        }
        // The first of two pickles in one stream may be whole.
        expect(reached).toBeLessThan(2);
      }
    }
  });
});
