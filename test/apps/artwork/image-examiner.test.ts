import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { getPriority, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import sharp from 'sharp';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { ImageExaminer } from '../../../src/apps/artwork/image-examiner.js';
import type { Examination, ImageFacts } from '../../../src/apps/artwork/image-task.js';
import { startProcess } from '../../../src/child-process.js';

const folder = mkdtempSync(join(tmpdir(), 'vitrina-images-'));
const open: ImageExaminer[] = [];
const examinerOf = (...options: ConstructorParameters<typeof ImageExaminer>) => {
  const examiner = new ImageExaminer(...options);
  open.push(examiner);
  return examiner;
};
let shared: ImageExaminer;
beforeAll(async () => {
  shared = new ImageExaminer();
  const create = { width: 9_990, height: 9_990, channels: 3, background: '#456' } as const;
  slow = await sharp({ create, limitInputPixels: false }).png({ compressionLevel: 1 }).toBuffer();
});
afterEach(async () => {
  await Promise.all(open.splice(0).map((examiner) => examiner.close()));
});
afterAll(async () => {
  await shared.close();
  rmSync(folder, { recursive: true });
});

const factsOf = (examination: Examination): ImageFacts => {
  if ('fault' in examination) throw new Error(examination.fault);
  return examination;
};
const faultOf = (examination: Examination) => ('fault' in examination ? examination.fault : 'none');

/** Four colours, so that turning it shows: red and green above, blue and white below. */
async function quarters(width = 80, height = 60) {
  const colours = ['#f00', '#0f0', '#00f', '#fff'];
  const parts = colours.map(async (background, i) => ({
    input: await sharp({ create: { width: width / 2, height: height / 2, channels: 3, background } })
      .png()
      .toBuffer(),
    left: (i % 2) * (width / 2),
    top: Math.trunc(i / 2) * (height / 2),
  }));
  const whole = sharp({ create: { width, height, channels: 3, background: '#000' } });
  return sharp(
    await whole
      .composite(await Promise.all(parts))
      .png()
      .toBuffer(),
  );
}

const alive = (pid: number) => {
  try {
    process.kill(pid, 0);
    // A zombie still has an id.
    return !/^State:\s*Z/m.test(readFileSync(`/proc/${pid}/status`, 'latin1'));
  } catch {
    return false;
  }
};

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await pause(20);
}

/** An image that takes a decoder a while: a hundred million pixels in few bytes. */
let slow: Buffer;

