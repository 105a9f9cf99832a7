import type { GraphBuilder, Value } from '../graph-builder.js';

/** How columns are derived: [batch, n] → [batch, n] of the same type. */
export type Reading = (graph: GraphBuilder, columns: Value) => Value;

/**
 * The columns that trees ask for: features, each read in one of several ways (as it is, a category as a whole number,
 * zero as missing). A block of `features` columns for each way that any node asks for, one after the other.
 */
export class Columns<R extends string> {
  private readonly blocks: R[] = [];

  /** `readings` says how each way is computed. */
  constructor(
    private readonly features: number,
    private readonly readings: Readonly<Record<R, Reading>>,
  ) {}

  /** Where the block of `reading` begins: add the number of a feature. */
  offset(reading: R): number {
    let block = this.blocks.indexOf(reading);
    if (block < 0) block = this.blocks.push(reading) - 1;
    return block * this.features;
  }

  /** How many columns there are, known when all trees have asked. */
  get size(): number {
    return Math.max(1, this.blocks.length) * this.features;
  }

  /** `X` is [batch, features]; the result [batch, size]. */
  addTo(graph: GraphBuilder, X: Value): Value {
    const blocks = this.blocks.map((reading) => this.readings[reading](graph, X));
    if (blocks.length === 0) return X;
    return blocks.length === 1 ? blocks[0]! : graph.node('Concat', blocks, { axis: 1 });
  }
}
