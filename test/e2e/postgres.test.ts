/** The built program on a PostgreSQL that is killed under it. */
import { rmSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PostgresServer } from '../postgres-server.js';
import { freshFolder, run, type Served, serve } from './spawn.js';

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
const statusOf = async (url: string, headers: Record<string, string> = {}) => {
  const answer = await fetch(url, { headers });
  await answer.arrayBuffer();
  return answer;
};

let server: PostgresServer;
let password: string;
let databases = 0;

beforeAll(async () => {
  server = await PostgresServer.create();
  password = new URL(server.url()).password;
});
afterAll(() => server.stop());

/** The environment of a server or a command on a database of its own. */
async function freshEnvironment(): Promise<Record<string, string>> {
  const name = `e2e_${databases++}`;
  await server.administer(`create database ${name}`);
  return { VITRINA_DATABASE_URL: server.url(name) };
}

interface Answer {
  readonly status: number;
  readonly at: number;
  readonly ms: number;
  readonly retryAfter: string | null;
}

/** Asks an authenticated route again and again, eight times at once, until it is told to stop. */
function load(url: string, key: string) {
  const answers: Answer[] = [];
  let on = true;
  const loop = async () => {
    while (on) {
      const at = performance.now();
      const { status, headers } = await statusOf(`${url}/models`, { 'x-api-key': key });
      answers.push({ status, at, ms: performance.now() - at, retryAfter: headers.get('retry-after') });
      await sleep(5);
    }
  };
  const loops = Array.from({ length: 8 }, loop);
  const stop = async () => {
    on = false;
    await Promise.all(loops);
  };
  return { answers, stop };
}

describe.each([1, 2])('%i processes on a PostgreSQL', (workers) => {
  it('outlive its death: 503 and nothing worse, and well again within five seconds of its return', async () => {
    const env = await freshEnvironment();
    expect(await run(['migrate', 'up'], '', env)).toMatchObject({ code: 0 });
    const data = freshFolder();
    const served: Served = await serve(['--workers', String(workers)], data, env);
    try {
      expect((await statusOf(`${served.url}/readyz`)).status).toBe(200);
      const { answers, stop } = load(served.url, served.key!);
      await sleep(1_000);
      await server.kill();
      const killed = performance.now();
      // Longer than a credential is remembered.
      await sleep(7_000);
      const health = await Promise.all(['readyz', 'livez'].map((name) => statusOf(`${served.url}/${name}`)));
      expect(health.map(({ status }) => status)).toEqual([503, 200]);
      const login = await fetch(`${served.url}/auth/token`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ username: 'admin', password: 'not the password' }),
      });
      expect([login.status, await login.text()]).toEqual([503, expect.stringContaining('storage-unavailable')]);
      await server.start();
      const back = performance.now();
      await sleep(6_000);
      await stop();

      expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200, 503]));
      const away = answers.filter(({ at }) => at > killed + 6_000 && at < back);
      expect(away.length).toBeGreaterThan(50);
      for (const { status, retryAfter, ms } of away) {
        expect([status, retryAfter]).toEqual([503, '1']);
        expect(ms).toBeLessThan(1_000);
      }
      const lastRefusal = Math.max(...answers.filter(({ status }) => status === 503).map(({ at }) => at));
      expect(lastRefusal - back).toBeLessThan(5_000);
      expect(answers.filter(({ at }) => at > back + 5_000).length).toBeGreaterThan(50);
      expect((await statusOf(`${served.url}/readyz`)).status).toBe(200);
      expect(served.child.exitCode).toBeNull();
      expect(served.printed()).not.toContain('worker died');
    } finally {
      await served.stop();
    }
    const { code, stderr } = await served.finished;
    expect(code).toBe(0);
    expect(stderr).toContain('The database does not answer');
    expect(served.printed() + stderr).not.toContain(password);
    rmSync(data, { recursive: true, force: true });
  }, 90_000);
});

describe('servers on one PostgreSQL', () => {
  it('hand out one first key, and know each other’s users', async () => {
    const env = await freshEnvironment();
    const behind = await run(['serve', '--port', '0', '--data', freshFolder()], '', env);
    expect([behind.code, behind.stderr.trim().split('\n').length]).toEqual([1, 1]);
    expect(behind.stderr).toContain('vitrina migrate up');
    expect(await run(['migrate', 'up'], '', env)).toMatchObject({ code: 0 });
    const servers = await Promise.all([1, 2].map(() => serve([], freshFolder(), env)));
    const keys = servers.flatMap(({ key }) => (key === undefined ? [] : [key]));
    expect(keys).toHaveLength(1);
    for (const { url } of servers) {
      expect((await statusOf(`${url}/users`, { 'x-api-key': keys[0]! })).status).toBe(200);
    }
    expect((await run(['users', 'create', 'ana'], 'correct horse battery staple\n', env)).code).toBe(0);
    const listed = await run(['users', 'list', '--json'], '', env);
    expect(JSON.parse(listed.stdout).map(({ username }: { username: string }) => username)).toEqual(['admin', 'ana']);
    for (const { stop } of servers) expect((await stop()).code).toBe(0);
    expect(servers.map(({ printed }) => printed()).join()).not.toContain(password);
  }, 60_000);
});
