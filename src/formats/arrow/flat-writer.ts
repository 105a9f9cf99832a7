/** Writes FlatBuffers from front to back: a table, then what it refers to. Specification: https://flatbuffers.dev/internals/ */

/** A number in a table, of so many bytes. */
export interface FlatNumber {
  readonly bytes: 1 | 2 | 4 | 8;
  readonly value: number;
}

export type FlatNode =
  /** Fields by their numbers; one that is left out has its default. */
  | { readonly table: readonly (FlatNumber | FlatNode | undefined)[] }
  | { readonly text: string }
  | { readonly tables: readonly FlatNode[] }
  /** A list of structures of `width` 64-bit integers. */
  | { readonly int64s: readonly number[]; readonly width: number };

/** The bytes of a FlatBuffer with this root; their number is a multiple of 8. */
export function writeFlat(root: FlatNode): Uint8Array {
  const writer = new FlatWriter();
  const at = writer.reserve(4, 4);
  writer.refer(at, writer.write(root));
  return writer.finish();
}

class FlatWriter {
  private bytes = new Uint8Array(1024);
  private view = new DataView(this.bytes.buffer);
  private length = 0;

  /** Room for `size` bytes at a place that leaves `remainder` modulo `alignment`. */
  reserve(size: number, alignment: number, remainder = 0): number {
    while (this.length % alignment !== remainder) this.length++;
    const at = this.length;
    this.length += size;
    if (this.length > this.bytes.length) {
      const larger = new Uint8Array(2 * this.length);
      larger.set(this.bytes);
      this.bytes = larger;
      this.view = new DataView(larger.buffer);
    }
    return at;
  }

  refer(from: number, to: number): void {
    this.view.setUint32(from, to - from, true);
  }

  /** Writes a node and all below it; gives its place. */
  write(node: FlatNode): number {
    if ('table' in node) return this.table(node.table);
    if ('text' in node) {
      const text = Buffer.from(node.text);
      const at = this.reserve(4 + text.length + 1, 4);
      this.view.setUint32(at, text.length, true);
      this.bytes.set(text, at + 4);
      return at;
    }
    if ('tables' in node) {
      const at = this.reserve(4 + 4 * node.tables.length, 4);
      this.view.setUint32(at, node.tables.length, true);
      for (const [i, item] of node.tables.entries()) this.refer(at + 4 + 4 * i, this.write(item));
      return at;
    }
    const at = this.reserve(4 + 8 * node.int64s.length, 8, 4);
    this.view.setUint32(at, node.int64s.length / node.width, true);
    for (const [i, value] of node.int64s.entries()) this.view.setBigInt64(at + 4 + 8 * i, BigInt(value), true);
    return at;
  }

  finish(): Uint8Array {
    this.reserve(0, 8);
    return this.bytes.slice(0, this.length);
  }

  /** The layout (sizes, then where each field is), then the table, its widest fields first. */
  private table(fields: readonly (FlatNumber | FlatNode | undefined)[]): number {
    const sizes = fields.map((field) => (field === undefined ? 0 : 'bytes' in field ? field.bytes : 4));
    const layout = this.reserve(4 + 2 * fields.length, 2);
    const size = 4 + sizes.reduce((sum: number, bytes) => sum + bytes, 0);
    const at = this.reserve(size, 8, 4);
    this.view.setUint16(layout, 4 + 2 * fields.length, true);
    this.view.setUint16(layout + 2, size, true);
    this.view.setInt32(at, at - layout, true);
    const places: number[] = [];
    let next = 4;
    for (const bytes of [8, 4, 2, 1]) {
      for (const [i, own] of sizes.entries()) {
        if (own !== bytes) continue;
        places[i] = at + next;
        this.view.setUint16(layout + 4 + 2 * i, next, true);
        next += bytes;
      }
    }
    for (const [i, field] of fields.entries()) {
      if (field === undefined) continue;
      if ('bytes' in field) this.number(places[i]!, field);
      else this.refer(places[i]!, this.write(field));
    }
    return at;
  }

  private number(at: number, { bytes, value }: FlatNumber): void {
    if (bytes === 8) this.view.setBigInt64(at, BigInt(value), true);
    else if (bytes === 4) this.view.setInt32(at, value, true);
    else if (bytes === 2) this.view.setInt16(at, value, true);
    else this.view.setInt8(at, value);
  }
}
