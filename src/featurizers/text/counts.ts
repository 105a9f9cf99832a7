/** Counts by feature of one text after the other. */
export class Counts {
  private readonly values: Float64Array;
  private readonly seen: Uint8Array;
  private touched = new Int32Array(256);
  private count = 0;

  constructor(size: number) {
    this.values = new Float64Array(size);
    this.seen = new Uint8Array(size);
  }

  add(index: number, value: number): void {
    if (this.seen[index] === 0) {
      this.seen[index] = 1;
      if (this.count === this.touched.length) {
        const grown = new Int32Array(this.count * 2);
        grown.set(this.touched);
        this.touched = grown;
      }
      this.touched[this.count++] = index;
    }
    this.values[index]! += value;
  }

  /** The features met, in ascending order, and their counts, in an array used again; everything is 0 afterwards. */
  take(values: Float64Array): Int32Array {
    const indices = this.touched.subarray(0, this.count).sort();
    for (let i = 0; i < indices.length; i++) {
      const index = indices[i]!;
      values[i] = this.values[index]!;
      this.values[index] = 0;
      this.seen[index] = 0;
    }
    this.count = 0;
    return indices;
  }

  /** How many features were met. */
  get met(): number {
    return this.count;
  }
}
