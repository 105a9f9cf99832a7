import { VitrinaError } from '../../errors.js';
import { type KeySpace, PythonDict, type PythonDictType, PythonSet } from './dictionary.js';
import { printable, resolveGlobal } from './globals.js';
import { type Budget, malformed, unsafe, unsupported } from './limits.js';
import {
  countElements,
  decodeArray,
  decodeScalar,
  emptyTensor,
  type RawArray,
  rearrange,
  rowMajorStrides,
} from './numpy-arrays.js';
import { type DtypeField, NumpyArray, NumpyDtype, NumpyScalar, nextType } from './numpy-values.js';
import {
  EightBitText,
  PythonByteArray,
  PythonComplex,
  PythonGlobal,
  PythonObject,
  PythonTuple,
  type PythonValue,
} from './values.js';

/** What the readers of one artefact share: its budget, its key space, and the names of globals that were met. */
export interface Context {
  readonly budget: Budget;
  readonly space: KeySpace;
  readonly names: Set<string>;
}

/** Makes an inert value of the arguments of a call. Called by REDUCE, NEWOBJ, NEWOBJ_EX, INST and OBJ alike. */
export type Constructor = (args: readonly PythonValue[], context: Context) => PythonValue;

const wrong = (call: string) => malformed('pickle', `a call of ${call} with arguments that it does not take`);

/** Constructors of Python itself, by the global's id. */
export const pythonConstructors: Readonly<Record<string, Constructor>> = {
  'builtins.set': (args, context) => makeSet(args, false, context),
  'builtins.frozenset': (args, context) => makeSet(args, true, context),
  'builtins.list': (args, context) => [...iterate(args, 'list', context)],
  'builtins.tuple': (args, context) => new PythonTuple([...iterate(args, 'tuple', context)]),
  'builtins.dict': (args, context) => makeDict(args, 'dict', context),
  'collections.OrderedDict': (args, context) => makeDict(args, 'OrderedDict', context),
  'collections.Counter': (args, context) => makeDict(args, 'Counter', context),
  'collections.defaultdict': ([factory = null, ...rest], context) => {
    if (factory !== null && !(factory instanceof PythonGlobal)) throw wrong('collections.defaultdict');
    return makeDict(rest, 'defaultdict', context);
  },
  'builtins.bytes': (args, { budget }) => toBytes(args, 'builtins.bytes', budget),
  'builtins.bytearray': (args, { budget }) => new PythonByteArray(toBytes(args, 'builtins.bytearray', budget)),
  '_codecs.encode': ([text, encoding, ...rest], { budget }) => {
    if (typeof text !== 'string' || rest.length > 0 || (encoding !== 'latin1' && encoding !== 'latin-1')) {
      throw wrong('_codecs.encode');
    }
    return encodeLatin1(text, budget);
  },
  'builtins.complex': (args) => {
    const [real = 0, imaginary = 0, ...rest] = args;
    if (typeof real !== 'number' || typeof imaginary !== 'number' || rest.length > 0) throw wrong('builtins.complex');
    return new PythonComplex(real, imaginary);
  },
  // copyreg._reconstructor(cls, base, state): object.__reduce_ex__ of protocols 0 and 1.
  'copyreg._reconstructor': ([target, base, state, ...rest], context) => {
    if (!(target instanceof PythonGlobal) || !(base instanceof PythonGlobal) || rest.length > 0) {
      throw wrong('copyreg._reconstructor');
    }
    if (target.kind === 'value' || target.kind === 'maker') throw uncallable(target);
    if (base.id === 'builtins.object') {
      if (state !== null) throw wrong('copyreg._reconstructor');
      return instantiate(target, [], context);
    }
    // A namedtuple: what protocol 2 gives to NEWOBJ.
    if (base.id === 'builtins.tuple' && state instanceof PythonTuple) return instantiate(target, state.items, context);
    const object = new PythonObject(target, []);
    if (base.id === 'builtins.dict') object.entries = makeDict([state ?? null], 'dict', context);
    else if (base.id === 'builtins.list' && Array.isArray(state)) object.items = [...state];
    else throw wrong('copyreg._reconstructor');
    return object;
  },
  'copyreg.__newobj__': ([target, ...args], context) => {
    if (!(target instanceof PythonGlobal)) throw wrong('copyreg.__newobj__');
    return instantiate(target, args, context);
  },
  // getattr(distribution, method): how a frozen distribution of SciPy keeps its own methods, and nothing else.
  'builtins.getattr': ([owner, name, ...rest]) => {
    const isMethod =
      owner instanceof PythonObject && owner.global.module.startsWith('scipy.stats.') && typeof name === 'string';
    if (!isMethod || rest.length > 0)
      throw new VitrinaError('pickle-global-refused', { global: getattr.id, others: [] });
    return new PythonObject(getattr, [owner, name]);
  },
  // functools.partial(function): what HistGradientBoosting keeps for its categories, and no other function.
  'functools.partial': ([target, ...rest]) => {
    if (!(target instanceof PythonGlobal) || rest.length > 0) throw wrong('functools.partial');
    if (target.kind === 'unknown') return new PythonObject(partial, [target]);
    if (target.id !== partialTarget)
      throw new VitrinaError('pickle-global-refused', { global: partial.id, others: [] });
    return new PythonObject(partial, [target]);
  },
};

