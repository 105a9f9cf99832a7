import { gzipSync } from 'node:zlib';
import { makeZip } from '../../formats/zip-writer.js';
import { makeBombs } from '../bombs.js';
import { global, pickle, text } from '../pickle-writer.js';
import { type HostileFile, listTable } from './file.js';

const system = pickle('\x80\x02', global('os', 'system'), text('touch PWNED'), '\x85R.');
const inZip = (name: string, data: Uint8Array) => makeZip([{ name, data }]);
const nest = (levels: number, data: Uint8Array): Uint8Array =>
  levels === 0 ? data : inZip('a.zip', nest(levels - 1, data));

/** Archives, compressed files, and files that are nothing of the kind that their names say. */
export const hostileArchives = (): HostileFile[] => [
  ...listTable('zip', '.zip', {
    'pickle-global-refused': {
      'a pickle': inZip('model.pkl', system),
      'a pickle without a name for it': inZip('README', system),
      'a pickle in a zip in a zip': nest(2, inZip('x', system)),
      'a pickle in gzip': inZip('model.pkl.gz', gzipSync(system)),
    },
    'artefact-unsafe': {
      'a checkpoint of PyTorch.pt': makeZip([
        { name: 'archive/data.pkl', data: pickle('\x80\x02', text('storage'), 'Q.') },
        { name: 'archive/version', data: Buffer.from('3\n') },
      ]),
      traversal: inZip('../../evil.sh', Buffer.from('id')),
      'a symbolic link': makeZip([{ name: 'x', data: Buffer.from('/etc/passwd'), unixMode: 0o120777 }]),
    },
    'artefact-over-limit': {
      'zips in zips': nest(8, Buffer.from('x')),
      'a bomb': makeZip([{ name: 'x', data: Buffer.alloc(80_000_000), deflate: true }]),
    },
    'artefact-malformed': {
      'duplicate members': makeZip([
        { name: 'a.pkl', data: pickle('N.') },
        { name: 'a.pkl', data: system },
      ]),
      'cut short': inZip('a.pkl', pickle('N.')).subarray(0, 60),
    },
    'artefact-unrecognised': {
      'a model that is none': inZip('model.pkl', Buffer.from('hello')),
    },
  }),
  ...listTable('compressed', '.joblib', {
    'artefact-over-limit': Object.fromEntries(makeBombs().map(([name, bytes]) => [`a bomb of ${name}`, bytes])),
    'artefact-malformed': {
      'gzip that is cut short': gzipSync(Buffer.alloc(10_000, 'abc')).subarray(0, 30),
      'gzip with a wrong checksum': (() => {
        const bytes = gzipSync(pickle('\x80\x02N.'));
        bytes[bytes.length - 8]! ^= 1;
        return bytes;
      })(),
    },
  }),
  ...listTable('compressed', '.joblib', {
    'artefact-unrecognised': {
      'a tar archive': gzipSync(Buffer.concat([Buffer.alloc(257, 'a'), Buffer.from('ustar'), Buffer.alloc(300)])),
    },
  }),
  ...listTable('other', '.pkl', {
    'artefact-unrecognised': {
      'a Git LFS pointer': Buffer.from('version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 12345\n'),
      empty: Buffer.alloc(0),
      'two bytes': Buffer.from('hi'),
      'a web page': Buffer.from('<!DOCTYPE html><html><body>404</body></html>'),
      'a text': Buffer.from('this is no model at all\n'),
      noise: Buffer.from(Array.from({ length: 4096 }, (_, i) => (i * 7919 + (i >> 3)) & 0xff)),
      zeros: Buffer.alloc(100_000),
    },
  }),
];
