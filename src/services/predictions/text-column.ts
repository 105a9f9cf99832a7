/** A column of texts that repeat: each is there once. */
export class TextColumn {
  constructor(
    /** Distinct. The columns of one body may share them, so that not each need be in this one. */
    readonly values: readonly string[],
    /** For each row, which of the values. */
    readonly codes: Int32Array,
  ) {}

  /** One text a row. */
  toList(): string[] {
    return Array.from(this.codes, (code) => this.values[code]!);
  }
}
