import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { convertSklearn } from '../../../src/convert/sklearn/index.js';
import { VitrinaError } from '../../../src/errors.js';
import { readJoblib } from '../../../src/formats/joblib/index.js';
import {
  NumpyArray,
  PythonDict,
  PythonObject,
  PythonTuple,
  type PythonValue,
} from '../../../src/formats/pickle/index.js';
import { readManifest } from '../../../src/services/loading/manifest.js';
import { array } from './run-estimator.js';

const manifest = join(import.meta.dirname, '../../fixtures/sklearn/releases/manifest.json');
const cases = readManifest(manifest).filter(({ kind }) => kind === 'model' || kind === 'transformer');

const junk: readonly PythonValue[] = [
  ...[
    null,
    'x',
    -1n,
    0n,
    7n,
    2n ** 30n,
    2n ** 40n,
    -0.5,
    Number.NaN,
    Number.POSITIVE_INFINITY,
    1e308,
    true,
    [],
    new PythonTuple([]),
    [null, 'a'],
    new PythonDict(),
  ],
  ...[array([0.5], []), array([]), array([0.5]), array([1, 2, 3, 4], [2, 2]), array([], [3, 0]), array([], [0, 3])],
  ...[array(new Array(8).fill(1), [2, 2, 2]), array(new Array(5).fill(Number.NaN)), [array([1, 2]), array([1, 2, 3])]],
];

/** Every object of a file that has attributes. */
function* objectsIn(value: unknown, seen = new Set<unknown>()): Generator<PythonObject & { state: PythonDict }> {
  if (seen.has(value)) return;
  seen.add(value);
  if (value instanceof PythonObject) {
    if (value.state instanceof PythonDict) yield value as PythonObject & { state: PythonDict };
    yield* objectsIn(value.state, seen);
  } else if (value instanceof PythonDict) {
    for (const key of value.keys()) yield* objectsIn(value.get(key), seen);
  } else if (value instanceof PythonTuple || Array.isArray(value)) {
    for (const item of Array.isArray(value) ? value : value.items) yield* objectsIn(item, seen);
  } else if (value instanceof NumpyArray && value.content?.kind === 'objects') {
    for (const item of value.content.objects.items) yield* objectsIn(item, seen);
  }
}

it('converts or refuses an estimator of which one attribute is something else', () => {
  const pick = fc.record({
    file: fc.integer({ min: 0, max: cases.length - 1 }),
    object: fc.nat(),
    key: fc.nat(),
    value: fc.constantFrom(...junk),
  });
  fc.assert(
    fc.property(pick, ({ file, object, key, value }) => {
      const { artefact } = cases[file]!;
      let root: PythonValue;
      try {
        root = readJoblib(readFileSync(join(dirname(manifest), artefact))).value;
      } catch (error) {
        expect(error).toBeInstanceOf(VitrinaError);
        return;
      }
      const objects = [...objectsIn(root)];
      const { state, global } = objects[object % objects.length]!;
      const names = [...state.keys()];
      const name = names[key % names.length]!;
      state.set(name, value);
      try {
        convertSklearn(root, { format: 'pickle' });
      } catch (error) {
        expect(error, `${artefact}: ${global.name}.${String(name)}: ${error}`).toBeInstanceOf(VitrinaError);
      }
    }),
    { numRuns: 4000 },
  );
});
