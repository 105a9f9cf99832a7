import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { detectCompression } from '../../src/formats/compression/index.js';
import { readJoblib } from '../../src/formats/joblib/index.js';
import { makeBombs } from './bombs.js';
import { global, pickle } from './pickle-writer.js';

const bombs = makeBombs();

describe('compressed files', () => {
  it.each(bombs)('of %s that inflate without end are refused', (format, bytes) => {
    expect(detectCompression(bytes)).toBe(format);
    expect(bytes.length).toBeLessThan(2 ** 20);
    const start = process.cpuUsage();
    expect(() => readJoblib(bytes)).toThrow(
      /inflated bytes of \d+, over the limit of 67108864; raise the limit inflationRatio/,
    );
    expect(process.cpuUsage(start).user / 1e6).toBeLessThan(2);
  });

  it('are judged by what they hold', () => {
    const bytes = gzipSync(pickle(global('os', 'system'), '(S"id"\ntR.'));
    expect(() => readJoblib(bytes)).toThrow(/refers to os\.system/);
    expect(() => readJoblib(gzipSync(gzipSync(bytes)))).toThrow(/is no opcode/);
  });
});

describe('the memory of a process', () => {
  const files: [string, Uint8Array][] = [
    ...bombs,
    ['lists', pickle(']'.repeat(3_000_000))],
    ['dictionaries', pickle('}'.repeat(3_000_000))],
    ['sets', pickle('\x8f'.repeat(3_000_000))],
    ['tuples', pickle(')'.repeat(3_000_000))],
    ['marks', pickle('('.repeat(5_000_000))],
    ['memo', pickle('N', '\x94'.repeat(5_000_000), '.')],
    ['dictionaries in gzip', gzipSync(pickle('}'.repeat(2 ** 24)))],
    ['keys', pickle('}(', Array.from({ length: 400_000 }, (_, i) => `F${i}.5\nN`).join(''), 'u.')],
  ];

  it('grows by less than 256 MB, whatever is read', () => {
    const folder = mkdtempSync(join(tmpdir(), 'vitrina-hostile-'));
    try {
      const paths = files.map(([name, bytes]) => {
        const path = join(folder, name.replace(/ /g, '-'));
        writeFileSync(path, bytes);
        return path;
      });
      const script = join(import.meta.dirname, 'measure-memory.ts');
      const args = ['--expose-gc', '--import', 'tsx', script, ...paths];
      const { stdout } = spawnSync(process.execPath, args, { encoding: 'utf8' });
      const { codes, megabytes } = JSON.parse(stdout) as { codes: string[]; megabytes: number };
      expect(codes).toHaveLength(files.length);
      for (const code of codes) expect(code).toMatch(/^(read|artefact-over-limit|artefact-malformed)$/);
      expect(megabytes).toBeLessThan(256);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
