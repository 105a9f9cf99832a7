import { gzipSync } from 'node:zlib';
import { global, pickle, stackGlobal, text, uint32, uint64 } from '../pickle-writer.js';
import { type HostileFile, listTable } from './file.js';

/** Functions that exploits call: module and name. */
const functions = `
os.system posix.system nt.system os.popen os.execv os.spawnl os.remove os.putenv posixpath.exists
subprocess.Popen subprocess.call subprocess.run subprocess.check_output subprocess.getoutput
builtins.eval builtins.exec builtins.compile builtins.getattr builtins.setattr builtins.__import__ builtins.open
builtins.map builtins.filter builtins.apply builtins.globals builtins.breakpoint builtins.input builtins.type
builtins.super builtins.property builtins.memoryview __builtin__.eval __builtin__.execfile __builtin__.file
__builtin__.reduce importlib.import_module importlib._bootstrap._load runpy.run_path runpy._run_code runpy.run_module
types.CodeType types.FunctionType types.MethodType operator.attrgetter operator.methodcaller operator.itemgetter
operator.call functools.reduce itertools.starmap ctypes.CDLL ctypes.cast _ctypes.dlopen pip.main pip._internal.main
torch.load torch._utils._rebuild_tensor_v2 torch.hub.load torch.jit.load dill._dill._create_function dill.loads
cloudpickle.cloudpickle._make_function cloudpickle.loads numpy.load numpy.loadtxt numpy.fromfile numpy.memmap.__new__
numpy.core._internal._ctypes numpy.testing._private.utils.runstring numpy.f2py.compile numpy.lib.npyio.load
joblib.load joblib.numpy_pickle.load joblib.externals.loky.spawn pickle.loads pickle.load _pickle.loads _pickle.Unpickler
pickle.Unpickler marshal.loads shelve.open shutil.rmtree shutil.copyfile socket.socket socket.create_connection
webbrowser.open pty.spawn platform.popen timeit.timeit timeit.main code.interact code.InteractiveInterpreter pdb.run
bdb.Bdb.run cProfile.run profile.run trace.Trace logging.config.fileConfig logging.config.listen asyncio.run
multiprocessing.Process multiprocessing.util.spawnv_passfds threading.Thread sys.exit sys.setrecursionlimit
urllib.request.urlopen urllib.request.urlretrieve requests.get requests.api.get http.client.HTTPSConnection
aiohttp.ClientSession ftplib.FTP smtplib.SMTP telnetlib.Telnet ssl.create_default_context tempfile.mkstemp zipimport.zipimporter
site.main ensurepip._run_pip venv.create distutils.spawn.spawn setuptools.sandbox.run_setup pydoc.pipepager pydoc.locate
idlelib.pyshell.ModifiedInterpreter lib2to3.pgen2.pgen.ParserGenerator linecache.getline codecs.open io.open io.FileIO
_io.FileIO _io.open gc.get_objects inspect.getattr_static signal.alarm resource.setrlimit mmap.mmap fcntl.ioctl pathlib.Path
pandas.read_pickle pandas.eval pandas.io.common.get_handle pandas.core.computation.eval.eval sqlite3.connect
sklearn.datasets.fetch_openml sklearn.utils._testing.assert_run_python_script sklearn.utils._joblib.load
sklearn.externals.joblib.load sklearn.base.clone tensorflow.io.write_file keras.utils.get_file
keras.models.load_model transformers.AutoModel.from_pretrained yaml.unsafe_load jinja2.Template requests.sessions.Session
google.cloud.storage.Client boto3.client paramiko.SSHClient fsspec.open smart_open.open xgboost.core._load_lib
lightgbm.basic._load_lib scipy.io.loadmat IPython.get_ipython __main__.payload _frozen_importlib._gcd_import
`
  .trim()
  .split(/\s+/);