describe('the facts of an image', () => {
  it.each(['jpeg', 'png', 'webp', 'gif', 'tiff', 'avif'] as const)('are told of %s', async (format) => {
    const bytes = await (await quarters()).toFormat(format).toBuffer();
    const facts = factsOf(await shared.examine({ bytes }));
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    expect(facts).toMatchObject({ format, width: 80, height: 60, bytes: bytes.length, sha256, pages: 1 });
    expect(facts.perceptualHash).toMatch(/^[0-9a-f]{16}$/);
    expect(facts.pixels).toBeUndefined();
    const path = join(folder, 'one');
    writeFileSync(path, bytes);
    expect(await shared.examine({ path })).toEqual(facts);
  });

  it('have a thumbnail of 256 pixels at most, WebP in sRGB, without what the file says of itself', async () => {
    const image = (await quarters(1_000, 600)).withExif({ IFD0: { Copyright: 'somebody' } }).jpeg();
    const { thumbnail, width, height } = factsOf(await shared.examine({ bytes: await image.toBuffer() }));
    expect([width, height]).toEqual([1_000, 600]);
    const metadata = await sharp(thumbnail).metadata();
    expect(metadata).toMatchObject({ format: 'webp', width: 256, height: 154, space: 'srgb' });
    expect([metadata.exif, metadata.icc]).toEqual([undefined, undefined]);
    expect(Buffer.from(thumbnail).includes('somebody')).toBe(false);
    const small = factsOf(await shared.examine({ bytes: await (await quarters(20, 10)).png().toBuffer() }));
    expect(await sharp(small.thumbnail).metadata()).toMatchObject({ width: 20, height: 10 });
  });

  it.each([1, 2, 3, 4, 5, 6, 7, 8])(
    'have sizes as stored and an upright thumbnail, orientation %i',
    async (orientation) => {
      const bytes = await (await quarters()).withMetadata({ orientation }).jpeg({ quality: 100 }).toBuffer();
      const { width, height, thumbnail } = factsOf(await shared.examine({ bytes }));
      expect([width, height]).toEqual([80, 60]);
      const corners = async (image: Uint8Array) => {
        const { data, info } = await sharp(image)
          .autoOrient()
          .removeAlpha()
          .raw()
          .toBuffer({ resolveWithObject: true });
        const at = (x: number, y: number) =>
          [0, 1, 2].map((i) => (data[(y * info.width + x) * 3 + i]! > 127 ? 1 : 0)).join('');
        const [right, bottom] = [info.width - 5, info.height - 5];
        return [info.width, at(5, 5), at(right, 5), at(5, bottom), at(right, bottom)];
      };
      expect(await corners(thumbnail)).toEqual(await corners(bytes));
    },
  );

  it('count the frames of an animation, whose first is looked at', async () => {
    const frames = Array.from({ length: 3 }, (_, i) =>
      sharp({ create: { width: 30, height: 20, channels: 3, background: ['#f00', '#0f0', '#00f'][i]! } })
        .png()
        .toBuffer(),
    );
    const gif = await sharp(await Promise.all(frames), { join: { animated: true } })
      .gif()
      .toBuffer();
    const facts = factsOf(await shared.examine({ bytes: gif }));
    expect(facts).toMatchObject({ format: 'gif', width: 30, height: 20, pages: 3 });
    const { dominant } = await sharp(facts.thumbnail).stats();
    expect(dominant.r).toBeGreaterThan(200);
  });

  it('bring the pixels that an image model takes', async () => {
    const bytes = await (await quarters()).png().toBuffer();
    const pixels = { width: 2, height: 2, layout: 'channels-last', scale: 1 / 255 } as const;
    const last = factsOf(await shared.examine({ bytes }, { pixels })).pixels!;
    expect(last).toBeInstanceOf(Float32Array);
    expect([...last].map(Math.round)).toEqual([1, 0, 0, 0, 1, 0, 0, 0, 1, 1, 1, 1]);
    const first = factsOf(await shared.examine({ bytes }, { pixels: { ...pixels, layout: 'channels-first' } })).pixels!;
    expect([...first].map(Math.round)).toEqual([1, 0, 0, 1, 0, 1, 0, 1, 0, 0, 1, 1]);
    const large = { ...pixels, width: 700, height: 300 };
    expect(factsOf(await shared.examine({ bytes }, { pixels: large })).pixels).toHaveLength(700 * 300 * 3);
  });

  it('are told of gray, transparent, 16-bit and CMYK images', async () => {
    const image = await quarters();
    const kinds = [
      await image.clone().greyscale().png().toBuffer(),
      await image.clone().greyscale().ensureAlpha(0.5).png().toBuffer(),
      await image.clone().ensureAlpha(0.5).webp().toBuffer(),
      await image.clone().toColourspace('rgb16').png().toBuffer(),
      await image.clone().toColourspace('cmyk').jpeg().toBuffer(),
      await image.clone().png({ palette: true, colours: 4 }).toBuffer(),
    ];
    const pixels = { width: 8, height: 8, layout: 'channels-last', scale: 1 } as const;
    for (const bytes of kinds) {
      const facts = factsOf(await shared.examine({ bytes }, { pixels }));
      expect(facts).toMatchObject({ width: 80, height: 60 });
      expect(facts.pixels).toHaveLength(8 * 8 * 3);
    }
  });
});

