/** `vitrina work`: jobs of a server that does none, in processes of their own. */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import type { JobView } from '../../src/services/jobs/views.js';
import { databases } from '../databases.js';
import { scaleGraph } from '../graphs.js';
import { folderOf } from '../start-app.js';
import { freshFolder, type Served, serve, type Working, work } from './spawn.js';

const models = folderOf({ scale: scaleGraph() });
const ends: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).toReversed()) await end();
});

const jobOf = async ({ url, key }: Served, id: string) => {
  const answer = await fetch(`${url}/jobs/${id}`, { headers: { 'x-api-key': key! } });
  return (await answer.json()) as JobView & { failures: { error: { code: string } }[] };
};
const post = async ({ url, key }: Served, body: string) => {
  const headers = { 'content-type': 'text/csv', 'x-api-key': key! };
  const answer = await fetch(`${url}/jobs?model=scale`, { method: 'POST', headers, body });
  expect(answer.status).toBe(202);
  return ((await answer.json()) as JobView).id;
};
const become = async (served: Served, id: string, state: RegExp) => {
  for (let i = 0; i < 2_000; i++) {
    const job = await jobOf(served, id);
    if (state.test(job.state)) return job;
    await sleep(20);
  }
  throw new Error(`It did not become ${state}: ${JSON.stringify(await jobOf(served, id))}`);
};
const resultOf = async ({ url, key }: Served, id: string) =>
  (await fetch(`${url}/jobs/${id}/result`, { headers: { 'x-api-key': key! } })).text();

/** A server that does no jobs, and workers on the same database and data folder. */
async function start(env: Record<string, string>) {
  const data = freshFolder();
  const served = await serve([models], data, { ...env, VITRINA_JOB_CONCURRENCY: '0' });
  ends.push(() => served.stop());
  const begin = async (more: Record<string, string> = {}): Promise<Working> => {
    const working = await work([models], data, { ...env, ...more });
    ends.push(async () => {
      working.child.kill('SIGKILL');
      await working.finished;
    });
    return working;
  };
  return { served, begin };
}

/** Takes some seconds to predict. */
const rows = 4_000_000;
const long = '1,2,3\n'.repeat(rows);

describe.each(databases)('on $kind', ({ fresh }) => {
  const environment = async (): Promise<Record<string, string>> => {
    const database = await fresh();
    ends.push(() => database.remove());
    const url = database.flags['database-url'];
    return { VITRINA_JOB_LEASE: '2', ...(url === undefined ? {} : { VITRINA_DATABASE_URL: url }) };
  };

  it('does the jobs of a server that does none, and lets what runs end when it is told to', {
    timeout: 120_000,
  }, async () => {
    const { served, begin } = await start(await environment());
    const id = await post(served, '1,2,3\n4,5,6\n');
    await sleep(1_500);
    expect((await jobOf(served, id)).state).toBe('queued');
    const worker = await begin();
    expect(await become(served, id, /succeeded|failed/)).toMatchObject({ state: 'succeeded', attempts: 1 });
    expect(await resultOf(served, id)).toBe('y_0,y_1,y_2\r\n2,4,6\r\n8,10,12\r\n');

    const slow = await post(served, long);
    await become(served, slow, /running/);
    const later = post(served, '1,2,3\n');
    expect(await worker.stop()).toMatchObject({ code: 0, stderr: '' });
    expect(await jobOf(served, slow)).toMatchObject({ state: 'succeeded', attempts: 1, result: { rows } });
    await begin();
    expect(await become(served, await later, /succeeded|failed/)).toMatchObject({ state: 'succeeded', attempts: 1 });
  });

  it('gives back what does not end within the stop timeout, and another one does it', {
    timeout: 120_000,
  }, async () => {
    const { served, begin } = await start(await environment());
    const first = await begin({ VITRINA_STOP_TIMEOUT: '1' });
    const id = await post(served, long);
    await become(served, id, /running/);
    expect(await first.stop()).toMatchObject({ code: 0, stderr: '' });
    expect(await jobOf(served, id)).toMatchObject({ state: 'queued', failures: [] });
    await begin();
    expect(await become(served, id, /succeeded|failed/)).toMatchObject({ state: 'succeeded', result: { rows } });
    expect(await resultOf(served, id)).toHaveLength('y_0,y_1,y_2\r\n'.length + rows * '2,4,6\r\n'.length);
  });

  it('takes over from one that was killed', { timeout: 120_000 }, async () => {
    const { served, begin } = await start(await environment());
    const first = await begin();
    const id = await post(served, long);
    await become(served, id, /running/);
    first.child.kill('SIGKILL');
    await begin();
    const job = await become(served, id, /succeeded|failed/);
    expect(job).toMatchObject({ state: 'succeeded', attempts: 2, result: { rows } });
    expect(job.failures.map(({ error }) => error.code)).toEqual(['job-worker-lost']);
  });
});
