import { VitrinaError } from '../../errors.js';
import { buildArray, buildDtype, type Context, checkPartial, entryBytes, instantiate } from './constructors.js';
import { Cursor } from './cursor.js';
import { PythonDict, PythonSet } from './dictionary.js';
import { printable, resolveGlobal } from './globals.js';
import { malformed, overLimit, unsafe, unsupported } from './limits.js';
import { Memo } from './memo.js';
import { NumpyArray, NumpyDtype } from './numpy-values.js';
import { Opcode, opcodeInfo } from './opcodes.js';
import { checkStructure } from './structure.js';
import {
  type EightBitText,
  PythonByteArray,
  PythonGlobal,
  PythonObject,
  PythonTuple,
  type PythonValue,
} from './values.js';

// Constants of this module: a switch over them compiles to comparisons, one over an object's properties does not.
const {
  ADDITEMS,
  APPEND,
  APPENDS,
  BINBYTES,
  BINBYTES8,
  BINFLOAT,
  BINGET,
  BININT,
  BININT1,
  BININT2,
  BINPERSID,
  BINPUT,
  BINSTRING,
  BINUNICODE,
  BINUNICODE8,
  BUILD,
  BYTEARRAY8,
  DICT,
  DUP,
  EMPTY_DICT,
  EMPTY_LIST,
  EMPTY_SET,
  EMPTY_TUPLE,
  EXT1,
  EXT2,
  EXT4,
  FLOAT,
  FRAME,
  FROZENSET,
  GET,
  GLOBAL,
  INST,
  INT,
  LIST,
  LONG,
  LONG1,
  LONG4,
  LONG_BINGET,
  LONG_BINPUT,
  MARK,
  MEMOIZE,
  NEWFALSE,
  NEWOBJ,
  NEWOBJ_EX,
  NEWTRUE,
  NEXT_BUFFER,
  NONE,
  OBJ,
  PERSID,
  POP,
  POP_MARK,
  PROTO,
  PUT,
  READONLY_BUFFER,
  REDUCE,
  SETITEM,
  SETITEMS,
  SHORT_BINBYTES,
  SHORT_BINSTRING,
  SHORT_BINUNICODE,
  STACK_GLOBAL,
  STOP,
  STRING,
  TUPLE,
  TUPLE1,
  TUPLE2,
  TUPLE3,
  UNICODE,
} = Opcode;

/** Called when BUILD has completed an object; what it returns takes the object's place on the stack. */
export type BuildHook = (object: PythonObject, machine: PickleMachine) => PythonValue;

const maxProtocol = 5;
/** Values on the stack at once. CPython puts down a thousand at a time, but for the items of a tuple. */
const maxHeight = 4_000_000;
const maxRefusedGlobals = 50;
/** Names of globals that are kept to be shown. */
const maxNames = 1000;
const ownClass = "save an estimator made of scikit-learn's own classes";

/**
 * The pickle virtual machine, without the virtue of making anything: a global is a name on a list, a call makes
 * inert data. It runs in one loop, so that no nesting can exhaust the call stack.
 *
 * Specification: https://github.com/python/cpython/blob/main/Lib/pickletools.py; behaviour as
 * https://github.com/python/cpython/blob/main/Modules/_pickle.c, but strict where that is lenient.
 */
export class PickleMachine {
  readonly cursor: Cursor;
  protocol = 0;
  private readonly stack: PythonValue[] = [];
  private readonly marks: number[] = [];
  /** Nothing below this height may be taken from the stack: the place of the last mark. */
  private fence = 0;
  private readonly memo = new Memo();
  private readonly built = new WeakSet<object>();
  private readonly refused = new Map<string, PythonGlobal>();

  constructor(
    bytes: Uint8Array,
    start: number,
    readonly context: Context,
    private readonly hook?: BuildHook,
  ) {
    this.cursor = new Cursor(bytes, start);
  }

  /**
   * Runs to STOP and returns the value; `cursor.position` is then the byte after it.
   * @throws pickle-global-refused with every name of the file that is not on the list; artefact-malformed,
   *   artefact-over-limit, artefact-unsupported
   */
  load(): PythonValue {
    let value: PythonValue;
    try {
      value = this.run();
      if (this.refused.size === 0) checkStructure(value, this.context.budget);
    } catch (error) {
      // A refused name says more than what became of its arguments.
      if (this.refused.size === 0) throw error;
      if (error instanceof VitrinaError && error.code === 'pickle-global-refused') {
        const { global } = error.fields as { global: string };
        this.refused.set(global, new PythonGlobal('', global, 'unknown'));
      }
      value = null;
    }
    if (this.refused.size === 0) return value;
    const [global = '', ...others] = this.refused.keys();
    throw new VitrinaError('pickle-global-refused', { global, others });
  }

