import {
  createReadStream,
  createWriteStream,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { copyFile, truncate } from 'node:fs/promises';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setTimeout as pause } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import sharp from 'sharp';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ImageExaminer } from '../../../src/apps/artwork/image-examiner.js';
import type { GoodImage, ImageRecord } from '../../../src/apps/artwork/manifest.js';
import { PackageFolder } from '../../../src/apps/artwork/package-folder.js';
import {
  type Download,
  defaultPackageLimits,
  type PackageSteps,
  processPackage,
} from '../../../src/apps/artwork/process-package.js';
import type { ArtworkPackage } from '../../../src/apps/artwork/receiver-body.js';
import { isTransient } from '../../../src/apps/artwork/transience.js';
import { VitrinaError } from '../../../src/index.js';
import { makeZip } from '../../formats/zip-writer.js';

const fixtures = join(import.meta.dirname, '../../fixtures/artwork');
const examiner = new ImageExaminer({ processes: 2 });
afterAll(() => examiner.close());
let data = '';
beforeEach(() => {
  data = mkdtempSync(join(tmpdir(), 'vitrina-packages-'));
});
afterEach(() => rmSync(data, { recursive: true }));

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

const base = 'https://images.example';
const posted = (more: Partial<ArtworkPackage>): ArtworkPackage => ({
  country: 'MX',
  channel: '5',
  label: null,
  category: 'POP',
  zip_art: null,
  arts_path: [],
  no_transaction_id: '1',
  ntd_transaction_id: '7',
  ...more,
});
const fixture = (name: string) => readFileSync(join(fixtures, name));

/** The network, from whose point of view an address is a file: a fixture, or what a test has put beside them. */
const files = new Map<string, Buffer>();
afterEach(() => files.clear());
const asked: string[] = [];
const refused = (status: number) =>
  new VitrinaError('header-invalid', { header: 'X', value: String(status), expected: 'Y' });
const away = () => new VitrinaError('storage-unavailable', { why: 'nobody answers' });
const fromFiles: Download = async (url, into, maxBytes) => {
  asked.push(url);
  const name = decodeURIComponent(new URL(url).pathname.slice(1));
  const bytes = files.get(name);
  if (bytes !== undefined) writeFileSync(into, bytes);
  else if (name.startsWith('away')) throw away();
  else if (name.startsWith('missing')) throw refused(404);
  else await copyFile(join(fixtures, name), into);
  if (statSync(into).size > maxBytes) throw refused(413);
};

async function run(more: Partial<ArtworkPackage>, steps: Partial<PackageSteps> & { id?: string } = {}) {
  asked.length = 0;
  const folder = new PackageFolder(data, steps.id ?? 'job-1');
  const usual = {
    download: fromFiles,
    examiner,
    folder,
    limits: { ...defaultPackageLimits, firstPauseMs: 1 },
    signal: new AbortController().signal,
  };
  const { manifest, counts } = await processPackage(posted(more), { ...usual, ...steps });
  expect(JSON.parse((await folder.readManifest())!)).toEqual(manifest);
  expect(readdirSync(folder.path).sort()).toEqual(['manifest.json', 'thumbnails']);
  return { manifest, counts, folder };
}
const summary = (images: readonly ImageRecord[]) =>
  images.map((image) => ('error' in image ? image.error : image.name));
const good = (image: ImageRecord | undefined): GoodImage => {
  if (image === undefined || 'error' in image) throw new Error(image?.error ?? 'no image');
  return image;
};
const tree = (folder: string) =>
  Object.fromEntries(
    (readdirSync(folder, { recursive: true, encoding: 'utf8' }) as string[])
      .filter((name) => statSync(join(folder, name)).isFile())
      .map((name) => [name, readFileSync(join(folder, name)).toString('base64')]),
  );

