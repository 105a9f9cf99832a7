import { execFile } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { VitrinaError } from '../../src/errors.js';
import { listFiles, Scanner } from '../../src/services/scanning/scan.js';
import { readCases } from '../formats/python-values.js';
import { makeZip } from '../formats/zip-writer.js';
import { scaleGraph } from '../graphs.js';
import { pickle } from './pickle-writer.js';
import { type HostileFile, hostileSet } from './set/index.js';

const fixtures = join(import.meta.dirname, '../fixtures');

interface Measured {
  readonly results: readonly {
    readonly file: string;
    readonly verdict: string;
    readonly code: string | null;
    readonly message: string | null;
    readonly globals: readonly string[];
    readonly seconds: number;
  }[];
  readonly megabytes: number;
}

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'vitrina-scan-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

async function measure(files: string, control: string): Promise<Measured> {
  const script = join(import.meta.dirname, 'measure-scan.ts');
  const args = ['--import', 'tsx', script, files, control];
  const { stdout } = await promisify(execFile)(process.execPath, args, { maxBuffer: 2 ** 26 });
  return JSON.parse(stdout) as Measured;
}

/** Sound files of every kind, by name. */
function writeControls(target: string): void {
  mkdirSync(target);
  const write = (name: string, bytes: Uint8Array | string) => writeFileSync(join(target, name), bytes);
  for (const { name, base64 } of readCases('pickles.json')) write(`pickle-${name}.pkl`, Buffer.from(base64, 'base64'));
  for (const { name, base64 } of readCases('joblibs.json'))
    write(`joblib-${name}.joblib`, Buffer.from(base64, 'base64'));
  for (const { name, base64 } of readCases('npys.json'))
    write(`npy-${name.replace(/\W+/g, '-')}.npy`, Buffer.from(base64, 'base64'));
  const manifest = JSON.parse(readFileSync(join(fixtures, 'sklearn/manifest.json'), 'utf8')) as {
    cases: { dir: string; kind: string; artefact: string }[];
  };
  for (const { dir, kind, artefact } of manifest.cases) {
    if (kind === 'refuse' || kind === 'error') continue;
    const source = [join(fixtures, 'sklearn', artefact), join(fixtures, 'sklearn', dir, basename(artefact))].find(
      existsSync,
    );
    for (const file of source === undefined ? [] : listFiles(source)) {
      copyFileSync(file, join(target, `${basename(dir)}-${basename(file)}`));
    }
  }
  const layers = join(fixtures, 'keras-layers');
  for (const dir of readdirSync(layers)) {
    for (const name of ['model.keras', 'model.h5']) {
      if (existsSync(join(layers, dir, name))) copyFileSync(join(layers, dir, name), join(target, `${dir}-${name}`));
    }
  }
  const npy = Buffer.from(readCases('npys.json')[0]!.base64, 'base64');
  write('scale.onnx', scaleGraph().graph);
  write(
    'arrays.npz',
    makeZip([
      { name: 'a.npy', data: npy },
      { name: 'b.npy', data: npy, deflate: true },
    ]),
  );
  write(
    'models.zip',
    makeZip([
      { name: 'a.pkl', data: pickle('\x80\x02}.') },
      { name: 'README.md', data: Buffer.from('# models\n') },
    ]),
  );
  write('array.npy.gz', gzipSync(npy));
  write('README.md', '# Models\n\nNothing of these is a pickle.\n');
  write('logo.png', Buffer.from('\x89PNG\r\n\x1a\n\0\0\0\rIHDR', 'latin1'));
  write('table.csv.gz', gzipSync(Buffer.from('a,b\n1,2\n')));
  write('golden.json', '{"inputs": {}}');
  write('model.yaml', 'name: x\n');
}

describe('vitrina scan', () => {
  let control = '';
  beforeAll(() => {
    control = join(folder, 'control.pkl');
    writeFileSync(control, pickle('N.'));
  });

  it('refuses every hostile file with its code, within time and memory, and runs none', {
    timeout: 300_000,
  }, async () => {
    const hostile = join(folder, 'hostile');
    mkdirSync(hostile);
    const set = new Map<string, HostileFile>();
    for (const file of hostileSet()) {
      const path = join(hostile, file.name);
      expect(set.has(path), `two files are called ${file.name}`).toBe(false);
      set.set(path, file);
      writeFileSync(path, file.bytes);
    }
    expect(set.size).toBeGreaterThan(440);
    const { results, megabytes } = await measure(hostile, control);
    expect(results).toHaveLength(set.size);
    const wrong = results.filter(({ file, verdict, code }) => verdict !== 'refused' || code !== set.get(file)?.code);
    expect(wrong).toEqual([]);
    expect(results.filter(({ seconds }) => seconds > 2)).toEqual([]);
    expect(megabytes).toBeLessThan(256);
    expect(existsSync('PWNED')).toBe(false);
    // What a pickle refers to is named, whatever becomes of it.
    const named = results.filter(({ code }) => code === 'pickle-global-refused');
    expect(named.length).toBeGreaterThan(200);
    for (const { globals, message } of named) {
      expect(
        globals.some((name) => message?.includes(name)),
        `${message}: ${globals}`,
      ).toBe(true);
    }
  });

  it('finds nothing in sound files of every kind', { timeout: 300_000 }, async () => {
    const sound = join(folder, 'sound');
    writeControls(sound);
    const { results } = await measure(sound, control);
    expect(results.length).toBeGreaterThan(200);
    expect(results.filter(({ verdict }) => verdict !== 'clean')).toEqual([]);
  });

  it('gives up on a file that takes too long, and goes on with the next', { timeout: 60_000 }, async () => {
    const slow = join(folder, 'slow.pkl');
    writeFileSync(slow, pickle('\x80\x02', ']'.repeat(3_000_000)));
    const hasty = new Scanner(0.01);
    try {
      expect(await hasty.scan(slow)).toMatchObject({ verdict: 'refused', code: 'scan-exceeded', globals: [] });
    } finally {
      await hasty.close();
    }
    const patient = new Scanner(20);
    try {
      expect(await patient.scan(slow)).toMatchObject({ code: 'artefact-over-limit' });
      expect(await patient.scan(control)).toMatchObject({ verdict: 'clean', code: null, message: null });
      await expect(patient.scan(join(folder, 'nowhere.pkl'))).rejects.toThrow(VitrinaError);
    } finally {
      await patient.close();
    }
  });
});

const shared = join(import.meta.dirname, '../../../shared/fixtures');

describe.runIf(existsSync(shared))('over the shared fixtures', () => {
  it('refuses what is to be refused, and nothing else', { timeout: 300_000 }, async () => {
    const { results } = await measure(join(shared, 'dev/sklearn'), join(shared, 'dev/manifest.json'));
    const refused = results
      .filter(({ verdict }) => verdict === 'refused')
      .map(({ file }) => basename(join(file, '..')));
    expect(refused.filter((name) => !/^x_(custom|garbage|malicious|truncated)/.test(name))).toEqual([]);
    expect(refused).toHaveLength(6);
  });
});
