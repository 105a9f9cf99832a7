import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { GraphBuilder } from '../../src/convert/graph-builder.js';
import { type Aggregate, branch, Forest, type ForestShape, type TreeColumns } from '../../src/convert/tree-ensemble.js';
import { openSession } from '../../src/runtime/index.js';

/** Runs `forest` on rows of numbers with the real ONNX Runtime. */
async function run(forest: Forest, rows: readonly (readonly number[])[], aggregate?: Aggregate): Promise<number[][]> {
  const { dtype, features, targets } = forest.shape;
  const graph = new GraphBuilder('trees');
  const X = graph.input({ name: 'X', dtype, shape: [null, features] });
  graph.output({ name: 'Y', dtype, shape: [null, targets] }, forest.addTo(graph, X, aggregate));
  const session = await openSession(graph.build(), 'inline');
  const data = dtype === 'float32' ? Float32Array.from(rows.flat()) : Float64Array.from(rows.flat());
  const { Y } = await session.run({ X: { dtype, shape: [rows.length, features], data } });
  await session.close();
  const flat = Array.from(Y!.data as Float64Array);
  return rows.map((_, i) => flat.slice(i * targets, (i + 1) * targets));
}

/** The leaf's row that `x` comes to, by the definition of the columns. */
function walk(tree: TreeColumns, x: readonly number[]): number {
  let row = 0;
  while (tree.left[row]! >= 0) {
    const value = x[tree.feature[row]!]!;
    const threshold = tree.threshold[row]!;
    const mode = typeof tree.mode === 'number' ? tree.mode : tree.mode[row]!;
    const holds = Number.isNaN(value)
      ? tree.missingLeft?.[row] === 1
      : mode === branch.member
        ? Array.from(tree.members!(row)).includes(value)
        : [value <= threshold, value < threshold, value >= threshold, value > threshold][mode]!;
    row = (holds ? tree.left : tree.right)[row]!;
  }
  return row;
}

const features = 3;
/** Whole numbers of both signs, beyond every set and threshold as well, and what is no number. */
const cell = fc.oneof(
  { weight: 8, arbitrary: fc.integer({ min: -3, max: 70 }) },
  fc.constantFrom(Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 1e10),
);

interface Branching {
  readonly feature: number;
  readonly mode: number;
  readonly threshold: number;
  readonly missingLeft: boolean;
  readonly members: readonly number[];
  readonly left: Node;
  readonly right: Node;
}
type Node = number | Branching;

const { node } = fc.letrec<{ node: Node; inner: Branching }>((tie) => ({
  node: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.double({ min: -1, max: 1, noNaN: true }).map(Math.fround),
    tie('inner'),
  ),
  inner: fc.record({
    feature: fc.nat(features - 1),
    mode: fc.constantFrom(branch.leq, branch.lt, branch.gte, branch.gt, branch.member),
    threshold: fc.integer({ min: -2, max: 60 }),
    missingLeft: fc.boolean(),
    members: fc.uniqueArray(fc.nat(66), { minLength: 1, maxLength: 40 }),
    left: tie('node'),
    right: tie('node'),
  }),
}));

/** Columns of a nested tree; `width` values a leaf. */
function columns(root: Node, width: number): TreeColumns {
  const rows: { node: Node; left: number; right: number }[] = [];
  const add = (node: Node): number => {
    const row = rows.push({ node, left: -1, right: -1 }) - 1;
    if (typeof node !== 'number') {
      rows[row]!.left = add(node.left);
      rows[row]!.right = add(node.right);
    }
    return row;
  };
  add(root);
  const pick = <T>(of: (inner: Branching) => T, otherwise: T) =>
    rows.map(({ node }) => (typeof node === 'number' ? otherwise : of(node)));
  return {
    feature: pick(({ feature }) => feature, 0),
    threshold: pick(({ threshold }) => threshold, 0),
    mode: pick(({ mode }) => mode, 0),
    missingLeft: pick(({ missingLeft }) => Number(missingLeft), 0),
    members: (row) => (rows[row]!.node as Branching).members,
    left: rows.map(({ left }) => left),
    right: rows.map(({ right }) => right),
    value: rows.flatMap(({ node }) =>
      Array.from({ length: width }, (_, i) => (typeof node === 'number' ? Math.fround(node * (i + 1)) : 0)),
    ),
  };
}