describe('the process that decodes', () => {
  it('is as modest as nice makes it, and has nothing of the environment but what programs need', async () => {
    process.env.VITRINA_JWT_SECRET = 'a secret that nobody else may see';
    const examiner = examinerOf();
    await examiner.examine({ bytes: await (await quarters()).png().toBuffer() });
    delete process.env.VITRINA_JWT_SECRET;
    const [pid] = examiner.pids as [number];
    expect(getPriority(pid)).toBe(Math.min(19, getPriority() + 10));
    const threads = readdirSync(`/proc/${pid}/task`).map((id) => getPriority(Number(id)));
    expect(threads.filter((priority) => priority < getPriority(pid))).toEqual([]);
    const names = readFileSync(`/proc/${pid}/environ`, 'latin1')
      .split('\0')
      .map((line) => line.split('=')[0]!);
    expect(names).toContain('PATH');
    expect(names.filter((name) => !/^(PATH|HOME|LANG|NODE_.*|)$/.test(name))).toEqual([]);
  });

  it('that crashes costs the image at hand, and is replaced', async () => {
    const lines: string[] = [];
    const examiner = examinerOf({ log: { warn: (line) => lines.push(line) } });
    const good = await (await quarters()).png().toBuffer();
    await examiner.examine({ bytes: good });
    const [pid] = examiner.pids as [number];
    const cut = examiner.examine({ bytes: slow });
    const next = examiner.examine({ bytes: good });
    await pause(50);
    process.kill(pid, 'SIGSEGV');
    expect(faultOf(await cut)).toBe('crashed the decoder');
    expect(factsOf(await next)).toMatchObject({ width: 80 });
    expect(examiner.pids).toHaveLength(1);
    expect(examiner.pids).not.toContain(pid);
  });

  it('that never ends is killed when the time of its image is over', async () => {
    const examiner = examinerOf({ timeoutMs: 4_000 });
    const bytes = await (await quarters()).png().toBuffer();
    await examiner.examine({ bytes });
    const [pid] = examiner.pids as [number];
    process.kill(pid, 'SIGSTOP');
    expect(faultOf(await examiner.examine({ bytes }))).toBe('took longer than 4 s to decode');
    expect(alive(pid)).toBe(false);
    expect(factsOf(await examiner.examine({ bytes }))).toMatchObject({ width: 80 });
  });

  it('that takes too much memory is killed', async () => {
    const examiner = examinerOf({ maxMemory: 20 * 2 ** 20 });
    expect(faultOf(await examiner.examine({ bytes: slow }))).toBe('took more than 20 MB to decode');
  });

  it('is replaced after so many images, and after one that left it large', async () => {
    const bytes = await (await quarters()).png().toBuffer();
    const worn = examinerOf({ recycleImages: 2 });
    const seen = new Set<number>();
    for (let i = 0; i < 4; i++) {
      await worn.examine({ bytes });
      for (const pid of worn.pids) seen.add(pid);
    }
    expect([seen.size, worn.pids]).toEqual([2, []]);
    const large = examinerOf({ recycleMemory: 2 ** 20 });
    await large.examine({ bytes });
    expect(large.pids).toEqual([]);
  });

  it('ends when there is nothing to do', async () => {
    const examiner = examinerOf({ idleMs: 50 });
    await examiner.examine({ bytes: await (await quarters()).png().toBuffer() });
    const [pid] = examiner.pids as [number];
    await until(() => !alive(pid));
    await until(() => examiner.pids.length === 0);
  });

  it('ends when whoever started it is gone', async () => {
    const child = startProcess('image-process', { maxOldSpaceMb: 64 });
    await new Promise((resolve) => child.once('message', resolve));
    const ended = new Promise<string | null>((resolve) => child.once('exit', (_code, signal) => resolve(signal)));
    child.send({ source: { bytes: slow }, maxBytes: 1e9, maxPixels: 1e9 });
    await pause(30);
    child.disconnect();
    expect(await ended).toBe('SIGKILL');
  });
});

describe('an examiner', () => {
  it('looks at as many images at a time as it has processes', async () => {
    const examiner = examinerOf({ processes: 2 });
    const bytes = await (await quarters()).png().toBuffer();
    const all = await Promise.all(Array.from({ length: 9 }, () => examiner.examine({ bytes })));
    expect(new Set(all.map((one) => factsOf(one).sha256)).size).toBe(1);
    expect(examiner.pids).toHaveLength(2);
  });

  it('gives up an image whose caller does, and one that waits', async () => {
    const examiner = examinerOf();
    const quick = await (await quarters()).png().toBuffer();
    await examiner.examine({ bytes: quick });
    const [pid] = examiner.pids as [number];
    const [first, second] = [new AbortController(), new AbortController()];
    const running = examiner.examine({ bytes: slow }, { signal: first.signal }).catch((error: unknown) => error);
    const waiting = examiner.examine({ bytes: slow }, { signal: second.signal }).catch((error: unknown) => error);
    const last = examiner.examine({ bytes: quick });
    second.abort('second');
    expect(await waiting).toBe('second');
    first.abort('first');
    expect(await running).toBe('first');
    expect(factsOf(await last)).toMatchObject({ width: 80 });
    expect(alive(pid)).toBe(false);
    await expect(examiner.examine({ bytes: quick }, { signal: AbortSignal.abort('at once') })).rejects.toBe('at once');
  });

  it('says so where no process can be had, which is no image’s fault', async () => {
    const examiner = examinerOf();
    const path = process.env.NODE_OPTIONS;
    process.env.NODE_OPTIONS = '--no-such-option-of-node';
    const refusal = await examiner.examine({ bytes: Buffer.from('x') }).catch((error: unknown) => error);
    if (path === undefined) delete process.env.NODE_OPTIONS;
    else process.env.NODE_OPTIONS = path;
    expect(refusal).toMatchObject({ code: 'image-process-unavailable' });
    await expect(examiner.examine({ path: join(folder, 'not-there') })).rejects.toThrow('ENOENT');
    expect(faultOf(await examiner.examine({ bytes: Buffer.from('x') }))).toContain('is in no format');
  });

  it('refuses when it is closed, whoever waits', async () => {
    const examiner = examinerOf();
    const bytes = slow;
    const both = [examiner.examine({ bytes }), examiner.examine({ bytes })].map((work) =>
      work.catch((error: { code: string }) => error.code),
    );
    await pause(30);
    await examiner.close();
    expect(await Promise.all(both)).toEqual(['image-process-unavailable', 'image-process-unavailable']);
    await expect(examiner.examine({ bytes })).rejects.toMatchObject({ code: 'image-process-unavailable' });
    expect(examiner.pids.filter(alive)).toEqual([]);
  });
});
