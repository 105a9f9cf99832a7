/** The built program with the artwork app, as its callers meet it, on each of the three engines. */
import { execFile } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { getPriority } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PostgresServer } from '../postgres-server.js';
import { missingTools, RabbitmqServer } from '../rabbitmq-server.js';
import { hostileServer, slowServer, watchMemory } from './artwork-hostile.js';
import {
  ArtworkHouse,
  ask,
  type Engine,
  type JobPage,
  pageOf,
  postPackage,
  type Received,
  token,
  until,
} from './artwork-house.js';
import { type Ear, imageServer, type Listening, listen, openEar } from './artwork-world.js';
import { root } from './spawn.js';

interface Manifest {
  readonly package: Record<string, unknown>;
  readonly counts: Record<string, number>;
  readonly images: readonly (Record<string, unknown> & { readonly name: string; readonly error?: string })[];
}

const missing = missingTools();
if (missing.length > 0)
  console.warn(`\nSKIPPED: the artwork app on RabbitMQ, since there is no ${missing.join(', ')}\n`);
const engines: readonly Engine[] = [
  'SQLite',
  'PostgreSQL',
  ...(missing.length > 0 ? [] : ['PostgreSQL and RabbitMQ' as const]),
];
const runFile = promisify(execFile);
let postgres: PostgresServer;
let rabbitmq: RabbitmqServer | undefined;
let images: Listening;
let hostile: Listening;
/** Its answers take for ever, so that it gets to be left alone. */
let slow: Listening;
/** Nobody may come here: its port is not among the allowed ones. */
let forbidden: Listening;
let trespasses = 0;

beforeAll(async () => {
  [postgres, rabbitmq] = await Promise.all([
    PostgresServer.create(),
    missing.length > 0 ? undefined : RabbitmqServer.create(),
  ]);
  [images, hostile, slow] = await Promise.all([
    imageServer(),
    hostileServer(() => `${forbidden.url}/secret.png`),
    slowServer(),
  ]);
  forbidden = await listen((_request, response) => {
    trespasses++;
    response.end('nobody may read this');
  });
}, 180_000);
afterAll(async () => {
  await Promise.all([postgres?.stop(), rabbitmq?.stop()]);
  for (const one of [images, hostile, slow, forbidden]) await one?.close();
}, 60_000);

const manifestOf = async (url: string, id: string): Promise<Manifest> =>
  (await (await ask(url, `/jobs/${id}/manifest`)).json()) as Manifest;

