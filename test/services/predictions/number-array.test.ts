import fc from 'fast-check';
import { expect, it } from 'vitest';
import { VitrinaError } from '../../../src/errors.js';
import { parseNumbers } from '../../../src/plugins/json-numbers.js';
import { readBody } from '../../../src/services/predictions/prediction-json.js';
import type { Signature } from '../../../src/signature.js';
import type { DataType } from '../../../src/tensor.js';

const types: DataType[] = [
  'float16',
  'float32',
  'float64',
  'int8',
  'uint16',
  'int32',
  'int64',
  'uint64',
  'bool',
  'string',
];
const element = fc.oneof(
  fc.integer({ min: -3, max: 300 }),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.integer({ min: -(2 ** 40), max: 2 ** 40 }),
);
const tensor = fc
  .array(fc.integer({ min: 1, max: 3 }), { minLength: 1, maxLength: 3 })
  .chain((shape) =>
    shape.reduceRight<fc.Arbitrary<unknown>>(
      (inner, size) => fc.array(inner, { minLength: size, maxLength: size }),
      element,
    ),
  );
const size = fc.constantFrom(null, null, null, null, 2);

/** The inputs, or the sentences that say why not. */
function outcome(signature: Signature, body: unknown): unknown {
  try {
    return readBody(signature, body);
  } catch (error) {
    if (!(error instanceof VitrinaError)) throw error;
    return error.message;
  }
}

it('says the same of arrays of numbers as of the lists that they stand for', () => {
  let accepted = 0;
  fc.assert(
    fc.property(
      fc.constantFrom(...types),
      fc.array(size, { minLength: 0, maxLength: 3 }),
      fc.constantFrom(undefined, 100),
      fc.oneof(
        tensor.map((x) => ({ inputs: { x } })),
        tensor.map((x) => ({ x })),
        fc.array(tensor, { minLength: 1, maxLength: 3 }).map((all) => all.map((x) => ({ x }))),
        tensor.map((inputs) => ({ inputs })),
      ),
      (dtype, inner, largest, body) => {
        const spec = { name: 'x', dtype, shape: [null, ...inner], ...(largest === undefined ? {} : { largest }) };
        const signature: Signature = { inputs: [spec], outputs: [] };
        const text = JSON.stringify(body);
        const got = outcome(signature, parseNumbers(Buffer.from(text)));
        expect(got).toStrictEqual(outcome(signature, JSON.parse(text)));
        if (typeof got === 'object') accepted++;
      },
    ),
    { numRuns: 4000 },
  );
  expect(accepted).toBeGreaterThan(40);
});
