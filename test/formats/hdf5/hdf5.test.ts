import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { VitrinaError } from '../../../src/errors.js';
import { type Hdf5Dataset, type Hdf5Group, openHdf5 } from '../../../src/formats/hdf5/index.js';
import { defaultLimits } from '../../../src/formats/limits.js';
import { float16ToNumber } from '../../../src/tensor.js';

const folder = 'test/fixtures/hdf5';
const file = (name: string): Uint8Array => readFileSync(`${folder}/${name}.h5`);

interface Described {
  attributes: Record<string, unknown>;
  shape?: number[];
  dtype?: string;
  data?: (number | string | boolean)[];
}

function dataset(root: Hdf5Group, path: string): Hdf5Dataset {
  let found: Hdf5Group | Hdf5Dataset | undefined = root;
  for (const name of path.split('/').filter(Boolean)) found = found?.kind === 'group' ? found.child(name) : undefined;
  if (found?.kind !== 'dataset') throw new Error(`no dataset ${path}`);
  return found;
}

/** Reads a whole file into the form that make.py writes. */
function describeFile(root: Hdf5Group): Record<string, Described> {
  const result: Record<string, Described> = {};
  const visit = (item: Hdf5Group | Hdf5Dataset): void => {
    const { attributes } = item;
    const entry: Described = { attributes: Object.fromEntries(attributes.names().map((n) => [n, attributes.get(n)])) };
    if (item.kind === 'dataset') {
      const { dtype, shape, data } = item.read();
      entry.shape = [...shape];
      entry.dtype = dtype;
      entry.data = Array.from(data as Iterable<string | number | bigint>, (value) => {
        if (dtype === 'bool') return value === 1;
        if (dtype === 'float16') return float16ToNumber(value as number);
        return typeof value === 'bigint' ? Number(value) : value;
      });
    }
    result[item.path] = entry;
    if (item.kind === 'dataset') return;
    for (const name of item.names()) {
      if (item.path === '/' && name === 'committed') continue;
      visit(item.child(name)!);
    }
  };
  visit(root);
  return result;
}

const dtypes: Record<string, string> = { object: 'string', '>f8': 'float64', '|S4': 'string' };

describe('what h5py writes', () => {
  const all = JSON.parse(readFileSync(`${folder}/expected.json`, 'utf8')) as Record<string, Record<string, Described>>;
  test.each(Object.keys(all))('%s', (name) => {
    const expected = Object.fromEntries(
      Object.entries(all[name]!).map(([path, entry]) => [
        path,
        entry.dtype === undefined ? entry : { ...entry, dtype: dtypes[entry.dtype] ?? entry.dtype },
      ]),
    );
    expect(describeFile(openHdf5(file(name)))).toEqual(expected);
  });

  test('the bytes may start anywhere in their buffer', () => {
    const source = file('earliest');
    const shifted = new Uint8Array(source.length + 3).subarray(3);
    shifted.set(source);
    expect(dataset(openHdf5(shifted), 'numbers/float64').read()).toEqual(
      dataset(openHdf5(source), 'numbers/float64').read(),
    );
  });
});

describe('what is refused', () => {
  const cases: [string, string, RegExp][] = [
    ['refused', 'lzf', /filter 32000 \(LZF\)/],
    ['refused', 'scale-offset', /filter 6 \(scale-offset\)/],
    ['refused', 'compound', /compound datatype/],
    ['refused', 'opaque', /opaque datatype/],
    ['refused', 'reference', /reference datatype/],
    ['refused', 'complex', /compound datatype/],
    ['refused', 'list', /lists of variable length/],
    ['refused', 'enumeration', /enumeration datatype/],
    ['refused', 'unwritten', /never written/],
    ['refused', 'bomb', /a tensor \(\/bomb\/x\) of 1099511627776, over the limit/],
    ['refused', 'half-written', /not all written/],
    ['refused', 'external-storage', /in other files/],
    ['refused', 'soft-link', /a soft link \(\/soft-link\/x\)/],
    ['refused', 'external-link', /an external link/],
    ['refused', 'virtual', /virtual dataset/],
    ['refused', 'named-type', /neither a group nor a dataset/],
    ['refused-latest', 'resizable', /resizable dataset/],
    ['refused-latest', 'soft-link', /a soft link/],
    ['refused-latest', 'external-link', /an external link/],
  ];
  test.each(cases)('%s: %s', (name, path, message) => {
    const root = openHdf5(file(name));
    expect(() => dataset(root, `${path}/x`).read()).toThrow(message);
    expect(() => dataset(root, `${path}/x`).read()).toThrow(VitrinaError);
  });

  test('a group that contains itself is refused', () => {
    const root = openHdf5(file('loop'), { ...defaultLimits, depth: 20 });
    const descend = (group: Hdf5Group): void => {
      for (const name of group.names()) descend(group.child(name) as Hdf5Group);
    };
    expect(() => descend(root)).toThrow(/the group \/a\/b is the group \/ as well/);
  });

  test.each([
    ['fileBytes', 1000, 'numbers/float32', /a size of/],
    ['tensorBytes', 1000, 'chunks/plain', /a tensor \(\/chunks\/plain\) of 1820/],
    ['inflatedBytes', 1000, 'chunks/gzip', /data of 1820/],
    ['count', 500, 'chunks/many', /a number of structures/],
  ] as const)('over %s', (setting, limit, path, message) => {
    const read = (): unknown =>
      dataset(openHdf5(file('earliest'), { ...defaultLimits, [setting]: limit }), path).read();
    expect(read).toThrow(message);
  });
});

describe('what is damaged', () => {
  test('a file cut anywhere is refused', () => {
    const whole = file('user-block');
    for (let length = 0; length < whole.length; length++) {
      expect(() => describeFile(openHdf5(whole.subarray(0, length)))).toThrow(VitrinaError);
    }
  });

  test('a wrong checksum is noticed', () => {
    const bytes = Uint8Array.from(file('latest'));
    const at = Buffer.from(bytes).indexOf('OHDR') + 20;
    bytes[at] = bytes[at]! ^ 1;
    expect(() => describeFile(openHdf5(bytes))).toThrow(/checksum does not match/);
  });

  // Everything that a flipped byte may cause is a value or an error of the catalogue: never a crash, a hang, an
  // allocation beyond the limits, or an error of the language.
  test.each(['earliest', 'latest', 'track-order', 'refused'])('flipped bytes in %s', (name) => {
    const source = file(name);
    const limits = { ...defaultLimits, tensorBytes: 2 ** 24, inflatedBytes: 2 ** 26, count: 200_000, depth: 20 };
    const length = Math.min(source.length, 60_000);
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(length - 1), fc.nat(255)), { minLength: 1, maxLength: 4 }), (changes) => {
        const bytes = Uint8Array.from(source);
        for (const [at, value] of changes) bytes[at] = value;
        try {
          describeFile(openHdf5(bytes, limits));
        } catch (error) {
          if (!(error instanceof VitrinaError)) throw error;
        }
      }),
      { numRuns: 150 },
    );
  });
});