describe.each(engines)('the artwork app on %s', (engine) => {
  let ear: Ear;
  let house: ArtworkHouse;
  let urls: readonly string[];
  let startedWell: number[];
  /** Whoever calls in the end has time until then. */
  let hanging: Received;
  let dripping: Received;
  let givesUp = true;

  const ended = async (job: Pick<Received, 'job_id'>): Promise<JobPage> => {
    let page = await pageOf(urls[0]!, job.job_id);
    await until(
      async () => {
        page = await pageOf(urls[0]!, job.job_id);
        return page.status === 'succeeded' || page.status === 'failed';
      },
      90,
      () => JSON.stringify(page),
    );
    return page;
  };
  const callsOf = (ntd: string) => ear.calls.filter(({ body }) => body.ntd_transaction_id === ntd);
  const heard = (ntd: string) => until(() => callsOf(ntd).some((call) => call.heard), 90);

  beforeAll(async () => {
    ear = await openEar(({ path, body }, response) => {
      const before = ear.calls.filter(
        (call) => call.path === path && call.body.ntd_transaction_id === body.ntd_transaction_id,
      );
      const times = before.length;
      const refuse = (status: number, headers = {}) => {
        response.writeHead(status, headers).end();
        return false;
      };
      if (path === '/announce') return times >= 2 || refuse(503);
      switch (body.ntd_transaction_id) {
        case 'failing':
          return times >= 3 || refuse(500);
        case 'redirected':
          return times >= 1 || refuse(307, { location: `${forbidden.url}/called` });
        case 'slow':
          setTimeout(() => response.end('{}'), 2_000);
          return true;
        case 'hanging':
          return times >= 1;
        case 'given up':
          return givesUp ? refuse(410) : true;
        default:
          return true;
      }
    });
    const allowed = [images, hostile, slow].map(({ url }) => new URL(url).host);
    house = await ArtworkHouse.open({
      engine,
      backends: { postgres, ...(rabbitmq === undefined ? {} : { rabbitmq }) },
      ear,
      env: {
        VITRINA_ARTWORK_ANNOUNCE_URL: `${ear.url}/announce`,
        VITRINA_ARTWORK_ALLOWED_HOSTS: allowed.join(', '),
        VITRINA_ARTWORK_MAX_INFLATED_MB: '64',
      },
    });
    const servers = [await house.startServer(), await house.startServer()];
    urls = servers.map(({ url }) => url);
    startedWell = (await Promise.all(urls.map((url) => fetch(`${url}/readyz`)))).map(({ status }) => status);
    if (engine === 'PostgreSQL and RabbitMQ') await Promise.all([house.startWorker(), house.startWorker()]);
    hanging = await postPackage(urls[0]!, { ntd_transaction_id: 'hanging', arts_path: [`${images.url}/1.png`] });
    dripping = await postPackage(urls[1]!, {
      ntd_transaction_id: 'dripping',
      arts_path: [`${slow.url}/drip.png`, `${images.url}/2.png`],
    });
  }, 120_000);
  afterAll(async () => {
    await house?.close();
    await ear?.close();
  }, 60_000);

  it('is ready at once, and announces itself until it is heard', { timeout: 60_000 }, async () => {
    expect(startedWell).toEqual([200, 200]);
    const announcements = () => ear.calls.filter(({ path }) => path === '/announce');
    await until(() => announcements().some((call) => call.heard), 45);
    const [first, second, third] = announcements();
    expect([first!.heard, second!.heard, third!.heard]).toEqual([false, false, true]);
    expect(third!.body).toEqual({ ip: expect.stringMatching(/^[\d.]+$|:/), hostname: expect.stringMatching(/./) });
    expect(third!.signed).toBe(true);
  });

  it('takes the three forms, and tells what it found', { timeout: 120_000 }, async () => {
    const zip = `${images.url}/10.zip`;
    const arts = [`${images.url}/10.png`, `${images.url}/12.png`, `${images.url}/nothing`];
    const fields = { country: 'MX', channel: 'Retail', label: 'Summer', category: 'POP', no_transaction_id: '1001' };
    const python = join(root, '.venv/bin/python');
    const script = join(import.meta.dirname, 'artwork-client.py');
    const url = `${urls[0]}/receiver_no_training/`;
    const said = await runFile(python, [script, url, token, 'python', zip, ...arts]);
    const form = new FormData();
    for (const [name, value] of Object.entries({ ...fields, ntd_transaction_id: 'multipart', zip_art: zip }))
      form.append(name, value);
    form.append('arts_path', JSON.stringify(arts));
    const multipart = await fetch(url, { method: 'POST', headers: { authorization: `Bearer ${token}` }, body: form });
    const json = { ...fields, ntd_transaction_id: 'json', zip_art: zip, arts_path: arts };
    const jobs = [
      { job_id: said.stdout.trim(), ntd_transaction_id: 'python' },
      (await multipart.json()) as Received,
      await postPackage(urls[1]!, json),
    ];
    for (const { job_id, ntd_transaction_id } of jobs) {
      const page = await ended({ job_id });
      const counts = { images: 4, ok: 3, broken: 1 };
      expect(page).toMatchObject({
        status: 'succeeded',
        attempts: 1,
        progress: { done: 4, total: 4 },
        result: { counts },
      });
      const manifest = await manifestOf(urls[0]!, job_id);
      expect(manifest).toMatchObject({ package: { ...fields, ntd_transaction_id }, counts });
      expect(manifest.images.map(({ name }) => name)).toEqual(['10.png', '11.png', '12.png', 'nothing']);
      expect(manifest.images[0]).toMatchObject({
        source: { entry: '10.png', url: arts[0] },
        sha256: expect.stringMatching(/^[0-9a-f]{64}$/),
        ...{ format: 'png', width: 16, height: 16, perceptual_hash: expect.anything() },
      });
      expect(manifest.images[3]!.error).toContain('404');
      const thumbnail = await (await ask(urls[1]!, `/jobs/${job_id}/${manifest.images[2]!.thumbnail}`)).arrayBuffer();
      expect(await sharp(Buffer.from(thumbnail)).metadata()).toMatchObject({ format: 'webp' });
      await heard(ntd_transaction_id);
      expect(callsOf(ntd_transaction_id)).toMatchObject([
        {
          signed: true,
          body: { job_id, ...{ no_transaction_id: '1001', status: 'succeeded', counts, error: null } },
        },
      ]);
      expect(callsOf(ntd_transaction_id)[0]!.body.manifest_url).toBe(`/jobs/${job_id}/manifest`);
    }
  });

  it('makes one job and one callback of a hundred posts at once over two servers', { timeout: 60_000 }, async () => {
    const body = { ntd_transaction_id: 'once', arts_path: [`${images.url}/20.png`] };
    const answers = await Promise.all(Array.from({ length: 100 }, (_, i) => postPackage(urls[i % 2]!, body)));
    expect(new Set(answers.map(({ job_id }) => job_id)).size).toBe(1);
    await ended(answers[0]!);
    await heard('once');
    await sleep(500);
    expect(callsOf('once')).toHaveLength(1);
    const rows = await house.look(({ db }) =>
      db.selectFrom('jobs').select('id').where('idempotency_key', '=', 'once').execute(),
    );
    expect(rows).toEqual([{ id: answers[0]!.job_id }]);
  });

  it('is heard by an endpoint that fails, dawdles, or points elsewhere', { timeout: 120_000 }, async () => {
    const ids = ['failing', 'redirected', 'slow'];
    const jobs = await Promise.all(
      ids.map((ntd_transaction_id, n) =>
        postPackage(urls[0]!, { ntd_transaction_id, arts_path: [`${images.url}/${n}.png`] }),
      ),
    );
    for (const id of ids) await heard(id);
    expect(ids.map((id) => callsOf(id).map((call) => [call.heard, call.signed]))).toEqual([
      [...Array.from({ length: 3 }, () => [false, true]), [true, true]],
      [
        [false, true],
        [true, true],
      ],
      [[true, true]],
    ]);
    expect(trespasses).toBe(0);
    let attempts: JobPage['callbacks'][number]['attempts'] = [];
    const told = async () => {
      attempts = (await pageOf(urls[1]!, jobs[0]!.job_id)).callbacks[0]!.attempts;
      return attempts.some((attempt) => attempt.heard);
    };
    await until(told, 15);
    expect(attempts.map((attempt) => [attempt.heard, attempt.problem])).toEqual([
      ...Array.from({ length: 3 }, () => [false, 'The answer was 500, and 2xx was expected.']),
      [true, undefined],
    ]);
  });

  it('says callback_failed when the time is over, and calls again when told to', { timeout: 90_000 }, async () => {
    const arts_path = [`${images.url}/30.png`];
    const { job_id } = await postPackage(urls[0]!, { ntd_transaction_id: 'given up', arts_path });
    await ended({ job_id });
    const callback = async () => (await pageOf(urls[0]!, job_id)).callbacks[0]!;
    await until(() => callsOf('given up').length > 0, 30);
    const { job_id: call } = await callback();
    // The hours that are allowed for it have passed.
    await house.look(({ db }) =>
      db.updateTable('jobs').set({ give_up_at: Date.now() }).where('id', '=', call).execute(),
    );
    await until(async () => (await callback()).status === 'callback_failed', 30);
    givesUp = false;
    const listed = await house.command('jobs', 'list', '--state', 'failed', '--name', 'artwork.callback', '--json');
    expect(JSON.parse(listed.stdout).map(({ id }: { id: string }) => id)).toEqual([call]);
    expect((await house.command('jobs', 'retry', call)).code).toBe(0);
    await heard('given up');
    await until(async () => (await callback()).status === 'succeeded', 15);
  });

  it('refuses what is meant to harm it, by name, and its memory stays', { timeout: 120_000 }, async () => {
    const memory = watchMemory(house);
    const expected: Record<string, string> = {
      [`${hostile.url}/pixels.png`]: '60000 × 60000 pixels',
      [`${hostile.url}/broken.png`]: 'in no format',
      [`${hostile.url}/declared.png`]: 'holds more than',
      [`${hostile.url}/undeclared.png`]: 'holds more than',
      [`${hostile.url}/redirect.png`]: 'allowed hosts',
      'http://169.254.169.254/latest/meta-data/': '169.254.169.254',
      [`${forbidden.url}/secret.png`]: 'allowed hosts',
      [`${images.url.replace('127.0.0.1', 'localhost')}/1.png`]: 'allowed hosts',
    };
    const arts_path = [...Object.keys(expected), `${images.url}/40.png`];
    const job = await postPackage(urls[0]!, { ntd_transaction_id: 'hostile', arts_path });
    const bomb = await postPackage(urls[1]!, { ntd_transaction_id: 'bomb', zip_art: `${hostile.url}/bomb.zip` });
    const file = postPackage(urls[0]!, { ntd_transaction_id: 'file', arts_path: ['file:///etc/passwd'] });
    await expect(file).rejects.toThrow(/422 .*arts_path.*http or https/s);
    expect((await ended(job)).result!.counts).toEqual({ images: 9, ok: 1, broken: 8 });
    const { images: records } = await manifestOf(urls[1]!, job.job_id);
    for (const { source, error } of records.slice(0, -1)) {
      const { url } = source as { url: string };
      expect([url, error]).toEqual([url, expect.stringContaining(expected[url]!)]);
    }
    const refused = await ended(bomb);
    expect([refused.status, refused.error!.code]).toEqual(['failed', 'package-invalid']);
    expect(refused.error!.message).toContain('bomb.png');
    await heard('bomb');
    expect(callsOf('bomb')[0]!.body).toMatchObject({ status: 'failed', error: refused.error!.message });
    expect(trespasses).toBe(0);
    expect(memory()).toBeLessThan(250);
  });

  it('waits neither for ever for a slow image nor for a callback that hangs', { timeout: 150_000 }, async () => {
    expect((await ended(dripping)).result!.counts).toEqual({ images: 2, ok: 1, broken: 1 });
    const [first] = (await manifestOf(urls[0]!, dripping.job_id)).images;
    expect(first!.error).toContain('bytes a second');
    await ended(hanging);
    await heard('hanging');
    expect(callsOf('hanging').map((call) => call.heard)).toEqual([false, true]);
  });
});

