import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { defaultZipLimits, type ZipLimits } from '../../../src/apps/artwork/zip-entries.js';
import { openZipPackage, type ZipImage } from '../../../src/apps/artwork/zip-package.js';
import { VitrinaError } from '../../../src/index.js';
import { makeZip, type ZipMember } from '../../formats/zip-writer.js';

const folder = mkdtempSync(join(tmpdir(), 'vitrina-zips-'));
afterAll(() => rmSync(folder, { recursive: true }));
const bytesOf = (text: string) => Buffer.from(text);
const member = (name: string, more: Partial<ZipMember> = {}): ZipMember => ({
  name,
  data: bytesOf(`<${name}>`),
  ...more,
});

async function readAll(zip: Uint8Array, limits: Partial<ZipLimits> = {}, signal?: AbortSignal): Promise<ZipImage[]> {
  const path = join(folder, 'one.zip');
  writeFileSync(path, zip);
  const opened = await openZipPackage(path, { ...defaultZipLimits, ...limits }, signal);
  try {
    const images: ZipImage[] = [];
    for await (const image of opened.images(signal)) images.push(image);
    expect(images.map(({ name }) => name)).toEqual(opened.names);
    return images;
  } finally {
    opened.close();
  }
}

/** Why a file is refused, with the entry that it is refused for. */
async function refusalOf(zip: Uint8Array, limits: Partial<ZipLimits> = {}): Promise<string> {
  try {
    await readAll(zip, limits);
  } catch (error) {
    if (!(error instanceof VitrinaError) || error.code !== 'package-invalid') throw error;
    const { entry, why } = error.fields as { entry: string | undefined; why: string };
    return `${entry ?? ''}: ${why}`;
  }
  return 'none';
}

