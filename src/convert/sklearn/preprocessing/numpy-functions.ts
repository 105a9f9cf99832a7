import { PythonDict, PythonGlobal, type PythonValue } from '../../../formats/pickle/index.js';
import type { Value } from '../../graph-builder.js';
import type { Call } from '../call.js';
import * as elementary from '../elementary.js';
import { toNumber } from '../estimator.js';

type Elementwise = (call: Call, x: Value) => Value;

const operator =
  (name: string): Elementwise =>
  (call, x) =>
    call.node(name, [x]);
const times =
  (factor: number): Elementwise =>
  (call, x) =>
    call.node('Mul', [x, call.scalar(factor)]);
/** Booleans of NumPy as 0 and 1. */
const test =
  (condition: Elementwise): Elementwise =>
  (call, x) =>
    call.node('Cast', [condition(call, x)], { to: 11 });
const logarithm =
  (base: number): Elementwise =>
  (call, x) =>
    call.node('Div', [call.node('Log', [x]), call.scalar(base)]);

/** Functions of NumPy, of one number each, by the name they have there. */
const functions: Readonly<Record<string, Elementwise>> = {
  absolute: operator('Abs'),
  fabs: operator('Abs'),
  arccos: elementary.arccos,
  arccosh: elementary.arccosh,
  arcsin: elementary.arcsin,
  arcsinh: elementary.arcsinh,
  arctan: elementary.arctan,
  arctanh: elementary.arctanh,
  cbrt: elementary.cbrt,
  ceil: operator('Ceil'),
  cos: operator('Cos'),
  cosh: elementary.cosh,
  deg2rad: times(Math.PI / 180),
  exp: operator('Exp'),
  exp2: (call, x) => call.node('Pow', [call.scalar(2), x]),
  expm1: elementary.expm1,
  floor: operator('Floor'),
  isfinite: test((call, x) => call.node('Equal', [call.node('Sub', [x, x]), call.scalar(0)])),
  isinf: test(operator('IsInf')),
  isnan: test(operator('IsNaN')),
  log: operator('Log'),
  log10: logarithm(Math.LN10),
  log1p: elementary.log1p,
  log2: logarithm(Math.LN2),
  logical_not: test((call, x) => call.node('Equal', [x, call.scalar(0)])),
  negative: operator('Neg'),
  rad2deg: times(180 / Math.PI),
  reciprocal: operator('Reciprocal'),
  rint: operator('Round'),
  sign: operator('Sign'),
  sin: operator('Sin'),
  sinh: elementary.sinh,
  sqrt: operator('Sqrt'),
  square: (call, x) => call.node('Mul', [x, x]),
  tan: (call, x) => call.node('Div', [call.node('Sin', [x]), call.node('Cos', [x])]),
  tanh: operator('Tanh'),
  trunc: (call, x) => call.node('Mul', [call.node('Sign', [x]), call.node('Floor', [call.node('Abs', [x])])]),
};

const withArguments: Readonly<Record<string, (call: Call, x: Value, given: Arguments) => Value>> = {
  nan_to_num(call, x, given) {
    const largest = Number.MAX_VALUE;
    const { nan, posinf, neginf } = given.read({ nan: 0, posinf: largest, neginf: -largest }, ['copy']);
    const known = call.node('Where', [call.node('IsNaN', [x]), call.scalar(nan!), x]);
    const high = call.node('Equal', [known, call.scalar(Number.POSITIVE_INFINITY)]);
    const low = call.node('Equal', [known, call.scalar(Number.NEGATIVE_INFINITY)]);
    const bounded = call.node('Where', [high, call.scalar(posinf!), known]);
    return call.node('Where', [low, call.scalar(neginf!), bounded]);
  },
  clip(call, x, given) {
    const no = Number.POSITIVE_INFINITY;
    const { a_min, a_max, min, max } = given.read({ a_min: -no, a_max: no, min: -no, max: no });
    return call.node('Clip', [x, call.scalar(Math.max(a_min!, min!)), call.scalar(Math.min(a_max!, max!))]);
  },
};

export const functionNames: readonly string[] = [...Object.keys(functions), ...Object.keys(withArguments)].sort();

/** Keyword arguments that are numbers. */
class Arguments {
  constructor(
    private readonly call: Call,
    private readonly name: string,
    private readonly given: PythonValue,
  ) {}

  /** The numbers given over `defaults`; `idle` may be given and change nothing. */
  read<T extends Record<string, number>>(defaults: T, idle: readonly string[] = []): Record<string, number> {
    const result: Record<string, number> = { ...defaults };
    for (const [key, value] of this.given instanceof PythonDict ? this.given.entries() : []) {
      if (typeof key === 'string' && idle.includes(key)) continue;
      const number = toNumber(value);
      const known = typeof key === 'string' && Object.hasOwn(defaults, key);
      if (known && value === null) continue;
      if (!known || number === undefined) {
        const shown = typeof key === 'string' ? key.slice(0, 40) : 'an argument';
        this.call.estimator.refuse(`it calls numpy.${this.name} with ${shown}, which is not known here`);
      }
      result[key as string] = number!;
    }
    return result;
  }
}

/** `func` as NumPy names it. @throws estimator-unsupported for functions that are not known */
export function nameOfFunction(call: Call, func: PythonValue | undefined): string {
  const { estimator } = call;
  if (!(func instanceof PythonGlobal)) return estimator.refuse('its function should be one of NumPy, by name');
  const { module, name } = func;
  if (module !== 'numpy' && !module.startsWith('numpy._core')) {
    estimator.refuse(`it calls ${func.id}; known are NumPy's ${functionNames.join(', ')}`);
  }
  return name;
}

/**
 * `func(x, **kwargs)` of every element, shape for shape.
 * @throws estimator-unsupported for functions and arguments that are not known
 */
export function applyFunction(call: Call, func: PythonValue | undefined, kwargs: PythonValue, x: Value): Value {
  const name = nameOfFunction(call, func);
  const given = new Arguments(call, name, kwargs);
  const own = Object.hasOwn(withArguments, name) ? withArguments[name] : undefined;
  if (own !== undefined) return own(call, x, given);
  const plain = Object.hasOwn(functions, name) ? functions[name] : undefined;
  if (plain === undefined) {
    return call.estimator.refuse(`it calls numpy.${name}; known are NumPy's ${functionNames.join(', ')}`);
  }
  given.read({});
  return plain(call, x);
}
