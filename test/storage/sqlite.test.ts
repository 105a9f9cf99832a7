import { execFile } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import SqliteFile from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { VitrinaError } from '../../src/errors.js';
import { openDatabase, type Storage } from '../../src/storage/index.js';

const run = promisify(execFile);

let folder: string;
let open: Storage[];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'vitrina-storage-'));
  open = [];
});

afterEach(async () => {
  await Promise.all(open.map((storage) => storage.close()));
  rmSync(folder, { recursive: true, force: true });
});

async function openAt(path: string): Promise<Storage> {
  const storage = await openDatabase({ path });
  open.push(storage);
  return storage;
}

async function refusalOf(path: string): Promise<VitrinaError> {
  const error = await openDatabase({ path }).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(VitrinaError);
  return error as VitrinaError;
}

describe('a SQLite file', () => {
  it('makes the folder and a file that only its owner can read, with the log of writes on', async () => {
    const path = join(folder, 'a', 'b', 'vitrina.db');
    await openAt(path);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(statSync(`${path}-wal`).mode & 0o777).toBe(0o600);
    const file = new SqliteFile(path, { readonly: true });
    expect(file.pragma('journal_mode', { simple: true })).toBe('wal');
    file.close();
  });

  it('is made once by several processes that start at once', async () => {
    const path = join(folder, 'new', 'vitrina.db');
    const script = join(import.meta.dirname, 'starting-process.ts');
    const starts = Array.from({ length: 4 }, () =>
      run(process.execPath, ['--import', 'tsx', script, JSON.stringify({ path })]),
    );
    const found = (await Promise.all(starts)).map(({ stdout }) => JSON.parse(stdout));
    expect(found.filter(({ key }) => key !== null)).toHaveLength(1);
    expect(new Set(found.map(({ secret }) => secret)).size).toBe(1);
  }, 60_000);

  it('is made by two processes that meet at the same millisecond, again and again', async () => {
    const rounds = 40;
    for (let round = 0; round < rounds; round++) {
      // The log is on already, so that nothing but the migration itself keeps the processes apart.
      const file = new SqliteFile(join(folder, `${round}.db`));
      file.pragma('journal_mode = WAL');
      file.close();
    }
    const script = join(import.meta.dirname, 'racing-process.ts');
    const words = ['--import', 'tsx', script, folder, String(Date.now() + 2_000), String(rounds)];
    await Promise.all([run(process.execPath, words), run(process.execPath, words)]);
    const { db } = await openAt(join(folder, '0.db'));
    expect(await db.selectFrom('users').selectAll().execute()).toEqual([]);
  }, 60_000);
});

describe('openDatabase refuses, of files, in one clear line', () => {
  it('a file that is no database', async () => {
    const path = join(folder, 'vitrina.db');
    writeFileSync(path, 'this is a text, long enough to be looked at as a header of a file');
    const error = await refusalOf(path);
    expect(error.code).toBe('storage-not-a-database');
    expect(error.message).toContain(path);
    expect(error.message).toContain('--data');
  });

  it('the SQLite file of another program, and leaves it as it is', async () => {
    const path = join(folder, 'other.db');
    const other = new SqliteFile(path);
    other.exec('create table theirs (x)');
    other.close();
    expect((await refusalOf(path)).code).toBe('storage-not-a-database');
    const again = new SqliteFile(path);
    expect(again.prepare('select name from sqlite_master').pluck().all()).toEqual(['theirs']);
    again.close();
  });

  it('a newer schema, naming the migration', async () => {
    const path = join(folder, 'vitrina.db');
    await (await openDatabase({ path })).close();
    const file = new SqliteFile(path);
    file.prepare('insert into kysely_migration values (?, ?)').run('999-future', '2030-01-01T00:00:00.000Z');
    file.close();
    const error = await refusalOf(path);
    expect(error.code).toBe('storage-newer');
    expect(error.message).toContain('999-future');
  });

  it('a damaged file', async () => {
    const path = join(folder, 'vitrina.db');
    await (await openDatabase({ path })).close();
    const file = new SqliteFile(path);
    const size = file.pragma('page_size', { simple: true }) as number;
    file.close();
    // The header stays, the page behind it that lists the tables is noise.
    const bytes = readFileSync(path);
    bytes.fill(0xa5, 100, size);
    writeFileSync(path, bytes);
    expect((await refusalOf(path)).code).toBe('storage-damaged');
  });

  it.each([
    ['a folder in its place', (path: string) => mkdirSync(path), 'storage-not-a-database'],
    [
      'a file where a folder should be',
      (path: string) => writeFileSync(join(path, '..', '..', 'data'), ''),
      'storage-unwritable',
    ],
    ['a link that goes in a circle', (path: string) => symlinkSync(path, path), 'storage-unwritable'],
  ])('%s', async (_name, prepare, code) => {
    const path = join(folder, 'data', 'vitrina.db');
    if (code === 'storage-not-a-database' || _name.includes('link')) mkdirSync(join(folder, 'data'));
    prepare(path);
    const error = await refusalOf(path);
    expect(error.code).toBe(code);
    expect(error.message).toContain(path);
  });

  it('a folder that cannot be made although its parent is there', async () => {
    const path = '/proc/vitrina/vitrina.db';
    expect((await refusalOf(path)).code).toBe('storage-unwritable');
  });

  it('a read-only folder and a read-only file', async () => {
    const at = (name: string) => join(folder, name, 'vitrina.db');
    for (const name of ['free', 'file', 'folder']) await (await openDatabase({ path: at(name) })).close();
    // Root may write anywhere, so permissions are tried as somebody else, who owns it all.
    if (process.getuid!() === 0) await run('chown', ['-R', '65534', folder]);
    chmodSync(at('file'), 0o400);
    chmodSync(join(folder, 'folder'), 0o500);
    const paths = [at('free'), at('file'), at('folder'), join(folder, 'folder', 'new', 'vitrina.db')];
    const script = join(import.meta.dirname, 'unprivileged-process.ts');
    const { stdout } = await run(process.execPath, ['--import', 'tsx', script, ...paths]);
    chmodSync(join(folder, 'folder'), 0o700);
    expect(JSON.parse(stdout)).toEqual(['opened', 'storage-unwritable', 'storage-unwritable', 'storage-unwritable']);
  });
});
