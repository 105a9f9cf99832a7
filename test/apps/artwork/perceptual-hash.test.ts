import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { ImageExaminer } from '../../../src/apps/artwork/image-examiner.js';
import type { ImageFacts } from '../../../src/apps/artwork/image-task.js';
import { grayOf, hashDistance, hashGray } from '../../../src/apps/artwork/perceptual-hash.js';

const folder = join(import.meta.dirname, '../../fixtures/artwork');
const { images } = JSON.parse(readFileSync(join(folder, 'phash.json'), 'utf8')) as {
  images: { file: string | null; phash: string; gray: string }[];
};
const files = images.filter(({ file }) => file !== null) as { file: string; phash: string }[];
const examiner = new ImageExaminer();
afterAll(() => examiner.close());
const hashOf = async (path: string) => ((await examiner.examine({ path })) as ImageFacts).perceptualHash;

describe('the perceptual hash', () => {
  it.each(images)('of the gray pixels of $file is that of imagehash, to the bit', ({ phash, gray }) => {
    expect(hashGray(Buffer.from(gray, 'base64'))).toBe(phash);
  });

  it.each(files.filter(({ file }) => file.endsWith('.png')))(
    'of $file is that of imagehash',
    async ({ file, phash }) => {
      expect(await hashOf(join(folder, file))).toBe(phash);
    },
  );

  it.each(files.filter(({ file }) => file.endsWith('.jpg')))('of $file is off by two bits at most', async (one) => {
    expect(hashDistance(await hashOf(join(folder, one.file)), one.phash)).toBeLessThanOrEqual(2);
  });

  it('brings sizes of one image together, and keeps mirrored and other images apart', async () => {
    const poster = await hashOf(join(folder, 'poster.jpg'));
    expect(hashDistance(poster, await hashOf(join(folder, 'poster-small.jpg')))).toBeLessThanOrEqual(2);
    for (const { file } of files.filter(({ file }) => !/^poster(-small)?\.jpg$/.test(file))) {
      expect([file, hashDistance(poster, await hashOf(join(folder, file))) > 20]).toEqual([file, true]);
    }
  });

  it('makes gray as Pillow does', () => {
    const colours = Uint8Array.of(0, 0, 0, 255, 255, 255, 255, 0, 0, 0, 255, 0, 0, 0, 255);
    expect([...grayOf(colours, 3)]).toEqual([0, 255, 76, 150, 29]);
    expect([...grayOf(Uint8Array.of(255, 0, 0, 7, 0, 255, 0, 200), 4)]).toEqual([76, 150]);
  });
});
