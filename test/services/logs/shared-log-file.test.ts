import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { SharedLogFile, type SharedLogOptions } from '../../../src/services/logs/shared-log-file.js';

const run = promisify(execFile);
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'vitrina-log-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

const fail = (error: Error) => {
  throw error;
};
const open = (changes: Partial<SharedLogOptions> = {}) =>
  new SharedLogFile({ folder, name: 'app.log', maxBytes: 100, keep: 2, onError: fail, ...changes });
const read = (name = 'app.log') => readFileSync(join(folder, name), 'utf8');
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

describe('a log of several processes', () => {
  it('keeps every line whole and once while they all write and rotate it', async () => {
    const script = join(import.meta.dirname, 'log-writing-process.ts');
    const names = ['a', 'b', 'c'];
    await Promise.all(names.map((name) => run(process.execPath, ['--import', 'tsx', script, folder, name, '1000'])));
    const files = readdirSync(folder).filter((name) => name.startsWith('app.log'));
    // A slow machine writes more at once, and so rotates less often.
    expect(files.length).toBeGreaterThan(3);
    const age = (name: string) => Number(name.slice('app.log.'.length));
    const lines = files.sort((one, other) => age(other) - age(one)).flatMap((name) => read(name).trimEnd().split('\n'));
    expect(lines).toHaveLength(3000);
    for (const name of names) {
      const numbers = lines.flatMap((line) => /^(\w) (\d+) x{50}$/.exec(line)?.slice(1) ?? ['torn', line]);
      expect(numbers).not.toContain('torn');
      const own = lines.filter((line) => line.startsWith(`${name} `)).map((line) => Number(line.split(' ')[1]));
      expect(own.sort((one, other) => one - other)).toEqual(Array.from({ length: 1000 }, (_, i) => i));
    }
  }, 60_000);

  it('writes to the new file when another process has rotated', async () => {
    const [one, other] = [open(), open()];
    one.append(`${'1'.repeat(120)}\n`);
    await pause(50);
    other.append('2\n');
    await pause(50);
    one.append('3\n');
    await Promise.all([one.close(), other.close()]);
    expect(read()).toBe('2\n3\n');
    expect(read('app.log.1')).toBe(`${'1'.repeat(120)}\n`);
  });

  it('waits for no lock, and takes away one that a dead process has left', async () => {
    writeFileSync(join(folder, '.app.log.lock'), '');
    const log = open();
    for (const text of ['a', 'b', 'c']) {
      log.append(`${text.repeat(120)}\n`);
      await pause(50);
    }
    expect(readdirSync(folder).sort()).toEqual(['.app.log.lock', 'app.log']);
    utimesSync(join(folder, '.app.log.lock'), 0, 0);
    for (const text of ['d', 'e']) {
      log.append(`${text.repeat(120)}\n`);
      await pause(50);
    }
    await log.close();
    expect(readdirSync(folder).sort()).toEqual(['app.log', 'app.log.1']);
    expect(read('app.log.1').match(/^(.)/gm)).toEqual(['a', 'b', 'c', 'd']);
    expect(read()).toMatch(/^e+\n$/);
  });

  it('goes on when the disk lets it write again, and tells of each time that it did not once', async () => {
    const errors: string[] = [];
    const blocked = join(folder, 'logs');
    writeFileSync(blocked, 'a file where the folder should be');
    const log = open({ folder: blocked, onError: (error) => errors.push(error.message) });
    for (const line of ['1\n', '2\n']) {
      log.append(line);
      await pause(30);
    }
    rmSync(blocked);
    log.append('3\n');
    await log.close();
    expect(errors).toHaveLength(1);
    expect(readFileSync(join(blocked, 'app.log'), 'utf8')).toBe('3\n');
  });
});
