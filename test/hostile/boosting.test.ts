import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { convertArtefact } from '../../src/convert/index.js';
import { VitrinaError } from '../../src/errors.js';
import { places } from './json-places.js';

const read = (path: string) => readFileSync(`test/fixtures/boosting/boosting/${path}`, 'utf8');

async function convertsOrRefuses(text: string, file: string): Promise<void> {
  try {
    await convertArtefact(Buffer.from(text), file);
  } catch (error) {
    expect(error).toBeInstanceOf(VitrinaError);
    // A cause that is no refusal is a crash that was caught.
    const { cause } = error as Error;
    if (cause !== undefined) expect(cause).toBeInstanceOf(VitrinaError);
  }
}

describe('a model of XGBoost in which a value is another converts, or is refused', () => {
  const junk = [null, true, -1, 0, 1, 0.5, 1e308, 2 ** 32, 2 ** 40, '', 'x', '-1', '0', '1e9', '2147483648', 'nan'];
  const others = fc.constantFrom<unknown>(...junk, [], [1], [-1], [1e9], {}, { '0': 1 });
  it.each(['xgb_booster_aft__xgb176', 'xgb_booster_linear_json__xgb341', 'xgb_categories_sets__xgb341'])(
    '%s',
    async (name) => {
      const text = read(`${name}/model.json`);
      const every = places(JSON.parse(text)).length;
      await fc.assert(
        fc.asyncProperty(fc.nat(every - 1), others, async (place, value) => {
          const document = JSON.parse(text);
          const [holder, key] = places(document)[place]!;
          holder[key] = value;
          await convertsOrRefuses(JSON.stringify(document), 'model.json');
        }),
        { numRuns: 400 },
      );
    },
  );
});

describe('a model of LightGBM in which a word is another converts, or is refused', () => {
  const words = ['-1', '0', '1', '1000000', '1099511627776', '4294967296', '1e308', '-0.5', 'nan', 'x', '', '=', '\n'];
  it.each(['lgb_booster_categories_txt__lgb460', 'lgb_booster_zero_txt__lgb321'])('%s', async (name) => {
    const parts = read(`${name}/model.txt`).split(/([=\s])/);
    await fc.assert(
      fc.asyncProperty(fc.nat(parts.length - 1), fc.constantFrom(...words), async (place, word) => {
        await convertsOrRefuses(parts.with(place, word).join(''), 'model.txt');
      }),
      { numRuns: 400 },
    );
  });
});
