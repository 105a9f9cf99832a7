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
