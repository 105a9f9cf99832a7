import { describe, expect, it } from 'vitest';
import { readNpy } from '../../../src/formats/npy/index.js';
import { comparable, readCases, tag } from '../python-values.js';
import { npyOf } from './npy-writer.js';

describe('readNpy', () => {
  it.each(readCases('npys.json'))('reads $name as NumPy does', ({ name, base64, expected }) => {
    const file = readNpy(Buffer.from(base64, 'base64'));
    expect(tag(file.array)).toEqual(comparable(expected));
    expect(file.trailingBytes).toBe(0);
    if (name.startsWith('version')) expect(file.version).toBe(Number(name.at(-1)));
  });

  it('reads headers in any order and spacing, as other writers have them', () => {
    const file = readNpy(
      npyOf(`{"shape":(2L,), 'fortran_order' : False,'descr':"<i2"}\n`, Buffer.from([1, 0, 2, 0, 9])),
    );
    expect(tag(file.array)).toEqual({ array: ['int16', [2], [{ int: '1' }, { int: '2' }]] });
    expect(file.trailingBytes).toBe(1);
  });

  it('reads what no tensor holds as objects: complex numbers and times', () => {
    const complex = readNpy(
      npyOf("{'descr': '<c8', 'fortran_order': False, 'shape': (1,)}", Buffer.from(Float32Array.of(1.5, -2).buffer)),
    );
    expect(tag(complex.array)).toEqual({ array: ['O', [1], [{ complex: [1.5, -2] }]] });
    const time = readNpy(
      npyOf("{'descr': '>M8[s]', 'fortran_order': False, 'shape': (1,)}", Buffer.from([0, 0, 0, 0, 0, 0, 1, 2])),
    );
    expect(tag(time.array)).toEqual({ array: ['O', [1], [{ scalar: ['M', { int: '258' }] }]] });
  });

  it.each([
    ["{'descr': [('a', '<i4')], 'fortran_order': False, 'shape': (1,)}", /a structured type/],
    ["{'descr': '<f16', 'fortran_order': False, 'shape': (0,)}", /NumPy type <f16/],
    ["{'descr': '<f3', 'fortran_order': False, 'shape': (0,)}", /does not exist/],
    ["{'descr': 'nonsense', 'fortran_order': False, 'shape': (0,)}", /NumPy type "nonsense"/],
    ["{'descr': '<f8', 'fortran_order': False, 'shape': (1,)}", /8 bytes of elements are needed and 0 are left/],
    ["{'descr': '<f8', 'fortran_order': False, 'shape': (99999999999, 99999999999)}", /over the limit|of shape/],
    ["{'descr': '<f8', 'fortran_order': 0, 'shape': ()}", /not the literal/],
    ["{'descr': '<f8', 'fortran_order': False}", /not the literal/],
    ["{'descr': '<f8', 'descr': '<f8', 'fortran_order': False, 'shape': ()}", /not the literal/],
    ["{'descr': '<f8', 'fortran_order': False, 'shape': ()} or 1", /not the literal/],
    ["{'descr': __import__('os').system('id'), 'fortran_order': False, 'shape': ()}", /not the literal/],
    ['', /not the literal/],
  ])('refuses %s', (header, message) => {
    expect(() => readNpy(npyOf(header))).toThrow(message);
  });

  it('refuses unknown versions and cut headers', () => {
    const bytes = npyOf("{'descr': '<f8', 'fortran_order': False, 'shape': (0,)}");
    for (let length = 0; length < bytes.length; length++) expect(() => readNpy(bytes.subarray(0, length))).toThrow();
    bytes[6] = 4;
    expect(() => readNpy(bytes)).toThrow(/version 4\.0/);
  });
});
