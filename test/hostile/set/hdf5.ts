import { deflateSync } from 'node:zlib';
import {
  contiguous,
  dataspace,
  externalFiles,
  externalLink,
  filter,
  float32,
  Hdf5Writer,
  hardLink,
  linkInfo,
  type Message,
  singleChunk,
  textAttribute,
  userLink,
  virtualLayout,
} from '../hdf5-writer.js';
import { global, pickle } from '../pickle-writer.js';
import { type HostileFile, listTable } from './file.js';

/** A file whose root has these messages. */
const rooted = (messages: (writer: Hdf5Writer) => readonly Message[]): Buffer => {
  const writer = new Hdf5Writer();
  return writer.finish(writer.object([linkInfo, ...messages(writer)]));
};
const dataset = (messages: (writer: Hdf5Writer) => readonly Message[]) =>
  rooted((writer) => [hardLink('x', writer.object(messages(writer)))]);

/** Groups of groups, each of which holds the one before it twice. */
const laughs = (): Buffer => {
  const writer = new Hdf5Writer();
  let group = writer.object([linkInfo]);
  for (let i = 0; i < 40; i++) group = writer.object([linkInfo, hardLink('a', group), hardLink('b', group)]);
  return writer.finish(group);
};

const loop = (): Buffer => {
  const writer = new Hdf5Writer();
  const root = writer.object([linkInfo, hardLink('a', 0), hardLink('b', 0)]);
  const bytes = writer.finish(root);
  // The addresses stand behind the heads of the two links.
  for (const name of ['a', 'b']) {
    const at = bytes.indexOf(Buffer.concat([Buffer.from([1, 8, 0, 1]), Buffer.from(name)])) + 5;
    bytes.writeBigUInt64LE(BigInt(root), at);
  }
  return bytes;
};

const deep = (levels: number): Buffer => {
  const writer = new Hdf5Writer();
  let group = writer.object([linkInfo]);
  for (let i = 0; i < levels; i++) group = writer.object([linkInfo, hardLink('g', group)]);
  return writer.finish(group);
};

const model = (config: unknown) =>
  rooted((writer) => [
    hardLink('model_weights', writer.object([linkInfo])),
    textAttribute('keras_version', '2.15.0'),
    textAttribute('model_config', typeof config === 'string' ? config : JSON.stringify(config)),
  ]);
const sequential = (...layers: unknown[]) => ({ class_name: 'Sequential', config: { name: 'm', layers } });

/** A pickle that ends before byte 512, where HDF5 may begin. */
const behindPickle = () => {
  const inner = dataset(() => [dataspace(1), float32, contiguous(96, 4)]);
  const head = Buffer.alloc(512);
  pickle(global('os', 'system'), '(S"touch PWNED"\ntR.').copy(head);
  inner.writeBigUInt64LE(512n, 24);
  inner.writeBigUInt64LE(BigInt(inner.length + 512), 40);
  return Buffer.concat([head, inner]);
};

export const hostileHdf5 = (): HostileFile[] =>
  listTable('hdf5', '.h5', {
    'artefact-unsafe': {
      'an external link': rooted(() => [externalLink('x', '/etc/passwd', '/')]),
      'a user-defined link': rooted(() => [userLink('x')]),
      'values in another file': dataset(() => [dataspace(16), float32, contiguous(2 ** 40, 64), externalFiles]),
      'a virtual dataset': dataset(() => [dataspace(16), float32, virtualLayout]),
      'a filter of its own': dataset((w) => [
        dataspace(4),
        float32,
        filter(40_000),
        singleChunk(w.append(Buffer.alloc(16)), 16, 4),
      ]),
      'a Lambda': model(
        sequential({ class_name: 'Lambda', config: { name: 'l', function: ['4wEAAAA=', null, null] } }),
      ),
      'a class of its own': model(sequential({ class_name: 'Custom>Evil', config: { name: 'e' } })),
      'a module of its own': model(
        sequential({ class_name: 'system', module: 'os', registered_name: null, config: {} }),
      ),
      'a TFOpLambda that writes a file': model(
        sequential({ class_name: 'TFOpLambda', config: { name: 't', function: 'io.write_file' } }),
      ),
      'a TensorFlowOpLayer that runs Python': model(
        sequential({ class_name: 'TensorFlowOpLayer', config: { name: 't', node_def: '{"op": "EagerPyFunc"}' } }),
      ),
    },
    'artefact-malformed': {
      'a group in itself': loop(),
      'groups that multiply': laughs(),
      'a root outside of the file': new Hdf5Writer().finish(2 ** 40),
      'two members of one name': rooted((w) => {
        const address = w.object([linkInfo]);
        return [hardLink('x', address), hardLink('x', address)];
      }),
      'values outside of the file': dataset(() => [dataspace(1000), float32, contiguous(64, 4000)]),
      'values that were never written': dataset(() => [dataspace(10), float32, contiguous(2 ** 52, 40)]),
      'a chunk that inflates to less': dataset((w) => {
        const stored = deflateSync(Buffer.alloc(8));
        return [dataspace(100), float32, filter(1), singleChunk(w.append(stored), stored.length, 100)];
      }),
      'a chunk that inflates to more': dataset((w) => {
        const stored = deflateSync(Buffer.alloc(1_000_000));
        return [dataspace(100), float32, filter(1), singleChunk(w.append(stored), stored.length, 100)];
      }),
      'a shape without end': dataset(() => [dataspace(2 ** 40, 2 ** 40), float32, contiguous(96, 4)]),
      'cut short': dataset(() => [dataspace(1), float32, contiguous(96, 4)]).subarray(0, 120),
      'a config that is no JSON': model('{"class_name": "Sequential", "config": __import__("os")}'),
      'a key twice': model('{"class_name": "Sequential", "class_name": "Lambda", "config": {"layers": []}}'),
    },
    'artefact-over-limit': {
      'a nesting of groups': deep(1000),
      'a bomb': dataset((w) => {
        const stored = deflateSync(Buffer.alloc(100_000_000));
        return [dataspace(25_000_000), float32, filter(1), singleChunk(w.append(stored), stored.length, 25_000_000)];
      }),
      'a config without end': model(`${'['.repeat(30_000)}${']'.repeat(30_000)}`),
    },
    'pickle-global-refused': { 'a pickle before it': behindPickle() },
    'model-unsupported': {
      'weights alone': rooted((w) => [textAttribute('layer_names', 'dense'), hardLink('dense', w.object([linkInfo]))]),
    },
  });
