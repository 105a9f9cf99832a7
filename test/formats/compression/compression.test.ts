import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { deflateSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { inflateBzip2 } from '../../../src/formats/compression/bzip2.js';
import { crc64, xxh32 } from '../../../src/formats/compression/checksums.js';
import { detectCompression, inflate } from '../../../src/formats/compression/index.js';
import { inflateLz4 } from '../../../src/formats/compression/lz4.js';
import { inflateLzma } from '../../../src/formats/compression/lzma.js';
import { inflateXz } from '../../../src/formats/compression/xz.js';
import { defaultPythonLimits } from '../../../src/formats/pickle/limits.js';
import { pythonFixtures } from '../python-values.js';

const { content: base64, ...compressed } = JSON.parse(
  readFileSync(join(pythonFixtures, 'compressed.json'), 'utf8'),
) as Record<string, string>;
const content = Buffer.from(base64!, 'base64');
const cases = Object.entries(compressed).map(([name, text]) => ({ name, bytes: Buffer.from(text, 'base64') }));

/** By its name: the properties of one `.lzma` case are not joblib's, so its first bytes do not tell. */
function inflateCase(name: string, bytes: Uint8Array, cap = 2 ** 26): Uint8Array {
  if (name.startsWith('bzip2')) return inflateBzip2(bytes, cap);
  if (name.startsWith('xz')) return inflateXz(bytes, cap);
  if (name.startsWith('lzma')) return inflateLzma(bytes, cap);
  if (name.startsWith('lz4')) return inflateLz4(bytes, cap);
  const limits = { ...defaultPythonLimits, inflatedBytes: cap };
  return inflate(name.startsWith('gzip') ? 'gzip' : 'zlib', bytes, limits);
}

describe('inflate', () => {
  it.each(cases)('inflates $name as Python does', ({ name, bytes }) => {
    expect(Buffer.compare(inflateCase(name, bytes), content)).toBe(0);
    if (name !== 'lzma with other properties') expect(detectCompression(bytes)).toBe(name.split(' ')[0]);
  });

  it.each(cases)('refuses $name cut anywhere', ({ name, bytes }) => {
    for (let length = 0; length < bytes.length; length++) {
      // A second member or stream that is missing altogether leaves a whole file.
      let result: Uint8Array | undefined;
      try {
        result = inflateCase(name, bytes.subarray(0, length));
      } catch (error) {
        expect(error).toMatchObject({ code: 'artefact-malformed' });
      }
      if (result !== undefined) expect(name).toMatch(/of two/);
    }
  });

  it.each(cases)('never gives other content for $name with a bit flipped', ({ name, bytes }) => {
    fc.assert(
      fc.property(fc.nat(bytes.length * 8 - 1), (bit) => {
        const flipped = Uint8Array.from(bytes);
        flipped[bit >> 3]! ^= 1 << (bit & 7);
        let result: Uint8Array;
        try {
          result = inflateCase(name, flipped);
        } catch (error) {
          expect(error).toHaveProperty('code', expect.stringMatching(/^artefact-/));
          return;
        }
        // .lzma and the first frame of LZ4 have no checksum; every other format has one.
        if (/^lzma|^lz4$|of two|^xz of/.test(name)) return;
        expect(Buffer.compare(result, content)).toBe(0);
      }),
      { numRuns: 300 },
    );
  });

  it.each(cases)('stops $name at its cap', ({ name, bytes }) => {
    expect(() => inflateCase(name, bytes, 1000)).toThrow(/inflated bytes of \d+, over the limit of 1000/);
  });

  it('knows zlib from what only looks like it', () => {
    expect(detectCompression(deflateSync('x'))).toBe('zlib');
    expect(detectCompression(Buffer.from('x\x00'))).toBeUndefined();
    expect(detectCompression(new Uint8Array(0))).toBeUndefined();
  });

  it('computes checksums as their specifications do', () => {
    expect(crc64(Buffer.from('123456789'))).toBe(0x995dc9bbdf1939fan);
    expect(xxh32(new Uint8Array(0))).toBe(0x02cc5d05);
    expect(xxh32(Buffer.from('Nobody inspects the spammish repetition'))).toBe(0xe2293b2f);
  });
});
