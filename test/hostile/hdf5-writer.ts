/**
 * HDF5 files that lie: superblock 0, object headers 1, groups of link messages. An object is written before what points
 * to it, and `patch` lets a file point to what comes later.
 * Specification: https://support.hdfgroup.org/documentation/hdf5/latest/_f_m_t3.html
 */
export class Hdf5Writer {
  private bytes = Buffer.alloc(96);

  get length(): number {
    return this.bytes.length;
  }

  /** Appends an object of header messages and returns its address. */
  object(messages: readonly Message[]): number {
    const bodies = messages.map(({ type, body }) => {
      const padded = Buffer.alloc(Math.ceil(body.length / 8) * 8);
      body.copy(padded);
      const head = Buffer.alloc(8);
      head.writeUInt16LE(type, 0);
      head.writeUInt16LE(padded.length, 2);
      return Buffer.concat([head, padded]);
    });
    const header = Buffer.alloc(16);
    header.writeUInt8(1, 0);
    header.writeUInt16LE(messages.length, 2);
    header.writeUInt32LE(1, 4);
    header.writeUInt32LE(Buffer.concat(bodies).length, 8);
    return this.append(Buffer.concat([header, ...bodies]));
  }

  append(bytes: Uint8Array): number {
    const address = this.bytes.length;
    this.bytes = Buffer.concat([this.bytes, bytes, Buffer.alloc((8 - (bytes.length % 8)) % 8)]);
    return address;
  }

  patch(address: number, value: bigint): void {
    this.bytes.writeBigUInt64LE(value, address);
  }

  finish(root: number): Buffer {
    const { bytes } = this;
    Buffer.from([0x89, 0x48, 0x44, 0x46, 0x0d, 0x0a, 0x1a, 0x0a, 0, 0, 0, 0, 0, 8, 8, 0, 4, 0, 16, 0]).copy(bytes);
    bytes.writeBigUInt64LE(0n, 24);
    bytes.writeBigUInt64LE(undefinedAddress, 32);
    bytes.writeBigUInt64LE(BigInt(bytes.length), 40);
    bytes.writeBigUInt64LE(undefinedAddress, 48);
    bytes.writeBigUInt64LE(0n, 56);
    bytes.writeBigUInt64LE(BigInt(root), 64);
    return bytes;
  }
}

export interface Message {
  readonly type: number;
  readonly body: Buffer;
}

const undefinedAddress = 2n ** 64n - 1n;

const uint64 = (value: number | bigint) => {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt(value));
  return bytes;
};

/** What makes an object a group whose links are messages. */
export const linkInfo: Message = {
  type: 2,
  body: Buffer.concat([Buffer.from([0, 0]), uint64(undefinedAddress), uint64(undefinedAddress)]),
};

const linkHead = (name: string, kind: number) =>
  Buffer.concat([Buffer.from([1, 8, kind, Buffer.byteLength(name)]), Buffer.from(name)]);

export const hardLink = (name: string, address: number): Message => ({
  type: 6,
  body: Buffer.concat([linkHead(name, 0), uint64(address)]),
});

export const externalLink = (name: string, file: string, path: string): Message => {
  const target = Buffer.from(`\0${file}\0${path}\0`);
  const length = Buffer.alloc(2);
  length.writeUInt16LE(target.length);
  return { type: 6, body: Buffer.concat([linkHead(name, 64), length, target]) };
};

export const userLink = (name: string): Message => ({
  type: 6,
  body: Buffer.concat([linkHead(name, 200), Buffer.from([2, 0, 1, 1])]),
});

export const dataspace = (...shape: readonly number[]): Message => ({
  type: 1,
  body: Buffer.concat([Buffer.from([1, shape.length, 0, 0, 0, 0, 0, 0]), ...shape.map(uint64)]),
});

/** float32, little-endian. */
export const float32: Message = {
  type: 3,
  body: Buffer.from([0x11, 0x20, 31, 0, 4, 0, 0, 0, 0, 0, 32, 0, 23, 8, 0, 23, 127, 0, 0, 0]),
};

export const contiguous = (address: number, length: number): Message => ({
  type: 8,
  body: Buffer.concat([Buffer.from([3, 1]), uint64(address), uint64(length)]),
});

/** One chunk that is the whole dataset of float32, found at `address` (layout 4, single chunk). */
export const singleChunk = (address: number, stored: number, size: number): Message => {
  const sizes = Buffer.alloc(8);
  sizes.writeUInt32LE(size, 0);
  sizes.writeUInt32LE(4, 4);
  const head = Buffer.from([4, 2, 2, 2, 4]);
  return {
    type: 8,
    body: Buffer.concat([head, sizes, Buffer.from([1]), uint64(stored), Buffer.alloc(4), uint64(address)]),
  };
};

export const filter = (id: number): Message => {
  const body = Buffer.alloc(16);
  body.writeUInt8(1, 0);
  body.writeUInt8(1, 1);
  body.writeUInt16LE(id, 8);
  return { type: 0x0b, body };
};

/** Values in a file of another name. */
export const externalFiles: Message = {
  type: 7,
  body: Buffer.concat([Buffer.from([1, 0, 0, 0, 1, 0, 1, 0]), uint64(0), uint64(0), uint64(0), uint64(64)]),
};

/** A virtual dataset. */
export const virtualLayout: Message = { type: 8, body: Buffer.concat([Buffer.from([4, 3]), uint64(0), uint64(0)]) };

/** An attribute of one text. */
export const textAttribute = (name: string, value: string): Message => {
  const length = Buffer.byteLength(value);
  const datatype = Buffer.alloc(8);
  datatype.writeUInt8(0x13, 0);
  datatype.writeUInt32LE(Math.max(length, 1), 4);
  const space = Buffer.from([1, 0, 0, 0, 0, 0, 0, 0]);
  const nameBytes = Buffer.from(`${name}\0`);
  const pad = (part: Buffer) => Buffer.concat([part, Buffer.alloc((8 - (part.length % 8)) % 8)]);
  const head = Buffer.alloc(8);
  head.writeUInt8(1, 0);
  head.writeUInt16LE(nameBytes.length, 2);
  head.writeUInt16LE(datatype.length, 4);
  head.writeUInt16LE(space.length, 6);
  return { type: 0x0c, body: Buffer.concat([head, pad(nameBytes), datatype, space, Buffer.from(value || '\0')]) };
};
