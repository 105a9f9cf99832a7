/**
 * A reader for bodies that are one row, `{"age": 61, "weight": 80.5}`. Clients send the same names in the same order: the
 * reader compares them with those of the last body, and reads numbers alone, for a third of what `JSON.parse`, the
 * search for duplicate keys and the look-up of every name cost. What it is not made for it leaves to them.
 */
import { NumberRow } from '../services/predictions/number-row.js';
import { closeObject, colon, comma, JsonCursor, openObject, quote } from './json-cursor.js';

/** Names that are remembered: those of so many different bodies, of so many bytes. */
const mostLayouts = 64;
const mostLayoutBytes = 2 ** 14;

interface Layout {
  readonly names: readonly string[];
  /** Each name in quotes. */
  readonly keys: readonly Uint8Array[];
}

/** Reads the bodies of one server, whose clients repeat themselves. */
export class RowReader {
  private last: Layout | undefined;
  private readonly layouts = new Map<string, Layout>();

  /**
   * `undefined` when `bytes` hold anything but an object of numbers with plain names: escapes, letters beyond ASCII, a
   * name twice, other values, or no JSON at all.
   */
  read(bytes: Buffer): NumberRow | undefined {
    const { last } = this;
    if (last !== undefined) {
      const values = new KnownRow(bytes).read(last.keys);
      if (values !== undefined) return new NumberRow(last.names, values);
    }
    const row = new UnknownRow(bytes).read();
    if (row === undefined) return undefined;
    return new NumberRow(this.remember(row.names), row.values);
  }

  /** The list of those names that all rows share. */
  private remember(names: readonly string[]): readonly string[] {
    // A plain name has no quote.
    const text = names.join('"');
    if (text.length > mostLayoutBytes) return names;
    let layout = this.layouts.get(text);
    if (layout === undefined) {
      if (this.layouts.size === mostLayouts) this.layouts.clear();
      layout = { names, keys: names.map((name) => Buffer.from(`"${name}"`, 'latin1')) };
      this.layouts.set(text, layout);
    }
    this.last = layout;
    return layout.names;
  }
}

/** A body that is expected to have these names. */
class KnownRow extends JsonCursor {
  read(keys: readonly Uint8Array[]): number[] | undefined {
    // Not a Float64Array: its memory lies outside the heap, and costs more to get than the numbers to read.
    const values: number[] = [];
    if (this.next() !== openObject) return undefined;
    for (let i = 0; i < keys.length; i++) {
      this.at++;
      this.next();
      if (!this.skip(keys[i]!) || this.next() !== colon) return undefined;
      this.at++;
      this.next();
      const value = this.readNumber();
      if (Number.isNaN(value) || this.next() !== (i === keys.length - 1 ? closeObject : comma)) return undefined;
      values.push(value);
    }
    this.at++;
    return this.next() === -1 ? values : undefined;
  }

  private skip(key: Uint8Array): boolean {
    const { bytes, at } = this;
    for (let i = 0; i < key.length; i++) if (bytes[at + i] !== key[i]) return false;
    this.at += key.length;
    return true;
  }
}

class UnknownRow extends JsonCursor {
  read(): { names: readonly string[]; values: number[] } | undefined {
    const names = new Set<string>();
    const values: number[] = [];
    if (this.next() !== openObject) return undefined;
    for (;;) {
      this.at++;
      if (this.next() !== quote) return undefined;
      const name = this.readText();
      if (name === undefined || names.has(name) || this.next() !== colon) return undefined;
      this.at++;
      this.next();
      const value = this.readNumber();
      if (Number.isNaN(value)) return undefined;
      names.add(name);
      values.push(value);
      const separator = this.next();
      if (separator === comma) continue;
      this.at++;
      if (separator !== closeObject || this.next() !== -1) return undefined;
      return { names: [...names], values };
    }
  }
}
