import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { databases, type TestDatabase } from '../databases.js';

const main = join(import.meta.dirname, '../../src/cli/main.ts');
const folder = mkdtempSync(join(tmpdir(), 'vitrina-events-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe.each(databases)('vitrina events on $kind', ({ fresh }) => {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await fresh();
  });
  afterAll(() => database.remove());

  function vitrina(words: readonly string[], input = ''): Promise<{ code: number; out: string; err: string }> {
    const where = Object.entries(database.flags).flatMap(([name, value]) => [`--${name}`, value]);
    return new Promise((resolve) => {
      const args = ['--import', 'tsx', main, 'events', ...words, ...where];
      const child = execFile(process.execPath, args, (error, out, err) =>
        resolve({ code: typeof error?.code === 'number' ? error.code : 0, out, err }),
      );
      child.stdin!.end(input);
    });
  }

  const event = { util: 'ana', ecran: 'home', instance: '01', '@timestamp': '2024-05-01T10:00:00+02:00' };

  it('imports a file once, however often it is given', async () => {
    const file = join(folder, `${database.flags.data.split('/').at(-1)}.ndjson`);
    const lines = [event, event, { ...event, id: 'a' }, { ...event, id: 'b', '@timestamp': 1_714_550_400_000 }];
    writeFileSync(file, `${lines.map((line) => JSON.stringify(line)).join('\r\n\n')}\n`);
    expect(await vitrina(['import', file, '--json'])).toEqual({
      code: 0,
      out: '{"read":4,"new":3,"refused":0}\n',
      err: '',
    });
    expect((await vitrina(['import', file])).out).toBe('4 events, 0 of them new; 0 lines were no events.\n');
    const storage = await database.open();
    const rows = await storage.db
      .selectFrom('events')
      .selectAll()
      .where('id', 'in', ['a', 'b'])
      .orderBy('at')
      .execute();
    const { '@timestamp': _time, ...rest } = event;
    expect(rows).toEqual([
      { ...rest, id: 'a', at: 1_714_550_400_000 },
      { ...rest, id: 'b', at: 1_714_550_400_000 },
    ]);
  });

  it('passes over lines that are no events, and tells them', async () => {
    const input = `${JSON.stringify({ ...event, id: 'c' })}\nnope\n${JSON.stringify({ ...event, util: 7, '@timestamp': 'x' })}\n[]\n`;
    const { code, out, err } = await vitrina(['import', '-', '--json'], input);
    expect([code, out]).toEqual([1, '{"read":1,"new":1,"refused":3}\n']);
    expect(err).toContain('-, line 2: it is no JSON');
    expect(err).toContain('-, line 3: util is not a text of at most 200 characters, @timestamp is not epoch');
    expect(err).toContain('-, line 4: it is not an object with');
    const missing = await vitrina(['import', join(folder, 'missing')]);
    expect([missing.code, missing.err]).toEqual([1, expect.stringMatching(/^vitrina: .*missing: ENOENT/)]);
  });

  it('purges what is older', async () => {
    const old = Array.from({ length: 1201 }, (_, i) => ({
      ...event,
      id: `old${i}`,
      '@timestamp': 1_000_000_000_000 + i,
    }));
    await vitrina(['import', '-'], old.map((one) => JSON.stringify(one)).join('\n'));
    const last = '2001-09-09T01:46:41.200Z';
    expect((await vitrina(['purge', '--before', last, '--json'])).out).toBe('{"removed":1200}\n');
    expect((await vitrina(['purge', '--before', '2002-01-01'])).out).toBe('1 events were removed.\n');
    const refused = await vitrina(['purge', '--before', 'yesterday']);
    expect([refused.code, refused.err]).toEqual([1, expect.stringContaining('"yesterday"; expected a time')]);
  });
});