/** Names that look like ones of the allow-list. */
const lookalikes: readonly (readonly [string, string])[] = [
  ['sklearn.svm._classes', 'SVC.__init__'],
  ['sklearn.svm', '_classes.SVC'],
  ['sklearn.svm._classes.SVC', '__class__'],
  ['sklearn.svm._classes', 'SVС'],
  ['sklеarn.svm._classes', 'SVC'],
  ['ｎumpy', 'dtype'],
  ['numpy ', 'dtype'],
  [' numpy', 'dtype'],
  ['numpy', 'dtype\0'],
  ['Numpy', 'dtype'],
  ['numpy', 'ndarray.tofile'],
  ['numpy', 'Dtype'],
  ['sklearn.linear_model', 'StandardScaler'],
  ['sklearn.pipeline', 'make_pipeline'],
  ['evil.sklearn.svm._classes', 'SVC'],
  ['sklearn_evil.svm._classes', 'SVC'],
  ['sklearn.preprocessing._data.evil', 'StandardScaler'],
  ['builtins', '__proto__'],
  ['__proto__', 'toString'],
  ['builtins', 'constructor'],
  ['builtins', 'set.__class__.__base__.__subclasses__'],
  ['collections', 'OrderedDict.fromkeys'],
  ['copyreg', '__reduce_ex__'],
  ['copyreg', 'add_extension'],
  ['_codecs', 'decode'],
  ['_codecs', 'register'],
  ['numpy.core.multiarray', 'fromfile'],
  ['numpy.core.numeric', '_frombuffer.__globals__'],
  ['functools', 'partial.func'],
];

const utf8 = (value: string) => {
  const bytes = Buffer.from(value, 'utf8');
  return `\x8c${String.fromCharCode(bytes.length)}${bytes.toString('latin1')}`;
};
const calling = (module: string, name: string) =>
  pickle('\x80\x04', utf8(module), utf8(name), '\x93', text('touch PWNED'), '\x85R.');
const split = (path: string): [string, string] => [
  path.slice(0, path.lastIndexOf('.')),
  path.slice(path.lastIndexOf('.') + 1),
];

const system = global('os', 'system');
const svc = global('sklearn.svm._classes', 'SVC');
const argument = '(S"touch PWNED"\ntR';

/** An instance of an allowed class with one attribute. */
const withAttribute = (module: string, name: string, attribute: string, value: string) =>
  pickle('\x80\x02', global(module, name), ')\x81}', text(attribute), value, 'sb.');

const reconstruct = (...state: string[]) =>
  pickle(
    global('numpy.core.multiarray', '_reconstruct'),
    '(',
    global('numpy', 'ndarray'),
    '(I0\ntVb\ntR(',
    ...state,
    'tb.',
  );
const dtype = (code: string, state = '') => `${global('numpy', 'dtype')}(V${code}\nI00\nI01\ntR${state}`;

