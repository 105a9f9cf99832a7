/**
 * Terms by their UTF-16 units, so that a piece of a text is looked up without becoming a string of its own.
 * Open addressing; the hash is seeded, so that no file can be made to collide.
 */
export class Vocabulary {
  readonly size: number;
  /** The most units that a term has. */
  readonly longest: number;
  /** The most spaces that a term has. */
  readonly mostSpaces: number;
  /** Term number + 1 by slot, 0 where it is free. */
  private readonly slots: Int32Array;
  private readonly hashes: Int32Array;
  private readonly starts: Int32Array;
  private readonly pool: Uint16Array;
  private readonly seed = (Math.random() * 2 ** 32) | 0;
  private readonly factor = ((Math.random() * 2 ** 32) | 1) ^ 0x10000;

  /** @throws TypeError when a term comes twice */
  constructor(terms: readonly string[]) {
    this.size = terms.length;
    let slots = 16;
    while (slots < terms.length * 2) slots *= 2;
    this.slots = new Int32Array(slots);
    this.hashes = new Int32Array(terms.length);
    this.starts = new Int32Array(terms.length + 1);
    this.pool = new Uint16Array(terms.reduce((sum, term) => sum + term.length, 0));
    let at = 0;
    let longest = 0;
    let mostSpaces = 0;
    for (const [number, term] of terms.entries()) {
      const start = at;
      let spaces = 0;
      for (let i = 0; i < term.length; i++) {
        const unit = term.charCodeAt(i);
        if (unit === 32) spaces++;
        this.pool[at++] = unit;
      }
      this.starts[number + 1] = at;
      longest = Math.max(longest, term.length);
      mostSpaces = Math.max(mostSpaces, spaces);
      const hash = this.hashOf(this.pool, start, at);
      this.hashes[number] = hash;
      let slot = this.slotOf(hash);
      for (; this.slots[slot] !== 0; slot = (slot + 1) & (slots - 1)) {
        if (this.holds(this.slots[slot]! - 1, hash, this.pool, start, at)) {
          throw new TypeError(`the term "${term.slice(0, 80)}" comes twice`);
        }
      }
      this.slots[slot] = number + 1;
    }
    this.longest = longest;
    this.mostSpaces = mostSpaces;
  }

  /** Number of the term `units[start..end)`, or -1. */
  find(units: Uint16Array, start: number, end: number): number {
    const { slots } = this;
    const hash = this.hashOf(units, start, end);
    for (let slot = this.slotOf(hash); ; slot = (slot + 1) & (slots.length - 1)) {
      const number = slots[slot]! - 1;
      if (number < 0 || this.holds(number, hash, units, start, end)) return number;
    }
  }

  private hashOf(units: Uint16Array, start: number, end: number): number {
    let hash = this.seed;
    for (let i = start; i < end; i++) hash = (Math.imul(hash ^ units[i]!, this.factor) + 0x7f4a7c15) | 0;
    return hash;
  }

  private slotOf(hash: number): number {
    return (hash ^ (hash >>> 15)) & (this.slots.length - 1);
  }

  private holds(number: number, hash: number, units: Uint16Array, start: number, end: number): boolean {
    if (this.hashes[number] !== hash) return false;
    const { pool, starts } = this;
    const from = starts[number]!;
    if (starts[number + 1]! - from !== end - start) return false;
    for (let i = start, j = from; i < end; i++, j++) if (units[i] !== pool[j]) return false;
    return true;
  }
}
