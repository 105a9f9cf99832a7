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
 * needs `numbers` on the way. A batch of one block is worked on as it is: most are, and a block has its price.
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
  const limit = graph.int64s([most]);
  const isOne = graph.node('Squeeze', [graph.node('LessOrEqual', [all, limit])]);
  const atOnce = graph.subgraph('whole', (g) => {
    for (const [i, result] of body(g, rows).entries()) g.result(result, dtypes[i]!);
  });
  const inBlocks = graph.subgraph('blocks', (g) => {
    const rest = g.node('Mod', [g.node('Neg', [all]), limit]);
    const filling = g.node('Concat', [rest, g.int64s([columns])], { axis: 0 });
    const zeros = g.node('Expand', [g.scalar(0, 'float64'), filling]);
    const blocks = g.node('Reshape', [g.node('Concat', [rows, zeros], { axis: 0 }), g.int64s([-1, most, columns])]);
    const block = g.subgraph('block', (inner) => {
      for (const [i, result] of body(inner, inner.parameter('rows', 'float64')).entries())
        inner.result(result, dtypes[i]!);
    });
    const results = g.multi('Scan', [blocks], { body: block, num_scan_inputs: 1 }, { outputs: dtypes.length });
    for (const [i, result] of results.entries()) {
      const inside = g.node('Shape', [result], { start: 2 });
      const flat = g.node('Concat', [g.int64s([-1]), inside], { axis: 0 });
      const filled = g.node('Reshape', [result, flat]);
      g.result(g.node('Slice', [filled, g.int64s([0]), all, g.int64s([0])]), dtypes[i]!);
    }
  });
  return graph.multi('If', [isOne], { then_branch: atOnce, else_branch: inBlocks }, { outputs: dtypes.length });
}