const refusedNames = {
  ...Object.fromEntries(functions.map((path) => [`call-${path}`.replaceAll('.', '_'), calling(...split(path))])),
  ...Object.fromEntries(lookalikes.map(([module, name], i) => [`lookalike-${i}`, calling(module, name)])),
  'by GLOBAL': pickle(system, argument, '.'),
  'by INST': pickle('(S"touch PWNED"\nios\nsystem\n.'),
  'by OBJ': pickle('(', system, 'S"touch PWNED"\no.'),
  'by NEWOBJ': pickle('\x80\x02', system, text('touch PWNED'), '\x85\x81.'),
  'by NEWOBJ_EX': pickle('\x80\x04', system, text('touch PWNED'), '\x85}\x92.'),
  'by memo': pickle('\x80\x04', text('os'), '\x940', text('system'), '\x940', 'h\x00h\x01\x93', text('id'), '\x85R.'),
  'by parts that are joined late': pickle(text('os'), 'q\x05', text('system'), 'q\x07', '\x93', '0N.'),
  'behind a frame': pickle('\x80\x04\x95', uint64(1n), 'N', '0', stackGlobal('os', 'system'), text('id'), '\x85R.'),
  'in a dictionary value': pickle('}', text('a'), system, argument, 's.'),
  'in a key': pickle('}', system, argument, 'Ns.'),
  'thrown away before the end': pickle(system, argument, '0N.'),
  'behind POP_MARK': pickle('(', system, argument, '1N.'),
  'in the second pickle': pickle('N.', system, argument, '.'),
  'behind noise in the memo': pickle('N', 'q\x00'.repeat(1000), '0', system, argument, '.'),
  'FunctionTransformer of os.system': withAttribute(
    'sklearn.preprocessing._function_transformer',
    'FunctionTransformer',
    'func',
    system,
  ),
  'CountVectorizer with a tokenizer': withAttribute(
    'sklearn.feature_extraction.text',
    'CountVectorizer',
    'tokenizer',
    global('__main__', 'tokenize'),
  ),
  'Pipeline with a step of its own': withAttribute(
    'sklearn.pipeline',
    'Pipeline',
    'steps',
    `]${text('a')}${global('__main__', 'Step')})R\x86a`,
  ),
  'SVC with a kernel': withAttribute('sklearn.svm._classes', 'SVC', 'kernel', global('subprocess', 'call')),
  'partial of os.system': pickle(global('functools', 'partial'), '(', system, 'tR.'),
  'partial of a function of NumPy': pickle(global('functools', 'partial'), '(', global('numpy', 'log1p'), 'tR.'),
  '_reconstructor of a class of its own': pickle(
    global('copyreg', '_reconstructor'),
    '(',
    global('__main__', 'A'),
    global('builtins', 'object'),
    'NtR.',
  ),
  '_reconstructor with a base of its own': pickle(
    global('copyreg', '_reconstructor'),
    '(',
    svc,
    global('__main__', 'Base'),
    'NtR.',
  ),
  'a ufunc by name': pickle(global('numpy.core', '_ufunc_reconstruct'), '(S"os"\nS"system"\ntR.'),
  'an array of a subtype': pickle(
    global('numpy.core.multiarray', '_reconstruct'),
    '(',
    global('__main__', 'Array'),
    '(I0\ntVb\ntR.',
  ),
  'defaultdict with a factory': pickle(global('collections', 'defaultdict'), '(', system, 'tR.'),
  'BUILD with slots': pickle(svc, ')\x81N}', text('__class__'), system, 's\x86b.'),
  '__setstate__ on an object of its own': pickle(global('a', 'A'), ')\x81}', text('x'), 'I1\nsb.'),
  'compressed.pkl.gz': gzipSync(calling('os', 'system')),
  'compressed twice.pkl.gz': gzipSync(gzipSync(calling('os', 'system'))),
  'base64 and eval': pickle(
    global('builtins', 'exec'),
    '(',
    global('builtins', 'compile'),
    '(Vimport os\nVx\nVexec\ntRtR.',
  ),
  'getattr chain': pickle(
    global('builtins', 'getattr'),
    '(',
    global('builtins', '__import__'),
    '(Vos\ntRVsystem\ntR(Vid\ntR.',
  ),
  'six hundred names': pickle(...Array.from({ length: 600 }, (_, i) => `${global(`m${i}`, 'f')}0`), 'N.'),
};

const lists = (count: number) => ']'.repeat(count);
const MiB = 2 ** 20;
const chain = (count: number, step: (i: number) => string) => Array.from({ length: count }, (_, i) => step(i)).join('');

const laughs = (share: (i: number) => string) =>
  pickle(
    '\x80\x02',
    chain(100, (i) => `](${share(i)}eq${String.fromCharCode(i)}0`),
    'h\x63.',
  );

