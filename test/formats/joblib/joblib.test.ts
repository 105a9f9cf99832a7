import { describe, expect, it } from 'vitest';
import { readJoblib } from '../../../src/formats/joblib/index.js';
import { comparable, readCases, tag } from '../python-values.js';

describe('readJoblib', () => {
  it.each(readCases('joblibs.json'))('reads $name as joblib does', ({ name, base64, expected }) => {
    const file = readJoblib(Buffer.from(base64, 'base64'));
    expect(tag(file.value)).toEqual(comparable(expected));
    expect(file.format).toBe('joblib');
    expect(file.trailingBytes).toBe(0);
    expect(file.values.slice(1).map(tag)).toEqual(name === 'two in one stream' ? [[{ int: '1' }]] : []);
  });

  it('reads a plain pickle, and says that it is one', () => {
    const file = readJoblib(Buffer.from(']q\x00K\x01a.', 'latin1'));
    expect(file.value).toEqual([1n]);
    expect(file).toMatchObject({ format: 'pickle', compression: undefined });
  });

  it('refuses what joblib below 0.10 wrote, in words', () => {
    const wrapper = Buffer.from('cjoblib.numpy_pickle\nNDArrayWrapper\n)\x81}b.', 'latin1');
    expect(() => readJoblib(wrapper)).toThrow(/files of their own \(joblib before 0\.10\)/);
    expect(() => readJoblib(Buffer.from('ZF0x10'))).toThrow(/compression of joblib before 0\.10/);
  });
});
