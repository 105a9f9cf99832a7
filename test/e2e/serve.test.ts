import { exec } from 'node:child_process';
import { copyFileSync, cpSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { freshFolder, root, run, type Served, serve } from './spawn.js';

const models = join(root, 'examples/models');
const running: Served[] = [];
async function start(...args: Parameters<typeof serve>): Promise<Served> {
  const served = await serve(...args);
  running.push(served);
  return served;
}
afterEach(async () => {
  for (const served of running.splice(0)) await served.stop();
});

const post = (url: string, body: unknown, key: string) =>
  fetch(url, {
    method: 'POST',
    body: JSON.stringify(body),
    headers: { 'content-type': 'application/json', 'x-api-key': key },
  });

describe('vitrina serve', () => {
  it('answers the curl line that it prints, and starts as well a second time', async () => {
    const data = freshFolder();
    const first = await start([models], data);
    const curl = /^Try it: (curl .*)$/m.exec(first.printed())![1]!;
    const answer = await new Promise<string>((resolve, reject) =>
      exec(`${curl} --silent --fail`, (error, stdout) => (error ? reject(error) : resolve(stdout))),
    );
    expect(JSON.parse(answer)).toHaveProperty('outputs');
    expect((await first.stop()).code).toBe(0);
    const second = await start([models], data);
    expect(second.key).toBeUndefined();
    const { names } = {
      names: (
        (await (await fetch(`${second.url}/models`, { headers: { 'x-api-key': first.key! } })).json()) as {
          models: { name: string; ready: boolean }[];
        }
      ).models,
    };
    expect(names.every(({ ready }) => ready)).toBe(true);
    expect(names.map(({ name }) => name)).toContain('shock');
  });

  it('lets a broken model keep only itself from being ready', async () => {
    const folder = freshFolder();
    mkdirSync(join(folder, 'models'));
    writeFileSync(join(folder, 'models/broken.h5'), 'version https://git-lfs.github.com/spec/v1\noid sha256:0\n');
    copyFileSync(join(models, 'wave.keras'), join(folder, 'models/wave.keras'));
    const served = await start([join(folder, 'models')], join(folder));
    expect(served.printed()).toMatch(/^vitrina: model "broken" version 1 is not ready: .*Git LFS pointer/m);
    expect((await fetch(`${served.url}/readyz`)).status).toBe(503);
    expect((await fetch(`${served.url}/livez`)).status).toBe(200);
    const broken = await post(`${served.url}/models/broken/predict`, {}, served.key!);
    expect(broken.status).toBe(503);
    expect(await broken.json()).toMatchObject({ code: 'model-not-ready' });
  });

  it('says in one line what keeps it from starting', async () => {
    const data = freshFolder();
    const busy = createServer();
    await new Promise<void>((listening) => busy.listen(0, '127.0.0.1', listening));
    const { port } = busy.address() as { port: number };
    const cases: [string[], RegExp][] = [
      [['serve', models, '--port', String(port), '--data', data], /is in use; stop the other server/],
      [['serve', join(data, 'nothing-here'), '--data', data], /there is no such file or folder/],
      [['serve', models, '--data', '/proc/nope'], /data folder cannot be made/],
      [['serve', models, '--data', join(models, 'wave.keras')], /wave\.keras/],
      [['serve', models, '--only', 'shok', '--data', data], /only is "shok"; expected one of shock/],
      [['serve', models, '--port', '70000', '--data', data], /port is "70000"; expected a whole number/],
    ];
    for (const [args, line] of cases) {
      const { code, stderr, stdout } = await run(args);
      expect(stderr.trim().split('\n')).toHaveLength(1);
      expect(stderr).toMatch(line);
      expect(stdout).toBe('');
      expect(code).toBe(1);
    }
    busy.close();
  });

  it('fails no accepted request when it is stopped under load', async () => {
    const served = await start([join(models, 'wave.keras')], freshFolder());
    const example = await exampleOf(served);
    let answered = 0;
    let stopping = false;
    const failures: unknown[] = [];
    const callers = Array.from({ length: 16 }, async () => {
      for (;;) {
        try {
          const response = await post(`${served.url}/models/wave/predict`, example, served.key!);
          await response.json();
          if (response.status === 200) answered++;
          else failures.push(response.status);
        } catch (error) {
          // Once the server stops, a new connection is refused; a request on an open one is answered.
          const { code } = ((error as Error).cause ?? {}) as { code?: string };
          if (!stopping || code !== 'ECONNREFUSED') failures.push(code ?? error);
          return;
        }
      }
    });
    await new Promise((resolve) => setTimeout(resolve, 500));
    stopping = true;
    const began = performance.now();
    const { code } = await served.stop();
    await Promise.all(callers);
    expect(code).toBe(0);
    expect(performance.now() - began).toBeLessThan(10_000);
    expect(failures).toEqual([]);
    expect(answered).toBeGreaterThan(20);
  });

  it('reloads a changed model under load, without dropping a request', async () => {
    const folder = freshFolder();
    const repository = join(folder, 'models');
    cpSync(join(models, 'shock'), join(repository, 'm'), { recursive: true });
    const yaml = join(repository, 'm/model.yaml');
    writeFileSync(yaml, readFileSync(yaml, 'utf8').replace(/^name:.*$/m, 'name: m'));
    const served = await start([repository, '--watch'], folder);
    const example = await exampleOf(served, 'm');
    const outputs = new Set<string>();
    let stop = false;
    const statuses = new Set<number>();
    const callers = Array.from({ length: 8 }, async () => {
      while (!stop) {
        const response = await post(`${served.url}/models/m/predict`, example, served.key!);
        statuses.add(response.status);
        const answer = (await response.json()) as { version: string };
        outputs.add(answer.version);
      }
    });
    cpSync(join(repository, 'm/1'), join(folder, 'draft'), { recursive: true });
    renameSync(join(folder, 'draft'), join(repository, 'm/2'));
    for (let i = 0; i < 100 && !outputs.has('2'); i++) await new Promise((resolve) => setTimeout(resolve, 100));
    writeFileSync(yaml, `${readFileSync(yaml, 'utf8')}\nplacement: worker\n`);
    await new Promise((resolve) => setTimeout(resolve, 2500));
    stop = true;
    await Promise.all(callers);
    expect([...statuses]).toEqual([200]);
    expect([...outputs].sort()).toEqual(['1', '2']);
    const view = await (
      await fetch(`${served.url}/models/m/versions/2`, { headers: { 'x-api-key': served.key! } })
    ).json();
    expect(view).toMatchObject({ placement: { kind: 'worker' } });
  });
});

/** The example that the server's own documentation gives. */
async function exampleOf(served: Served, model = 'wave'): Promise<unknown> {
  const document = (await (await fetch(`${served.url}/openapi.json`)).json()) as {
    paths: Record<string, { post: { requestBody: { content: { 'application/json': { example: unknown } } } } }>;
  };
  return document.paths[`/models/${model}/predict`]!.post.requestBody.content['application/json'].example;
}