const overLimit = {
  'sixteen million DUPs': pickle(']', '2'.repeat(16_000_000)),
  'sixteen million Nones': pickle('\x80\x02(', 'N'.repeat(16_000_000)),
  'eight million times one list': pickle('\x80\x02]q\x00', 'h\x00'.repeat(8_000_000)),
  'billion laughs by memo': laughs((i) => (i === 0 ? 'K\x01' : `h${String.fromCharCode(i - 1)}`).repeat(10)),
  'billion laughs by DUP': laughs((i) => (i === 0 ? 'K\x01' : `h${String.fromCharCode(i - 1)}${'2'.repeat(9)}`)),
  'billion laughs of tuples': pickle('\x80\x02', 'N\x85', '2\x86'.repeat(150), '.'),
  'billion laughs of dictionaries': pickle(
    '\x80\x02}',
    chain(150, (i) => `q${String.fromCharCode(i)}0}K\x00h${String.fromCharCode(i)}sK\x01h${String.fromCharCode(i)}s`),
    '.',
  ),
  'LONG4 without end': pickle('\x80\x02', '\x8b', uint32(0xffffffff), '.'),
  'LONG4 of a megabyte': pickle('\x80\x02', '\x8b', uint32(MiB), '\x7f'.repeat(MiB), '.'),
  'LONG of a million digits': pickle('\x80\x02L', '9'.repeat(MiB), 'L\n.'),
  'INT of a million digits': pickle('\x80\x02I', '9'.repeat(MiB), '\n.'),
  'lists in lists': pickle(lists(300_000), 'a'.repeat(299_999), '.'),
  'tuples in tuples': pickle(')', '\x85'.repeat(300_000), '.'),
  'dictionaries in dictionaries': pickle('}', 'N}'.repeat(100_000), 's'.repeat(100_000), '.'),
  'objects in objects': pickle(
    '\x80\x02',
    svc,
    'q\x000',
    chain(50_000, () => 'h\x00)\x81'),
    'b'.repeat(49_999),
    '.',
  ),
  'three million lists': pickle(lists(3_000_000)),
  'three million dictionaries': pickle('}'.repeat(3_000_000)),
  'three million sets': pickle('\x8f'.repeat(3_000_000)),
  'five million marks': pickle('('.repeat(5_000_000)),
  'five million places of the memo': pickle('N', '\x94'.repeat(5_000_000), '.'),
  'a place of the memo far out': pickle('\x80\x02Nr', uint32(0x7fffffff), '.'),
  'a place of the memo far out, in a line': pickle('\x80\x02Np999999999999\n.'),
  'a million pickles': pickle('N.'.repeat(1_000_000)),
  'texts that grow by encoding': pickle(
    'X',
    uint32(MiB),
    'a'.repeat(MiB),
    'q\x000',
    global('_codecs', 'encode'),
    'q\x010(',
    'h\x01h\x00Vlatin1\n\x86R'.repeat(2000),
    't.',
  ),
  'copies of a list': pickle(
    '](',
    'N'.repeat(100_000),
    'eq\x000',
    global('builtins', 'set'),
    'q\x01(',
    'h\x01h\x00\x85R'.repeat(2000),
    't.',
  ),
  'copies of a dictionary': pickle(
    '}(',
    chain(20_000, (i) => `J${uint32(i)}N`),
    'uq\x000',
    global('collections', 'OrderedDict'),
    'q\x01(',
    'h\x01h\x00\x85R'.repeat(2000),
    't.',
  ),
  'an array of 2^47 zeros': pickle(
    global('numpy.core.multiarray', '_reconstruct'),
    '(',
    global('numpy', 'ndarray'),
    '(L140737488355328L\ntVb\ntR.',
  ),
  'text of no width': reconstruct('I1\n(I9999999\nt', dtype('U0'), 'I00\nC\x00'),
  'records of no width': reconstruct('I1\n(I99999999\nt', dtype('V0'), 'I00\nC\x00'),
  'gzip of dictionaries.gz': gzipSync(pickle('}'.repeat(2 ** 24))),
  'gzip of zeros.gz': gzipSync(Buffer.alloc(80 * MiB)),
  'gzip in gzip in gzip.gz': gzipSync(gzipSync(gzipSync(gzipSync(gzipSync(pickle('N.')))))),
};

