import { malformed } from './limits.js';
import { NumpyScalar } from './numpy-values.js';
import { PythonComplex, PythonGlobal, PythonObject, PythonTuple, type PythonValue } from './values.js';

/** What a `Map` compares in place of a key: text for what is equal by value, the object itself otherwise. */
type Identity = string | object;

/**
 * Decides which keys Python would call equal: `1 == 1.0 == True`, `'1' != 1 != b'1'`, tuples by content.
 *
 * Numbers become text, because V8's hash of strings is seeded and that of numbers is not: a file cannot make keys
 * collide on purpose. Parts of tuples are numbered, so that a tuple of tuples of one shared tuple costs what it
 * weighs in the file and no more. One key space serves all dictionaries of an artefact.
 */
export class KeySpace {
  private readonly numbers = new Map<Identity, number>();
  private readonly known = new WeakMap<object, Identity>();

  constructor(private readonly maxDepth = 200) {}

  /** @throws artefact-malformed for what Python cannot hash, or what Vitrina cannot compare as Python does */
  identityOf(key: PythonValue, depth = 0): Identity {
    // Text is its own identity; the escape character is escaped.
    if (typeof key === 'string') return key.charCodeAt(0) === 0 ? `\0s${key}` : key;
    if (typeof key === 'bigint') return `\0i${key.toString(16)}`;
    if (typeof key === 'number') return Number.isInteger(key) ? `\0i${BigInt(key).toString(16)}` : `\0f${key}`;
    if (typeof key === 'boolean') return key ? '\0i1' : '\0i0';
    if (key === null) return '\0n';
    if (key instanceof PythonGlobal || key instanceof PythonObject) return key;
    if (key instanceof NumpyScalar) return this.identityOf(key.value, depth + 1);
    if (key instanceof PythonComplex) {
      return key.imaginary === 0 ? this.identityOf(key.real) : `\0c${key.real}:${key.imaginary}`;
    }
    const known = this.known.get(key);
    if (known !== undefined) return known;
    const identity = this.composite(key, depth);
    this.known.set(key, identity);
    return identity;
  }

  private composite(key: object, depth: number): Identity {
    if (depth > this.maxDepth) throw malformed('pickle', `a key nested deeper than ${this.maxDepth}`);
    if (key instanceof Uint8Array) return `\0b${Buffer.from(key).toString('latin1')}`;
    if (key instanceof PythonTuple) return `\0t${key.items.map((item) => this.numberOf(item, depth))}`;
    if (key instanceof PythonSet && key.frozen) {
      return `\0z${key
        .values()
        .map((item) => this.numberOf(item, depth))
        .sort((a, b) => a - b)}`;
    }
    throw malformed('pickle', 'a key that cannot be hashed');
  }

  private numberOf(part: PythonValue, depth: number): number {
    const identity = this.identityOf(part, depth + 1);
    const number = this.numbers.get(identity) ?? this.numbers.size;
    this.numbers.set(identity, number);
    return number;
  }
}

export type PythonDictType = 'dict' | 'OrderedDict' | 'defaultdict' | 'Counter';

/** A `dict` in insertion order, whose keys are equal when Python's are. `type` is the class as Python names it. */
export class PythonDict {
  // Made when the first key comes: a file of a million empty dictionaries shall not cost a million maps.
  private map: Map<Identity, [key: PythonValue, value: PythonValue]> | undefined = undefined;

  constructor(
    private readonly space = new KeySpace(),
    readonly type: PythonDictType = 'dict',
  ) {}

  get size(): number {
    return this.map?.size ?? 0;
  }

  get(key: PythonValue): PythonValue | undefined {
    return this.map?.get(this.space.identityOf(key))?.[1];
  }

  has(key: PythonValue): boolean {
    return this.map?.has(this.space.identityOf(key)) ?? false;
  }

  /** As in Python, the first of several equal keys stays and takes the new value. @throws artefact-malformed for an unhashable key */
  set(key: PythonValue, value: PythonValue): void {
    const identity = this.space.identityOf(key);
    this.map ??= new Map();
    const entry = this.map.get(identity);
    if (entry === undefined) this.map.set(identity, [key, value]);
    else if (Number.isNaN(key)) throw malformed('pickle', 'two NaN keys, which Python tells apart by identity');
    else entry[1] = value;
  }

  keys(): PythonValue[] {
    return this.map === undefined ? [] : Array.from(this.map.values(), (entry) => entry[0]);
  }

  values(): PythonValue[] {
    return this.map === undefined ? [] : Array.from(this.map.values(), (entry) => entry[1]);
  }

  entries(): IterableIterator<readonly [key: PythonValue, value: PythonValue]> {
    return (this.map ?? new Map<Identity, [PythonValue, PythonValue]>()).values();
  }
}

/** A `set` or `frozenset`. The order is the file's, not Python's. */
export class PythonSet {
  private map: Map<Identity, PythonValue> | undefined = undefined;

  constructor(
    readonly frozen: boolean,
    private readonly space = new KeySpace(),
  ) {}

  get size(): number {
    return this.map?.size ?? 0;
  }

  has(value: PythonValue): boolean {
    return this.map?.has(this.space.identityOf(value)) ?? false;
  }

  /** @throws artefact-malformed for an unhashable value */
  add(value: PythonValue): void {
    const identity = this.space.identityOf(value);
    this.map ??= new Map();
    if (!this.map.has(identity)) this.map.set(identity, value);
    else if (Number.isNaN(value)) throw malformed('pickle', 'two NaN members, which Python tells apart by identity');
  }

  values(): PythonValue[] {
    return this.map === undefined ? [] : [...this.map.values()];
  }
}