const getattr = new PythonGlobal('builtins', 'getattr', 'maker');
const partial = new PythonGlobal('functools', 'partial', 'class');
/** The one function that scikit-learn wraps in a `functools.partial` which it pickles. */
const partialTarget = 'sklearn.utils.validation.check_array';

/** Checks the state of a `functools.partial`: (function, no arguments, keyword arguments, no attributes). */
export function checkPartial(object: PythonObject, state: PythonValue): void {
  const [target, args, kwargs, attributes, ...rest] = state instanceof PythonTuple ? state.items : [];
  const isPlain =
    target === object.args[0] &&
    args instanceof PythonTuple &&
    args.items.length === 0 &&
    kwargs instanceof PythonDict &&
    (attributes === null || (attributes instanceof PythonDict && attributes.size === 0)) &&
    rest.length === 0;
  if (!isPlain) throw wrong('functools.partial.__setstate__');
}

/** Constructors of NumPy and of compiled scikit-learn classes, by the global's id. */
export const libraryConstructors: Readonly<Record<string, Constructor>> = {
  // numpy.dtype(code, align, copy)
  'numpy.dtype': ([code]) => {
    if (typeof code === 'string') return NumpyDtype.parse(code);
    throw wrong('numpy.dtype');
  },
  // _reconstruct(type, shape, typecode): an empty array that BUILD fills.
  'numpy._core.multiarray._reconstruct': ([type, shape], { budget }) => {
    if (!(type instanceof PythonGlobal) || !arrayTypes.has(type.id)) throw wrong('numpy _reconstruct');
    const size = toShape(shape, 'numpy _reconstruct');
    countElements(size, 1, budget, 'pickle');
    return new NumpyArray(emptyTensor(new NumpyDtype('i', 1), size), type.id);
  },
  // _ufunc_reconstruct(module, name): the function itself, which is a value.
  'numpy._core._ufunc_reconstruct': ([module, name, ...rest], { names }) => {
    if (typeof module !== 'string' || typeof name !== 'string' || rest.length > 0)
      throw wrong('numpy _ufunc_reconstruct');
    const global = resolveGlobal(module, name);
    if (global?.kind === 'value') return global;
    const id = printable(`${module}.${name}`);
    names.add(id);
    throw new VitrinaError('pickle-global-refused', { global: id, others: [] });
  },
  // scalar(dtype, bytes)
  'numpy._core.multiarray.scalar': ([dtype, bytes, ...rest], { budget }) => {
    if (!(dtype instanceof NumpyDtype) || rest.length > 0) throw wrong('numpy scalar');
    if (dtype.kind === 'O' && bytes !== undefined) return bytes;
    if (typeof bytes === 'string') return decodeScalar(dtype, encodeLatin1(bytes, budget), budget);
    if (bytes instanceof Uint8Array) return decodeScalar(dtype, plainBytes(bytes, dtype), budget);
    throw wrong('numpy scalar');
  },
  // _frombuffer(buffer, dtype, shape, order, axis_order=None): protocol 5.
  'numpy._core.numeric._frombuffer': ([buffer, dtype, shape, order, axes = null], { budget }) => {
    const bytes = buffer instanceof PythonByteArray ? buffer.bytes : buffer;
    const known = order === 'C' || order === 'F' || order === 'K';
    if (!(bytes instanceof Uint8Array) || !(dtype instanceof NumpyDtype) || !known) throw wrong('numpy _frombuffer');
    const size = toShape(shape, 'numpy _frombuffer');
    if (order !== 'K' || axes === null) {
      const raw: RawArray = { dtype, shape: size, bytes, order: order === 'F' ? 'F' : 'C' };
      return new NumpyArray(decodeArray(raw, budget, 'pickle'));
    }
    return new NumpyArray(transposed(bytes, dtype, size, toShape(axes, 'numpy _frombuffer'), budget));
  },
};

