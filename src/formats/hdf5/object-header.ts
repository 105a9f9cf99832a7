import { Cursor, damaged, unsupported } from './cursor.js';
import type { Storage } from './storage.js';

/** Header messages that this reader knows, by the numbers of the specification (IV.A.2). */
export const MessageType = {
  nil: 0x00,
  dataspace: 0x01,
  linkInfo: 0x02,
  datatype: 0x03,
  link: 0x06,
  externalFiles: 0x07,
  layout: 0x08,
  filters: 0x0b,
  attribute: 0x0c,
  continuation: 0x10,
  symbolTable: 0x11,
  attributeInfo: 0x15,
} as const;

export interface Message {
  readonly type: number;
  /** Set when the body is not here but in another object (flag 1). */
  readonly shared: boolean;
  readonly body: Uint8Array;
  /** Where the body stands in the file. */
  readonly base: number;
}

/** Reads all header messages of the object at `address`, continuations included. Specification: IV.A.1. */
export function readObjectHeader(storage: Storage, address: number): Message[] {
  const start = storage.at(address);
  return start.bytes[0] === 1 ? readVersion1(storage, start) : readVersion2(storage, address, start);
}

function readVersion1(storage: Storage, cursor: Cursor): Message[] {
  cursor.version('an object header', 1);
  cursor.skip(1);
  const count = cursor.u16();
  cursor.skip(4);
  const size = cursor.u32();
  cursor.skip(4);
  const messages: Message[] = [];
  const base = cursor.base + cursor.position;
  const blocks = [new Cursor(cursor.take(size), base)];
  const visited = new Set<number>([base]);
  let left = count;
  for (let block = blocks.shift(); block !== undefined; block = blocks.shift()) {
    while (left > 0 && block.remaining >= 8) {
      storage.count(1);
      left--;
      const type = block.u16();
      const length = block.u16();
      const flags = block.u8();
      block.skip(3);
      const message = { type, shared: (flags & 2) !== 0, base: block.base + block.position, body: block.take(length) };
      if (type === MessageType.continuation) blocks.push(continuation(storage, message, visited, false));
      else messages.push(message);
    }
  }
  return messages;
}

function readVersion2(storage: Storage, address: number, cursor: Cursor): Message[] {
  cursor.signature('OHDR');
  cursor.version('an object header', 2);
  const flags = cursor.u8();
  if (flags & 0x20) cursor.skip(16);
  if (flags & 0x10) cursor.skip(4);
  const size = cursor.unsigned(1 << (flags & 3));
  const prefix = cursor.position;
  const whole = storage.checked(address, prefix + size + 4);
  whole.skip(prefix);
  const messages: Message[] = [];
  const blocks = [whole];
  const visited = new Set<number>([whole.base]);
  const headerSize = flags & 4 ? 6 : 4;
  for (let block = blocks.shift(); block !== undefined; block = blocks.shift()) {
    while (block.remaining >= headerSize) {
      storage.count(1);
      const type = block.u8();
      const length = block.u16();
      const messageFlags = block.u8();
      if (flags & 4) block.skip(2);
      const message = {
        type,
        shared: (messageFlags & 2) !== 0,
        base: block.base + block.position,
        body: block.take(length),
      };
      if (type === MessageType.continuation) blocks.push(continuation(storage, message, visited, true));
      else messages.push(message);
    }
  }
  return messages;
}

function continuation(storage: Storage, message: Message, visited: Set<number>, checked: boolean): Cursor {
  const cursor = new Cursor(message.body, message.base);
  const address = storage.offset(cursor);
  const length = storage.length(cursor);
  const block = checked ? storage.checked(address, length) : storage.at(address, length);
  if (visited.has(block.base)) throw damaged('an object header continues in itself', block.base);
  visited.add(block.base);
  if (checked) block.signature('OCHK');
  return block;
}

/**
 * The body of a message that may be shared: a committed datatype lives in an object of its own (IV.A.2.b, shared
 * message). Messages in the file's shared-message heap are refused, since h5py writes none.
 */
export function resolveShared(storage: Storage, message: Message): Message {
  if (!message.shared) return message;
  const cursor = new Cursor(message.body, message.base);
  const version = cursor.version('a shared message', 1, 2, 3);
  const kind = cursor.u8();
  if (version === 1) cursor.skip(6);
  if (version === 3 && kind === 1) throw unsupported('a shared-message heap');
  const found = readObjectHeader(storage, storage.offset(cursor)).find((other) => other.type === message.type);
  if (found === undefined || found.shared) throw damaged('a shared message points at nothing', message.base);
  return found;
}
