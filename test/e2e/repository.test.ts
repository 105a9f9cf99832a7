/** The built program, several at once on one data folder: what one changes, the others serve, and nothing is ever half done. */
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { scaleGraph } from '../graphs.js';
import { freshFolder, type Served, serve } from './spawn.js';

let folder: string;
let running: Served[] = [];
let key = '';
beforeEach(() => {
  folder = freshFolder();
});
afterEach(async () => {
  for (const { child, finished } of running) {
    child.kill('SIGKILL');
    await finished;
  }
  running = [];
  rmSync(folder, { recursive: true, force: true });
});

async function start(args: readonly string[] = []): Promise<Served> {
  const served = await serve(args, folder);
  running.push(served);
  key = served.key ?? key;
  return served;
}

const bytes = (factor: number) => Buffer.from(scaleGraph(1, factor).graph);
const request = (url: string, method: string, body?: Buffer | string, type = 'application/octet-stream') =>
  fetch(url, {
    method,
    headers: { 'x-api-key': key, ...(body === undefined ? {} : { 'content-type': type }) },
    body: body ?? null,
  });
const put = (served: Served, path: string, factor: number) => request(`${served.url}${path}`, 'PUT', bytes(factor));

/** What the model makes of 1; nothing where it does not answer. */
async function ask({ url }: Served, path = '/models/m'): Promise<number | undefined> {
  const response = await request(`${url}${path}/predict`, 'POST', '{"inputs": {"x": [[1]]}}', 'application/json');
  const text = await response.text();
  return response.status === 200 ? JSON.parse(text).outputs.y[0][0] : undefined;
}

describe('processes on one data folder', { timeout: 240_000 }, () => {
  it('follow each other, and give every version a number of its own', async () => {
    const [one, two] = [await start(), await start()];
    expect((await put(one, '/models/m/versions/1', 1)).status).toBe(201);
    await expect.poll(() => ask(two), { timeout: 20_000 }).toBe(1);
    const answers = await Promise.all([put(one, '/models/m', 2), put(two, '/models/m', 3)]);
    expect(answers.map(({ status }) => status)).toEqual([201, 201]);
    const versions = await Promise.all(
      answers.map(async (answer) => ((await answer.json()) as { version: string }).version),
    );
    expect(versions.sort()).toEqual(['2', '3']);
    const same = await Promise.all([put(one, '/models/m/versions/9', 8), put(two, '/models/m/versions/9', 9)]);
    expect(same.map(({ status }) => status).sort()).toEqual([201, 409]);
    expect((await request(`${two.url}/models/m/versions/1/default`, 'POST')).status).toBe(200);
    await expect.poll(() => ask(one), { timeout: 20_000 }).toBe(1);
    expect((await request(`${one.url}/models/m`, 'DELETE')).status).toBe(204);
    await expect.poll(async () => (await request(`${two.url}/models/m`, 'GET')).status, { timeout: 20_000 }).toBe(404);
  });

  it('leave the old or the new when they are killed in between, and nothing else', async () => {
    let served = await start();
    await put(served, '/models/m', 1);
    let factor = 1;
    for (let round = 0; round < 4; round++) {
      const next = factor + 1;
      const sent = put(served, '/models/m', next).then(
        ({ status }) => status,
        () => 0,
      );
      // Anywhere between the first byte and the answer.
      await new Promise((resolve) => setTimeout(resolve, round * 150));
      served.child.kill('SIGKILL');
      await served.finished;
      const status = await sent;
      served = await start();
      const now = await ask(served);
      expect(status === 201 ? [next] : [factor, next]).toContain(now);
      factor = now!;
      const listed = (await (await request(`${served.url}/models/m`, 'GET')).json()) as {
        versions: { version: string }[];
      };
      const state = JSON.parse(readFileSync(join(folder, 'models/m/state.json'), 'utf8')) as { uploads: object };
      expect(listed.versions.map(({ version }) => version)).toEqual(Object.keys(state.uploads));
      expect(readdirSync(join(folder, 'models/.drafts'))).toEqual([]);
    }
  });
});

describe('a model under load', { timeout: 240_000 }, () => {
  it('is replaced ten times, and not a request fails', async () => {
    mkdirSync(join(folder, 'repository/m/1'), { recursive: true });
    writeFileSync(join(folder, 'repository/m/1/a.onnx'), bytes(1));
    const served = await start([join(folder, 'repository')]);
    const seen: (number | undefined)[] = [];
    let stop = false;
    const callers = Array.from({ length: 8 }, async () => {
      while (!stop) seen.push(await ask(served));
    });
    for (let factor = 2; factor <= 11; factor++) expect((await put(served, '/models/m', factor)).status).toBe(201);
    stop = true;
    await Promise.all(callers);
    expect(await ask(served)).toBe(11);
    expect(seen).not.toContain(undefined);
    expect(new Set(seen).size).toBeGreaterThan(5);
    expect(readdirSync(join(folder, 'models/m')).filter((name) => /^\d+$/.test(name))).toHaveLength(6);
  });
});
