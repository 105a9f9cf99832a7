import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { expect, it, test } from 'vitest';
import { convertKeras } from '../../../src/convert/keras/index.js';
import { VitrinaError } from '../../../src/errors.js';
import { openModel } from './models.js';

const original = await openModel(readFileSync('test/fixtures/keras/lookups-3.12.0-keras/model.keras'));
type Layers = { class_name: string; config: Record<string, unknown> }[];
const places = (original.architecture.config as unknown as { layers: Layers }).layers.flatMap(
  ({ class_name, config }, i) =>
    class_name.endsWith('Lookup') ? Object.keys(config).map((option) => ({ layer: i, option })) : [],
);

/** What becomes of the model in which one option of one layer is another. */
function convertWith(layer: number, option: string, value: unknown): unknown {
  const architecture = structuredClone(original.architecture);
  (architecture.config as unknown as { layers: Layers }).layers[layer]!.config[option] = value;
  try {
    return convertKeras({ ...original, architecture });
  } catch (error) {
    return error;
  }
}

test.each([
  ['num_oov_indices', 2, /num_oov_indices is 2; known are 0 and 1/],
  ['invert', true, /it gives texts for indices/],
  ['sparse', true, /its output is sparse/],
  ['output_mode', 'tf_idf', /option output_mode = "tf_idf" is none of/],
  ['mask_token', { class_name: 'Zeros' }, /its mask_token should be a (text|whole number)/],
  ['vocabulary', 'words.txt', /its vocabulary is not in the file/],
  ['vocabulary', [], /each entry of its vocabulary should be/],
  ['vocabulary', [1.5], /each entry of its vocabulary should be/],
  ['vocabulary', ['a', 'b', 'a'], /has an entry twice|should be a whole number/],
] as const)('%s = %j of any lookup is refused', (option, value, message) => {
  for (const layer of new Set(places.map(({ layer: place }) => place))) {
    const error = convertWith(layer, option, value);
    expect(error).toBeInstanceOf(VitrinaError);
    expect((error as Error).message).toMatch(message);
  }
});

it('refuses a vocabulary that was learnt and is not beside the variables', () => {
  expect(() => convertKeras({ ...original, texts: new Map() })).toThrow(/its vocabulary is not in the file/);
});

it('refuses texts where numbers belong: ONNX would read numbers from them', () => {
  const architecture = structuredClone(original.architecture);
  const { layers } = architecture.config as unknown as { layers: Layers };
  layers.find(({ config }) => config.name === 'x')!.config.dtype = 'string';
  expect(() => convertKeras({ ...original, architecture })).toThrow(
    /Rescaling.*it is given texts|Concatenate.*it is given texts/,
  );
});

it('takes anything as any option, or refuses it', () => {
  const values = [0, -1, 1, 1.5, 2 ** 53, null, true, 'x', '', [], [0], ['a', 1], {}, { a: 1 }];
  fc.assert(
    fc.property(fc.constantFrom(...places), fc.constantFrom<unknown>(...values), ({ layer, option }, value) => {
      const result = convertWith(layer, option, value);
      if (result instanceof Error) expect(result).toBeInstanceOf(VitrinaError);
    }),
    { numRuns: 200 },
  );
});
