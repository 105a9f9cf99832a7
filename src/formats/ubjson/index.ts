import { VitrinaError } from '../../errors.js';
import { defaultLimits, type Limits } from '../limits.js';

/** What a typed array of numbers becomes; `L` (int64) becomes float64 when every number fits. */
export type UbjsonArray = Int8Array | Uint8Array | Int16Array | Int32Array | Float32Array | Float64Array;

/** Parsed UBJSON: JSON, with typed arrays where the file has them. Objects have no prototype. */
export type Ubjson = null | boolean | number | string | readonly Ubjson[] | UbjsonArray | UbjsonObject;
export interface UbjsonObject {
  readonly [key: string]: Ubjson;
}

const format = 'UBJSON';

/** Bytes of a number of each type. */
const sizes = { i: 1, U: 1, I: 2, l: 4, L: 8, d: 4, D: 8 } as const;
type NumberMarker = keyof typeof sizes;
const isNumber = (marker: string): marker is NumberMarker => Object.hasOwn(sizes, marker);

/**
 * Parses a UBJSON document (draft 12, big-endian). Nesting and the number of values are capped (a list counts as
 * 12, an object as 24), and no array is made that the bytes do not fill. High-precision numbers are refused.
 * Specification: https://ubjson.org
 *
 * @throws VitrinaError `artefact-malformed` with the offset, `artefact-over-limit`
 */
export function readUbjson(bytes: Uint8Array, limits: Limits = defaultLimits): Ubjson {
  return new Reader(bytes, limits).document();
}

class Reader {
  private readonly view: DataView;
  private position = 0;
  private met = 0;

