/** `vitrina backup` and `vitrina restore` as an operator uses them, beside a server under load. */
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { scaleGraph } from '../graphs.js';
import { folderOf } from '../start-app.js';
import { freshFolder, run, serve } from './spawn.js';

const folder = freshFolder();
afterAll(() => rmSync(folder, { recursive: true }));
const within = (name: string): string => {
  const path = join(folder, name);
  mkdirSync(path, { recursive: true });
  return path;
};

describe('a backup of a server', () => {
  const data = within('data');
  const file = join(folder, 'monday.db');

  it('is made under load, and serves the same keys elsewhere', { timeout: 120_000 }, async () => {
    const models = folderOf({ scale: scaleGraph(3) });
    const served = await serve([models], data);
    const predict = (url: string, key: string) =>
      fetch(`${url}/models/scale/predict`, {
        method: 'POST',
        headers: { 'x-api-key': key, 'content-type': 'application/json' },
        body: '{"inputs": {"x": [[1, 2, 3]]}}',
      });
    const makeKey = async (name: string): Promise<string> => {
      const answer = await fetch(`${served.url}/keys`, {
        method: 'POST',
        headers: { 'x-api-key': served.key!, 'content-type': 'application/json' },
        body: JSON.stringify({ name, scopes: ['predict'] }),
      });
      expect(answer.status).toBe(201);
      return ((await answer.json()) as { key: string }).key;
    };
    const early = await makeKey('early');
    const statuses = new Set<number>();
    let made = 0;
    let ended = false;
    const load = Array.from({ length: 4 }, async (_, i) => {
      while (!ended) {
        statuses.add((await predict(served.url, early)).status);
        await makeKey(`load ${i} ${made++}`);
      }
    });
    const backup = await run(['backup', '-o', file, '--data', data, '--verify', '--json']);
    const again = await run(['backup', '-o', file, '--data', data]);
    ended = true;
    await Promise.all(load);
    const late = await makeKey('late');
    expect(backup).toMatchObject({ code: 0, stderr: '' });
    const view = JSON.parse(backup.stdout) as { rows: Record<string, number>; bytes: number };
    expect(view.bytes).toBe(readFileSync(file).length);
    expect(again.code).toBe(1);
    expect(again.stderr).toMatch(/monday\.db: there is such a file already; .*--force/);
    expect([...statuses]).toEqual([200]);

    const refused = await run(['restore', file, '--data', data, '--force']);
    expect(refused).toMatchObject({ code: 1, stderr: expect.stringMatching(/is in use: a server/) });
    await served.stop();

    const elsewhere = within('elsewhere');
    const restored = await run(['restore', file, '--data', elsewhere]);
    expect(restored).toMatchObject({ code: 0, stderr: expect.stringContaining('is what') });
    const other = await serve([models], elsewhere);
    // Neither a first admin's key nor a new secret: it is the same server.
    expect(other.key).toBeUndefined();
    expect((await predict(other.url, served.key!)).status).toBe(200);
    expect((await predict(other.url, early)).status).toBe(200);
    expect((await predict(other.url, late)).status).toBe(401);
    await other.stop();

    const over = await run(['restore', file, '--data', data, '--force', '--json']);
    expect(over.code).toBe(0);
    const { kept } = JSON.parse(over.stdout) as { kept: string };
    expect(readFileSync(kept).length).toBeGreaterThan(0);
  });

  it('of a PostgreSQL is left to its own tools, with the words to do it', async () => {
    const where = ['--database-url', 'postgres://ana:hidden-word@db.example:5433/vitrina'];
    const backup = await run(['backup', '-o', "it's.dump", ...where]);
    expect(backup.code).toBe(1);
    expect(backup.stderr).toContain(
      `Run pg_dump --format=custom --file='it'\\''s.dump' 'postgres://ana@db.example:5433/vitrina'`,
    );
    const restore = await run(['restore', 'x.dump', ...where]);
    expect(restore.stderr).toContain(`--dbname='postgres://ana@db.example:5433/vitrina' 'x.dump'`);
    expect(backup.stderr + restore.stderr).not.toContain('hidden-word');
  });
});