const arrayTypes = new Set(['numpy.ndarray', 'numpy.matrix']);

/** An instance of `target`: by its own constructor, or an inert object of that class. */
export function instantiate(
  target: PythonGlobal,
  args: readonly PythonValue[],
  context: Context,
  kwargs?: PythonDict,
): PythonValue {
  const construct = pythonConstructors[target.id] ?? libraryConstructors[target.id];
  if (construct !== undefined) {
    if (kwargs !== undefined && kwargs.size > 0) throw wrong(target.id);
    return construct(args, context);
  }
  // newObj(cls), __pyx_unpickle_Name(cls, checksum, state)
  if (target.kind === 'maker') {
    const [made, , state = null] = args;
    if (!(made instanceof PythonGlobal) || made.kind === 'value' || made.kind === 'maker') throw wrong(target.id);
    const object = new PythonObject(made, []);
    if (state !== null) object.state = state;
    return object;
  }
  if (target.kind === 'value') throw uncallable(target);
  return new PythonObject(target, args, kwargs);
}

const uncallable = ({ id }: PythonGlobal) =>
  unsafe('pickle', `a call of ${id}`, 'save a fitted estimator whose parameters are plain values');

/** BUILD of a `numpy.dtype`: (version, byte order, subarray, names, fields, size, alignment, flags[, metadata]). */
export function buildDtype(dtype: NumpyDtype, state: PythonValue): void {
  if (!(state instanceof PythonTuple) || state.items.length < 5) throw wrong('numpy.dtype.__setstate__');
  const [version, order, subarray, names, fields, size] = state.items;
  if (version !== 3n && version !== 4n) throw unsupported('pickle', `a dtype state of version ${version}`, nextType);
  if (typeof order !== 'string' || !'<>|='.includes(order) || order.length !== 1)
    throw wrong('numpy.dtype.__setstate__');
  if (subarray !== null) throw unsupported('pickle', 'a NumPy type made of sub-arrays', nextType);
  dtype.bigEndian = order === '>';
  if (dtype.kind === 'M' || dtype.kind === 'm') return;
  if ('USV'.includes(dtype.kind) && typeof size === 'bigint' && size >= 0n) {
    if (size > 2n ** 31n || (dtype.kind === 'U' && size % 4n !== 0n)) throw wrong('numpy.dtype.__setstate__');
    dtype.itemSize = Number(size);
  }
  if (names === null || names === undefined) return;
  if (!(names instanceof PythonTuple) || !(fields instanceof PythonDict) || dtype.kind !== 'V') {
    throw wrong('numpy.dtype.__setstate__');
  }
  dtype.fields = names.items.map((name) => toField(name, fields, dtype));
}

function toField(name: PythonValue, fields: PythonDict, owner: NumpyDtype): DtypeField {
  const entry = fields.get(name);
  const [dtype, offset] = entry instanceof PythonTuple ? entry.items : [];
  if (typeof name !== 'string' || !(dtype instanceof NumpyDtype) || typeof offset !== 'bigint' || dtype === owner) {
    throw wrong('numpy.dtype.__setstate__');
  }
  if (offset < 0n || offset + BigInt(dtype.itemSize) > BigInt(owner.itemSize)) {
    throw malformed('pickle', `the field "${name}" lies outside of its record`);
  }
  return { name, dtype, offset: Number(offset) };
}

/** BUILD of a `numpy.ndarray`: (version, shape, dtype, Fortran order, bytes or list of objects). */
export function buildArray(array: NumpyArray, state: PythonValue, { budget }: Context): void {
  const parts = state instanceof PythonTuple ? state.items : [];
  const [version, shape, dtype, fortran, data] = parts.length === 4 ? [0n, ...parts] : parts;
  if ((version !== 0n && version !== 1n) || !(dtype instanceof NumpyDtype) || parts.length > 5) {
    throw wrong('numpy.ndarray.__setstate__');
  }
  const size = toShape(shape, 'numpy.ndarray.__setstate__');
  if (dtype.kind === 'O') {
    // A list of objects is row-major whatever the flag says.
    const count = countElements(size, 8, budget, 'pickle');
    if (!Array.isArray(data) || data.length !== count)
      throw malformed('pickle', 'an array of objects of the wrong length');
    budget.charge(count * 8);
    array.content = { kind: 'objects', objects: { shape: size, items: [...data] } };
    return;
  }
  const bytes =
    typeof data === 'string' ? encodeLatin1(data, budget) : data instanceof PythonByteArray ? data.bytes : data;
  if (!(bytes instanceof Uint8Array)) throw wrong('numpy.ndarray.__setstate__');
  const order = fortran === true || fortran === 1n ? 'F' : 'C';
  array.content = decodeArray({ dtype, shape: size, bytes: plainBytes(bytes, dtype), order }, budget, 'pickle');
}

