/**
 * The compiled readers of `assembly/`, with their memory. One a thread: nothing in it outlasts the reading of one body.
 */
import { code } from './json-assembly-code.js';
import { JsonCursor } from './json-cursor.js';

const pageBytes = 2 ** 16;

/** Of JavaScript itself; the types of Node.js have no more of it than its name. */
declare const WebAssembly: {
  readonly Module: new (code: Uint8Array) => object;
  readonly Instance: new (module: object, imports: object) => { readonly exports: unknown };
};

/** Where in the memory the bytes to be read are put, and what was read is found. */
type Place = 'body' | 'fields' | 'texts' | 'gathered' | 'shape' | 'numbers';

/** What the compiled code gives to call. Places and lengths are in bytes of its memory. */
interface Exports extends Readonly<Record<Place, { readonly value: number }>> {
  readonly memory: { readonly buffer: ArrayBuffer; grow(pages: number): void };
  bytesFor(length: number): number;
  readColumns(length: number): number;
  countTexts(): number;
  countGathered(): number;
  beginList(): void;
  readList(length: number, isLast: boolean): number;
  countAxes(): number;
  countNumbers(): number;
  countConsumed(): number;
}

export class JsonAssembly {
  readonly call: Exports;
  readonly places: Readonly<Record<Place, number>>;
  /** The whole memory, as bytes and as words; others when it has grown. */
  bytes!: Buffer;
  words!: Uint32Array;
  integers!: Int32Array;
  numbers!: Float64Array;
  private long!: LongNumbers;

  constructor() {
    const module = new WebAssembly.Module(Buffer.from(code, 'base64'));
    const imports = { number: { readLongNumber: (from: number) => this.long.read(from) } };
    this.call = new WebAssembly.Instance(module, imports).exports as Exports;
    const { body, fields, texts, gathered, shape, numbers } = this.call;
    this.places = {
      body: body.value,
      fields: fields.value,
      texts: texts.value,
      gathered: gathered.value,
      shape: shape.value,
      numbers: numbers.value,
    };
    this.view();
  }

  /** Grows the memory to `bytes`, of which it never gives any back; false when there is no more. */
  reserve(bytes: number): boolean {
    const missing = bytes - this.bytes.length;
    if (missing <= 0) return true;
    try {
      this.call.memory.grow(Math.ceil(missing / pageBytes));
    } catch {
      return false;
    }
    this.view();
    return true;
  }

  private view(): void {
    const { buffer } = this.call.memory;
    this.bytes = Buffer.from(buffer);
    this.words = new Uint32Array(buffer);
    this.integers = new Int32Array(buffer);
    this.numbers = new Float64Array(buffer);
    this.long = new LongNumbers(this.bytes);
  }
}

/** Numbers that the compiled code leaves: of more than nineteen digits, or far from one. */
class LongNumbers extends JsonCursor {
  read(from: number): number {
    this.at = from;
    return this.readNumber();
  }
}

let opened: JsonAssembly | null | undefined;

/** Null where there is no WebAssembly with vectors, or no memory for it. */
export function openAssembly(): JsonAssembly | null {
  if (opened !== undefined) return opened;
  try {
    opened = new JsonAssembly();
  } catch {
    opened = null;
  }
  return opened;
}
