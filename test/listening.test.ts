import { lookup } from 'node:dns/promises';
import { Agent, request } from 'node:http';
import Fastify from 'fastify';
import { afterEach, describe, expect, it } from 'vitest';
import { bindSockets } from '../src/cluster/sockets.js';
import { type ConnectionHandle, listen } from '../src/listening.js';

const open: { close(): Promise<unknown> | undefined }[] = [];
afterEach(async () => {
  for (const one of open.splice(0)) await one.close();
});

function app() {
  const made = Fastify({ forceCloseConnections: true });
  made.get('/', () => 'here');
  open.push(made);
  return made;
}

/** The `Connection` header of an answer. */
function call(url: string, agent: Agent): Promise<string | undefined> {
  return new Promise((resolve, reject) => {
    request(url, { agent }, (response) => {
      response.resume();
      response.once('end', () => resolve(response.headers.connection));
    })
      .once('error', reject)
      .end();
  });
}

function callers(count: number): Agent[] {
  return Array.from({ length: count }, () => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    open.push({ close: async () => agent.destroy() });
    return agent;
  });
}

describe('a listener', () => {
  it('asks as many callers to connect again as it is told to, and no more', async () => {
    const listener = await listen(app(), { host: '127.0.0.1', port: 0 });
    const url = `http://127.0.0.1:${listener.port}/`;
    const agents = callers(6);
    for (const agent of agents) await call(url, agent);
    expect(await listener.connections()).toBe(6);
    const keep = (connection: ConnectionHandle) => listener.adopt(connection);
    listener.shed(2, keep);
    listener.shed(4, keep);
    const answers: (string | undefined)[] = [];
    for (const agent of [...agents, ...agents]) answers.push(await call(url, agent));
    expect(answers.map((connection) => connection === 'close')).toEqual([
      ...Array(4).fill(true),
      ...Array(8).fill(false),
    ]);
  });

  it('gives as many newcomers to another process, which answers them', async () => {
    const busy = await listen(app(), { host: '127.0.0.1', port: 0 });
    const other = await listen(app(), { host: '127.0.0.1', port: 0 });
    busy.shed(2, (connection) => other.adopt(connection));
    for (const agent of callers(5)) await call(`http://127.0.0.1:${busy.port}/`, agent);
    // Three newcomers stay, and two of them are asked to come again.
    expect([await busy.connections(), await other.connections()]).toEqual([1, 2]);
    busy.shed(2, (connection) => other.adopt(connection));
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    for (const agent of callers(1)) await call(`http://127.0.0.1:${busy.port}/`, agent);
    expect(await other.connections()).toBe(2);
  });

  it('listens at every address of a name, on sockets that were bound before', async () => {
    const sockets = await bindSockets('localhost', 0);
    const { port } = await listen(app(), { host: 'localhost', port: 0 }, sockets);
    const [agent] = callers(1);
    const addresses = (await lookup('localhost', { all: true })).slice(0, sockets.length);
    for (const { address, family } of addresses) {
      await call(`http://${family === 6 ? `[${address}]` : address}:${port}/`, agent!);
    }
    expect(addresses.length).toBeGreaterThan(0);
  });

  it('says in words of the catalogue what keeps it from listening', async () => {
    const { port } = await listen(app(), { host: '127.0.0.1', port: 0 });
    const inUse = { code: 'port-in-use', fields: { host: '127.0.0.1', port } };
    await expect(listen(app(), { host: '127.0.0.1', port })).rejects.toMatchObject(inUse);
    await expect(bindSockets('127.0.0.1', port)).rejects.toMatchObject(inUse);
    await expect(bindSockets('203.0.113.1', 0)).rejects.toMatchObject({ code: 'address-unusable' });
    await expect(bindSockets('no-such-host.invalid', 0)).rejects.toMatchObject({ code: 'address-unusable' });
  });
});