  constructor(
    private readonly bytes: Uint8Array,
    private readonly limits: Limits,
  ) {
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  document(): Ubjson {
    const value = this.value(this.marker(), 0);
    if (this.position < this.bytes.length) throw this.error('something follows the end of the document');
    return value;
  }

  private error(what: string): VitrinaError {
    return new VitrinaError('artefact-malformed', { format, what, offset: this.position });
  }

  /** Moves past `count` bytes and returns where they begin. */
  private take(count: number): number {
    const start = this.position;
    if (count > this.bytes.length - start) throw this.error('it ends too early');
    this.position = start + count;
    return start;
  }

  private peek(): string {
    return String.fromCharCode(this.bytes[this.position] ?? 0);
  }

  /** The next marker; `N` is a no-op that may stand anywhere. */
  private marker(): string {
    for (;;) {
      const marker = String.fromCharCode(this.bytes[this.take(1)]!);
      if (marker !== 'N') return marker;
    }
  }

  private value(marker: string, depth: number): Ubjson {
    this.charge(1);
    if (isNumber(marker)) return this.number(marker);
    switch (marker) {
      case 'Z':
        return null;
      case 'T':
        return true;
      case 'F':
        return false;
      case 'C':
        return String.fromCharCode(this.bytes[this.take(1)]!);
      case 'S':
        return this.string();
      case '[':
      case '{':
        if (depth >= this.limits.depth) throw this.overLimit('a nesting', depth + 1, 'depth');
        // Two bytes of the file make a container, which takes as much memory as many numbers.
        this.charge(marker === '[' ? 11 : 23);
        return marker === '[' ? this.array(depth + 1) : this.object(depth + 1);
      default:
        throw this.error(`the marker ${JSON.stringify(marker)} stands where a value is expected`);
    }
  }

  /** Takes note of what costs as much memory as `count` numbers in a list. */
  private charge(count: number): void {
    this.met += count;
    if (this.met > this.limits.count) throw this.overLimit('a number of values', this.met, 'count');
  }

  private number(marker: NumberMarker): number {
    const at = this.take(sizes[marker]);
    const { view } = this;
    switch (marker) {
      case 'i':
        return view.getInt8(at);
      case 'U':
        return view.getUint8(at);
      case 'I':
        return view.getInt16(at);
      case 'l':
        return view.getInt32(at);
      case 'L':
        return this.safe(view.getBigInt64(at));
      case 'd':
        return view.getFloat32(at);
      case 'D':
        return view.getFloat64(at);
    }
  }

  private safe(value: bigint): number {
    const number = Number(value);
    if (!Number.isSafeInteger(number)) throw this.error(`the integer ${value} is beyond 2^53`);
    return number;
  }

  private length(): number {
    const marker = this.marker();
    if (!isNumber(marker) || marker === 'd' || marker === 'D') throw this.error('a length is expected');
    const length = this.number(marker);
    if (length < 0) throw this.error(`a length is ${length}`);
    return length;
  }

  private string(): string {
    const length = this.length();
    const start = this.take(length);
    try {
      return utf8.decode(this.bytes.subarray(start, start + length));
    } catch (cause) {
      const what = 'a text is not UTF-8';
      throw new VitrinaError('artefact-malformed', { format, what, offset: start }, { cause });
    }
  }

  /** What may follow `[` and `{`: the type of all values, and how many there are. */
  private header(): { type: string | undefined; count: number | undefined } {
    let type: string | undefined;
    if (this.peek() === '$') {
      this.position++;
      type = this.marker();
      if (this.peek() !== '#') throw this.error('a typed container has no count');
      // Values without bytes would cost nothing in the file and everything in memory.
      if ('ZTF'.includes(type)) throw this.error(`a container of the type ${type} is not read`);
    }
    if (this.peek() !== '#') return { type, count: undefined };
    this.position++;
    const count = this.length();
    if (count > this.bytes.length - this.position) throw this.error(`a container of ${count} values ends too early`);
    return { type, count };
  }

  private array(depth: number): readonly Ubjson[] | UbjsonArray {
    const { type, count } = this.header();
    if (type !== undefined && count !== undefined && isNumber(type)) return this.numbers(type, count);
    const result: Ubjson[] = [];
    if (count !== undefined) {
      for (let i = 0; i < count; i++) result.push(this.value(type ?? this.marker(), depth));
      return result;
    }
    for (;;) {
      const marker = this.marker();
      if (marker === ']') return result;
      result.push(this.value(marker, depth));
    }
  }

  private object(depth: number): UbjsonObject {
    const { type, count } = this.header();
    const result: Record<string, Ubjson> = Object.create(null);
    for (let i = 0; count === undefined || i < count; i++) {
      while (this.peek() === 'N') this.position++;
      if (count === undefined && this.peek() === '}') {
        this.position++;
        break;
      }
      const key = this.string();
      if (key in result) throw this.error(`the key ${JSON.stringify(key.slice(0, 80))} appears twice`);
      result[key] = this.value(type ?? this.marker(), depth);
    }
    return result;
  }

  private numbers(type: NumberMarker, count: number): UbjsonArray {
    const size = sizes[type];
    const at = this.take(count * size);
    // Typed arrays count as one value: they cost no more memory than file.
    const { view } = this;
    switch (type) {
      case 'U':
        // A Buffer's own slice would share the memory of the whole file.
        return new Uint8Array(this.bytes.subarray(at, at + count));
      case 'i':
        return fill(new Int8Array(count), (i) => view.getInt8(at + i));
      case 'I':
        return fill(new Int16Array(count), (i) => view.getInt16(at + 2 * i));
      case 'l':
        return fill(new Int32Array(count), (i) => view.getInt32(at + 4 * i));
      case 'd':
        return fill(new Float32Array(count), (i) => view.getFloat32(at + 4 * i));
      case 'D':
        return fill(new Float64Array(count), (i) => view.getFloat64(at + 8 * i));
      case 'L':
        return fill(new Float64Array(count), (i) => this.safe(view.getBigInt64(at + 8 * i)));
    }
  }

  private overLimit(what: string, value: number, setting: 'depth' | 'count'): VitrinaError {
    return new VitrinaError('artefact-over-limit', { format, what, value, limit: this.limits[setting], setting });
  }
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function fill<T extends UbjsonArray>(array: T, at: (i: number) => number): T {
  for (let i = 0; i < array.length; i++) array[i] = at(i);
  return array;
}
