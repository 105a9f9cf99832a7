/**
 * A reader for bodies that are columns keyed by row, `{"id": 7, "value": {"0": 36.6, "1": 82}}` (pandas' `to_dict()`):
 * it gives each column in one pass over the bytes, for a third of what `JSON.parse` and the search for duplicate keys
 * cost together. What is not exactly of that form it leaves to them. The pass itself is `assembly/json-columns.ts`.
 */
import { TextColumn } from '../services/predictions/text-column.js';
import { allocateBriefly } from '../tensor.js';
import { assembly } from './json-columns-assembly.js';
import { JsonCursor } from './json-cursor.js';

/** Larger bodies are left: what WebAssembly has once taken of memory, three times the body, it keeps. */
const mostBytes = 2 ** 23;
const pageBytes = 2 ** 16;

/** Kinds of fields. */
const ofNumber = 0;
const ofText = 1;
const ofNumbers = 2;

/**
 * The object that `bytes` hold, every dictionary whose keys are `"0"`, `"1"`, … in order given as a `Float64Array`, or as
 * a `TextColumn`. `undefined` when they hold anything else: a key twice, keys in another order, nesting, texts among
 * numbers, escapes, letters beyond ASCII, or no JSON.
 */
export function parseColumns(bytes: Buffer): Record<string, unknown> | undefined {
  if (bytes.length > mostBytes) return undefined;
  reader ??= open();
  return reader?.read(bytes);
}

/** One a thread; null where there is no WebAssembly with vectors, or no memory for it. */
let reader: ColumnReader | null | undefined;

function open(): ColumnReader | null {
  try {
    return new ColumnReader();
  } catch {
    return null;
  }
}

/** Of JavaScript itself; the types of Node.js have no more of it than its name. */
declare const WebAssembly: {
  readonly Module: new (code: Uint8Array) => object;
  readonly Instance: new (module: object, imports: object) => { readonly exports: unknown };
};

/** What the compiled code gives to call. Places and lengths are in bytes of its memory. */
interface Assembly {
  readonly memory: { readonly buffer: ArrayBuffer; grow(pages: number): void };
  bodyAt(): number;
  fieldsAt(): number;
  textsAt(): number;
  gatheredAt(): number;
  countTexts(): number;
  countGathered(): number;
  bytesFor(length: number): number;
  read(length: number): number;
}

class ColumnReader {
  private readonly assembly: Assembly;
  private readonly bodyAt: number;
  private readonly fieldsAt: number;
  private readonly textsAt: number;
  private readonly gatheredAt: number;
  /** Its memory, which is another when it has grown. */
  private bytes!: Buffer;
  private words!: Uint32Array;
  private codes!: Int32Array;
  private numbers!: Float64Array;
  private long!: LongNumbers;
  /** Names of the fields of the body before, as V8 keeps names: looking each up among all of its names costs more. */
  private readonly names: string[] = [];

  constructor() {
    const module = new WebAssembly.Module(Buffer.from(assembly, 'base64'));
    const imports = { 'json-columns': { readLongNumber: (from: number) => this.long.read(from) } };
    this.assembly = new WebAssembly.Instance(module, imports).exports as Assembly;
    this.bodyAt = this.assembly.bodyAt();
    this.fieldsAt = this.assembly.fieldsAt();
    this.textsAt = this.assembly.textsAt();
    this.gatheredAt = this.assembly.gatheredAt();
    this.view();
  }

  read(bytes: Buffer): Record<string, unknown> | undefined {
    const { assembly, words } = this;
    const missing = assembly.bytesFor(bytes.length) - this.bytes.length;
    if (missing > 0) {
      assembly.memory.grow(Math.ceil(missing / pageBytes));
      this.view();
      return this.read(bytes);
    }
    this.bytes.set(bytes, this.bodyAt);
    const count = assembly.read(bytes.length);
    if (count < 0) return undefined;
    const texts = this.readTexts();
    const fields: Record<string, unknown> = {};
    for (let i = 0; i < count; i++) {
      const field = this.fieldsAt / 4 + i * 6;
      const name = this.nameOf(texts[words[field]!]!, i);
      // `__proto__` would be no field of the object.
      if (Object.hasOwn(fields, name) || name === '__proto__') return undefined;
      fields[name] = this.valueOf(field, texts);
    }
    return fields;
  }

  private nameOf(text: string, place: number): string {
    if (this.names[place] !== text) this.names[place] = text;
    return this.names[place]!;
  }

  private valueOf(field: number, texts: readonly string[]): unknown {
    const { words } = this;
    const kind = words[field + 1];
    const place = words[field + 2]!;
    const rows = words[field + 3]!;
    if (kind === ofNumber) return this.numbers[field / 2 + 2]!;
    if (kind === ofText) return texts[place]!;
    // The next body is read into the same memory.
    if (kind === ofNumbers) {
      const column = allocateBriefly('float64', rows);
      column.set(this.numbers.subarray(place / 8, place / 8 + rows));
      return column;
    }
    const codes = allocateBriefly('int32', rows);
    codes.set(this.codes.subarray(place / 4, place / 4 + rows));
    return new TextColumn(texts, codes);
  }

  /** Made of all texts at once: pieces of a string cost a fraction of strings of their own. */
  private readTexts(): string[] {
    const { assembly, words } = this;
    const all = this.bytes.toString('latin1', this.gatheredAt, this.gatheredAt + assembly.countGathered());
    const texts = new Array<string>(assembly.countTexts());
    for (let i = 0, from = 0; i < texts.length; i++) {
      const to = from + words[this.textsAt / 4 + i * 4 + 1]!;
      texts[i] = all.slice(from, to);
      from = to;
    }
    return texts;
  }

  private view(): void {
    const { buffer } = this.assembly.memory;
    this.bytes = Buffer.from(buffer);
    this.words = new Uint32Array(buffer);
    this.codes = new Int32Array(buffer);
    this.numbers = new Float64Array(buffer);
    this.long = new LongNumbers(this.bytes);
  }
}

/** Numbers of more digits than the compiled code reads by itself. */
class LongNumbers extends JsonCursor {
  read(from: number): number {
    this.at = from;
    return this.readNumber();
  }
}