describe('a package', () => {
  it('gives its images in order, stored and deflated, and passes over what systems leave in folders', async () => {
    const large = Buffer.alloc(300_000, 'noise of a kind');
    const images = await readAll(
      makeZip([
        member('b.png'),
        member('folder/', { data: Buffer.alloc(0) }),
        { name: 'folder/ä.jpg', data: large, deflate: true, claims: { flags: 0x800 } },
        member('__MACOSX/folder/._b.png'),
        member('folder/.DS_Store'),
        member('Thumbs.db'),
        member('./c.gif', { unixMode: 0o100644 }),
        member('empty.png', { data: Buffer.alloc(0) }),
        member('notes.txt'),
        member('inner.zip', { data: makeZip([member('x.png')]) }),
      ]),
    );
    expect(images.map((image) => [image.name, 'bytes' in image && image.bytes.length])).toEqual([
      ['b.png', 7],
      ['folder/ä.jpg', 300_000],
      ['./c.gif', 9],
      ['empty.png', 0],
      ['notes.txt', 11],
      ['inner.zip', makeZip([member('x.png')]).length],
    ]);
    expect((images[1] as { bytes: Buffer }).bytes.equals(large)).toBe(true);
    expect(await readAll(makeZip([]))).toEqual([]);
  });

  it('has names in UTF-8, whether or not they say so, and else in the character set of DOS', async () => {
    const dos = Buffer.from(makeZip([member('b.png'), member('café.png'), member('c#fe.png')]));
    for (let at = dos.indexOf('c#fe.png'); at >= 0; at = dos.indexOf('c#fe.png', at)) dos[at + 1] = 0x82;
    const names = (await readAll(dos)).map(({ name }) => name);
    expect(names).toEqual(['b.png', 'café.png', 'céfe.png']);
  });

  it('with one damaged entry has its others', async () => {
    const zip = Buffer.from(makeZip([member('a.png', { deflate: true }), member('b.png'), member('c.png')]));
    // The first block of a deflated stream is of the type that there is none of.
    zip[30 + 'a.png'.length] = 0x07;
    zip[zip.indexOf('<b.png>')] = 0x21;
    const method = makeZip([{ ...member('d.png'), claims: { method: 12 } }, member('e.png')]);
    expect(await readAll(zip)).toMatchObject([
      { name: 'a.png', fault: expect.stringContaining('is damaged in the zip file') },
      { name: 'b.png', fault: 'is damaged in the zip file (its checksum differs)' },
      { name: 'c.png', bytes: bytesOf('<c.png>') },
    ]);
    expect(await readAll(method)).toMatchObject([
      { name: 'd.png', fault: 'is compressed by method 12 of zip, of which 0 and 8 are read here' },
      { name: 'e.png', bytes: bytesOf('<e.png>') },
    ]);
  });

  it.each<[string, ZipMember, string]>([
    ['a way out', member('a/../../b.png'), 'leads out of the package'],
    ['an absolute name', member('/etc/b.png'), 'is absolute'],
    ['the letter of a drive', member('C:b.png'), 'is absolute'],
    ['backslashes', member('..\\b.png'), 'has a backslash'],
    ['a NUL', member('b.png\0.txt'), 'has a control character'],
    ['a line’s end', member('b\n.png'), 'has a control character'],
    ['a part that no file system takes', member(`${'é'.repeat(128)}.png`), 'more than 255 bytes'],
    ['no name', member(''), 'has no name'],
    ['a symbolic link', member('b.png', { unixMode: 0o120777 }), 'is a link or a device'],
    ['a device', member('b.png', { unixMode: 0o020666 }), 'is a link or a device'],
    ['encryption', member('b.png', { deflate: true, claims: { flags: 1 } }), 'is encrypted'],
    ['strong encryption', member('b.png', { claims: { flags: 0x41 } }), 'strong encryption'],
    ['two names', member('b.png', { localName: 'c.png' }), 'has two names'],
    ['a size too small', member('b.png', { deflate: true, claims: { size: 3 } }), 'does not have the 3 bytes'],
    ['a size too large', member('b.png', { deflate: true, claims: { size: 99 } }), 'does not have the 99 bytes'],
    ['a stored size that is not that of its bytes', member('b.png', { claims: { size: 99 } }), 'size mismatch'],
  ])('with %s is refused, whatever else is in it', async (_, one, why) => {
    expect(await refusalOf(makeZip([member('a.png'), one]))).toContain(why);
  });

  it('with two entries of one name is refused, however it is written', async () => {
    const [composed, combining] = ['\u00e9.png', 'e\u0301.png'];
    const utf8 = { claims: { flags: 0x800 } };
    for (const [one, other] of [
      ['a.png', 'a.png'],
      ['a.png', 'A.PNG'],
      ['x/a.png', 'x//./a.png'],
      [composed, combining],
    ]) {
      const zip = makeZip([member(one!, utf8), member(other!, utf8)]);
      expect(await refusalOf(zip)).toContain('there are two of this name');
    }
  });

  it('whose entries share bytes is refused', async () => {
    // Each entry holds the whole of the next, header included, as in Fifield's bomb.
    const inner = makeZip([member('b.png')]);
    const record = inner.subarray(0, Buffer.from(inner).indexOf('PK\x01\x02', 0, 'latin1'));
    const outer = Buffer.from(makeZip([{ name: 'a.png', data: record }, member('b.png')]));
    const second = outer.lastIndexOf('PK\x01\x02', undefined, 'latin1');
    outer.writeUInt32LE(30 + 'a.png'.length, second + 42);
    expect(await refusalOf(outer)).toBe('b.png: it shares bytes with another entry');
  });

  it('beyond its limits is refused before anything is inflated', async () => {
    const three = makeZip([member('a'), member('b'), member('c')]);
    expect(await refusalOf(three, { maxEntries: 3 })).toBe('none');
    expect(await refusalOf(three, { maxEntries: 2 })).toContain('it has 3 entries, over the limit of 2 images');
    const many = makeZip(Array.from({ length: 9 }, (_, i) => member(`${i}/`, { data: Buffer.alloc(0) })));
    expect(await refusalOf(many, { maxEntries: 2 })).toContain('it has 9 entries');
    expect(await refusalOf(three, { maxEntryBytes: 2 })).toBe('a: it has 3 bytes, over the limit of 2');
    expect(await refusalOf(three, { maxTotalBytes: 8 })).toContain('c: with it the images have 9 bytes');
    const bomb = makeZip([{ name: 'b', data: Buffer.alloc(2 ** 20 + 1), deflate: true }]);
    expect(await refusalOf(bomb)).toBe('b: it is more than 200 times as large as it is in the file');
    expect(await refusalOf(bomb, { maxRatio: 2_000 })).toBe('none');
    const small = makeZip([{ name: 'b', data: Buffer.alloc(2 ** 20), deflate: true }]);
    expect(await refusalOf(small)).toBe('none');
  });

  it('that is no zip file, or not all of one, is refused', async () => {
    const zip = makeZip([member('a.png'), member('b.png')]);
    const disks = Buffer.from(zip);
    disks.writeUInt16LE(1, disks.length - 18);
    expect(await refusalOf(disks)).toContain('multi-disk');
    expect(await refusalOf(Buffer.alloc(0))).toContain('it cannot be read (End of central directory');
    expect(await refusalOf(bytesOf('<html>404</html>'.repeat(99)))).toContain('Either not a zip file');
    for (const length of [10, 40, zip.length - 30, zip.length - 1]) {
      expect(await refusalOf(zip.subarray(0, length))).toContain('it cannot be read');
    }
    // The end of a file whose beginning is missing.
    expect(await refusalOf(zip.subarray(20))).toContain('it cannot be read');
  });

  it('is given up when its caller does', async () => {
    const zip = makeZip([member('a.png'), member('b.png')]);
    await expect(readAll(zip, {}, AbortSignal.abort(new Error('enough')))).rejects.toThrow('enough');
    const path = join(folder, 'two.zip');
    writeFileSync(path, zip);
    const opened = await openZipPackage(path);
    const controller = new AbortController();
    const images = opened.images(controller.signal);
    expect(await images.next()).toMatchObject({ value: { name: 'a.png' } });
    controller.abort(new Error('enough'));
    await expect(images.next()).rejects.toThrow('enough');
    opened.close();
  });

  it('that is missing is the system’s error, not the package’s', async () => {
    await expect(openZipPackage(join(folder, 'none.zip'))).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it('damaged anywhere is read or refused, and nothing else', async () => {
    const zip = Buffer.from(
      makeZip([member('a.png', { deflate: true }), member('b.png'), member('c/d.png', { unixMode: 0o644 })]),
    );
    const change = fc.tuple(fc.nat(zip.length - 1), fc.nat(255));
    let refused = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 6 }), fc.nat(zip.length), async (changes, cut) => {
        const damaged = Buffer.from(zip.subarray(0, cut % 3 === 0 ? cut : zip.length));
        for (const [at, byte] of changes) if (at < damaged.length) damaged[at] = byte;
        if ((await refusalOf(damaged)) !== 'none') refused++;
      }),
      { numRuns: 300 },
    );
    expect(refused).toBeGreaterThan(50);
  });
});