describe('a package', () => {
  it('of addresses becomes a manifest and thumbnails', async () => {
    const arts_path = ['poster.jpg', 'clouds.png', 'poster.jpg?again'].map((name) => `${base}/${name}`);
    const calls: unknown[] = [];
    const { manifest, counts, folder } = await run(
      { arts_path },
      { progress: (...call) => void calls.push(call), limits: { ...defaultPackageLimits, downloads: 1 } },
    );
    expect(manifest.package).toEqual(posted({ arts_path }));
    expect(counts).toEqual({ images: 3, ok: 3, broken: 0 });
    expect(manifest.images[0]).toEqual({
      name: 'poster.jpg',
      source: { url: arts_path[0] },
      bytes: fixture('poster.jpg').length,
      sha256: expect.stringMatching(/^[0-9a-f]{64}$/),
      format: 'jpeg',
      width: 640,
      height: 480,
      pages: 1,
      perceptual_hash: expect.stringMatching(/^[0-9a-f]{16}$/),
      thumbnail: 'thumbnails/0.webp',
    });
    expect(manifest.images.map((image) => good(image).duplicate_of)).toEqual([undefined, undefined, 0]);
    expect(await sharp(await folder.readThumbnail(1)).metadata()).toMatchObject({ format: 'webp', width: 96 });
    expect(await folder.readThumbnail(3)).toBeUndefined();
    expect(calls).toEqual([
      [1, 3, 'poster.jpg'],
      [2, 3, 'clouds.png'],
      [3, 3, 'poster.jpg'],
    ]);
    await folder.remove();
    expect(readdirSync(join(data, 'packages'))).toEqual([]);
    expect(await folder.readManifest()).toBeUndefined();
  });

  it('of a zip file and the addresses of what is in it is fetched once', async () => {
    const members = ['poster.jpg', 'gray.png', 'tiny.png'].map((name) => ({ name: `a/${name}`, data: fixture(name) }));
    files.set('p.zip', Buffer.from(makeZip([...members, { name: 'b/tiny.png', data: fixture('small.png') }])));
    const arts_path = ['POSTER.jpg', 'stripes.png', 'x/tiny.png', 'stripes.png'].map((name) => `${base}/${name}`);
    const { manifest } = await run({ zip_art: `${base}/p.zip`, arts_path });
    expect(asked).toEqual([`${base}/p.zip`, `${base}/stripes.png`]);
    expect(manifest.images.map(({ name, source }) => [name, source])).toEqual([
      ['poster.jpg', { entry: 'a/poster.jpg', url: `${base}/POSTER.jpg` }],
      ['gray.png', { entry: 'a/gray.png' }],
      ['tiny.png', { entry: 'a/tiny.png' }],
      ['tiny.png', { entry: 'b/tiny.png' }],
      ['stripes.png', { url: `${base}/stripes.png` }],
    ]);
    expect(manifest.images.map((image) => good(image).width)).toEqual([640, 120, 20, 77, 300]);
  });

  it('with broken images has its others', async () => {
    const jpeg = fixture('poster.jpg');
    const members = {
      'cut.jpg': jpeg.subarray(0, 9_000),
      'whole.jpg': jpeg,
      'notes.txt': Buffer.from('hello'),
      'none.png': Buffer.alloc(0),
    };
    const zip = Buffer.from(makeZip(Object.entries(members).map(([name, bytes]) => ({ name, data: bytes }))));
    zip[zip.indexOf('hello')] = 0x48;
    files.set('p.zip', zip);
    const arts_path = ['missing.png', 'away.png', 'gray.png'].map((name) => `${base}/${name}`);
    const { manifest, counts } = await run({ zip_art: `${base}/p.zip`, arts_path });
    expect(summary(manifest.images)).toEqual([
      expect.stringContaining('cannot be decoded'),
      'whole.jpg',
      'is damaged in the zip file (its checksum differs)',
      'is empty',
      'could not be fetched: X is "404"; expected Y',
      'could not be fetched: The database does not answer: nobody answers. Try again in a moment',
      'gray.png',
    ]);
    expect(counts).toEqual({ images: 7, ok: 2, broken: 5 });
    expect(asked.filter((url) => url.endsWith('away.png'))).toHaveLength(3);
    expect(asked.filter((url) => url.endsWith('missing.png'))).toHaveLength(1);
  });

  it('without images is done', async () => {
    expect((await run({})).counts).toEqual({ images: 0, ok: 0, broken: 0 });
  });

  it('done twice leaves the same files, whatever a run before left', async () => {
    files.set('p.zip', Buffer.from(makeZip(['gray.png', 'tall.png'].map((name) => ({ name, data: fixture(name) })))));
    const more = { zip_art: `${base}/p.zip`, arts_path: ['poster.jpg', 'small.png'].map((name) => `${base}/${name}`) };
    const { folder } = await run(more);
    const first = tree(folder.path);
    expect(Object.keys(first)).toHaveLength(5);
    writeFileSync(join(await folder.openWork(), 'left'), 'x');
    writeFileSync(join(folder.path, 'thumbnails/4.webp'), 'x');
    await run(more);
    expect(tree(folder.path)).toEqual(first);
  });

  it('that is cut off leaves the manifest before as it was', async () => {
    const { folder } = await run({ arts_path: [`${base}/gray.png`] });
    const before = await folder.readManifest();
    const controller = new AbortController();
    const reason = new Error('shutting down');
    const cut = run(
      { arts_path: [`${base}/tiny.png`, `${base}/large.jpg`] },
      { signal: controller.signal, progress: () => controller.abort(reason) },
    );
    await expect(cut).rejects.toBe(reason);
    expect(await folder.readManifest()).toBe(before);
    expect(readdirSync(folder.path).sort()).toEqual(['manifest.json', 'thumbnails']);
  });

  it('whose zip file is refused or missing fails for good, one that is away may be tried again', async () => {
    files.set('p.zip', Buffer.from(makeZip([{ name: '../a.png', data: fixture('tiny.png') }])));
    for (const [name, code, transient] of [
      ['p.zip', 'package-invalid', false],
      ['poster.jpg', 'package-invalid', false],
      ['missing.zip', 'header-invalid', false],
      ['away.zip', 'storage-unavailable', true],
    ] as const) {
      const error = await run({ zip_art: `${base}/${name}`, arts_path: [`${base}/gray.png`] }).catch(
        (error: unknown) => error,
      );
      expect(error).toMatchObject({ code });
      expect(isTransient(error)).toBe(transient);
    }
    expect(await new PackageFolder(data, 'job-1').readManifest()).toBeUndefined();
  });

  it('of which nothing can be reached may be tried again', async () => {
    const both = ['away.png', 'away-too.png'].map((name) => `${base}/${name}`);
    await expect(run({ arts_path: both })).rejects.toMatchObject({ code: 'storage-unavailable' });
    const { counts } = await run({ arts_path: [...both, `${base}/missing.png`] });
    expect(counts).toEqual({ images: 3, ok: 0, broken: 3 });
  });

  it('that takes too long fails, and ends what it began', async () => {
    let ended: unknown;
    const download: Download = (_url, _into, _maxBytes, signal) =>
      new Promise((_, reject) =>
        signal.addEventListener('abort', () => {
          ended = signal.reason;
          reject(signal.reason);
        }),
      );
    const limits = { ...defaultPackageLimits, timeoutMs: 50 };
    const error = await run({ arts_path: [`${base}/a.png`] }, { download, limits }).catch((error: unknown) => error);
    expect(error).toMatchObject({ code: 'package-too-slow', fields: { seconds: 0.05 } });
    expect(isTransient(error)).toBe(false);
    expect(ended).toMatchObject({ name: 'TimeoutError' });
  });

  it('keeps no more than a few files at a time, and fetches no more than its limit', async () => {
    const bytes = fixture('tiny.png');
    const names = Array.from({ length: 30 }, (_, i) => `${base}/${i}.png`);
    for (let i = 0; i < 30; i++) files.set(`${i}.png`, bytes);
    let most = 0;
    let under = 0;
    const download: Download = async (url, into, maxBytes, signal) => {
      under++;
      await fromFiles(url, into, maxBytes, signal);
      most = Math.max(most, readdirSync(join(into, '..')).filter((name) => /^\d+$/.test(name)).length);
      under--;
      expect(under).toBeLessThan(4);
    };
    expect((await run({ arts_path: names }, { download })).counts.ok).toBe(30);
    expect(most).toBeLessThanOrEqual(4);
    const limits = { ...defaultPackageLimits, maxFetchedBytes: 10 * bytes.length };
    const { manifest, counts } = await run({ arts_path: names }, { limits });
    expect(counts.ok).toBeGreaterThanOrEqual(10);
    expect(counts.ok).toBeLessThan(14);
    expect(summary(manifest.images).at(-1)).toContain('was not fetched: those before it have more than');
  });

  it('of zip files in zip files is not opened further', async () => {
    let bomb = Buffer.from(makeZip([{ name: '0', data: Buffer.alloc(2 ** 20), deflate: true }]));
    for (let depth = 0; depth < 5; depth++) {
      bomb = Buffer.from(
        makeZip(Array.from({ length: 16 }, (_, i) => ({ name: `${i}.zip`, data: bomb, deflate: true }))),
      );
    }
    files.set('42.zip', bomb);
    const { manifest, counts } = await run({ zip_art: `${base}/42.zip` });
    expect(counts).toEqual({ images: 16, ok: 0, broken: 16 });
    expect(new Set(summary(manifest.images)).size).toBe(1);
    expect(summary(manifest.images)[0]).toContain('is in no format that is read here');
  });

  it('of many megabytes takes few of memory', async () => {
    const create = { width: 1_000, height: 1_000, channels: 3, background: '#888' } as const;
    const noise = { type: 'gaussian', mean: 128, sigma: 40 } as const;
    const data = await sharp({ create: { ...create, noise } })
      .png({ compressionLevel: 0 })
      .toBuffer();
    files.set('p.zip', Buffer.from(makeZip(Array.from({ length: 30 }, (_, i) => ({ name: `${i}.png`, data })))));
    expect(files.get('p.zip')!.length).toBeGreaterThan(80 * 2 ** 20);
    const live = () => {
      collectGarbage();
      return process.memoryUsage().arrayBuffers;
    };
    // What was needed to make it is let go of.
    await pause(20);
    live();
    await pause(20);
    const before = live();
    let most = 0;
    const progress = () => {
      most = Math.max(most, live() - before);
    };
    const { counts } = await run({ zip_art: `${base}/p.zip` }, { progress });
    expect(counts.ok).toBe(30);
    expect(most).toBeLessThan(30 * 2 ** 20);
  });

  it('asks an image model, and says why it has no answer', async () => {
    const pixels = { width: 2, height: 2, layout: 'channels-last', scale: 1 } as const;
    const model = {
      pixels,
      async predict(values: Float32Array, { width }: { width: number }): Promise<unknown> {
        if (width === 20) throw new VitrinaError('runtime-rejected', { reason: 'no' });
        return { label: 'poster', values: values.length };
      },
    };
    const arts_path = [`${base}/poster.jpg`, `${base}/tiny.png`];
    const { manifest } = await run({ arts_path }, { model });
    expect(good(manifest.images[0]).prediction).toEqual({ label: 'poster', values: 12 });
    expect(good(manifest.images[1]).prediction_error).toContain('cannot compute on these inputs: no');
    const unloaded = { pixels, predict: () => Promise.reject(away()) };
    await expect(run({ arts_path }, { model: unloaded })).rejects.toMatchObject({ code: 'storage-unavailable' });
  });

  it('is fetched over HTTP', async () => {
    const serve: RequestListener = (request, response) => {
      const name = request.url!.slice(1);
      if (name === 'none.png') response.writeHead(404).end();
      else createReadStream(join(fixtures, name)).pipe(response);
    };
    const server = createServer(serve).listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    const { port } = server.address() as AddressInfo;
    const download: Download = async (url, into, _maxBytes, signal) => {
      const response = await fetch(url, { signal });
      if (!response.ok) throw refused(response.status);
      await pipeline(Readable.fromWeb(response.body!), createWriteStream(into));
    };
    const arts_path = ['large.jpg', 'none.png', 'palette.png'].map((name) => `http://127.0.0.1:${port}/${name}`);
    const { manifest } = await run({ arts_path }, { download });
    expect(summary(manifest.images)).toEqual([
      'large.jpg',
      'could not be fetched: X is "404"; expected Y',
      'palette.png',
    ]);
    await new Promise((resolve) => server.close(resolve));
  });

  it('whose disk fails is no fault of its images', async () => {
    const download: Download = async (url, into, maxBytes, signal) => {
      await fromFiles(url, into, maxBytes, signal);
      throw Object.assign(new Error('no space left'), { code: 'ENOSPC' });
    };
    const error = await run({ arts_path: [`${base}/gray.png`] }, { download }).catch((error: unknown) => error);
    expect(error).toMatchObject({ code: 'ENOSPC' });
    expect(isTransient(error)).toBe(true);
  });

  it('has a folder whose name comes from nobody else', () => {
    for (const id of ['../up', '', 'a/b', '.', 'a\0'])
      expect(() => new PackageFolder(data, id)).toThrow('is no id of a job');
  });
});

describe('an image that is empty on the way', () => {
  it('is reported as such', async () => {
    const download: Download = async (url, into, maxBytes, signal) => {
      await fromFiles(url, into, maxBytes, signal);
      await truncate(into, 0);
    };
    expect(summary((await run({ arts_path: [`${base}/gray.png`] }, { download })).manifest.images)).toEqual([
      'is empty',
    ]);
  });
});
