import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { VitrinaError } from '../../../src/errors.js';
import { type ModelState, readState, stateOfFolder } from '../../../src/services/repository/model-state.js';

const digest = fc.stringMatching(/^[0-9a-f]{64}$/);
const version = fc.integer({ min: 1, max: 999_999_999 }).map(String);
const count = fc.nat({ max: Number.MAX_SAFE_INTEGER });
const state: fc.Arbitrary<ModelState> = fc.record(
  {
    revision: count,
    last: count,
    hidden: fc.record({ upTo: count, also: fc.array(count, { maxLength: 5 }) }),
    chosen: fc.record({ version, of: count }),
    uploads: fc.dictionary(version, fc.record({ sha256: digest, settings: digest }, { requiredKeys: [] }), {
      maxKeys: 5,
    }),
  },
  { requiredKeys: ['revision', 'last', 'hidden', 'uploads'] },
);

/** The state, or nothing where the reader refuses by the one error that it may throw. */
function read(text: string): ModelState | undefined {
  try {
    return readState('state.json', text, () => ['1', '2']);
  } catch (error) {
    expect(error).toBeInstanceOf(VitrinaError);
    expect((error as VitrinaError).code).toBe('path-unusable');
    expect((error as Error).message).toContain('state.json: it is no state of a model');
    return undefined;
  }
}

describe('the reader of states', () => {
  it('gives back what was written', () => {
    fc.assert(
      fc.property(state, (written) => {
        expect(read(JSON.stringify(written))).toEqual(written);
      }),
    );
  });

  it('refuses anything else with a reason, cut off and changed states included', () => {
    fc.assert(fc.property(fc.oneof(fc.json(), fc.string()), (text) => void read(text)));
    fc.assert(
      fc.property(state, fc.nat(), fc.string({ maxLength: 3 }), (written, at, other) => {
        const text = JSON.stringify(written);
        const place = at % text.length;
        expect(read(text.slice(0, place))).toBeUndefined();
        const changed = read(text.slice(0, place) + other + text.slice(place + 1));
        // What still reads is a state in every part.
        if (changed !== undefined) expect(read(JSON.stringify(changed))).toEqual(changed);
      }),
    );
  });

  it.each([
    '{"revision": 1, "last": 1, "hidden": {"upTo": 0, "also": []}, "uploads": {"../x": {}}}',
    '{"revision": 1, "last": 1, "hidden": {"upTo": 0, "also": []}, "uploads": {"__proto__": {}}}',
    '{"revision": 1, "last": 1, "hidden": {"upTo": 0, "also": [-1]}, "uploads": {}}',
    '{"revision": 1, "last": 1, "hidden": {"upTo": 0, "also": []}, "uploads": {}, "chosen": {"version": "0", "of": 1}}',
    '{"revision": 1e99, "last": 1, "hidden": {"upTo": 0, "also": []}, "uploads": {}}',
    '{"revision": 1, "last": 1, "hidden": {"upTo": 0, "also": []}, "uploads": {"1": {"sha256": "x"}}}',
    `{"retired": 1, "x": "${'x'.repeat(5 * 2 ** 20)}"}`,
  ])('refuses %.80s', (text) => expect(read(text)).toBeUndefined());

  it('takes what an older release wrote, and folders without a state', () => {
    expect(read('{"retired": 1}')).toMatchObject({ last: 2, hidden: { upTo: 1, also: [] }, uploads: { 2: {} } });
    expect(stateOfFolder(['1', '10', '9'])).toMatchObject({ revision: 0, last: 10, uploads: { 1: {}, 9: {}, 10: {} } });
  });
});