/** Python 2 kept numbers in 8-bit strings; only of texts is the encoding unknown. */
function plainBytes(bytes: Uint8Array, { kind }: NumpyDtype): Uint8Array {
  if (!(bytes instanceof EightBitText) || kind === 'S') return bytes;
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** A tuple of sizes. @throws artefact-malformed */
export function toShape(value: PythonValue | undefined, call: string): number[] {
  const items = value instanceof PythonTuple ? value.items : Array.isArray(value) ? value : undefined;
  if (typeof value === 'bigint') return [Number(value)];
  if (items === undefined || items.length > 64) throw wrong(call);
  return items.map((item) => {
    if (item instanceof NumpyScalar) item = item.value;
    if (typeof item !== 'bigint' || item < 0n || item > 2n ** 48n) throw wrong(call);
    return Number(item);
  });
}

/** `reshape(shape, 'C').transpose(axes)` of the bytes, where `shape` is the shape before. */
function transposed(bytes: Uint8Array, dtype: NumpyDtype, shape: number[], axes: number[], budget: Budget) {
  const isPermutation = axes.length === shape.length && [...axes].sort((a, b) => a - b).every((axis, i) => axis === i);
  const count = countElements(shape, dtype.itemSize, budget, 'pickle');
  if (!isPermutation || bytes.length !== count * dtype.itemSize) throw wrong('numpy _frombuffer');
  const strides = rowMajorStrides(shape);
  const result = axes.map((axis) => shape[axis]!);
  budget.charge(bytes.length);
  const moved =
    count === 0 || shape.length < 2
      ? bytes
      : rearrange(
          bytes,
          dtype.itemSize,
          result,
          axes.map((axis) => strides[axis]!),
        );
  return decodeArray({ dtype, shape: result, bytes: moved, order: 'C' }, budget, 'pickle');
}

function makeSet(args: readonly PythonValue[], frozen: boolean, context: Context): PythonSet {
  const set = new PythonSet(frozen, context.space);
  for (const item of iterate(args, frozen ? 'frozenset' : 'set', context)) set.add(item);
  return set;
}

function makeDict(args: readonly PythonValue[], type: PythonDictType, context: Context): PythonDict {
  const dict = new PythonDict(context.space, type);
  const source = args[0] ?? null;
  if (args.length > 1) throw wrong(type);
  if (source === null) return dict;
  if (source instanceof PythonDict) {
    context.budget.charge(source.size * entryBytes);
    for (const [key, value] of source.entries()) dict.set(key, value);
    return dict;
  }
  for (const pair of iterate(args, type, context)) {
    const items = pair instanceof PythonTuple ? pair.items : Array.isArray(pair) ? pair : [];
    if (items.length !== 2) throw wrong(type);
    dict.set(items[0]!, items[1]!);
  }
  return dict;
}

/** Estimated bytes of one entry of a dictionary or set. */
export const entryBytes = 160;

/** The items of the one argument of `list(…)`, `set(…)`, …, none without an argument. */
function iterate(args: readonly PythonValue[], call: string, { budget }: Context): readonly PythonValue[] {
  if (args.length === 0) return [];
  const [source] = args;
  const items =
    args.length > 1
      ? undefined
      : source instanceof PythonTuple
        ? source.items
        : source instanceof PythonSet
          ? source.values()
          : Array.isArray(source)
            ? source
            : undefined;
  if (items === undefined) throw wrong(`builtins.${call}`);
  budget.charge(items.length * entryBytes);
  return items;
}

function toBytes(args: readonly PythonValue[], call: string, budget: Budget): Uint8Array {
  const [source, encoding, ...rest] = args;
  if (source === undefined) return new Uint8Array(0);
  if (source instanceof Uint8Array && encoding === undefined) return source;
  // bytearray(text, 'latin-1'): how protocols below 3 write one.
  if (typeof source === 'string' && encoding === 'latin-1' && rest.length === 0) return encodeLatin1(source, budget);
  throw wrong(call);
}

function encodeLatin1(text: string, budget: Budget): Uint8Array {
  budget.charge(text.length + 64);
  const wide = /[^\0-\xff]/.exec(text);
  if (wide !== null) throw malformed('pickle', `the character "${wide[0]}" where bytes are written as Latin-1`);
  const bytes = new Uint8Array(text.length);
  Buffer.from(bytes.buffer).write(text, 'latin1');
  return bytes;
}
