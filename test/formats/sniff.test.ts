import { existsSync, readFileSync } from 'node:fs';
import { deflateSync, gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { GraphBuilder } from '../../src/convert/graph-builder.js';
import { sniff } from '../../src/formats/sniff.js';
import { makeZip } from './zip-writer.js';

const latin = (text: string): Uint8Array => Buffer.from(text, 'latin1');
const pickle = latin('\x80\x04\x95\x0b\0\0\0\0\0\0\0}\x94\x8c\x01a\x94K\x01s.');
const binary = readFileSync('test/fixtures/boosting/boosting/xgb_booster_reg_model__xgb090/model.model');
const member = (name: string) => ({ name, data: Buffer.from('x') });

function onnx(): Uint8Array {
  const graph = new GraphBuilder('test');
  const spec = { dtype: 'float32', shape: [null, 2] } as const;
  const x = graph.input({ name: 'x', ...spec });
  graph.output({ name: 'y', ...spec }, graph.node('Relu', [x]));
  return graph.build();
}

const cases: [string, Uint8Array, string, RegExp][] = [
  ['nothing', new Uint8Array(0), 'other', /an empty file/],
  ['two bytes', latin('\r\n'), 'other', /a file of 2 bytes/],
  ['HDF5', readFileSync('test/fixtures/hdf5/loop.h5'), 'hdf5', /HDF5/],
  ['HDF5 behind a user block', readFileSync('test/fixtures/hdf5/user-block.h5'), 'hdf5', /HDF5/],
  ['ONNX', onnx(), 'onnx', /ONNX/],
  ['pickle 4', pickle, 'pickle', /protocol 4/],
  ['pickle 2', latin('\x80\x02}q\0.'), 'pickle', /protocol 2/],
  ['pickle 0', latin('ccopy_reg\n_reconstructor\np0\n(csklearn.svm\nSVC\np1\n.'), 'pickle', /0 or 1/],
  ['pickle 0, dictionary', latin("(dp0\nS'a'\np1\nI1\ns."), 'pickle', /0 or 1/],
  ['pickle 1', latin('}q\0U\x01aq\x01K\x01s.'), 'pickle', /0 or 1/],
  ['gzip', gzipSync(pickle), 'compressed', /gzip.*a pickle inside/],
  ['zlib', deflateSync(pickle), 'compressed', /zlib.*a pickle inside/],
  ['gzip of HDF5', gzipSync(readFileSync('test/fixtures/hdf5/loop.h5')), 'compressed', /an HDF5 file inside/],
  ['bz2', latin('BZh91AY&SY'), 'compressed', /bzip2/],
  ['xz', latin('\xfd7zXZ\0\0\x04'), 'compressed', /xz/],
  ['lzma', latin('\x5d\0\0\x80\0\xff\xff'), 'compressed', /lzma/],
  ['lz4', latin('\x04"M\x18\x64\x40'), 'compressed', /lz4/],
  ['old joblib', latin('ZF0x1f              x\x9c'), 'compressed', /joblib before 0\.10/],
  ['npy', latin("\x93NUMPY\x01\0v\0{'descr'"), 'npy', /NumPy/],
  ['npz', makeZip([member('a.npy'), member('b.npy')]), 'other', /\.npz/],
  ['Keras', makeZip([member('metadata.json'), member('config.json'), member('model.weights.h5')]), 'keras', /Keras/],
  ['PyTorch', makeZip([member('archive/data.pkl'), member('archive/data/0')]), 'other', /PyTorch/],
  ['old PyTorch', latin('\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.'), 'other', /PyTorch/],
  ['SavedModel', latin('\x08\x01\x12\x03abc'), 'other', /SavedModel/],
  ['zipped SavedModel', makeZip([member('m/saved_model.pb')]), 'other', /SavedModel/],
  ['zipped model', makeZip([member('m/model.pkl')]), 'other', /unpack it first/],
  ['skops', makeZip([member('schema.json')]), 'other', /skops/],
  ['zip', makeZip([member('readme.txt')]), 'other', /a zip archive, not a model/],
  ['cut zip', makeZip([member('readme.txt')]).subarray(0, 40), 'other', /damaged zip/],
  ['TFLite', latin('\x1c\0\0\0TFL3\x14\0'), 'other', /TensorFlow Lite/],
  ['safetensors', latin('\x40\0\0\0\0\0\0\0{"__metadata__":{}}'), 'other', /safetensors/],
  ['XGBoost JSON', latin('{"learner":{"attributes":{}},"version":[1,7,6]}'), 'xgboost', /XGBoost.*JSON/],
  ['XGBoost UBJSON', latin('{L\0\0\0\0\0\0\0\x07learner{'), 'xgboost', /XGBoost.*UBJSON/],
  ['XGBoost binary', binary, 'xgboost', /XGBoost.*old binary/],
  ['XGBoost binary with a mark', latin('binf\0\0\0\x3f\x05\0\0\0'), 'xgboost', /XGBoost.*old binary/],
  ['LightGBM', latin('tree\nversion=v3\nnum_class=1\n'), 'lightgbm', /LightGBM/],
  ['CatBoost', latin('CBM1\x10\0'), 'other', /CatBoost/],
  ['Git LFS', latin('version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\n'), 'other', /Git LFS pointer/],
  ['web page', latin('\n<!DOCTYPE html><html><body>404</body></html>'), 'other', /web page/],
  ['Keras JSON', latin('{"class_name": "Sequential", "config": {}}'), 'other', /without weights/],
  ['JSON', latin('{"a": 1}'), 'other', /JSON/],
  ['CSV', latin('a,b\n1,2\n'), 'other', /plain text/],
  ['noise', latin('\xff\xfe\x00\x12\x80\x99\x07'), 'other', /unknown binary/],
];

test.each(cases)('%s', (_, bytes, format, what) => {
  const found = sniff(bytes);
  expect(found.format).toBe(format);
  expect(found.what).toMatch(what);
});

test('any bytes are something', () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => sniff(bytes).what.length > 0));
});

test('a cut file is still named', () => {
  for (const [, bytes] of cases) {
    for (let length = 0; length < Math.min(bytes.length, 100); length++) sniff(bytes.subarray(0, length));
  }
});

describe.runIf(existsSync('../shared/fixtures'))('every fixture is recognised', () => {
  interface Case {
    id: string;
    artefact?: string;
    format: string;
    family: string;
    kind: string;
  }
  const { cases: all } = JSON.parse(readFileSync('../shared/fixtures/dev/manifest.json', 'utf8')) as { cases: Case[] };
  const known = all.filter(
    ({ artefact, kind }) => artefact !== undefined && /\.\w+$/.test(artefact) && kind !== 'clustering',
  );
  test('by content', () => {
    const wrong = known.flatMap(({ id, artefact, family, kind, format }) => {
      const found = sniff(readFileSync(`../shared/fixtures/dev/${artefact}`));
      const fits =
        family === 'keras'
          ? found.format === (artefact!.endsWith('.keras') ? 'keras' : 'hdf5')
          : kind === 'refuse' || ['pickle', 'compressed', 'npy'].includes(found.format);
      return fits ? [] : [`${id} (${format}): ${found.what}`];
    });
    expect(wrong).toEqual([]);
  });
});
