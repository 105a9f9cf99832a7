import { sizeOf } from '../tensor.js';

/**
 * A list of numbers, or of lists of them, as deep as they may be and each level of one size: what `JSON.parse` gives as
 * nested lists, row-major in one piece.
 */
export class NumberArray {
  constructor(
    readonly data: Float64Array,
    /** No size is 0. */
    readonly shape: readonly number[],
  ) {}

  /** The same as nested lists. */
  toLists(): unknown[] {
    let level: unknown[] = Array.from(this.data);
    for (let axis = this.shape.length - 1; axis > 0; axis--) {
      const size = this.shape[axis]!;
      const count = sizeOf(this.shape.slice(0, axis));
      const inner = level;
      level = Array.from({ length: count }, (_, i) => inner.slice(i * size, (i + 1) * size));
    }
    return level;
  }
}
