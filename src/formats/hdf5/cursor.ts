import { VitrinaError } from '../../errors.js';

/** What an address or a length reads as when all its bits are set: "undefined" or "unlimited". */
export const UNDEFINED = Number.POSITIVE_INFINITY;

export function damaged(what: string, offset?: number): VitrinaError {
  return new VitrinaError('artefact-malformed', {
    format: 'HDF5',
    what,
    ...(offset !== undefined && Number.isFinite(offset) ? { offset } : {}),
  });
}

export function unsupported(what: string, next = 'save the model again with plain h5py settings'): VitrinaError {
  return new VitrinaError('artefact-unsupported', { format: 'HDF5', what, next });
}

export function unsafe(what: string, next: string): VitrinaError {
  return new VitrinaError('artefact-unsafe', { format: 'HDF5', what, next });
}

/** A little-endian reader that never leaves its bytes: what lies outside is an error of the catalogue. */
export class Cursor {
  private readonly view: DataView;
  position = 0;

  /** `base` is where `bytes` begins in the file, so that errors name the file's own offsets. */
  constructor(
    readonly bytes: Uint8Array,
    readonly base = 0,
  ) {
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get remaining(): number {
    return this.bytes.length - this.position;
  }

  /** Claims `length` bytes and returns where they start. */
  private claim(length: number): number {
    if (!(length >= 0 && length <= this.remaining)) {
      throw damaged(`${length} bytes are expected where ${this.remaining} are left`, this.base + this.position);
    }
    const start = this.position;
    this.position += length;
    return start;
  }

  skip(length: number): void {
    this.claim(length);
  }

  /** Moves to the next multiple of `size`, counted from the start of these bytes; the end may come first. */
  align(size: number): void {
    this.position = Math.min(Math.ceil(this.position / size) * size, this.bytes.length);
  }

  u8(): number {
    return this.view.getUint8(this.claim(1));
  }

  u16(): number {
    return this.view.getUint16(this.claim(2), true);
  }

  u32(): number {
    return this.view.getUint32(this.claim(4), true);
  }

  /** An unsigned integer of 1 to 8 bytes; `UNDEFINED` when all its bits are set and it has at least 4 bytes. */
  unsigned(size: number): number {
    const start = this.claim(size);
    let value = 0;
    let ones = size >= 4;
    for (let i = size - 1; i >= 0; i--) {
      const byte = this.bytes[start + i]!;
      if (byte !== 0xff) ones = false;
      value = value * 256 + byte;
    }
    if (ones) return UNDEFINED;
    if (!Number.isSafeInteger(value)) throw damaged('a number is far too large', this.base + start);
    return value;
  }

  take(length: number): Uint8Array {
    const start = this.claim(length);
    return this.bytes.subarray(start, start + length);
  }

  /** A string that ends with a zero byte, without it. */
  zeroTerminated(): string {
    const end = this.bytes.indexOf(0, this.position);
    if (end < 0) throw damaged('a name has no end', this.base + this.position);
    const text = decodeText(this.take(end - this.position));
    this.position++;
    return text;
  }

  /** Four characters that mark a structure. */
  signature(expected: string): void {
    const at = this.base + this.position;
    const found = Buffer.from(this.take(expected.length)).toString('latin1');
    if (found !== expected) throw damaged(`the mark ${JSON.stringify(expected)} is missing`, at);
  }

  /** One byte that must be one of `versions`. */
  version(structure: string, ...versions: number[]): number {
    const at = this.base + this.position;
    const found = this.u8();
    if (!versions.includes(found)) throw damaged(`${structure} has the unknown version ${found}`, at);
    return found;
  }
}

const utf8 = new TextDecoder('utf-8', { fatal: true });

/** UTF-8 (of which ASCII is a part), strictly. */
export function decodeText(bytes: Uint8Array): string {
  try {
    return utf8.decode(bytes);
  } catch (cause) {
    throw new VitrinaError('artefact-malformed', { format: 'HDF5', what: 'a text is not UTF-8' }, { cause });
  }
}
