import Fastify from 'fastify';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { healthRoutes } from '../../src/routes/health.js';
import type { ModelRepository } from '../../src/services/repository/model-repository.js';
import { openDatabase, openMigrations, type Storage } from '../../src/storage/index.js';
import { PostgresServer } from '../postgres-server.js';
import { TcpProxy } from '../tcp-proxy.js';

describe('the health of a server whose database falls silent', () => {
  let server: PostgresServer;
  let proxy: TcpProxy;
  let storage: Storage;
  const waiting: string[] = [];
  const app = Fastify();
  const ask = async (url: string) => {
    const began = performance.now();
    const { statusCode, body } = await app.inject(url);
    return { statusCode, body: JSON.parse(body), ms: performance.now() - began };
  };

  beforeAll(async () => {
    server = await PostgresServer.create();
    const migrations = await openMigrations({ url: server.url() });
    await migrations.up();
    await migrations.close();
    proxy = await TcpProxy.to(server.port);
    const through = new URL(server.url());
    through.port = String(proxy.port);
    storage = await openDatabase({ url: through.href });
    const models = { unready: () => waiting } as unknown as ModelRepository;
    await app.register(healthRoutes, { models, storage });
  });
  afterAll(async () => {
    await app.close();
    await storage.close();
    await proxy.close();
    await server.stop();
  });

  it('is told within a second or so, often without asking the database, and without a secret', async () => {
    expect(await ask('/readyz')).toMatchObject({ statusCode: 200, body: { status: 'ready' } });
    waiting.push('iris');
    expect(await ask('/readyz')).toMatchObject({ statusCode: 503, body: { status: 'not ready', models: 1 } });
    waiting.pop();
    proxy.silence();
    // What was found is believed for a second.
    expect(await ask('/readyz')).toMatchObject({ statusCode: 200 });
    await new Promise((resolve) => setTimeout(resolve, 1_100));
    const answers = await Promise.all(Array.from({ length: 50 }, () => ask('/readyz')));
    for (const { statusCode, body, ms } of answers) {
      expect([statusCode, body]).toEqual([503, { status: 'not ready', models: 0, database: 'does not answer' }]);
      expect(ms).toBeLessThan(1_500);
    }
    expect(await ask('/livez')).toMatchObject({ statusCode: 200 });
    proxy.resume();
    const began = performance.now();
    while ((await ask('/readyz')).statusCode !== 200) {
      if (performance.now() - began > 15_000) throw new Error('The database is back, and /readyz does not say so');
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }, 40_000);
});
