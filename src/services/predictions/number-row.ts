/** An object whose values are numbers, as its names and its values. */
export class NumberRow {
  constructor(
    /** Distinct. Rows with the same names in the same order share one list, by which they may be told apart. */
    readonly names: readonly string[],
    readonly values: readonly number[],
  ) {}

  toObject(): Record<string, number> {
    return Object.fromEntries(this.names.map((name, i) => [name, this.values[i]!]));
  }
}
