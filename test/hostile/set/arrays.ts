import { makeZip } from '../../formats/zip-writer.js';
import { global, pickle, text, uint32 } from '../pickle-writer.js';
import { type HostileFile, listTable } from './file.js';

const npy = (header: string, data: Uint8Array | string = '', version = 1): Buffer => {
  const bytes = Buffer.from(header, 'latin1');
  const length = Buffer.alloc(version === 1 ? 2 : 4);
  if (version === 1) length.writeUInt16LE(bytes.length);
  else length.writeUInt32LE(bytes.length);
  const head = Buffer.from([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, version, 0]);
  return Buffer.concat([head, length, bytes, typeof data === 'string' ? Buffer.from(data, 'latin1') : data]);
};
const header = (descr: string, shape: string, order = 'False') =>
  `{'descr': ${descr}, 'fortran_order': ${order}, 'shape': ${shape}, }\n`;

const system = `${global('os', 'system')}(S"touch PWNED"\ntR`;

/** The begin of a joblib wrapper: what follows the BUILD is the array. */
const wrapper = (fields: string, dtype: string) =>
  [
    '\x80\x02',
    global('joblib.numpy_pickle', 'NumpyArrayWrapper'),
    ')\x81}(Vsubclass\n',
    global('numpy', 'ndarray'),
    fields,
    'Vorder\nVC\nVdtype\n',
    global('numpy', 'dtype'),
    `(V${dtype}\nI00\nI01\ntRub`,
  ].join('');

/** Arrays by themselves and in joblib's stream. */
export const hostileArrays = (): HostileFile[] => [
  ...listTable('npy', '.npy', {
    'pickle-global-refused': {
      'objects that run': npy(header("'|O'", '(1,)'), pickle(system, '.')),
      'objects that run, in version 3': npy(header("'|O'", '(1,)'), pickle(system, '.'), 3),
      'records of objects': npy(header("[('a', '|O')]", '(1,)'), pickle(system, '.')),
      'objects.npz': makeZip([{ name: 'a.npy', data: npy(header("'|O'", '(1,)'), pickle(system, '.')) }]),
    },
    'artefact-malformed': {
      'code in the header': npy(header("__import__('os').system('touch PWNED')", '(1,)')),
      'code in the shape': npy(header("'<f8'", "(__import__('os').getpid(),)")),
      'a header of a list comprehension': npy("[x for x in (1,)] or {'descr': '<f8'}\n"),
      'a negative shape': npy(header("'<f8'", '(-1,)'), Buffer.alloc(8)),
      'a shape of texts': npy(header("'<f8'", "('a',)")),
      'too few bytes': npy(header("'<f8'", '(1000,)'), Buffer.alloc(80)),
      'a header that is cut short': npy(header("'<f8'", '(1,)')).subarray(0, 40),
      'a header of 60 kB': npy(`${header("'<f8'", '(1,)')}${' '.repeat(60_000)}`),
      'a header of 4 GB': Buffer.concat([
        Buffer.from('\x93NUMPY\x02\x00\xff\xff\xff\xff', 'latin1'),
        Buffer.alloc(100),
      ]),
      'nested brackets': npy(`{'descr': ${'('.repeat(9000)}`),
      'objects that hold something else': npy(header("'|O'", '(5,)'), pickle('N.')),
      'a type that does not exist': npy(header("'<f7'", '(1,)'), Buffer.alloc(7)),
      'booleans beyond 1': npy(header("'|b1'", '(2,)'), Buffer.from([1, 7])),
      'cut short.npz': makeZip([{ name: 'a.npy', data: npy(header("'<f8'", '(9,)')) }]),
    },
    'artefact-over-limit': {
      'a shape that multiplies over': npy(header("'<f8'", '(4294967296, 4294967296)')),
      'a huge shape': npy(header("'<f8'", '(1000000000000,)')),
      'ten million elements of no width': npy(header("'|S0'", '(99999999,)')),
      'text of no width': npy(header("'<U0'", '(9999999,)')),
      'a bomb.npz': makeZip([
        { name: 'a.npy', data: npy(header("'<f8'", '(12000000,)'), Buffer.alloc(96_000_000)), deflate: true },
      ]),
    },
    'artefact-unsafe': {
      'traversal.npz': makeZip([{ name: '../../etc/cron.d/a.npy', data: npy(header("'<f8'", '()'), Buffer.alloc(8)) }]),
    },
  }),
  ...listTable('joblib', '.joblib', {
    'pickle-global-refused': {
      'objects that run': pickle(wrapper('Vshape\nK\x01\x85', 'O8'), system, '.', '.'),
      'a call behind an array': pickle(wrapper('Vshape\nK\x01\x85', 'f8'), '\0'.repeat(8), '0', system, '.'),
      'a wrapper of a subclass': pickle(
        wrapper('Vshape\nK\x01\x85', 'f8').replace(global('numpy', 'ndarray'), global('__main__', 'Array')),
        '\0'.repeat(8),
        '.',
      ),
    },
    'artefact-unsafe': {
      'NDArrayWrapper of another file': pickle(
        '\x80\x02',
        global('joblib.numpy_pickle', 'NDArrayWrapper'),
        ')\x81}',
        text('filename'),
        text('../../../etc/passwd'),
        'sb.',
      ),
      'ZNDArrayWrapper of another file': pickle(
        '\x80\x02',
        global('sklearn.externals.joblib.numpy_pickle', 'ZNDArrayWrapper'),
        ')\x81}',
        text('filename'),
        text('/etc/passwd'),
        'sb.',
      ),
    },
    'artefact-malformed': {
      'too few bytes': pickle(wrapper('Vshape\nJ\x00\x01\x00\x00\x85', 'f8'), '\0'.repeat(8)),
      'a padding of its own': pickle(
        wrapper('Vnumpy_array_alignment_bytes\nK\x10Vshape\nK\x01\x85', 'f8'),
        '\xff',
        '\0'.repeat(8),
        '.',
      ),
      'a negative shape': pickle(wrapper('Vshape\nJ\xff\xff\xff\xff\x85', 'f8'), '\0'.repeat(8), '.'),
      'objects that hold something else': pickle(wrapper('Vshape\nK\x01\x85', 'O8'), '].', '.'),
    },
    'artefact-over-limit': {
      'a huge shape': pickle(wrapper(`Vshape\nJ${uint32(0x7fffffff)}J${uint32(0x7fffff)}\x86`, 'f8'), '.'),
    },
    'artefact-unsupported': {
      'the compression of long ago': Buffer.from('ZF0x00000010          x\x9c'),
    },
  }),
];
