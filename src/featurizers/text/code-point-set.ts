/** A set of code points, tested in constant time. */
export class CodePointSet {
  /** One bit for each of the first 65,536. */
  private readonly bits = new Uint32Array(2048);

  /** `ranges` are pairs of first and last, sorted, apart from each other. */
  private constructor(readonly ranges: readonly (readonly [first: number, last: number])[]) {
    for (const [first, last] of ranges) {
      for (let point = first; point <= last && point < 0x10000; point++) this.bits[point >>> 5]! |= 1 << (point & 31);
    }
  }

  /** Pairs of first and last in any order, overlapping or not. */
  static of(ranges: readonly (readonly [first: number, last: number])[]): CodePointSet {
    const merged: [number, number][] = [];
    for (const [first, last] of [...ranges].sort((a, b) => a[0] - b[0])) {
      const previous = merged.at(-1);
      if (previous !== undefined && first <= previous[1] + 1) previous[1] = Math.max(previous[1], last);
      else merged.push([first, last]);
    }
    return new CodePointSet(merged);
  }

  /** From a table of `unicode-tables.ts`. */
  static decode(table: string): CodePointSet {
    const ranges: [number, number][] = [];
    const runs = table.split(' ').map((run) => Number.parseInt(run, 36));
    for (let i = 0, point = 0; i + 1 < runs.length; i += 2) {
      const first = point + runs[i]!;
      point = first + runs[i + 1]!;
      ranges.push([first, point - 1]);
    }
    return new CodePointSet(ranges);
  }

  complement(): CodePointSet {
    const ranges: [number, number][] = [];
    let next = 0;
    for (const [first, last] of this.ranges) {
      if (first > next) ranges.push([next, first - 1]);
      next = last + 1;
    }
    if (next <= 0x10ffff) ranges.push([next, 0x10ffff]);
    return new CodePointSet(ranges);
  }

  has(point: number): boolean {
    if (point < 0x10000) return ((this.bits[point >>> 5]! >>> (point & 31)) & 1) === 1;
    let low = 0;
    let high = this.ranges.length - 1;
    while (low <= high) {
      const middle = (low + high) >>> 1;
      const [first, last] = this.ranges[middle]!;
      if (point < first) high = middle - 1;
      else if (point > last) low = middle + 1;
      else return true;
    }
    return false;
  }
}
