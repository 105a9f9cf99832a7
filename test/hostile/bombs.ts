import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { deflateSync, gzipSync } from 'node:zlib';
import type { Compression } from '../../src/formats/compression/index.js';
import { pythonFixtures } from '../formats/python-values.js';

const MiB = 2 ** 20;

/** Small files, by format, that inflate to 80 MiB or more. */
export function makeBombs(): [Compression, Uint8Array][] {
  const made = JSON.parse(readFileSync(join(pythonFixtures, 'bombs.json'), 'utf8')) as Record<string, string>;
  const bytes = (name: string, times = 1) =>
    Buffer.concat(new Array<Buffer>(times).fill(Buffer.from(made[name]!, 'base64')));
  const zeros = Buffer.alloc(80 * MiB);
  return [
    ['gzip', gzipSync(zeros)],
    ['zlib', deflateSync(zeros)],
    ['bzip2', bytes('bzip2')],
    ['xz', bytes('xz', 10)],
    ['lzma', bytes('lzma')],
    ['lz4', bytes('lz4', 320)],
  ];
}
