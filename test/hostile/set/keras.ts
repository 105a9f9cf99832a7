import { makeZip, type ZipMember } from '../../formats/zip-writer.js';
import { Hdf5Writer, linkInfo } from '../hdf5-writer.js';
import { global, pickle } from '../pickle-writer.js';
import { type HostileFile, listTable } from './file.js';

const weights = (() => {
  const writer = new Hdf5Writer();
  return writer.finish(writer.object([linkInfo]));
})();
const metadata = Buffer.from('{"keras_version": "3.8.0", "date_saved": "2026-01-01"}');

const archive = (config: unknown, ...more: ZipMember[]) =>
  makeZip([
    { name: 'metadata.json', data: metadata },
    { name: 'config.json', data: Buffer.from(typeof config === 'string' ? config : JSON.stringify(config)) },
    { name: 'model.weights.h5', data: weights },
    ...more,
  ]);

/** A layer as Keras 3 writes one; `own` replaces any part. */
const layer = (own: Record<string, unknown>) => ({
  module: 'keras.layers',
  class_name: 'Dense',
  config: { name: 'x', units: 1 },
  registered_name: null,
  ...own,
});
const model = (...layers: unknown[]) => ({
  module: 'keras',
  class_name: 'Sequential',
  config: { name: 'm', layers },
  registered_name: 'Sequential',
});
const callable = (module: string, config: string) => ({
  module,
  class_name: 'function',
  config,
  registered_name: config,
});
const activation = (value: unknown) => model(layer({ config: { name: 'x', units: 1, activation: value } }));

const harmless = model(layer({}));
const lambda = { class_name: '__lambda__', config: { value: '4wEAAAA=', defaults: null, closure: null } };
const member = (name: string, data = 'x'): ZipMember => ({ name, data: Buffer.from(data) });

export const hostileKeras = (): HostileFile[] =>
  listTable('keras', '.keras', {
    'artefact-unsafe': {
      'a Lambda': archive(model(layer({ class_name: 'Lambda', config: { name: 'l', function: lambda } }))),
      'a Lambda by another module': archive(
        model(layer({ module: 'keras.src.layers.core.lambda_layer', class_name: 'Lambda' })),
      ),
      'a lambda as an activation': archive(activation(lambda)),
      'a Lambda in a Lambda in a model': archive(
        model(layer({ class_name: 'Functional', config: model(layer({ class_name: 'Lambda' })) })),
      ),
      'a module of Python': archive(model(layer({ module: 'os', class_name: 'system' }))),
      'a module of subprocess': archive(model(layer({ module: 'subprocess', class_name: 'Popen' }))),
      'a module that is a list': archive(model(layer({ module: ['os'], class_name: 'system' }))),
      'a module below Keras in name alone': archive(model(layer({ module: 'keras_evil.layers', class_name: 'Dense' }))),
      get_file: archive(activation(callable('keras.utils', 'get_file'))),
      'get_file of the sources': archive(activation(callable('keras.src.utils.file_utils', 'get_file'))),
      load_model: archive(activation(callable('keras.saving', 'load_model'))),
      enable_unsafe_deserialization: archive(
        activation(callable('keras.config.saving', 'enable_unsafe_deserialization')),
      ),
      'eval as an activation': archive(activation(callable('builtins', 'eval'))),
      'exec as an activation': archive(activation(callable('builtins', 'exec'))),
      'open as a loss': archive({ ...harmless, compile_config: { loss: callable('builtins', 'open') } }),
      'a metric of a module of its own': archive({
        ...harmless,
        compile_config: { metrics: [callable('os', 'system')] },
      }),
      'a class of its own': archive(model(layer({ module: 'evil', class_name: 'Evil', registered_name: 'evil>Evil' }))),
      'a name of its own on a known class': archive(model(layer({ registered_name: 'evil>Dense' }))),
      'a SavedModel elsewhere': archive(
        model(layer({ class_name: 'TFSMLayer', config: { name: 's', filepath: '/tmp/evil' } })),
      ),
      'a module of PyTorch': archive(model(layer({ class_name: 'TorchModuleWrapper', config: { module: 'gASV' } }))),
      'a vocabulary in another file': archive(
        model(layer({ class_name: 'StringLookup', config: { name: 's', vocabulary: '/etc/passwd' } })),
      ),
      'an initializer of a module of its own': archive(
        model(
          layer({
            config: { name: 'x', units: 1, kernel_initializer: { module: 'pickle', class_name: 'loads', config: {} } },
          }),
        ),
      ),
      'a member above': archive(harmless, member('../../.bashrc')),
      'an absolute member': archive(harmless, member('/etc/cron.d/x')),
      'a member above, in Windows': archive(harmless, member('..\\..\\evil.py')),
      'a symbolic link': archive(harmless, { ...member('assets/x', '/etc/passwd'), unixMode: 0o120777 }),
    },
    'artefact-malformed': {
      'two configs': archive(harmless, { name: 'config.json', data: Buffer.from('{}') }),
      'a lying size': makeZip([
        { name: 'metadata.json', data: metadata },
        { name: 'config.json', data: Buffer.alloc(100_000, ' '), deflate: true, claims: { size: 10 } },
        { name: 'model.weights.h5', data: weights },
      ]),
      'a lying checksum': makeZip([
        { name: 'metadata.json', data: metadata },
        { name: 'config.json', data: Buffer.from(JSON.stringify(harmless)), claims: { crc: 1 } },
        { name: 'model.weights.h5', data: weights },
      ]),
      'two names for one member': makeZip([
        { name: 'metadata.json', data: metadata },
        { name: 'config.json', data: Buffer.from(JSON.stringify(harmless)), localName: 'c0nfig.json' },
        { name: 'model.weights.h5', data: weights },
      ]),
      'a config that is no JSON': archive('import os'),
      'a key twice': archive('{"class_name": "Sequential", "class_name": "Lambda", "config": {}}'),
      'no weights': makeZip([
        { name: 'metadata.json', data: metadata },
        { name: 'config.json', data: Buffer.from(JSON.stringify(harmless)) },
      ]),
      'weights that are none': makeZip([
        { name: 'metadata.json', data: metadata },
        { name: 'config.json', data: Buffer.from(JSON.stringify(harmless)) },
        member('model.weights.h5', 'no weights'),
      ]),
    },
    'artefact-over-limit': {
      'a config of brackets': archive(`${'['.repeat(100_000)}${']'.repeat(100_000)}`),
      'a bomb': archive(harmless, { name: 'assets/x', data: Buffer.alloc(100_000_000), deflate: true }),
      'a config that is a bomb': makeZip([
        { name: 'metadata.json', data: metadata },
        { name: 'config.json', data: Buffer.alloc(100_000_000, ' '), deflate: true },
        { name: 'model.weights.h5', data: weights },
      ]),
      'a size of 4 GB': archive(harmless, { ...member('assets/x'), deflate: true, claims: { size: 0xfffffff0 } }),
    },
    'artefact-unsupported': {
      'an encrypted member': archive(harmless, { ...member('assets/x'), deflate: true, claims: { flags: 1 } }),
      'a compression of its own': archive(harmless, { ...member('assets/x'), claims: { method: 99 } }),
    },
    'pickle-global-refused': {
      'a pickle among its assets': archive(harmless, {
        name: 'assets/vocabulary.pkl',
        data: pickle(global('os', 'system'), '(S"touch PWNED"\ntR.'),
      }),
    },
  });