  private run(): PythonValue {
    const { cursor, stack } = this;
    const { budget } = this.context;
    for (;;) {
      const start = cursor.position;
      const opcode = cursor.uint8();
      switch (opcode) {
        case PROTO:
          this.protocol = cursor.uint8();
          if (this.protocol > maxProtocol) {
            throw unsupported('pickle', `protocol ${this.protocol}`, `save with protocol ${maxProtocol} or lower`);
          }
          break;
        case FRAME:
          cursor.enterFrame(cursor.length8());
          break;
        case STOP: {
          const value = this.pop();
          if (stack.length > 0 || this.marks.length > 0)
            throw malformed('pickle', 'values are left over at its end', start);
          cursor.leaveFrame();
          return value;
        }

        case NONE:
          this.pushShared(null);
          break;
        case NEWTRUE:
          this.pushShared(true);
          break;
        case NEWFALSE:
          this.pushShared(false);
          break;
        case INT: {
          const line = cursor.line();
          if (line === '00' || line === '01') stack.push(line === '01');
          else this.pushInteger(cursor.decimal(line, budget.limits.integerBytes));
          break;
        }
        case LONG: {
          const line = cursor.line();
          this.pushInteger(cursor.decimal(line.endsWith('L') ? line.slice(0, -1) : line, budget.limits.integerBytes));
          break;
        }
        case BININT:
          this.pushInteger(BigInt(cursor.int32()));
          break;
        case BININT1:
          this.pushInteger(smallIntegers[cursor.uint8()]!);
          break;
        case BININT2:
          this.pushInteger(BigInt(cursor.uint16()));
          break;
        case LONG1:
          this.pushInteger(cursor.twosComplement(cursor.uint8(), budget.limits.integerBytes));
          break;
        case LONG4:
          this.pushInteger(cursor.twosComplement(cursor.length4(), budget.limits.integerBytes));
          break;
        case FLOAT:
          budget.object(16);
          stack.push(cursor.decimalFloat());
          break;
        case BINFLOAT:
          budget.object(16);
          stack.push(cursor.float64());
          break;

        case STRING:
          this.pushEightBit(cursor.quotedLine());
          break;
        case BINSTRING:
          this.pushEightBit(cursor.eightBit(cursor.length4()));
          break;
        case SHORT_BINSTRING:
          this.pushEightBit(cursor.eightBit(cursor.uint8()));
          break;
        case UNICODE:
          this.pushText(cursor.rawUnicodeLine());
          break;
        case SHORT_BINUNICODE:
          this.pushText(cursor.utf8(cursor.uint8()));
          break;
        case BINUNICODE:
          this.pushText(cursor.utf8(cursor.length4()));
          break;
        case BINUNICODE8:
          this.pushText(cursor.utf8(cursor.length8()));
          break;
        case SHORT_BINBYTES:
          this.pushBytes(cursor.take(cursor.uint8()));
          break;
        case BINBYTES:
          this.pushBytes(cursor.take(cursor.length4()));
          break;
        case BINBYTES8:
          this.pushBytes(cursor.take(cursor.length8()));
          break;
        case BYTEARRAY8:
          budget.object(128);
          stack.push(new PythonByteArray(cursor.take(cursor.length8())));
          break;

        case EMPTY_LIST:
          budget.object(64);
          stack.push([]);
          break;
        case LIST:
          stack.push(this.popToMark());
          break;
        case APPEND: {
          const value = this.pop();
          this.extend(this.peek(), [value]);
          break;
        }
        case APPENDS: {
          const values = this.popToMark();
          this.extend(this.peek(), values);
          break;
        }
        case EMPTY_TUPLE:
          this.pushTuple([]);
          break;
        case TUPLE1:
          this.pushTuple([this.pop()]);
          break;
        case TUPLE2: {
          const second = this.pop();
          this.pushTuple([this.pop(), second]);
          break;
        }
        case TUPLE3: {
          const third = this.pop();
          const second = this.pop();
          this.pushTuple([this.pop(), second, third]);
          break;
        }
        case TUPLE:
          this.pushTuple(this.popToMark());
          break;
        case EMPTY_DICT:
          budget.object(80);
          stack.push(new PythonDict(this.context.space));
          break;
        case DICT: {
          budget.object(80);
          const dict = new PythonDict(this.context.space);
          this.setItems(dict, this.popToMark());
          stack.push(dict);
          break;
        }
        case SETITEM: {
          const value = this.pop();
          const key = this.pop();
          this.setItems(this.peek(), [key, value]);
          break;
        }
        case SETITEMS: {
          const items = this.popToMark();
          this.setItems(this.peek(), items);
          break;
        }
        case EMPTY_SET:
          budget.object(80);
          stack.push(new PythonSet(false, this.context.space));
          break;
        case ADDITEMS: {
          const items = this.popToMark();
          const set = this.peek();
          if (!(set instanceof PythonSet) || set.frozen)
            throw malformed('pickle', 'members are added to what is no set', start);
          this.addItems(set, items);
          break;
        }
        case FROZENSET: {
          budget.object(80);
          const set = new PythonSet(true, this.context.space);
          this.addItems(set, this.popToMark());
          stack.push(set);
          break;
        }

        case MARK:
          budget.charge(32);
          this.marks.push(stack.length);
          this.fence = stack.length;
          break;
        case POP:
          // As in CPython: a mark on top counts as a value.
          if (this.marks.length > 0 && stack.length === this.fence) this.dropMark();
          else this.pop();
          break;
        case POP_MARK:
          stack.length = this.fence;
          this.dropMark();
          break;
        case DUP:
          this.pushShared(this.peek());
          break;

        case PUT:
          this.remember(cursor.index());
          break;
        case BINPUT:
          this.remember(cursor.uint8());
          break;
        case LONG_BINPUT:
          this.remember(cursor.length4());
          break;
        case MEMOIZE:
          this.remember(this.memo.size);
          break;
        case GET:
          this.recall(cursor.index());
          break;
        case BINGET:
          this.recall(cursor.uint8());
          break;
        case LONG_BINGET:
          this.recall(cursor.length4());
          break;

        case GLOBAL:
          stack.push(this.global(cursor.line(), cursor.line()));
          break;
        case STACK_GLOBAL: {
          const name = this.pop();
          const module = this.pop();
          if (typeof name !== 'string' || typeof module !== 'string') {
            throw malformed('pickle', 'a global whose name is no text', start);
          }
          stack.push(this.global(module, name));
          break;
        }
        case REDUCE: {
          const args = this.pop();
          this.make(this.pop(), args);
          break;
        }
        case NEWOBJ: {
          const args = this.pop();
          this.make(this.pop(), args);
          break;
        }
        case NEWOBJ_EX: {
          const kwargs = this.pop();
          const args = this.pop();
          if (!(kwargs instanceof PythonDict))
            throw malformed('pickle', 'keyword arguments that are no dictionary', start);
          this.make(this.pop(), args, kwargs);
          break;
        }
        case INST: {
          const target = this.global(cursor.line(), cursor.line());
          this.make(target, new PythonTuple(this.popToMark()));
          break;
        }
        case OBJ: {
          const [target = null, ...args] = this.popToMark();
          this.make(target, new PythonTuple(args));
          break;
        }
        case BUILD: {
          const state = this.pop();
          this.build(state);
          break;
        }

        case PERSID:
        case BINPERSID:
          throw unsafe('pickle', `a persistent id (${nameOf(opcode)})`, ownClass);
        case EXT1:
        case EXT2:
        case EXT4:
          throw unsafe('pickle', `a code of the extension registry (${nameOf(opcode)})`, ownClass);
        case NEXT_BUFFER:
        case READONLY_BUFFER:
          throw unsafe(
            'pickle',
            `buffers kept outside of the file (${nameOf(opcode)})`,
            'save without buffer_callback',
          );
        default:
          throw malformed('pickle', `the byte 0x${opcode.toString(16).padStart(2, '0')} is no opcode`, start);
      }
    }
  }

