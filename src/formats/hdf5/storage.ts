import { VitrinaError } from '../../errors.js';
import { inflationCap, type Limits } from '../limits.js';
import { verifyChecksum } from './checksum.js';
import { Cursor, damaged, UNDEFINED } from './cursor.js';

const SIGNATURE = [0x89, 0x48, 0x44, 0x46, 0x0d, 0x0a, 0x1a, 0x0a];

/** Where the superblock starts (0, 512, 1024, 2048, …), or -1. */
export function findSuperblock(bytes: Uint8Array): number {
  for (let at = 0; at + SIGNATURE.length <= bytes.length; at = at === 0 ? 512 : at * 2) {
    if (SIGNATURE.every((byte, i) => bytes[at + i] === byte)) return at;
  }
  return -1;
}

/**
 * The bytes of the file with what the superblock says about them: every structure is read through here, counted
 * against the limits, and found at its address only when it lies inside the file.
 */
export class Storage {
  readonly offsetSize: number;
  readonly lengthSize: number;
  readonly rootAddress: number;
  private readonly base: number;
  private met = 0;
  private produced = 0;
  /** A structure takes bytes: what meets more of them than the file can hold walks in circles. */
  private readonly maxStructures: number;
  private readonly groups = new Map<number, string>();

  private readonly bytes: Uint8Array;

  constructor(
    source: Uint8Array,
    readonly limits: Limits,
  ) {
    // A plain view: slice() of a Buffer shares memory where slice() of a Uint8Array copies.
    const bytes = new Uint8Array(source.buffer, source.byteOffset, source.byteLength);
    this.bytes = bytes;
    this.maxStructures = Math.min(limits.count, Math.max(1_000_000, bytes.length));
    if (bytes.length > limits.fileBytes) throw this.overLimit('a size', bytes.length, 'fileBytes');
    const start = findSuperblock(bytes);
    if (start < 0) throw damaged('the HDF5 signature is missing');
    const cursor = new Cursor(bytes.subarray(start), start);
    cursor.skip(SIGNATURE.length);
    const version = cursor.version('the superblock', 0, 1, 2, 3);
    if (version < 2) cursor.skip(4);
    this.offsetSize = cursor.u8();
    this.lengthSize = cursor.u8();
    for (const size of [this.offsetSize, this.lengthSize]) {
      if (size !== 4 && size !== 8) throw damaged(`addresses of ${size} bytes`, start);
    }
    if (version < 2) cursor.skip(version === 0 ? 1 + 4 + 4 : 1 + 4 + 4 + 4);
    else cursor.skip(1);
    const base = cursor.unsigned(this.offsetSize);
    cursor.skip(this.offsetSize);
    const end = cursor.unsigned(this.offsetSize);
    // The library treats the base address as the place where it found the signature.
    this.base = base === start ? base : start;
    if (version < 2) {
      cursor.skip(this.offsetSize); // driver information
      cursor.skip(this.offsetSize); // link name of the root group
    }
    this.rootAddress = cursor.unsigned(this.offsetSize);
    if (version >= 2) verifyChecksum(bytes.subarray(start, start + cursor.position + 4), start);
    if (end === UNDEFINED || end - base + this.base > bytes.length) {
      throw damaged(`the file ends at byte ${bytes.length} and says that it has ${end}: it was cut short`);
    }
  }

  /** A cursor over `length` bytes at an address (to the end of the file when no length is known). */
  at(address: number, length?: number): Cursor {
    const start = this.base + address;
    const stop = length === undefined ? this.bytes.length : start + length;
    if (!(address >= 0 && start < this.bytes.length && stop <= this.bytes.length && stop >= start)) {
      throw damaged('an address points outside the file', start);
    }
    return new Cursor(this.bytes.subarray(start, stop), start);
  }

  /** Like `at`, for a structure that ends with a checksum over all its `length` bytes. */
  checked(address: number, length: number): Cursor {
    const cursor = this.at(address, length);
    verifyChecksum(cursor.bytes, cursor.base);
    return new Cursor(cursor.bytes.subarray(0, length - 4), cursor.base);
  }

  offset(cursor: Cursor): number {
    return cursor.unsigned(this.offsetSize);
  }

  length(cursor: Cursor): number {
    return cursor.unsigned(this.lengthSize);
  }

  /** Counts objects, messages, entries: what a small file can make a reader walk over and over. */
  count(number: number): void {
    this.met += number;
    if (this.met > this.maxStructures) {
      throw this.overLimit('a number of structures', this.met, 'count', this.maxStructures);
    }
  }

  /** Announces bytes that are about to be allocated for one tensor, before they are. */
  announce(bytes: number, path: string): void {
    if (bytes > this.limits.tensorBytes) throw this.overLimit(`a tensor (${path})`, bytes, 'tensorBytes');
    this.produced += bytes;
    const cap = inflationCap(this.bytes.length, this.limits);
    if (this.produced > cap) throw this.overLimit('data', this.produced, 'inflationRatio', cap);
  }

  /**
   * Takes note of a group that is reached by `path`. A group inside of itself, or inside of several others, is what a
   * small file can be walked through without end with; Keras and h5py write none.
   */
  enterGroup(address: number, path: string): void {
    const known = this.groups.get(address);
    if (known === undefined) this.groups.set(address, path);
    else if (known !== path) throw damaged(`the group ${path} is the group ${known} as well`, address);
  }

  overLimit(what: string, value: number, setting: keyof Limits, limit = this.limits[setting]): VitrinaError {
    return new VitrinaError('artefact-over-limit', { format: 'HDF5', what, value, limit, setting });
  }
}
