import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { convertKeras } from '../../src/convert/keras/index.js';
import { VitrinaError } from '../../src/errors.js';
import type { JsonObject } from '../../src/formats/json.js';
import { openModel } from '../convert/keras/models.js';
import { places } from './json-places.js';

/** Models that use most of the notation of both generations. */
const models = [
  'operators-2-h5/model.h5',
  'operators-3-keras/model.keras',
  'structures-2-h5/model.h5',
  'cells-3-keras/model.keras',
  'bidirectional-2-keras/model.keras',
  'time_distributed-3-h5/model.h5',
  'lookups-3.12.0-keras/model.keras',
  'rectifiers-3-keras/model.keras',
];

const values = fc.oneof(
  fc.constantFrom<unknown>(
    null,
    true,
    -1,
    0,
    2,
    0.5,
    1e308,
    2 ** 32,
    '',
    'x',
    [],
    [1],
    [null, 2],
    {},
    ['x', 0, 0],
    ['x', 9, 0],
  ),
  fc.jsonValue({ maxDepth: 2 }),
);

describe('a Keras config with any part replaced converts, or is refused', () => {
  it.each(models)('%s', async (file) => {
    const source = await openModel(readFileSync(`test/fixtures/keras/${file}`));
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(), values), { minLength: 1, maxLength: 3 }), (changes) => {
        const architecture = JSON.parse(JSON.stringify(source.architecture)) as JsonObject;
        for (const [place, value] of changes) {
          const all = places(architecture);
          const [holder, key] = all[place % all.length]!;
          holder[key] = structuredClone(value);
        }
        try {
          convertKeras({ ...source, architecture });
        } catch (error) {
          expect(error).toBeInstanceOf(VitrinaError);
          // A cause is a crash that was caught.
          expect((error as Error).cause).toBeUndefined();
        }
      }),
      { numRuns: 300 },
    );
  });
});
