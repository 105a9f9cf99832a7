import { describe, expect, it } from 'vitest';
import { readPickle } from '../../../src/formats/pickle/index.js';
import { comparable, readCases, tag } from '../python-values.js';

describe('readPickle', () => {
  it.each(readCases('pickles.json'))('reads $name as Python does', ({ base64, expected }) => {
    const file = readPickle(Buffer.from(base64, 'base64'));
    expect(tag(file.value)).toEqual(comparable(expected));
    expect(file.trailingBytes).toBe(0);
  });

  it('reads from any place of a larger buffer', () => {
    for (const { base64, expected } of readCases('pickles.json')) {
      const bytes = Buffer.from(base64, 'base64');
      for (const shift of [1, 3]) {
        const shifted = Buffer.concat([Buffer.alloc(shift), bytes]).subarray(shift);
        expect(tag(readPickle(shifted).value)).toEqual(comparable(expected));
      }
    }
  });
});
