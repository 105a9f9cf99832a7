import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { Type } from 'typebox';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { defineJob, JobDesk, JobQueue, newJobId, Workshop } from '../../src/services/jobs/index.js';
import { JobRefused } from '../../src/services/jobs/job.js';
import type { Storage } from '../../src/storage/index.js';
import { databases, type TestDatabase } from '../databases.js';

const main = join(import.meta.dirname, '../../src/cli/main.ts');
const silent = { warn: () => undefined, error: () => undefined };
const kind = { name: 'art.package', input: Type.Object({ n: Type.Integer() }) };

// Each command is a process that compiles its sources first.
describe.each(databases)('vitrina jobs on $kind', { timeout: 120_000 }, ({ fresh }) => {
  let database: TestDatabase;
  let storage: Storage;
  let waiting: string;
  let failed: string;
  let succeeded: string;

  beforeAll(async () => {
    database = await fresh();
    storage = await database.open();
    const queue = new JobQueue({ storage, keepDays: 7, wake: () => undefined });
    const ask = async (n: number) => (await queue.enqueue(kind, { n }, { delayMs: n === 0 ? 3_600_000 : 0 })).id;
    waiting = await ask(0);
    failed = await ask(1);
    succeeded = await ask(2);
    const workshop = new Workshop({
      storage,
      definitions: [
        defineJob({
          ...kind,
          async run({ input }) {
            if (input.n === 1) throw new JobRefused('The package is none.', 'package-invalid');
            return { twice: input.n * 2 };
          },
        }),
      ],
      concurrency: 1,
      leaseMs: 10_000,
      keepDays: 7,
      log: silent,
    });
    await workshop.start();
    const desk = new JobDesk(storage);
    await vi.waitUntil(async () => (await desk.find(succeeded)).state === 'succeeded', { timeout: 20_000 });
    await workshop.stop(1_000);
  });
  afterAll(() => database.remove());

  function vitrina(...words: readonly string[]): Promise<{ code: number; out: string; err: string }> {
    const where = Object.entries(database.flags).flatMap(([name, value]) => [`--${name}`, value]);
    return new Promise((resolve) => {
      const args = ['--import', 'tsx', main, 'jobs', ...words, ...where];
      execFile(process.execPath, args, (error, out, err) =>
        resolve({ code: typeof error?.code === 'number' ? error.code : 0, out, err }),
      );
    });
  }
  const ids = (out: string) => (JSON.parse(out) as { id: string }[]).map(({ id }) => id);

  it('lists them, the newest first, those of a state or a name alone', async () => {
    const { code, out, err } = await vitrina('list');
    const [head, ...lines] = out.trimEnd().split('\n');
    expect([code, err]).toEqual([0, '']);
    expect(head!.split(/\s{2,}/)).toEqual(['id', 'name', 'state', 'attempts', 'created', 'finished']);
    const shown = lines.map((line) => line.split(/\s+/).slice(0, 4));
    expect(shown).toEqual([
      [succeeded, 'art.package', 'succeeded', '1'],
      [failed, 'art.package', 'failed', '1'],
      [waiting, 'art.package', 'scheduled', '0'],
    ]);
    expect(ids((await vitrina('list', '--state', 'failed', '--json')).out)).toEqual([failed]);
    expect(ids((await vitrina('list', '--limit', '2', '--name', 'art.package', '--json')).out)).toEqual([
      succeeded,
      failed,
    ]);
    expect((await vitrina('list', '--name', 'absent', '--json')).out).toBe('[]\n');
  });

  it('shows one, its input and its attempts that failed', async () => {
    const { code, out } = await vitrina('show', failed);
    const error = { code: 'package-invalid', message: 'The package is none.' };
    expect(code).toBe(0);
    expect(out).toContain('\n  "state"');
    expect(JSON.parse(out)).toMatchObject({
      id: failed,
      state: 'failed',
      input: { n: 1 },
      error,
      failures: [{ attempt: 1, error }],
    });
    const line = (await vitrina('show', succeeded, '--json')).out;
    expect(line.split('\n')).toHaveLength(2);
    expect(JSON.parse(line)).toMatchObject({ state: 'succeeded', result: { twice: 4 }, failures: [] });
  });

  it('lets those that failed run anew, and cancels those that wait', async () => {
    expect((await vitrina('retry', failed)).err).toBe(`Job ${failed} runs anew.\n`);
    expect((await new JobDesk(storage).find(failed)).state).toBe('queued');
    expect((await vitrina('cancel', failed, waiting)).err).toBe(
      `Job ${failed} is cancelled.\nJob ${waiting} is cancelled.\n`,
    );
    expect(JSON.parse((await vitrina('retry', waiting, '--json')).out)).toMatchObject({ id: waiting, state: 'queued' });
  });

  it('says what keeps it from that', async () => {
    const unknown = newJobId();
    const refusals = [
      [['show', unknown], 1, `There is no job "${unknown}"`],
      [['show', '../../etc'], 1, 'There is no job "../../etc"'],
      [['retry', succeeded], 1, `Job ${succeeded} is succeeded and cannot be tried anew`],
      [['cancel', succeeded], 1, `Job ${succeeded} is succeeded and cannot be cancelled`],
      [['list', '--state', 'done'], 2, 'Expected one of scheduled, queued, running'],
      [['list', '--limit', '0'], 2, 'Expected a number from 1 to 99999'],
    ] as const;
    for (const [words, expected, text] of refusals) {
      const { code, out, err } = await vitrina(...words);
      expect([code, out, err]).toEqual([expected, '', expect.stringContaining(text)]);
    }
  });
});
