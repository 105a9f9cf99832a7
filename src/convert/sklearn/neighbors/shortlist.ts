import { type GraphBuilder, onnxTypes, type Value } from '../../graph-builder.js';
import { eachBlock } from '../each-row.js';
import type { Points } from '../kernels/distances.js';

/** Candidates beyond those asked for: the more, the seldomer all points must be measured. */
const spare = 8;

/** Rounding of single precision, what it loses below its smallest normal number, and squares that are far from its largest. */
const singleEpsilon = 2 ** -23;
const singleTiny = 2 ** -80;
const singleLarge = 2 ** 120;

/**
 * The nearest points of each row in squared Euclidean distance: [n, count] and their indices, the lower index first
 * among equals; exactly what measuring every point gives, for less.
 *
 * `|p|² - 2 x·p` is one matrix product and tells distances apart up to a rounding error that has a bound: in single
 * precision, which takes half the time and memory. The best by it are measured from differences in double precision, for
 * a block of rows at once. Unless the last of them is farther than those found by more than the error, a point that was
 * not measured could be as near, and all are measured.
 */
export function nearestByShortlist(graph: GraphBuilder, rows: Value, points: Points, count: number): [Value, Value] {
  const { data, rows: samples, columns } = points;
  const centre = new Float64Array(columns);
  for (let i = 0, at = 0; i < samples; i++) for (let j = 0; j < columns; j++) centre[j]! += data[at++]! / samples;
  // -2 p, by column.
  const opposite = new Float32Array(data.length);
  const norms = new Float64Array(samples);
  for (let i = 0, at = 0; i < samples; i++) {
    for (let j = 0; j < columns; j++) {
      const value = data[at++]! - centre[j]!;
      opposite[j * samples + i] = -2 * value;
      norms[i]! += value * value;
    }
  }
  const farthest = norms.reduce((most, norm) => Math.max(most, norm), 0);
  const constant = (shape: readonly number[], values: Float64Array) =>
    graph.constant({ dtype: 'float64', shape, data: values }, 'points');
  const single = (shape: readonly number[], values: Float32Array) =>
    graph.constant({ dtype: 'float32', shape, data: values }, 'points');
  const all = constant([samples, columns], data);
  const doubled = single([columns, samples], opposite);
  const lengths = single([samples], Float32Array.from(norms));
  const middle = constant([columns], centre);

  const [near, indices] = eachBlock(graph, rows, columns, samples, ['float64', 'int64'], (g, block) => {
    const first = g.int64s([0]);
    const last = g.int64s([1]);
    const scalar = (value: number) => g.scalar(value, 'float64');
    const smallest = (values: Value, size: number) =>
      g.multi('TopK', [values, g.int64s([size])], { axis: 1, largest: 0, sorted: 1 }, { outputs: 2 });
    const moved = g.node('Sub', [block, middle]);
    const rounded = g.node('Cast', [moved], { to: onnxTypes.float32 });
    const [rough, candidates] = smallest(g.node('Gemm', [rounded, doubled, lengths]), count + spare);
    // In order of index, so that of equally near ones the first comes first.
    const [chosen] = smallest(candidates!, count + spare);
    const difference = g.node('Sub', [
      g.node('Gather', [all, chosen!], { axis: 0 }),
      g.node('Unsqueeze', [block, last]),
    ]);
    const measured = g.node('ReduceSumSquare', [difference, g.int64s([2])], { keepdims: 0 });
    const [best, places] = smallest(measured, count);
    const named = g.node('GatherElements', [chosen!, places!], { axis: 1 });

    const length = g.node('ReduceSumSquare', [moved, last], { keepdims: 1 });
    const error = g.node('Mul', [
      g.node('Add', [length, scalar(farthest + singleTiny)]),
      scalar((4 * columns + 16) * singleEpsilon),
    ]);
    const ofRank = (values: Value, rank: number) => g.node('Gather', [values, g.int64s([rank])], { axis: 1 });
    const farthestRough = g.node('Cast', [ofRank(rough!, count + spare - 1)], { to: onnxTypes.float64 });
    const unseen = g.node('Sub', [g.node('Add', [farthestRough, length]), error]);
    const isNearer = g.node('Less', [ofRank(best!, count - 1), unseen]);
    const isInRange = g.node('Less', [length, scalar(singleLarge - farthest)]);
    const isSure = g.node('Squeeze', [g.node('And', [isNearer, isInRange]), last]);
    const sureRows = g.node('ReduceMin', [g.node('Cast', [isSure], { to: 6 }), first], { keepdims: 0 });
    const found = g.subgraph('sure', (inner) => {
      inner.result(inner.node('Identity', [best!]), 'float64');
      inner.result(inner.node('Identity', [named]), 'int64');
    });
    const searched = g.subgraph('unsure', (inner) => {
      const inputs = [block, best!, named, isSure];
      const scanned = inner.multi(
        'Scan',
        inputs,
        { body: rowBody(inner, all, count), num_scan_inputs: 4 },
        { outputs: 2 },
      );
      inner.result(scanned[0]!, 'float64');
      inner.result(scanned[1]!, 'int64');
    });
    const isWhole = g.node('Cast', [sureRows], { to: 9 });
    return g.multi('If', [isWhole], { then_branch: found, else_branch: searched }, { outputs: 2 });
  });
  return [near!, indices!];
}

/** One row of a block: what the shortlist gave where that is sure, else every point measured. */
function rowBody(graph: GraphBuilder, points: Value, count: number) {
  return graph.subgraph('row', (g) => {
    const row = g.parameter('x', 'float64');
    const near = g.parameter('near', 'float64');
    const indices = g.parameter('indices', 'int64');
    const found = g.subgraph('kept', (inner) => {
      inner.result(inner.node('Identity', [near]), 'float64');
      inner.result(inner.node('Identity', [indices]), 'int64');
    });
    const searched = g.subgraph('measured', (inner) => {
      const every = inner.node('ReduceSumSquare', [inner.node('Sub', [points, row]), inner.int64s([1])], {
        keepdims: 0,
      });
      const sorted = { axis: 0, largest: 0, sorted: 1 };
      const [value, index] = inner.multi('TopK', [every, inner.int64s([count])], sorted, { outputs: 2 });
      inner.result(value!, 'float64');
      inner.result(index!, 'int64');
    });
    const isSure = g.parameter('sure', 'bool');
    const results = g.multi('If', [isSure], { then_branch: found, else_branch: searched }, { outputs: 2 });
    g.result(results[0]!, 'float64');
    g.result(results[1]!, 'int64');
  });
}

/** A shortlist pays where measuring all points takes longer than the steps around it. */
export const isShortlistWorth = ({ rows, data }: Points, count: number) =>
  data.length > 2 ** 13 && rows > 4 * (count + spare);
