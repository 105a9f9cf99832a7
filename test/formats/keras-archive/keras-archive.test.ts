import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { VitrinaError } from '../../../src/errors.js';
import { openKerasArchive } from '../../../src/formats/keras-archive/index.js';
import { defaultLimits } from '../../../src/formats/limits.js';
import { makeZip, type ZipMember } from '../zip-writer.js';

const weights = readFileSync('test/fixtures/hdf5/user-block.h5');
const config: ZipMember = { name: 'config.json', data: Buffer.from('{"class_name": "Sequential"}'), deflate: true };
const metadata: ZipMember = { name: 'metadata.json', data: Buffer.from('{"keras_version": "3.0.0"}') };
const good: readonly ZipMember[] = [metadata, config, { name: 'model.weights.h5', data: weights, deflate: true }];
const text = (name: string, rest: Partial<ZipMember> = {}): ZipMember => ({ name, data: Buffer.from('abc'), ...rest });

test('reads the three members, whatever else there is', async () => {
  const extras = [
    text('assets/vocabulary.txt'),
    text('assets\\windows\\names.txt'),
    text('README.md', { deflate: true }),
  ];
  const archive = await openKerasArchive(makeZip([...good, ...extras]));
  expect(archive.config).toEqual({ class_name: 'Sequential' });
  expect(archive.metadata).toEqual({ keras_version: '3.0.0' });
  expect(archive.weights.names()).toEqual(['x']);
  expect(Object.getPrototypeOf(archive.config)).toBeNull();
});

describe('refuses', () => {
  const cases: [string, ZipMember[], RegExp][] = [
    ['a missing member', [metadata, config], /model\.weights\.h5 is missing/],
    [
      'a config that is no object',
      [...good.filter((m) => m !== config), text('config.json', { data: Buffer.from('[]') })],
      /config\.json holds no object/,
    ],
    ['a duplicate', [...good, config], /two members "config\.json"/],
    ['a duplicate by the other separator', [...good, text('a/b'), text('a\\b')], /two members "a\/b"/],
    ['traversal', [...good, text('../../etc/cron.d/x')], /invalid relative path/],
    ['traversal with backslashes', [...good, text('..\\..\\x')], /invalid relative path/],
    ['an absolute name', [...good, text('/etc/passwd')], /absolute path/],
    ['a drive', [...good, text('C:/x')], /absolute path/],
    ['a symbolic link', [...good, text('link', { unixMode: 0o120777 })], /the symbolic link "link"/],
    [
      'an encrypted member',
      [...good, text('secret', { deflate: true, claims: { flags: 1 } })],
      /encrypted member "secret"/,
    ],
    ['unknown compression', [...good, text('x', { claims: { method: 14 } })], /compression method 14/],
    ['a wrong checksum', [metadata, { ...config, claims: { crc: 1 } }, good[2]!], /checksum of "config\.json"/],
    ['more bytes than stated', [metadata, { ...config, claims: { size: 5 } }, good[2]!], /damaged/],
    ['fewer bytes than stated', [metadata, { ...config, claims: { size: 500 } }, good[2]!], /states 500 bytes/],
    ['two names', [metadata, { ...config, localName: 'other.json!' }, good[2]!], /has two names/],
  ];
  test.each(cases)('%s', async (_, members, message) => {
    const opened = openKerasArchive(makeZip(members));
    await expect(opened).rejects.toThrow(message);
    await expect(opened).rejects.toBeInstanceOf(VitrinaError);
  });

  test('a bomb, before it is inflated', async () => {
    const bomb: ZipMember = { name: 'model.weights.h5', data: new Uint8Array(2 ** 24), deflate: true };
    const opened = openKerasArchive(makeZip([metadata, config, bomb]), { ...defaultLimits, inflatedBytes: 2 ** 20 });
    await expect(opened).rejects.toThrow(/an inflated size of 16777\d+, over the limit of 1048576/);
  });

  test('what is over the limits', async () => {
    const zip = makeZip(good);
    await expect(openKerasArchive(zip, { ...defaultLimits, fileBytes: 100 })).rejects.toThrow(
      /raise the limit fileBytes/,
    );
    await expect(openKerasArchive(zip, { ...defaultLimits, count: 2 })).rejects.toThrow(/a number of members of 3/);
  });

  test('a file cut anywhere', async () => {
    const zip = makeZip(good);
    for (let length = 0; length < zip.length; length += 7) {
      await expect(openKerasArchive(zip.subarray(0, length))).rejects.toBeInstanceOf(VitrinaError);
    }
  });
});

test('flipped bytes never cause an error of the language', async () => {
  const zip = makeZip(good);
  for (let at = 0; at < zip.length; at++) {
    const bytes = Uint8Array.from(zip);
    bytes[at] = bytes[at]! ^ 0xff;
    try {
      await openKerasArchive(bytes);
    } catch (error) {
      expect(error).toBeInstanceOf(VitrinaError);
    }
  }
});
