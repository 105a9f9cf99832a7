import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import SqliteFile from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { backUpSqlite, openDatabase, restoreSqlite } from '../../src/storage/index.js';

let folder: string;
let path: string;
const writers: ChildProcess[] = [];

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'vitrina-backup-'));
  path = join(folder, 'vitrina.db');
  const storage = await openDatabase({ path });
  await storage.close();
});
afterEach(async () => {
  for (const writer of writers.splice(0)) {
    const ended = once(writer, 'close');
    writer.kill('SIGKILL');
    await ended;
  }
  rmSync(folder, { recursive: true });
});

function opened<T>(file: string, act: (connection: SqliteFile.Database) => T): T {
  const connection = new SqliteFile(file);
  try {
    return act(connection);
  } finally {
    connection.close();
  }
}

/** Rows that are there, and rows that were counted. */
const pairsIn = (file: string) =>
  opened(file, (connection) => ({
    there: connection.prepare('select count(*) from pair_rows').pluck().get() as number,
    counted: connection.prepare('select rows from pair_count').pluck().get() as number,
  }));

/** Nothing but these is left, drafts and logs included. */
const filesBut = (...names: string[]) => readdirSync(folder).filter((name) => !names.includes(name));

describe('a backup', () => {
  it('is the database at one moment while two processes write', { timeout: 60_000 }, async () => {
    opened(path, (connection) => {
      connection.exec(
        'create table pair_rows (text); create table pair_count (rows); insert into pair_count values (0)',
      );
      // Enough that a copy takes longer than a transaction.
      const add = connection.prepare('insert into pair_rows values (?)');
      connection.transaction(() => {
        for (let i = 0; i < 5_000; i++) add.run('y'.repeat(1000));
      })();
      connection.exec('update pair_count set rows = 5000');
    });
    for (let i = 0; i < 2; i++) {
      const words = ['--import', 'tsx', join(import.meta.dirname, 'pair-writing-process.ts'), path];
      const writer = spawn(process.execPath, words, { stdio: ['ignore', 'pipe', 'inherit'] });
      writers.push(writer);
      await once(writer.stdout!, 'data');
    }
    let before = 5_000;
    for (let i = 0; i < 5; i++) {
      const target = join(folder, `${i}.db`);
      const { rows } = await backUpSqlite(path, target, { verify: true });
      const { there, counted } = pairsIn(target);
      expect(there).toBe(counted);
      expect(rows?.pair_rows).toBe(there);
      expect(counted).toBeGreaterThan(before);
      before = counted;
    }
    for (const writer of writers) expect(writer.exitCode).toBeNull();
  });

  it('is one file for its owner alone, and tells its schema', async () => {
    const target = join(folder, 'copy.db');
    const view = await backUpSqlite(path, target);
    expect(view).toEqual({ path: target, bytes: statSync(target).size, schema: expect.stringMatching(/^\d{3}-/) });
    expect(statSync(target).mode & 0o777).toBe(0o600);
    expect(filesBut('vitrina.db', 'copy.db')).toEqual([]);
  });

  it('replaces nothing unless it is told to', async () => {
    const target = join(folder, 'copy.db');
    writeFileSync(target, 'precious');
    await expect(backUpSqlite(path, target)).rejects.toMatchObject({ code: 'path-unusable' });
    expect(readFileSync(target, 'utf8')).toBe('precious');
    await backUpSqlite(path, target, { force: true });
    expect(readFileSync(target).subarray(0, 15).toString()).toBe('SQLite format 3');
    await expect(backUpSqlite(path, join(folder, 'no/copy.db'))).rejects.toMatchObject({ code: 'storage-unwritable' });
  });

  it('is not made of nothing, of another program’s file, or of a damaged one', async () => {
    const target = join(folder, 'copy.db');
    await expect(backUpSqlite(join(folder, 'none.db'), target)).rejects.toMatchObject({ code: 'path-unusable' });
    const other = join(folder, 'other.db');
    opened(other, (connection) => connection.exec('create table songs (name)'));
    await expect(backUpSqlite(other, target)).rejects.toMatchObject({ code: 'storage-not-a-database' });
    damage(path);
    await expect(backUpSqlite(path, target)).rejects.toMatchObject({ code: 'storage-damaged' });
    expect(filesBut('vitrina.db', 'other.db')).toEqual([]);
  });

  it('with a reference to a row that is not there is told, where that is looked for', async () => {
    opened(path, (connection) => {
      connection.pragma('foreign_keys = OFF');
      connection.exec('create table owners (id primary key); create table pets (owner references owners (id))');
      connection.exec('insert into pets values (7)');
    });
    await backUpSqlite(path, join(folder, 'quick.db'));
    await expect(backUpSqlite(path, join(folder, 'copy.db'), { verify: true })).rejects.toThrow(/row 1 of pets/);
  });
});

