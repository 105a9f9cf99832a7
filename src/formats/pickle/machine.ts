import { VitrinaError } from '../../errors.js';
import type { Context } from './constructors.js';
import { Cursor } from './cursor.js';
import { printable, resolveGlobal } from './globals.js';
import { type Handler, handlers } from './handlers/index.js';
import { malformed, overLimit } from './limits.js';
import { Memo } from './memo.js';
import { checkStructure } from './structure.js';
import { ValueStack } from './value-stack.js';
import { PythonGlobal, type PythonObject, type PythonValue } from './values.js';

/** Called when BUILD has completed an object; what it returns takes the object's place on the stack. */
export type BuildHook = (object: PythonObject, machine: PickleMachine) => PythonValue;

const maxRefusedGlobals = 50;
/** Names of globals that are kept to be shown. */
const maxNames = 1000;

/** What each opcode does, by its byte. */
const byCode: readonly (Handler | undefined)[] = Array.from({ length: 256 }, (_, code) => handlers.get(code));

/**
 * The pickle virtual machine, without the virtue of making anything: a global is a name on a list, a call makes
 * inert data. It runs in one loop, so that no nesting can exhaust the call stack. What the opcodes do is in `handlers/`.
 *
 * Specification: https://github.com/python/cpython/blob/main/Lib/pickletools.py; behaviour as
 * https://github.com/python/cpython/blob/main/Modules/_pickle.c, but strict where that is lenient.
 */
export class PickleMachine {
  readonly cursor: Cursor;
  readonly stack: ValueStack;
  readonly memo = new Memo();
  /** Objects that were given a state. */
  readonly built = new WeakSet<object>();
  /** Set by PROTO. */
  protocol = 0;
  /** Where the opcode lies that is being done. */
  opcodeAt = 0;
  /** What STOP found. */
  private result: PythonValue | undefined;
  private readonly refused = new Map<string, PythonGlobal>();

  /** `hook` is the joblib reader's, whose names are data only to it. */
  constructor(
    bytes: Uint8Array,
    start: number,
    readonly context: Context,
    readonly hook?: BuildHook,
  ) {
    this.cursor = new Cursor(bytes, start);
    this.stack = new ValueStack(this.cursor, context.budget);
  }

  /**
   * Runs to STOP and returns the value; `cursor.position` is then the byte after it.
   * @throws pickle-global-refused with every name of the file that is not on the list; artefact-malformed,
   *   artefact-over-limit, artefact-unsafe, artefact-unsupported
   */
  load(): PythonValue {
    let value: PythonValue;
    try {
      value = this.run();
      if (this.refused.size === 0) checkStructure(value, this.context.budget);
    } catch (error) {
      // A refused name says more than what became of its arguments.
      if (this.refused.size === 0) throw error;
      value = null;
    }
    if (this.refused.size === 0) return value;
    const [global = '', ...others] = this.refused.keys();
    throw new VitrinaError('pickle-global-refused', { global, others });
  }

  private run(): PythonValue {
    const { cursor } = this;
    while (this.result === undefined) {
      this.opcodeAt = cursor.position;
      const code = cursor.uint8();
      const handle = byCode[code];
      if (handle === undefined) throw this.malformed(`the byte 0x${code.toString(16).padStart(2, '0')} is no opcode`);
      handle(this);
    }
    return this.result;
  }

  /** Ends the run with `value`. */
  stop(value: PythonValue): void {
    this.result = value;
  }

  /** Puts the uppermost value into the memo. */
  remember(index: number): void {
    // A loader of Python makes room for all places up to the highest, and there are no more values than bytes.
    const limit = this.cursor.bytes.length;
    if (index > limit) throw overLimit('pickle', 'a place in the memo', index, limit, 'fileBytes');
    this.context.budget.charge(this.memo.isSparse(index) ? 96 : 32);
    this.memo.set(index, this.stack.peek());
  }

  recall(index: number): void {
    const value = this.memo.get(index);
    if (value === undefined) throw this.malformed(`the memo has nothing under ${index}`);
    this.stack.pushShared(value);
  }

  /** The stand-in for a name; a name that is not on the list is noted, and reading goes on to find the others. */
  global(module: string, name: string): PythonGlobal {
    const { names } = this.context;
    const known = resolveGlobal(module, name);
    const isData = known !== undefined && (known.module !== 'joblib.numpy_pickle' || this.hook !== undefined);
    const id = `${printable(module)}.${printable(name)}`;
    if (names.size < maxNames) names.add(id);
    if (isData) return known;
    const noted = this.refused.get(id);
    if (noted !== undefined) return noted;
    const global = new PythonGlobal(printable(module), printable(name), 'unknown');
    if (this.refused.size < maxRefusedGlobals) this.refused.set(id, global);
    return global;
  }

  /** An error at the opcode that is being done. */
  malformed(what: string): VitrinaError {
    return malformed('pickle', what, this.opcodeAt);
  }
}