const malformed = {
  'text longer than the file': pickle('\x80\x02', '\x8d', uint64(2n ** 62n), 'x.'),
  'bytes longer than the file': pickle('\x80\x02', 'B', uint32(2 ** 31), '.'),
  'a bytearray longer than the file': pickle('\x80\x05\x96', uint64(2n ** 40n), '.'),
  'a frame longer than the file': pickle('\x80\x04\x95', uint64(100n), 'N.'),
  'a frame in a frame': pickle('\x80\x04\x95', uint64(20n), 'N', '\x95', uint64(2n), 'N.', ' '.repeat(20)),
  'STOP in a frame': pickle('\x80\x04\x95', uint64(5n), 'N.NNN'),
  'a memo that is not there': pickle('\x80\x02h\x07.'),
  'a pop too many': pickle('\x80\x02N00.'),
  'a tuple without a mark': pickle('\x80\x02Nt.'),
  'values left over': pickle('\x80\x02NN.'),
  'no STOP': pickle('\x80\x04', text('abc')),
  'an unknown opcode': pickle('\x80\x02\xff.'),
  'text that is no UTF-8': pickle('\x80\x04\x8c\x02\xff\xfe.'),
  'half a surrogate': pickle('\x80\x04\x8c\x03\xed\xa0\x80.'),
  'an unhashable key': pickle('\x80\x02}]Ns.'),
  'a key of tuples': pickle('\x80\x02})', '\x85'.repeat(300_000), 'Ns.'),
  'BUILD on a list': pickle('\x80\x02]}b.'),
  'BUILD twice': pickle('\x80\x02', svc, ')\x81}b}b.'),
  'SETITEM on a tuple': pickle('\x80\x02)NNs.'),
  'a call of a text': pickle('\x80\x02', text('os.system'), ')R.'),
  'arguments that are no tuple': pickle('\x80\x02', global('builtins', 'set'), ']R.'),
  'an encoding of its own': pickle('\x80\x02', global('_codecs', 'encode'), '(Vx\nVrot13\ntR.'),
  'negative shape': reconstruct('I1\n(I-1\nt', dtype('f8'), 'I00\nC\x00'),
  'an array with too few bytes': reconstruct('I1\n(I4\nt', dtype('f8'), 'I00\nC\x08', '\0'.repeat(8)),
  'objects as raw bytes': reconstruct('I1\n(I1\nt', dtype('O8'), 'I00\nC\x08', '\0'.repeat(8)),
  'records of objects as raw bytes': reconstruct(
    'I1\n(I1\nt',
    dtype('V8', `(I3\nV|\nN(Vf\nt}Vf\n(${dtype('O8')}I0\ntsI8\nI1\nI27\ntb`),
    'I00\nC\x08',
    '\0'.repeat(8),
  ),
  'a field outside of its record': reconstruct(
    'I1\n(I1\nt',
    dtype('V8', `(I3\nV|\nN(Vf\nt}Vf\n(${dtype('f8')}I4\ntsI8\nI1\nI0\ntb`),
    'I00\nC\x08',
    '\0'.repeat(8),
  ),
  'a dtype in itself': pickle(
    global('numpy', 'dtype'),
    '(VV8\nI00\nI01\ntRp0\n(I3\nV|\nN(Vf\nt}Vf\n(g0\nI0\ntsI8\nI1\nI0\ntb.',
  ),
  'an array without elements': pickle(
    global('numpy.core.multiarray', '_reconstruct'),
    '(',
    global('numpy', 'ndarray'),
    '(I3\ntVb\ntR.',
  ),
  'partial with arguments': pickle(
    global('functools', 'partial'),
    '(',
    global('sklearn.utils.validation', 'check_array'),
    'p0\ntR(g0\n(K\x01t}Ntb.',
  ),
  'a maker of a function': pickle(global('sklearn.neighbors._kd_tree', 'newObj'), '(', global('numpy', 'log1p'), 'tR.'),
};

const unsafe = {
  'persistent id in a line': pickle('\x80\x02Pos.system\n.'),
  'persistent id from the stack': pickle('\x80\x02', text('id'), 'Q.'),
  'extension code of one byte': pickle('\x80\x02\x82\x01.'),
  'extension code of two bytes': pickle('\x80\x02\x83\x01\x00.'),
  'extension code of four bytes': pickle('\x80\x02\x84\x01\x00\x00\x00.'),
  'a buffer outside': pickle('\x80\x05\x97.'),
  'a read-only buffer outside': pickle('\x80\x05N\x98.'),
  'a call of a function that is data': pickle('\x80\x02', global('numpy', 'log1p'), 'K\x01\x85R.'),
  'a call of str': pickle('\x80\x02', global('builtins', 'str'), 'K\x01\x85R.'),
};

const unsupported = {
  'a protocol to come': pickle('\x80\x04\x80\x09N.'),
  '8-bit text of Python 2': pickle('\x80\x02U\x01\xe9.'),
};

/** Pickles, every one with the code that it must be refused with. */
export const hostilePickles = (): HostileFile[] =>
  listTable('pickle', '.pkl', {
    'pickle-global-refused': refusedNames,
    'artefact-over-limit': overLimit,
    'artefact-malformed': malformed,
    'artefact-unsafe': unsafe,
    'artefact-unsupported': unsupported,
  });