/** Zeros where the pages of tables are: the header is as it was. */
function damage(file: string): void {
  const bytes = readFileSync(file);
  bytes.fill(0, 4096 * 2, 4096 * 5);
  writeFileSync(file, bytes);
}

describe('restoring', () => {
  const backup = () => join(folder, 'copy.db');
  const mark = (text: string) =>
    opened(path, (connection) => {
      connection.exec('create table if not exists marks (text)');
      connection.prepare('insert into marks values (?)').run(text);
    });
  const marksIn = (file: string) => opened(file, (db) => db.prepare('select text from marks').pluck().all());

  beforeEach(async () => {
    mark('saved');
    await backUpSqlite(path, backup());
    mark('later');
  });

  it('puts the backup where there is nothing', async () => {
    const target = join(folder, 'elsewhere.db');
    expect(await restoreSqlite(backup(), target)).toMatchObject({ path: target, kept: null });
    expect(marksIn(target)).toEqual(['saved']);
    expect(statSync(target).mode & 0o777).toBe(0o600);
    expect(marksIn(backup())).toEqual(['saved']);
  });

  it('keeps the database that was there, and replaces it only when it is told to', async () => {
    await expect(restoreSqlite(backup(), path)).rejects.toMatchObject({ code: 'path-unusable' });
    expect(marksIn(path)).toEqual(['saved', 'later']);
    const { kept } = await restoreSqlite(backup(), path, { force: true });
    expect(marksIn(path)).toEqual(['saved']);
    expect(marksIn(kept!)).toEqual(['saved', 'later']);
    const storage = await openDatabase({ path });
    await storage.ping();
    await storage.close();
  });

  it('waits for nobody who has the database open, and changes nothing under them', async () => {
    const storage = await openDatabase({ path });
    try {
      await expect(restoreSqlite(backup(), path, { force: true })).rejects.toMatchObject({ code: 'storage-in-use' });
      await storage.ping();
      expect(marksIn(path)).toEqual(['saved', 'later']);
      expect(filesBut('vitrina.db', 'copy.db', 'vitrina.db-wal', 'vitrina.db-shm')).toEqual([]);
    } finally {
      await storage.close();
    }
  });

  it('takes the place of a damaged database, and leaves its log behind', async () => {
    opened(path, (connection) => connection.pragma('journal_mode = WAL'));
    writeFileSync(path, 'no database any more');
    writeFileSync(`${path}-wal`, 'of the damaged one');
    const { kept } = await restoreSqlite(backup(), path, { force: true });
    expect(marksIn(path)).toEqual(['saved']);
    expect(readFileSync(kept!, 'utf8')).toBe('no database any more');
    expect(readFileSync(`${kept}-wal`, 'utf8')).toBe('of the damaged one');
  });

  it('refuses what is no backup, is damaged, or is of a newer Vitrina, and changes nothing', async () => {
    const bad = join(folder, 'bad.db');
    const refused = (code: string) =>
      expect(restoreSqlite(bad, path, { force: true })).rejects.toMatchObject({
        code,
        message: expect.stringContaining('bad.db'),
      });
    await refused('path-unusable');
    writeFileSync(bad, 'a text, and long enough to be taken for a file of some other program'.repeat(100));
    await refused('storage-not-a-database');
    writeFileSync(bad, readFileSync(backup()));
    damage(bad);
    await refused('storage-damaged');
    writeFileSync(bad, readFileSync(backup()));
    opened(bad, (connection) =>
      connection.exec("insert into kysely_migration (name, timestamp) values ('999-later', '2099-01-01T00:00:00Z')"),
    );
    await refused('storage-newer');
    expect(marksIn(path)).toEqual(['saved', 'later']);
    expect(filesBut('vitrina.db', 'copy.db', 'bad.db')).toEqual([]);
  });
});
