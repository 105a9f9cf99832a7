/** What the messages of jobs go through when the broker dies, hangs, refuses or speaks TLS: a RabbitMQ of its own. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { type AddressInfo, connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createServer, type Server } from 'node:tls';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import type { RabbitPublisher } from '../../../src/services/jobs/rabbit/index.js';
import { missingTools, RabbitmqServer } from '../../rabbitmq-server.js';
import { collect, messages, RabbitQueues } from './rabbit-queues.js';

const missing = missingTools();
if (missing.length > 0) console.warn(`\nSKIPPED: the outages of RabbitMQ, since there is no ${missing.join(', ')}\n`);

describe.skipIf(missing.length > 0)('jobs on a RabbitMQ in trouble', { timeout: 120_000 }, () => {
  let server: RabbitmqServer;
  const opened: RabbitQueues[] = [];
  const queues = (kind?: 'quorum' | 'classic', url = server.url): RabbitQueues => {
    const made = new RabbitQueues(url, kind);
    opened.push(made);
    return made;
  };
  const until = (check: () => unknown) => vi.waitFor(check, { timeout: 60_000, interval: 20 });
  /** As its callers do. */
  async function publishAtLast(publisher: RabbitPublisher, id: string): Promise<void> {
    for (const deadline = Date.now() + 60_000; ; ) {
      try {
        return await publisher.publish(messages(1, id));
      } catch (error) {
        if (Date.now() > deadline) throw error;
      }
    }
  }

  beforeAll(async () => {
    server = await RabbitmqServer.create();
  }, 150_000);
  afterAll(() => server?.stop());
  afterEach(async () => {
    for (const each of opened.splice(0)) await each.remove();
  });

  it.each(['quorum', 'classic'] as const)('loses nothing that was confirmed to a kill -9 (%s)', async (kind) => {
    const own = queues(kind);
    const taken = collect();
    const consumer = own.consumer(taken.take);
    const publisher = own.publisher();
    await consumer.start();
    await publisher.publish(messages(10, 'live'));
    await until(() => expect(taken.deliveries).toHaveLength(10));
    await consumer.pause();
    // For three seconds RabbitMQ keeps the name of a new quorum queue in memory; killed then, it comes back without a leader.
    await server.control('eval', '[dets:sync(Table) || Table <- dets:all()].');
    const confirmed = new Set<string>();
    const publishing = messages(4000, 'kept').map(async (message) => {
      await publisher.publish([message]);
      confirmed.add(message.ids[0]!);
    });
    const outcome = Promise.allSettled(publishing);
    // In the middle of it.
    await until(() => expect(confirmed.size).toBeGreaterThan(100));
    await server.kill();
    const refused = (await outcome).flatMap((each) => (each.status === 'rejected' ? [each.reason] : []));
    expect(refused.length + confirmed.size).toBe(4000);
    for (const error of refused) expect(error.code).toBe('queue-unavailable');
    await consumer.start().catch((error) => expect(error.code).toBe('queue-unavailable'));
    await expect(publisher.publish(messages(1))).rejects.toMatchObject({ code: 'queue-unavailable' });
    expect([consumer.connected, publisher.connected]).toEqual([false, false]);

    await server.start();
    await publishAtLast(publisher, 'after');
    await until(() => expect(taken.ids()).toContain('after-0'));
    await until(() => expect([...confirmed].filter((id) => !taken.ids().includes(id))).toEqual([]));
    // One line at the loss and one at the return, of each of the two; what is redelivered may come before the line.
    await until(() => expect(own.notices).toHaveLength(2));
    expect(own.warnings).toHaveLength(2);
    for (const text of [...own.warnings, ...own.notices]) {
      expect(text).toContain(`amqp://vitrina@127.0.0.1:${server.port}/`);
      expect(text).not.toContain(new URL(server.url).password);
    }
  });

  it('settles nothing on a new connection that came on an old one', async () => {
    const own = queues();
    const held = collect('nothing');
    const consumer = own.consumer(held.take, { prefetch: 12 });
    await own.publisher().publish(messages(6));
    await consumer.start();
    await until(() => expect(held.deliveries).toHaveLength(6));
    await server.control('close_all_connections', 'of the test');
    await until(() => expect(held.deliveries).toHaveLength(12));
    const old = held.deliveries.slice(0, 6);
    for (const [i, delivery] of old.entries()) i % 2 === 0 ? delivery.done() : delivery.again();
    await sleep(300);
    // They are still with the consumer, each once more.
    expect(held.deliveries.slice(6).map(({ ids, redelivered }) => [ids, redelivered])).toEqual(
      old.map(({ ids }) => [ids, true]),
    );
    for (const delivery of held.deliveries.slice(6, 10)) delivery.done();
    await consumer.close();
    expect(await own.ready()).toBe(2);
    expect(own.warnings.filter((text) => text.includes('consumer'))).toHaveLength(1);
  });

  it('does not wait for a broker that has stopped answering', async () => {
    const own = queues();
    const taken = collect('nothing');
    const consumer = own.consumer(taken.take);
    const publisher = own.publisher({ waitMs: 300 });
    await consumer.start();
    await publisher.publish(messages(1));
    await until(() => expect(taken.deliveries).toHaveLength(1));
    const late = { consumer: own.consumer(() => undefined), publisher: own.publisher({ waitMs: 300 }) };
    await server.pause();
    try {
      await expect(publisher.publish(messages(1))).rejects.toThrow('said nothing');
      const starting = late.consumer.start().catch((error) => error.code);
      await expect(late.publisher.publish(messages(1))).rejects.toThrow('said nothing');
      await consumer.pause();
      taken.deliveries[0]!.done();
      const all = [consumer, publisher, late.consumer, late.publisher];
      // Heartbeats would end this as well, in twenty seconds.
      const ended = await Promise.race([Promise.all(all.map((each) => each.close())), sleep(15_000, 'hangs')]);
      expect(ended).not.toBe('hangs');
      expect(await starting).toBe('queue-unavailable');
    } finally {
      server.resume();
    }
  });

  it('says so when the broker is short of memory, and goes on when it is not', async () => {
    const own = queues();
    const publisher = own.publisher({ waitMs: 500 });
    await publisher.publish(messages(1));
    await server.control('set_vm_memory_high_watermark', '0');
    try {
      // It tells who publishes, and the next time says nothing to a stranger.
      await expect(publisher.publish(messages(1, 'blocked'))).rejects.toThrow(
        'it takes no messages now (low on memory)',
      );
    } finally {
      await server.control('set_vm_memory_high_watermark', 'absolute', '2GB');
    }
    await publishAtLast(publisher, 'after');
  });

  it('says what a user lacks', async () => {
    const own = queues();
    await own.publisher().publish([]);
    await server.control('add_user', 'poor', 'p00r-secret');
    await server.control('set_permissions', 'poor', '^$', '.*', '.*');
    const url = `amqp://poor:p00r-secret@127.0.0.1:${server.port}`;
    const error = await own
      .consumer(() => undefined, { url })
      .start()
      .catch((thrown) => thrown);
    expect(error).toMatchObject({ code: 'queue-forbidden', fields: { queue: own.queue } });
    expect(error.message).toContain('poor');
    expect(error.message).not.toContain('p00r-secret');
    await server.control('add_vhost', 'other');
    await expect(own.publisher({ url: `${url}/other` }).publish([])).rejects.toMatchObject({
      code: 'queue-vhost-refused',
      fields: { vhost: 'other', user: 'poor' },
    });
  });

  describe('over TLS', () => {
    let folder: string;
    let tls: Server;
    let address: string;

    beforeAll(async () => {
      folder = mkdtempSync(join(tmpdir(), 'vitrina-amqps-'));
      for (const name of ['server', 'client']) {
        const words = ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-subj', `/CN=${name}`];
        words.push('-addext', 'subjectAltName=IP:127.0.0.1', '-keyout', `${name}.key`, '-out', `${name}.pem`);
        execFileSync('openssl', words, { cwd: folder, stdio: 'ignore' });
      }
      const read = (name: string) => readFileSync(join(folder, name));
      // What stands before a broker in many places.
      tls = createServer(
        { key: read('server.key'), cert: read('server.pem'), ca: read('client.pem'), requestCert: true },
        (near) => {
          const far = connect(server.port, '127.0.0.1');
          near.pipe(far).pipe(near);
          for (const side of [near, far]) side.on('error', () => side.destroy());
          near.on('close', () => far.destroy());
        },
      );
      tls.on('tlsClientError', () => undefined);
      await new Promise<void>((resolve) => tls.listen(0, '127.0.0.1', resolve));
      const { port } = tls.address() as AddressInfo;
      address = server.url.replace('amqp:', 'amqps:').replace(/:\d+$/, `:${port}`);
    });
    afterAll(async () => {
      await new Promise((resolve) => tls.close(resolve));
      rmSync(folder, { recursive: true, force: true });
    });

    it('passes messages when the certificates fit', async () => {
      const files = ['cacertfile=server.pem', 'certfile=client.pem', 'keyfile=client.key'];
      const query = files.map((file) => file.replace('=', `=${encodeURIComponent(folder)}%2F`)).join('&');
      const url = `${address}?${query}`;
      const own = queues();
      const taken = collect();
      await own.consumer(taken.take, { url }).start();
      await own.publisher({ url }).publish(messages(3));
      await until(() => expect(taken.deliveries).toHaveLength(3));
    });

    it('refuses a broker that nobody vouches for', async () => {
      const own = queues();
      await own.publisher().publish([]);
      await expect(own.publisher({ url: address }).publish(messages(1))).rejects.toMatchObject({
        code: 'queue-encryption-failed',
      });
    });
  });
});
