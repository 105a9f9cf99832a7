import type { GraphBuilder, Value } from '../../graph-builder.js';
import { eachBlock } from '../each-row.js';
import type { Points } from '../kernels/distances.js';
import { distances } from '../kernels/metric.js';

/** Candidates beyond those asked for: the more, the seldomer all points must be measured. */
const spare = 8;

/**
 * The nearest points of each row in squared Euclidean distance: [n, count] and their indices, the lower index first
 * among equals; exactly what measuring every point gives, for less.
 *
 * `|p|² - 2 x·p` is one matrix product and tells distances apart up to a rounding error that has a bound. The best by
 * it are measured from differences. Unless the last of them is farther than those found by more than the error,
 * a point that was not measured could be as near, and all are measured.
 */
export function nearestByShortlist(graph: GraphBuilder, rows: Value, points: Points, count: number): [Value, Value] {
  const { data, rows: samples, columns } = points;
  const centre = new Float64Array(columns);
  for (let i = 0, at = 0; i < samples; i++) for (let j = 0; j < columns; j++) centre[j]! += data[at++]! / samples;
  // -2 p, by column.
  const opposite = new Float64Array(data.length);
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
  const all = constant([samples, columns], data);
  const doubled = constant([columns, samples], opposite);
  const lengths = constant([samples], norms);
  const middle = constant([columns], centre);

  const ofRow = (block: GraphBuilder) =>
    block.subgraph('row', (g) => {
      const first = g.int64s([0]);
      const scalar = (value: number) => g.scalar(value, 'float64');
      const smallest = (values: Value, size: number) =>
        g.multi('TopK', [values, g.int64s([size])], { axis: 1, largest: 0, sorted: 1 }, { outputs: 2 });
      const row = g.node('Unsqueeze', [g.parameter('x', 'float64'), first]);
      const compared = g.node('Unsqueeze', [g.parameter('compared', 'float64'), first]);
      const x = g.node('Sub', [row, middle]);
      const [rough, candidates] = smallest(compared, count + spare);
      // In order of index, so that of equally near ones the first comes first.
      const [ordered] = smallest(candidates!, count + spare);
      const chosen = g.node('Squeeze', [ordered!, first]);
      const difference = g.node('Sub', [g.node('Gather', [all, chosen], { axis: 0 }), row]);
      const measured = g.node('ReduceSumSquare', [difference, g.int64s([1])], { keepdims: 0 });
      const [near, places] = smallest(g.node('Unsqueeze', [measured, first]), count);
      const indices = g.node('Gather', [chosen, places!], { axis: 0 });

      const length = g.node('ReduceSumSquare', [x, g.int64s([1])], { keepdims: 0 });
      const error = g.node('Mul', [
        g.node('Add', [length, scalar(farthest)]),
        scalar((4 * columns + 16) * Number.EPSILON),
      ]);
      const last = (values: Value, size: number) =>
        g.node('Squeeze', [g.node('Gather', [values, g.int64s([size - 1])], { axis: 1 }), g.int64s([1])]);
      const unseen = g.node('Sub', [g.node('Add', [last(rough!, count + spare), length]), error]);
      const isSure = g.node('Squeeze', [g.node('Less', [last(near!, count), unseen]), first]);
      const found = g.subgraph('sure', (inner) => {
        inner.result(near!, 'float64');
        inner.result(indices, 'int64');
      });
      const searched = g.subgraph('unsure', (inner) => {
        const every = distances(inner, row, points, { kind: 'sqeuclidean' });
        const sorted = { axis: 1, largest: 0, sorted: 1 };
        const [value, index] = inner.multi('TopK', [every, inner.int64s([count])], sorted, { outputs: 2 });
        inner.result(value!, 'float64');
        inner.result(index!, 'int64');
      });
      const results = g.multi('If', [isSure], { then_branch: found, else_branch: searched }, { outputs: 2 });
      g.result(g.node('Squeeze', [results[0]!, first]), 'float64');
      g.result(g.node('Squeeze', [results[1]!, first]), 'int64');
    });
  const [near, indices] = eachBlock(graph, rows, columns, ['float64', 'int64'], (g, block) => {
    const moved = g.node('Sub', [block, middle]);
    const compared = g.node('Add', [g.node('MatMul', [moved, doubled]), lengths]);
    return g.multi('Scan', [block, compared], { body: ofRow(g), num_scan_inputs: 2 }, { outputs: 2 });
  });
  return [near!, indices!];
}

/** A shortlist pays where measuring all points takes longer than the steps around it. */
export const isShortlistWorth = ({ rows, data }: Points, count: number) =>
  data.length > 2 ** 16 && rows > 4 * (count + spare);
