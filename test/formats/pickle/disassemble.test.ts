import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { detectCompression, inflate } from '../../../src/formats/compression/index.js';
import { findArray } from '../../../src/formats/joblib/find-array.js';
import { defaultPythonLimits, disassemble, disassemblyLines, opcodeInfo } from '../../../src/formats/pickle/index.js';
import { pythonFixtures, readCases } from '../python-values.js';

interface Case {
  readonly name: string;
  readonly base64: string;
  readonly text: string;
}
const cases = JSON.parse(readFileSync(join(pythonFixtures, 'disassemblies.json'), 'utf8')) as Case[];
const print = (bytes: Uint8Array) => `${[...disassemblyLines(disassemble(bytes))].join('\n')}\n`;

describe('disassemble', () => {
  it.each(cases)('prints as pickletools -a does: $name', ({ base64, text }) => {
    const lines = print(Buffer.from(base64, 'base64')).split('\n');
    const expected = text.split('\n').slice(0, -1);
    // Where pickletools gives up, ours says why and goes on.
    expect(lines.slice(0, expected.length)).toEqual(expected);
    if (expected.at(-1)?.startsWith('highest') !== true) expect(lines[expected.length]).toMatch(/\(.*\)$/);
  });

  it('has met every opcode there is', () => {
    const met = new Set<number>();
    for (const { base64 } of cases) {
      for (const part of disassemble(Buffer.from(base64, 'base64')))
        if (part.kind === 'instruction') met.add(part.code);
    }
    expect(met.size).toBe(opcodeInfo.size);
    expect(met.size).toBe(68);
  });

  it('skips the arrays in a stream of joblib, and goes on behind them', () => {
    let arrays = 0;
    for (const { base64 } of readCases('joblibs.json')) {
      const packed = Buffer.from(base64, 'base64');
      const compression = detectCompression(packed);
      const bytes = compression === undefined ? packed : inflate(compression, packed, defaultPythonLimits);
      const parts = [...disassemble(bytes, findArray)];
      expect(parts.filter(({ kind }) => kind === 'problem' || kind === 'trailing')).toEqual([]);
      expect(parts.at(-1)?.kind).toBe('end');
      arrays += parts.filter(({ kind }) => kind === 'array').length;
    }
    expect(arrays).toBeGreaterThan(3);
  });
});

const fixtures = join(import.meta.dirname, '../../../../shared/fixtures/dev/sklearn');
const python = spawnSync('python3', ['-c', 'import sys; print(sys.version_info >= (3, 9))'], { encoding: 'utf8' });

describe.runIf(existsSync(fixtures) && python.stdout?.trim() === 'True')('against the pickletools that is here', () => {
  it('prints every pickle as it does', { timeout: 120_000 }, () => {
    const files = readdirSync(fixtures).flatMap((folder) =>
      readdirSync(join(fixtures, folder))
        .filter((name) => name.startsWith('model.'))
        .map((name) => join(fixtures, folder, name)),
    );
    const script = [
      'import io, json, pickletools, sys',
      'for path in sys.stdin.read().split("\\n"):',
      '    out = io.StringIO()',
      '    try: pickletools.dis(open(path, "rb").read(), out, annotate=30)',
      '    except Exception: pass',
      '    print(json.dumps(out.getvalue()))',
    ].join('\n');
    const { stdout } = spawnSync('python3', ['-c', script], {
      input: files.join('\n'),
      encoding: 'utf8',
      maxBuffer: 2 ** 30,
    });
    const texts = stdout.trim().split('\n');
    expect(texts).toHaveLength(files.length);
    let whole = 0;
    for (const [i, file] of files.entries()) {
      const expected = JSON.parse(texts[i]!) as string;
      // toBe on a megabyte of text would take minutes to print.
      expect(print(readFileSync(file)).startsWith(expected), file).toBe(true);
      if (expected.includes('highest protocol')) whole++;
    }
    expect(whole).toBeGreaterThan(150);
  });
});
