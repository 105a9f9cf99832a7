import type { DataType } from '../../tensor.js';
import type { GraphBuilder, Value } from '../graph-builder.js';

/** Above so many numbers a row, rows are worked on one after the other: a batch at once would need too much memory. */
const mostNumbers = 4096;

/**
 * What `body` makes of rows [n, size], for a whole batch: at once where a row needs few `numbers` on the way, else row
 * after row. `dtypes` are those of the results, each [n, …].
 */
export function eachRow(
  graph: GraphBuilder,
  rows: Value,
  numbers: number,
  dtypes: readonly DataType[],
  body: (graph: GraphBuilder, rows: Value) => readonly Value[],
): Value[] {
  if (numbers <= mostNumbers) return [...body(graph, rows)];
  const inner = graph.subgraph('row', (g) => {
    const row = g.parameter('x', 'float64');
    const first = g.int64s([0]);
    for (const [i, result] of body(g, g.node('Unsqueeze', [row, first])).entries()) {
      g.result(g.node('Squeeze', [result, first]), dtypes[i]!);
    }
  });
  return graph.multi('Scan', [rows], { body: inner, num_scan_inputs: 1 }, { outputs: dtypes.length });
}

/** Rows that a block has at most. */
const blockRows = 64;

/** Numbers that a block may take on the way: 16 MB of them. */
const blockNumbers = 2 ** 21;

/**
 * As `eachRow`, in blocks of some rows, for what is done to many rows at once: rows of 0 fill the last block up. A row
 * needs `numbers` on the way.
 */
export function eachBlock(
  graph: GraphBuilder,
  rows: Value,
  columns: number,
  numbers: number,
  dtypes: readonly DataType[],
  body: (graph: GraphBuilder, rows: Value) => readonly Value[],
): Value[] {
  const most = Math.max(1, Math.min(blockRows, Math.floor(blockNumbers / numbers)));
  const all = graph.node('Shape', [rows], { end: 1 });
  const size = graph.node('Min', [all, graph.int64s([most])]);
  const rest = graph.node('Mod', [graph.node('Neg', [all]), size]);
  const filling = graph.node('Concat', [rest, graph.int64s([columns])], { axis: 0 });
  const zeros = graph.node('Expand', [graph.scalar(0, 'float64'), filling]);
  const shape = graph.node('Concat', [graph.int64s([-1]), size, graph.int64s([columns])], { axis: 0 });
  const blocks = graph.node('Reshape', [graph.node('Concat', [rows, zeros], { axis: 0 }), shape]);
  const inner = graph.subgraph('block', (g) => {
    for (const [i, result] of body(g, g.parameter('rows', 'float64')).entries()) g.result(result, dtypes[i]!);
  });
  const results = graph.multi('Scan', [blocks], { body: inner, num_scan_inputs: 1 }, { outputs: dtypes.length });
  return results.map((result) => {
    const inside = graph.node('Shape', [result], { start: 2 });
    const flat = graph.node('Concat', [graph.int64s([-1]), inside], { axis: 0 });
    const filled = graph.node('Reshape', [result, flat]);
    return graph.node('Slice', [filled, graph.int64s([0]), all, graph.int64s([0])]);
  });
}
