import type { PythonDict, PythonSet } from './dictionary.js';
import type { NumpyArray, NumpyDtype, NumpyScalar } from './numpy-values.js';

/**
 * Python objects as inert data. Nothing here can run anything, and nothing has a prototype that a file could reach.
 *
 * - `int` is a `bigint` and `float` a `number`, so that 1 and 1.0 stay apart; `bool`, `str` and `None` are
 *   `boolean`, `string` and `null`; `bytes` is a `Uint8Array`, `list` an array.
 * - **global**: a class or function of the allow-list, by name; **object**: an instance of such a class, with the
 *   arguments it was made from and the state it was given.
 */
export type PythonValue =
  | null
  | boolean
  | bigint
  | number
  | string
  | Uint8Array
  | PythonValue[]
  | PythonTuple
  | PythonDict
  | PythonSet
  | PythonByteArray
  | PythonComplex
  | PythonGlobal
  | PythonObject
  | NumpyDtype
  | NumpyScalar
  | NumpyArray;

export class PythonTuple {
  constructor(readonly items: readonly PythonValue[]) {}
}

/**
 * An 8-bit string of Python 2 that is not ASCII: the bytes of an array where one is filled from it, text of an unknown
 * encoding everywhere else.
 */
export class EightBitText extends Uint8Array<ArrayBufferLike> {}

export class PythonByteArray {
  constructor(readonly bytes: Uint8Array) {}
}

export class PythonComplex {
  constructor(
    readonly real: number,
    readonly imaginary: number,
  ) {}
}

/**
 * `class`: instances are made of it. `value`: a type or function that is only ever a value, never called.
 * `maker`: a function that is given the class to make. `unknown`: not on the list.
 */
export type GlobalKind = 'class' | 'value' | 'maker' | 'unknown';

/** A class or function by name. `id` is where the newest release of its library keeps it: `sklearn.svm._classes.SVC`. */
export class PythonGlobal {
  readonly id: string;

  constructor(
    readonly module: string,
    readonly name: string,
    readonly kind: GlobalKind,
  ) {
    this.id = `${module}.${name}`;
  }
}

/** An instance of a class of the allow-list, as its pickle describes it. */
export class PythonObject {
  /** What `__setstate__` would have been given; `undefined` when the pickle gives no state. */
  state: PythonValue | undefined = undefined;
  /** What was appended, when the class is a list. */
  items: PythonValue[] | undefined = undefined;
  /** What was set by key, when the class is a dictionary. */
  entries: PythonDict | undefined = undefined;

  constructor(
    readonly global: PythonGlobal,
    readonly args: readonly PythonValue[],
    readonly kwargs: PythonDict | undefined = undefined,
  ) {}
}
