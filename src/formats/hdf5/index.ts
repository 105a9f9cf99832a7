import { type DataType, sizeOf, type Tensor } from '../../tensor.js';
import { defaultLimits, type Limits } from '../limits.js';
import { type AttributeValue, parseAttribute, type RawAttribute } from './attribute.js';
import { readBtree2 } from './btree2.js';
import { readChunks } from './chunks.js';
import { Cursor, damaged, UNDEFINED, unsafe, unsupported } from './cursor.js';
import { readDataspace } from './dataspace.js';
import { type ElementType, readDatatype } from './datatype.js';
import { parseFilters } from './filters.js';
import { FractalHeap } from './fractal-heap.js';
import { parseLayout } from './layout.js';
import { type Link, readLinks } from './links.js';
import { type Message, MessageType, readObjectHeader, resolveShared } from './object-header.js';
import { Storage } from './storage.js';
import { decodeElements } from './values.js';

export type { AttributeValue } from './attribute.js';

/** Attributes of one object; a value is read when asked for. */
export interface Hdf5Attributes {
  names(): string[];
  has(name: string): boolean;
  /** `undefined` when there is no such attribute. */
  get(name: string): AttributeValue | undefined;
}

export interface Hdf5Group {
  readonly kind: 'group';
  /** From the root, `/`-separated; `/` for the root itself. */
  readonly path: string;
  readonly attributes: Hdf5Attributes;
  names(): string[];
  has(name: string): boolean;
  /** A direct member, by its exact name; `undefined` when there is none. Links out of the tree are refused. */
  child(name: string): Hdf5Group | Hdf5Dataset | undefined;
}

export interface Hdf5Dataset {
  readonly kind: 'dataset';
  readonly path: string;
  readonly attributes: Hdf5Attributes;
  readonly shape: readonly number[];
  readonly dtype: DataType;
  /** The values. They may share memory with the bytes that were opened. */
  read(): Tensor;
}

const ATTRIBUTE_NAME_RECORD = 8;

/**
 * Opens an HDF5 file and returns its root group. Nothing but the superblock is read until it is asked for, and there
 * is nothing to close: what was read lives as long as it is held.
 *
 * Read are the formats that h5py writes, in any `libver`: numbers (float16 included), booleans and text; contiguous,
 * compact and chunked; deflate, shuffle and fletcher32. Links out of the tree, external and virtual storage, compound
 * and other types, unknown filters are refused by name.
 * Specification: https://support.hdfgroup.org/documentation/hdf5/latest/_f_m_t3.html
 *
 * @throws VitrinaError `artefact-malformed`, `artefact-unsupported`, `artefact-over-limit`
 */
export function openHdf5(bytes: Uint8Array, limits: Limits = defaultLimits): Hdf5Group {
  const storage = new Storage(bytes, limits);
  const root = openObject(storage, storage.rootAddress, '/', 0);
  if (root.kind !== 'group') throw damaged('the root is not a group');
  return root;
}

function openObject(storage: Storage, address: number, path: string, depth: number): Hdf5Group | Hdf5Dataset {
  if (depth > storage.limits.depth) throw storage.overLimit('a nesting of groups', depth, 'depth');
  const messages = readObjectHeader(storage, address);
  const attributes = lazyAttributes(storage, messages);
  if (messages.some(({ type }) => type === MessageType.layout)) return openDataset(storage, messages, path, attributes);
  if (!messages.some(({ type }) => type === MessageType.symbolTable || type === MessageType.linkInfo)) {
    throw unsupported(`the object ${path}, neither a group nor a dataset`);
  }
  storage.enterGroup(address, path);
  let members: Map<string, Link> | undefined;
  const links = (): Map<string, Link> => {
    members ??= new Map(readLinks(storage, messages).map((link) => [link.name, link]));
    return members;
  };
  return {
    kind: 'group',
    path,
    attributes,
    names: () => [...links().keys()],
    has: (name) => links().has(name),
    child: (name) => {
      const link = links().get(name);
      if (link === undefined) return undefined;
      const childPath = path === '/' ? `/${name}` : `${path}/${name}`;
      if ('refused' in link) {
        const refuse = link.refused === 'a soft link' ? unsupported : unsafe;
        throw refuse(`${link.refused} (${childPath})`, 'save the model as one plain file');
      }
      return openObject(storage, link.address, childPath, depth + 1);
    },
  };
}

