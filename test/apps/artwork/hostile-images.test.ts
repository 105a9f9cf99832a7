import { crc32, deflateSync } from 'node:zlib';
import fc from 'fast-check';
import sharp, { type Sharp } from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ImageExaminer } from '../../../src/apps/artwork/image-examiner.js';
import type { Examination } from '../../../src/apps/artwork/image-task.js';
import { makeZip } from '../../formats/zip-writer.js';

const examiner = new ImageExaminer({ timeoutMs: 10_000 });
afterAll(() => examiner.close());
const faultOf = (examination: Examination) => ('fault' in examination ? examination.fault : 'none');
const examine = async (bytes: Uint8Array | string) => faultOf(await examiner.examine({ bytes: Buffer.from(bytes) }));

/** A photograph of sorts: every format has something to compress. */
const picture = () =>
  sharp({
    create: {
      width: 64,
      height: 48,
      channels: 3,
      background: '#888',
      noise: { type: 'gaussian', mean: 128, sigma: 50 },
    },
  });
const encode: Readonly<Record<string, (image: Sharp) => Sharp>> = {
  jpeg: (image) => image.jpeg(),
  png: (image) => image.png(),
  webp: (image) => image.webp(),
  'lossless webp': (image) => image.webp({ lossless: true }),
  gif: (image) => image.gif(),
  tiff: (image) => image.tiff({ compression: 'deflate' }),
  avif: (image) => image.avif({ effort: 0 }),
};
const valid: Record<string, Buffer> = {};
beforeAll(async () => {
  for (const [name, to] of Object.entries(encode)) valid[name] = await to(picture()).toBuffer();
});

function pngChunk(type: string, data: Uint8Array): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const [length, checksum] = [Buffer.alloc(4), Buffer.alloc(4)];
  length.writeUInt32BE(data.length);
  checksum.writeUInt32BE(crc32(body));
  return Buffer.concat([length, body, checksum]);
}