describe('Forest', () => {
  it('adds up scalar leaves in order, to the last bit, in both types', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(node, { minLength: 1, maxLength: 12 }),
        fc.array(fc.tuple(cell, cell, cell), { minLength: 1, maxLength: 60 }),
        fc.constantFrom('float32' as const, 'float64' as const),
        async (roots, rows, dtype) => {
          const trees = roots.map((root) => columns(root, 1));
          const forest = new Forest({ dtype, features, targets: 2, format: 'test' });
          trees.forEach((tree, i) => {
            forest.addTree(tree, i % 2);
          });
          const round = dtype === 'float32' ? Math.fround : (value: number) => value;
          const expected = rows.map((x) => {
            const sums = [0, 0];
            trees.forEach((tree, i) => {
              sums[i % 2] = round(sums[i % 2]! + tree.value[walk(tree, x)]!);
            });
            return sums;
          });
          expect((await run(forest, rows)).flat().map(plain)).toEqual(expected.flat().map(plain));
        },
      ),
      { numRuns: 60 },
    );
  });

  it('gathers leaves that are vectors', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(node, { minLength: 1, maxLength: 5 }),
        fc.array(fc.tuple(cell, cell, cell), { minLength: 1, maxLength: 20 }),
        async (roots, rows) => {
          const trees = roots.map((root) => columns(root, 3));
          const forest = new Forest({ dtype: 'float64', features, targets: 3, leaves: 'vector', format: 'test' });
          for (const tree of trees) forest.addTree(tree);
          const got = await run(forest, rows, 'max');
          const expected = rows.map((x) =>
            [0, 1, 2].map((i) => Math.max(...trees.map((tree) => tree.value[walk(tree, x) * 3 + i]!))),
          );
          expect(got.flat().map(plain)).toEqual(expected.flat().map(plain));
        },
      ),
      { numRuns: 30 },
    );
  });

  const stump: TreeColumns = {
    feature: [0, 0, 0],
    threshold: [0.5, 0, 0],
    left: [1, -1, -1],
    right: [2, -1, -1],
    mode: branch.lt,
    value: [0, 1, 2],
  };
  const shape: ForestShape = { dtype: 'float64', features: 1, targets: 1, format: 'test' };

  it('averages', async () => {
    const forest = new Forest(shape);
    forest.addTree(stump);
    forest.addTree({ ...stump, value: [0, 3, 8] });
    expect(await run(forest, [[0], [0.5]], 'average')).toEqual([[2], [5]]);
  });

  it.each([
    ['no nodes', { ...stump, left: [], right: [], feature: [], threshold: [] }, 'has no nodes'],
    ['a child beyond the tree', { ...stump, right: [3, -1, -1] }, 'leads to node 3 of 3'],
    ['a child that is no number', { ...stump, right: [Number.NaN, -1, -1] }, 'leads to node NaN of 3'],
    ['a cycle', { ...stump, left: [1, 0, -1], right: [2, 2, -1] }, 'leads to its node 0 twice'],
    ['a shared node', { ...stump, right: [1, -1, -1] }, 'leads to its node 1 twice'],
    ['a feature that the input does not have', { ...stump, feature: [1, 0, 0] }, 'asks for feature 1 of 1'],
    ['columns of different lengths', { ...stump, feature: [0] }, 'different lengths'],
    ['leaves without values', { ...stump, value: [0, 1] }, 'leaves without values'],
    ['an empty set', { ...stump, mode: branch.member, members: () => [] }, 'empty set of categories'],
  ])('refuses %s', (_, tree, message) => {
    expect(() => new Forest(shape).addTree(tree)).toThrow(message);
  });

  it('refuses a tree that is deeper than ONNX Runtime can load, and loads one that is not in a worker', async () => {
    const chain = (depth: number): TreeColumns => {
      const size = 2 * depth + 1;
      const left = Int32Array.from({ length: size }, (_, i) => (i % 2 === 0 && i < size - 1 ? i + 2 : -1));
      const right = left.map((next) => (next < 0 ? -1 : next - 1));
      return { ...stump, feature: new Int32Array(size), threshold: new Float64Array(size), left, right, value: left };
    };
    expect(() => new Forest(shape).addTree(chain(2001))).toThrow('a depth of 2001');
    const forest = new Forest(shape);
    forest.addTree(chain(2000));
    const graph = new GraphBuilder('deep');
    const X = graph.input({ name: 'X', dtype: 'float64', shape: [null, 1] });
    graph.output({ name: 'Y', dtype: 'float64', shape: [null, 1] }, forest.addTo(graph, X));
    const session = await openSession(graph.build(), 'worker');
    const { Y } = await session.run({ X: { dtype: 'float64', shape: [1, 1], data: Float64Array.of(-1) } });
    await session.close();
    expect(Y!.data[0]).toBe(-1);
  });
});

/** -0 and 0 are one number here. */
const plain = (value: number) => (value === 0 ? 0 : value);
