import { VitrinaError } from '../../errors.js';
import { KeySpace } from './dictionary.js';
import { Budget, checkFileSize, defaultPythonLimits, malformed, type PythonLimits } from './limits.js';
import { type BuildHook, PickleMachine } from './machine.js';
import type { PythonValue } from './values.js';

export interface PickleFile {
  /** What `pickle.load` would have given: the first pickle of the file. */
  readonly value: PythonValue;
  /** All pickles that follow one another in the file, the first included. */
  readonly values: readonly PythonValue[];
  /** Globals that the file names, as it names them, in order of appearance. */
  readonly globals: readonly string[];
  /** The highest protocol that the first pickle declares. */
  readonly protocol: number;
  /** Bytes after the last pickle that are none; Python ignores them. */
  readonly trailingBytes: number;
}

/**
 * Reads a pickle, protocols 0 to 5, as inert data: no name of the file is looked up anywhere but on a list, nothing
 * is called. Strings, bytes and arrays may view `bytes`. `names` is filled with the globals that are met, so that they
 * are known of a file that is refused as well.
 * Specification: https://github.com/python/cpython/blob/main/Lib/pickletools.py
 * @throws pickle-global-refused, artefact-malformed, artefact-over-limit, artefact-unsupported
 */
export function readPickle(
  bytes: Uint8Array,
  limits: Partial<PythonLimits> = {},
  names: Set<string> = new Set(),
): PickleFile {
  const all = { ...defaultPythonLimits, ...limits };
  checkFileSize('pickle', bytes, all);
  return readPickles(bytes, new Budget(bytes.length, all), names);
}

/** Estimated bytes that reading one pickle costs beside its values. */
const pickleBytes = 2048;

/** `readPickle` on a budget that is shared with the rest of an artefact; `hook` is the joblib reader's. */
export function readPickles(bytes: Uint8Array, budget: Budget, names: Set<string>, hook?: BuildHook): PickleFile {
  if (bytes.length === 0) throw malformed('pickle', 'it is empty');
  const context = { budget, space: new KeySpace(budget.limits.depth), names };
  const values: PythonValue[] = [];
  let protocol = 0;
  let position = 0;
  while (position < bytes.length) {
    budget.object(pickleBytes);
    const machine = new PickleMachine(bytes, position, context, hook);
    try {
      values.push(machine.load());
    } catch (error) {
      // What is no pickle after a whole one is not read by Python either; what is one and hostile is refused.
      const isNoise = error instanceof VitrinaError && error.code === 'artefact-malformed';
      if (values.length > 0 && isNoise) break;
      throw error;
    }
    if (values.length === 1) protocol = machine.protocol;
    position = machine.cursor.position;
  }
  return { value: values[0]!, values, globals: [...names], protocol, trailingBytes: bytes.length - position };
}

export { KeySpace, PythonDict, PythonSet } from './dictionary.js';
export { type Disassembled, disassemble } from './disassemble.js';
export { disassemblyLines, reprArgument } from './disassembly-text.js';
export { defaultPythonLimits, type PythonLimits } from './limits.js';
export {
  type ArrayContent,
  NumpyArray,
  NumpyDtype,
  NumpyScalar,
  type ObjectArray,
  RecordArray,
} from './numpy-values.js';
export { Opcode, type OpcodeInfo, opcodeInfo } from './opcodes.js';
export {
  PythonByteArray,
  PythonComplex,
  PythonGlobal,
  PythonObject,
  PythonTuple,
  type PythonValue,
} from './values.js';