describe('the artwork app that is told of no host', () => {
  it('fetches from no name that resolves to an address of one’s own', { timeout: 90_000 }, async () => {
    const ear = await openEar();
    const env = { VITRINA_ARTWORK_ALLOWED_HOSTS: '' };
    const house = await ArtworkHouse.open({ engine: 'SQLite', backends: {}, ear, env });
    try {
      const { url, child } = await house.startServer();
      const port = new URL(forbidden.url).port;
      const arts_path = [
        `http://localhost:${port}/a.png`,
        `http://127.0.0.1:${port}/b.png`,
        `http://[::1]:${port}/c.png`,
      ];
      const { job_id } = await postPackage(url, { ntd_transaction_id: 'private', arts_path });
      await until(async () => (await pageOf(url, job_id)).status === 'succeeded', 60);
      const records = (await manifestOf(url, job_id)).images;
      expect(records.map(({ error }) => error)).toEqual(arts_path.map(() => expect.stringContaining('loopback')));
      expect(trespasses).toBe(0);
      // Those who are served go before the jobs in the same process.
      const own = getPriority(child.pid!);
      const threads = readdirSync(`/proc/${child.pid}/task`).map((thread) => getPriority(Number(thread)) - own);
      expect(new Set(threads)).toEqual(new Set([0, 5]));
    } finally {
      await house.close();
      await ear.close();
    }
  });
});
