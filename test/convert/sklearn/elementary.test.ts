import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import * as elementary from '../../../src/convert/sklearn/elementary.js';
import { evaluate } from './evaluate.js';

const special = [
  0, -0, 1, -1, 0.5, -0.5, 1e-9, -1e-9, 1e-300, 2, -2, 20, -20, 700, -700, 1e17, 1e19, -1e19, 1e154, 1e300,
];
const ends = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, Number.NaN];

/** Equal to 16 units in the last place, NaN and infinities alike. */
function expectClose(got: Float64Array, wanted: readonly number[], inputs: readonly number[]): void {
  for (const [i, value] of wanted.entries()) {
    const close = Object.is(got[i]! + 0, value + 0) || Math.abs(got[i]! - value) <= 16 * 2 ** -52 * Math.abs(value);
    expect(close, `f(${inputs[i]}) is ${got[i]}, expected ${value}`).toBe(true);
  }
}

const functions = [
  ['log1p', elementary.log1p, Math.log1p],
  ['expm1', elementary.expm1, Math.expm1],
  ['arctan', elementary.arctan, Math.atan],
  ['arcsin', elementary.arcsin, Math.asin],
  ['arccos', elementary.arccos, Math.acos],
  ['sinh', elementary.sinh, Math.sinh],
  ['cosh', elementary.cosh, Math.cosh],
  ['arcsinh', elementary.arcsinh, Math.asinh],
  ['arccosh', elementary.arccosh, Math.acosh],
  ['arctanh', elementary.arctanh, Math.atanh],
  ['cbrt', elementary.cbrt, Math.cbrt],
] as const;

describe.each(functions)('%s', (_, build, reference) => {
  it('is what the math library gives, at the ends too', async () => {
    const inputs = [...special, ...ends];
    expectClose(await evaluate(build, inputs), inputs.map(reference), inputs);
  });

  it('holds for any number', async () => {
    const numbers = [
      fc.double({ noNaN: true }),
      fc.double({ min: -1, max: 1, noNaN: true }),
      fc.double({ min: -40, max: 40, noNaN: true }),
    ];
    const inputs = fc.sample(fc.oneof(...numbers), { numRuns: 3000, seed: 1 });
    expectClose(await evaluate(build, inputs), inputs.map(reference), inputs);
  });
});