function lazyAttributes(storage: Storage, messages: readonly Message[]): Hdf5Attributes {
  let known: Map<string, RawAttribute> | undefined;
  const all = (): Map<string, RawAttribute> => {
    known ??= new Map(readAttributes(storage, messages).map((attribute) => [attribute.name, attribute]));
    return known;
  };
  return {
    names: () => [...all().keys()],
    has: (name) => all().has(name),
    get: (name) => all().get(name)?.read(),
  };
}

function readAttributes(storage: Storage, messages: readonly Message[]): RawAttribute[] {
  const attributes: RawAttribute[] = [];
  for (const message of messages) {
    if (message.type === MessageType.attribute) {
      const { body, base } = resolveShared(storage, message);
      attributes.push(parseAttribute(storage, body, base));
    } else if (message.type === MessageType.attributeInfo) {
      attributes.push(...readDenseAttributes(storage, new Cursor(message.body, message.base)));
    }
  }
  return attributes;
}

/** Specification: IV.A.2.v. */
function readDenseAttributes(storage: Storage, cursor: Cursor): RawAttribute[] {
  cursor.version('attribute information', 0);
  if (cursor.u8() & 1) cursor.skip(2);
  const heapAddress = storage.offset(cursor);
  const tree = storage.offset(cursor);
  if (heapAddress === UNDEFINED) return [];
  const heap = new FractalHeap(storage, heapAddress);
  return readBtree2(storage, tree, ATTRIBUTE_NAME_RECORD).map((record) => {
    if (record[8]! & 2) throw unsupported('a shared-message heap');
    return parseAttribute(storage, heap.object(record.subarray(0, 8)), heapAddress);
  });
}

function openDataset(
  storage: Storage,
  messages: readonly Message[],
  path: string,
  attributes: Hdf5Attributes,
): Hdf5Dataset {
  const find = (type: number): Message | undefined => messages.find((message) => message.type === type);
  const required = (type: number, what: string): Message => {
    const message = find(type);
    if (message === undefined) throw damaged(`the dataset ${path} has no ${what}`);
    return message;
  };
  if (find(MessageType.externalFiles) !== undefined) {
    throw unsafe(`values of ${path} kept in other files`, 'save the model as one plain file');
  }
  const type = readDatatype(storage, required(MessageType.datatype, 'datatype'));
  const space = resolveShared(storage, required(MessageType.dataspace, 'shape'));
  const shape = readDataspace(storage, space.body, space.base);
  if (shape === null) throw unsupported(`the empty dataset ${path}`);
  const layout = required(MessageType.layout, 'layout');
  const filters = find(MessageType.filters);
  return {
    kind: 'dataset',
    path,
    attributes,
    shape,
    dtype: type.kind === 'number' ? type.dtype : 'string',
    read: () => decodeElements(storage, type, shape, readBytes(storage, { path, shape, type, layout, filters })),
  };
}

interface DatasetParts {
  readonly path: string;
  readonly shape: readonly number[];
  readonly type: ElementType;
  readonly layout: Message;
  readonly filters: Message | undefined;
}

function readBytes(storage: Storage, { path, shape, type, layout, filters }: DatasetParts): Uint8Array {
  const size = sizeOf(shape) * type.size;
  if (size === 0) return new Uint8Array(0);
  const place = parseLayout(storage, new Cursor(layout.body, layout.base));
  const pipeline = filters === undefined ? [] : parseFilters(new Cursor(filters.body, filters.base));
  if (place.kind === 'chunked') {
    const plan = { path, shape, chunk: place.chunk, elementSize: type.size, filters: pipeline };
    return readChunks(storage, place.index, plan);
  }
  storage.announce(size, path);
  if (pipeline.length > 0) throw damaged(`${path} has filters but no chunks`);
  if (place.kind === 'compact') {
    if (place.bytes.length < size) throw damaged(`${path} holds fewer bytes than its shape needs`);
    return place.bytes.subarray(0, size);
  }
  if (place.address === UNDEFINED) throw damaged(`the values of ${path} were never written`);
  if (place.length < size) throw damaged(`${path} holds fewer bytes than its shape needs`);
  return storage.at(place.address, size).bytes;
}