  /** A value that costs nothing but its place. */
  private pushShared(value: PythonValue): void {
    const height = this.stack.push(value);
    if (height > maxHeight) throw overLimit('pickle', 'values on the stack', height, maxHeight, 'count');
  }

  private pushInteger(value: bigint): void {
    this.context.budget.object(32);
    this.stack.push(value);
  }

  private pushText(text: string): void {
    this.context.budget.object(32 + text.length * 2);
    this.stack.push(text);
  }

  private pushEightBit(text: string | EightBitText): void {
    if (typeof text === 'string') this.pushText(text);
    else this.pushBytes(text);
  }

  private pushBytes(bytes: Uint8Array): void {
    // A view of the file: what it costs is the object, not the bytes.
    this.context.budget.object(128);
    this.stack.push(bytes);
  }

  private pushTuple(items: PythonValue[]): void {
    this.context.budget.object(96 + items.length * 8);
    this.stack.push(new PythonTuple(items));
  }

  private pop(): PythonValue {
    if (this.stack.length <= this.fence) {
      throw malformed('pickle', 'an opcode takes a value that is not there', this.cursor.position);
    }
    return this.stack.pop()!;
  }

  private peek(): PythonValue {
    if (this.stack.length <= this.fence) {
      throw malformed('pickle', 'an opcode takes a value that is not there', this.cursor.position);
    }
    return this.stack.at(-1)!;
  }