/** Black and white of this size, whose pixels are those of `rows` rows. */
function png(width: number, height: number, rows = height, more: readonly Buffer[] = []): Buffer {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header[8] = 1;
  const pixels = deflateSync(Buffer.alloc((1 + Math.ceil(width / 8)) * rows));
  const chunks = [pngChunk('IHDR', header), ...more, pngChunk('IDAT', pixels), pngChunk('IEND', Buffer.alloc(0))];
  return Buffer.concat([Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'), ...chunks]);
}

/** `bytes` with `patch` written at `at`. */
function patched(bytes: Buffer, at: number, patch: readonly number[]): Buffer {
  const copy = Buffer.from(bytes);
  expect(at).toBeGreaterThan(0);
  copy.set(patch, at);
  return copy;
}

describe('an image that unpacks to more than it may', () => {
  it('is refused by what its header says: PNG', async () => {
    const bomb = png(20_000, 20_000);
    expect(bomb.length).toBeLessThan(100_000);
    expect(await examine(bomb)).toBe('has 20000 × 20000 pixels, over the limit of 100000000');
    expect(await examine(png(50_000, 50_000, 1))).toBe('has 50000 × 50000 pixels, over the limit of 100000000');
    expect(await examine(png(2 ** 31 - 1, 2 ** 31 - 1, 0))).not.toBe('none');
  });

  it('is refused by what its header says: GIF, WebP, TIFF, AVIF', async () => {
    const full = [0xff, 0xff];
    const frame = valid.gif!.indexOf(Buffer.of(0x2c, 0, 0, 0, 0, 64, 0, 48, 0)) + 5;
    const gif = patched(patched(valid.gif!, 6, [...full, ...full]), frame, [...full, ...full]);
    expect(await examine(gif)).toBe('has 65535 × 65535 pixels, over the limit of 100000000');
    expect(await examine(patched(valid['lossless webp']!, 21, [0xfe, 0xbf, 0xff, 0x0f]))).toBe(
      'has 16383 × 16383 pixels, over the limit of 100000000',
    );
    const large = { width: 12_000, height: 12_000, channels: 3, background: '#000' } as const;
    const tiff = await sharp({ create: large, limitInputPixels: false }).tiff({ compression: 'deflate' }).toBuffer();
    expect(tiff.length).toBeLessThan(2 ** 20);
    expect(await examine(tiff)).toBe('has 12000 × 12000 pixels, over the limit of 100000000');
    const ispe = valid.avif!.indexOf('ispe') + 8;
    expect(await examine(patched(valid.avif!, ispe, [0x7f, 0xff, 0xff, 0xff, 0x7f, 0xff, 0xff, 0xff]))).not.toBe(
      'none',
    );
  });

  it('is refused when its pixels are not there', async () => {
    expect(await examine(png(9_000, 9_000, 10))).toContain('cannot be decoded');
  });

  it('in texts beside its pixels is no larger for us', async () => {
    const text = Buffer.concat([Buffer.from('Comment\0\0', 'latin1'), deflateSync(Buffer.alloc(2 ** 26))]);
    const before = process.memoryUsage().rss;
    await examine(
      png(
        10,
        10,
        10,
        Array.from({ length: 5 }, () => pngChunk('zTXt', text)),
      ),
    );
    expect(process.memoryUsage().rss - before).toBeLessThan(200 * 2 ** 20);
  });

  it('at the limit is looked at within the memory of its process alone', async () => {
    const before = process.memoryUsage().rss;
    for (let i = 0; i < 3; i++) expect(await examine(png(9_990, 9_990))).toBe('none');
    expect(process.memoryUsage().rss - before).toBeLessThan(100 * 2 ** 20);
  });
});

describe('a file of another kind', () => {
  it.each<[string, string | Buffer]>([
    ['SVG', '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><rect width="9" height="9"/></svg>'],
    [
      'SVG with an external entity',
      '<?xml version="1.0"?><!DOCTYPE svg [<!ENTITY x SYSTEM "file:///etc/passwd">]><svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><text>&x;</text></svg>',
    ],
    ['PDF', '%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF'],
    ['PostScript', '%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\nshowpage\n'],
    [
      'MVG',
      'push graphic-context\nviewbox 0 0 9 9\nimage over 0,0 0,0 "https://images.example/a.png"\npop graphic-context',
    ],
    ['BMP', Buffer.concat([Buffer.from('BM'), Buffer.alloc(60)])],
    ['PPM', 'P6 1 1 255\nabc'],
    ['FITS', `SIMPLE  =                    T${' '.repeat(51)}`],
    ['a file of libvips', Buffer.concat([Buffer.from([0x08, 0xf2, 0xa6, 0xb6]), Buffer.alloc(100)])],
    ['a script', '#!/bin/sh\nrm -rf /\n'],
    ['a page', '<!doctype html><title>404</title>'],
    ['a zip file', Buffer.from(makeZip([{ name: 'a.png', data: Buffer.from('x') }]))],
    ['one byte', '\xff'],
  ])('is refused, whatever its name: %s', async (_, bytes) => {
    expect(await examine(bytes)).toBe('is in no format that is read here (jpeg, png, webp, gif, tiff, avif)');
  });

  it('that is an image as well is taken for the image, and nothing else of it is kept', async () => {
    const script = Buffer.from('<script>alert("polyglot")</script>');
    const zip = Buffer.from(makeZip([{ name: 'evil.php', data: script }]));
    for (const name of ['jpeg', 'png', 'gif', 'webp']) {
      const examination = await examiner.examine({ bytes: Buffer.concat([valid[name]!, script, zip]) });
      expect([name, faultOf(examination)]).toEqual([name, 'none']);
      if (!('thumbnail' in examination)) continue;
      expect(Buffer.from(examination.thumbnail).includes('script')).toBe(false);
      expect(await sharp(examination.thumbnail).metadata()).toMatchObject({ format: 'webp', width: 64 });
    }
  });
});

describe('a damaged image', () => {
  it.each(Object.keys(encode))('cut off anywhere is reported: %s', async (name) => {
    const bytes = valid[name]!;
    for (const share of [0.01, 0.1, 0.5, 0.9]) {
      expect([share, await examine(bytes.subarray(0, Math.ceil(bytes.length * share)))]).not.toEqual([share, 'none']);
    }
  });

  it('is told in one line of plain text', async () => {
    for (const bytes of Object.values(valid)) {
      const fault = await examine(bytes.subarray(0, bytes.length / 2));
      expect(fault).toMatch(/^[\x20-\x7e×]{10,300}[^.]$/);
    }
  });

  it.each(Object.keys(encode))('changed anywhere is read or reported, and nothing else: %s', async (name) => {
    const bytes = valid[name]!;
    const change = fc.tuple(fc.nat(bytes.length - 1), fc.nat(255));
    const before = process.memoryUsage().rss;
    const seen = new Set<boolean>();
    await fc.assert(
      fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 8 }), fc.nat(), async (changes, cut) => {
        const damaged = Buffer.from(cut % 4 === 0 ? bytes.subarray(0, cut % bytes.length) : bytes);
        for (const [at, byte] of changes) if (at < damaged.length) damaged[at] = byte;
        const fault = await examine(damaged);
        expect(fault).not.toBe('crashed the decoder');
        seen.add(fault === 'none');
      }),
      { numRuns: 60 },
    );
    expect(seen.has(false)).toBe(true);
    expect(examiner.pids.length).toBeLessThanOrEqual(1);
    expect(process.memoryUsage().rss - before).toBeLessThan(200 * 2 ** 20);
  });
});