  private popToMark(): PythonValue[] {
    if (this.marks.length === 0)
      throw malformed('pickle', 'an opcode takes a mark that is not there', this.cursor.position);
    const items = this.stack.splice(this.fence);
    this.context.budget.object(48 + items.length * 8);
    this.dropMark();
    return items;
  }

  private dropMark(): void {
    if (this.marks.pop() === undefined) {
      throw malformed('pickle', 'an opcode takes a mark that is not there', this.cursor.position);
    }
    this.fence = this.marks.at(-1) ?? 0;
  }

  private remember(index: number): void {
    // A loader of Python makes room for all places up to the highest, and there are no more values than bytes.
    const limit = this.cursor.bytes.length;
    if (index > limit) throw overLimit('pickle', 'a place in the memo', index, limit, 'fileBytes');
    this.context.budget.charge(this.memo.isSparse(index) ? 96 : 32);
    this.memo.set(index, this.peek());
  }

  private recall(index: number): void {
    const value = this.memo.get(index);
    if (value === undefined) throw malformed('pickle', `the memo has nothing under ${index}`, this.cursor.position);
    this.pushShared(value);
  }

  private extend(target: PythonValue, values: readonly PythonValue[]): void {
    if (target instanceof PythonObject) target.items ??= [];
    const list = target instanceof PythonObject ? target.items : target;
    if (!Array.isArray(list)) throw malformed('pickle', 'values are appended to what is no list', this.cursor.position);
    this.context.budget.charge(values.length * 8);
    for (const value of values) list.push(value);
  }

  private setItems(target: PythonValue, items: readonly PythonValue[]): void {
    if (target instanceof PythonObject) target.entries ??= new PythonDict(this.context.space);
    const dict = target instanceof PythonObject ? target.entries : target;
    if (!(dict instanceof PythonDict) || items.length % 2 !== 0) {
      throw malformed('pickle', 'keys are set on what is no dictionary', this.cursor.position);
    }
    this.context.budget.charge((items.length / 2) * entryBytes);
    for (let i = 0; i < items.length; i += 2) dict.set(items[i]!, items[i + 1]!);
  }

  private addItems(set: PythonSet, items: readonly PythonValue[]): void {
    this.context.budget.charge(items.length * entryBytes);
    for (const item of items) set.add(item);
  }

  /** The stand-in for a name; a name that is not on the list is noted, and reading goes on to find the others. */
  private global(module: string, name: string): PythonGlobal {
    const { names } = this.context;
    if (names.size < maxNames) names.add(`${printable(module)}.${printable(name)}`);
    const known = resolveGlobal(module, name);
    if (known !== undefined && (known.module !== 'joblib.numpy_pickle' || this.hook !== undefined)) return known;
    const id = `${printable(module)}.${printable(name)}`;
    const noted = this.refused.get(id);
    if (noted !== undefined) return noted;
    const global = new PythonGlobal(printable(module), printable(name), 'unknown');
    if (this.refused.size < maxRefusedGlobals) this.refused.set(id, global);
    return global;
  }

  private make(target: PythonValue, args: PythonValue, kwargs?: PythonDict): void {
    if (!(target instanceof PythonGlobal))
      throw malformed('pickle', 'a call of what is no class', this.cursor.position);
    if (!(args instanceof PythonTuple))
      throw malformed('pickle', 'a call whose arguments are no tuple', this.cursor.position);
    this.context.budget.object(128);
    this.stack.push(instantiate(target, args.items, this.context, kwargs));
  }

  private build(state: PythonValue): void {
    const target = this.peek();
    if (typeof target === 'object' && target !== null) {
      if (this.built.has(target)) throw malformed('pickle', 'an object is given a state twice', this.cursor.position);
      this.built.add(target);
    }
    if (target instanceof NumpyArray) buildArray(target, state, this.context);
    else if (target instanceof NumpyDtype) buildDtype(target, state);
    else if (target instanceof PythonObject && target.state === undefined) {
      if (target.global.id === 'functools.partial') checkPartial(target, state);
      target.state = state;
      if (this.hook !== undefined) this.stack[this.stack.length - 1] = this.hook(target, this);
    } else throw malformed('pickle', 'a state is given to what takes none', this.cursor.position);
  }
}

const smallIntegers = Array.from({ length: 256 }, (_, i) => BigInt(i));

const nameOf = (opcode: number) => opcodeInfo.get(opcode)?.name ?? 'unknown';
