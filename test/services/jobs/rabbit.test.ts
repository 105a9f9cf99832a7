/** The messages of jobs on a real RabbitMQ. */
import { setTimeout as sleep, setImmediate as turn } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import type { Offer } from '../../../src/services/jobs/job-worker.js';
import { pack } from '../../../src/services/jobs/rabbit/broker.js';
import { openRabbitBroker, RabbitConsumer, RabbitPublisher } from '../../../src/services/jobs/rabbit/index.js';
import { missingTools, RabbitmqServer } from '../../rabbitmq-server.js';
import { collect, messages, RabbitQueues } from './rabbit-queues.js';

const given = process.env.VITRINA_TEST_AMQP_URL;
const missing = given === undefined ? missingTools() : [];
if (missing.length > 0) console.warn(`\nSKIPPED: the tests on RabbitMQ, since there is no ${missing.join(', ')}\n`);

describe.skipIf(missing.length > 0)('jobs on RabbitMQ', () => {
  let server: RabbitmqServer | undefined;
  let url: string;
  const opened: RabbitQueues[] = [];
  const queues = (kind?: 'quorum' | 'classic'): RabbitQueues => {
    const made = new RabbitQueues(url, kind);
    opened.push(made);
    return made;
  };
  const until = (check: () => unknown) => vi.waitFor(check, { timeout: 20_000, interval: 10 });

  beforeAll(async () => {
    server = given === undefined ? await RabbitmqServer.create() : undefined;
    url = given ?? server!.url;
  }, 150_000);
  afterAll(() => server?.stop());
  afterEach(async () => {
    for (const each of opened.splice(0)) await each.remove();
  });

  describe.each(['quorum', 'classic'] as const)('%s', (kind) => {
    it('passes 20,000 messages, each once, never more unsettled than the prefetch', { timeout: 120_000 }, async () => {
      const own = queues(kind);
      const all = messages(20_000);
      const seen = new Map<string, number>();
      let unsettled = 0;
      let most = 0;
      const consumer = own.consumer(
        (group) => {
          unsettled += group.length;
          most = Math.max(most, unsettled);
          for (const { ids } of group) seen.set(ids[0]!, (seen.get(ids[0]!) ?? 0) + 1);
          setImmediate(() => {
            unsettled -= group.length;
            for (const delivery of group) delivery.done();
          });
        },
        { prefetch: 100 },
      );
      await consumer.start();
      await own.publisher({ waitMs: 60_000 }).publish(all.map((message, i) => ({ ...message, priority: (i % 3) - 1 })));
      await vi.waitFor(() => expect([seen.size, unsettled]).toEqual([20_000, 0]), { timeout: 100_000, interval: 50 });
      expect(Math.max(...seen.values())).toBe(1);
      expect(most).toBeLessThanOrEqual(100);
      expect(most).toBeGreaterThan(1);
      await consumer.close();
      expect(await own.ready()).toBe(0);
      expect(own.warnings).toEqual([]);
    });

    it('keeps what was confirmed, and gives a second one what the first did not settle', async () => {
      const own = queues(kind);
      await own.publisher().publish(messages(6));
      expect(await own.ready()).toBe(6);
      const first = collect('nothing');
      const leaver = own.consumer(first.take);
      await leaver.start();
      await until(() => expect(first.deliveries).toHaveLength(6));
      expect(first.deliveries.map(({ redelivered }) => redelivered)).toEqual(Array(6).fill(false));
      // Settled in the same turn in which it leaves.
      for (const i of [0, 1, 4]) first.deliveries[i]!.done();
      await leaver.close();
      const second = collect();
      await own.consumer(second.take).start();
      await until(() => expect(second.ids().sort()).toEqual(['job-2', 'job-3', 'job-5']));
      expect(second.deliveries.every(({ redelivered }) => redelivered)).toBe(true);
    });

    it('holds at most the prefetch back, a share of it for each class', async () => {
      const own = queues(kind);
      const three = [-5, 0, 100].flatMap((priority) => messages(20, `at${priority}`, priority));
      await own.publisher().publish(three);
      const held = collect('nothing');
      await own.consumer(held.take, { prefetch: 8 }).start();
      await until(() => expect(held.deliveries).toHaveLength(8));
      await sleep(300);
      const count = (beginning: string) => held.ids().filter((id) => id.startsWith(beginning)).length;
      expect([count('at100-'), count('at0-'), count('at-5-')]).toEqual([2, 4, 2]);
      const one = held.deliveries[5]!;
      one.done();
      one.done();
      await until(() => expect(held.deliveries).toHaveLength(9));
      one.again();
      await sleep(300);
      expect(own.warnings).toEqual([]);
      expect(held.deliveries).toHaveLength(9);
    });

    it('settles in whatever order, and delivers again what is asked for again', async () => {
      const own = queues(kind);
      const finished = new Set<string>();
      const rounds = new Map<string, number>();
      let random = 7;
      const draw = () => {
        random = (random * 48_271) % 2_147_483_647;
        return random;
      };
      const consumer = own.consumer(
        (group) => {
          for (const delivery of group) {
            setTimeout(() => {
              const id = delivery.ids[0]!;
              rounds.set(id, (rounds.get(id) ?? 0) + 1);
              if (draw() % 4 === 0) return delivery.again();
              delivery.done();
              finished.add(id);
            }, draw() % 15);
          }
        },
        { prefetch: 40 },
      );
      await consumer.start();
      await own.publisher().publish(messages(2000).map((message, i) => ({ ...message, priority: (i % 3) - 1 })));
      await until(() => expect(finished.size).toBe(2000));
      expect([...rounds.values()].filter((count) => count > 1).length).toBeGreaterThan(300);
      await consumer.close();
      expect(await own.ready()).toBe(0);
      // A tag that the broker had not open would have cost the connection.
      expect(own.warnings).toEqual([]);
    });

    it('says which queue is of another kind, and goes on when it has gone', async () => {
      const own = queues(kind);
      const other = kind === 'quorum' ? 'classic' : 'quorum';
      const name = `${own.queue}.normal`;
      await own.bare((channel) => channel.assertQueue(name, { durable: true, arguments: { 'x-queue-type': other } }));
      const taken = collect();
      const consumer = own.consumer(taken.take);
      const publisher = own.publisher();
      const refusal = { code: 'queue-mismatch', fields: { queue: name, kind } };
      await expect(consumer.start()).rejects.toMatchObject(refusal);
      await expect(publisher.publish(messages(1))).rejects.toMatchObject(refusal);
      await expect(publisher.publish(messages(1))).rejects.toThrow(name);
      expect([consumer.connected, publisher.connected]).toEqual([false, false]);
      await own.bare((channel) => channel.deleteQueue(name));
      await until(() => expect([consumer.connected, publisher.connected]).toEqual([true, true]));
      await publisher.publish(messages(1));
      await until(() => expect(taken.ids()).toEqual(['job-0']));
    });

    it('makes a queue again that somebody has deleted', async () => {
      const own = queues(kind);
      const taken = collect();
      const consumer = own.consumer(taken.take);
      const publisher = own.publisher();
      await consumer.start();
      await publisher.publish(messages(1, 'before'));
      await consumer.pause();
      await own.bare((channel) => channel.deleteQueue(`${own.queue}.normal`));
      // The broker would confirm it, and throw it away.
      await expect(publisher.publish(messages(1, 'lost'))).rejects.toMatchObject({ code: 'queue-unavailable' });
      await publisher.publish(messages(1, 'after'));
      await consumer.start();
      await until(() => expect(taken.ids()).toEqual(['before-0', 'after-0']));

      await own.bare((channel) => channel.deleteQueue(`${own.queue}.normal`));
      await until(() => expect(own.notices.filter((text) => text.includes('consumer'))).toHaveLength(1));
      await vi.waitFor(() => publisher.publish(messages(1, 'last')), { timeout: 20_000 });
      await until(() => expect(taken.ids().at(-1)).toBe('last-0'));
    });
  });

  it('hands a group out with the most urgent first', async () => {
    const own = queues();
    const taken = collect();
    await own.consumer(taken.take).start();
    const publisher = own.publisher();
    await publisher.publish([]);
    const rank = (id: string) => ['high', 'normal', 'low'].indexOf(id.split('-')[0]!);
    const mixed = () =>
      taken.groups.filter((group) => new Set(group.map(({ ids }) => rank(ids[0]!))).size === 3).length;
    for (let round = 0; round < 50 && mixed() < 3; round++) {
      const sent = publisher.publish(
        [-1, 0, 1, -100, 100].flatMap((priority) =>
          messages(4, priority > 0 ? 'high' : priority < 0 ? 'low' : 'normal', priority),
        ),
      );
      await turn();
      await turn();
      // Meanwhile all of it comes back, and waits for this thread.
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 100);
      await sent;
    }
    expect(mixed()).toBeGreaterThanOrEqual(3);
    for (const group of taken.groups) {
      const ranks = group.map(({ ids }) => rank(ids[0]!));
      expect(ranks).toEqual([...ranks].sort());
    }
  });

  it.each([1, 16, 100, 5_000])(
    'puts %i jobs that come together into messages that several workers share',
    async (count) => {
      const own = queues();
      const jobs = Array.from({ length: count }, (_, i) => ({ id: `job-${i}`, priority: (i % 3) - 1 }));
      const packed = pack(jobs);
      expect(Math.max(...packed.map(({ ids }) => ids.length))).toBeLessThanOrEqual(64);
      for (const urgency of [-1, 0, 1]) {
        const list = packed.filter(({ priority }) => priority === urgency);
        expect(list.flatMap(({ ids }) => ids)).toEqual(
          jobs.filter((job) => job.priority === urgency).map(({ id }) => id),
        );
        // At least eleven have some of them, if there are as many.
        expect(list.length).toBeGreaterThanOrEqual(Math.min(11, jobs.filter((job) => job.priority === urgency).length));
      }
      const broker = openRabbitBroker(own.options);
      const heard: Offer[] = [];
      await broker.consume(8_000, (offers) => void heard.push(...offers));
      await broker.publish(jobs);
      await until(() => expect(heard).toHaveLength(count));
      expect(new Set(heard.map(({ id }) => id)).size).toBe(count);
      // All but one of them: its message, and no other, stays with the broker.
      for (const { done } of heard.slice(1)) done();
      await broker.close();
      const left = collect();
      await own.consumer(left.take).start();
      await until(() => expect(left.ids()).toContain(heard[0]!.id));
      expect(left.deliveries).toHaveLength(1);
    },
  );

  it('throws messages of strangers away, with a word, and only once', async () => {
    const own = queues();
    const taken = collect();
    await own.publisher().publish(messages(1, 'before'));
    await own.bare(async (channel) => {
      const name = `${own.queue}.normal`;
      const ours = { type: 'vitrina.job' };
      channel.sendToQueue(name, Buffer.from('job-1'), {});
      channel.sendToQueue(name, Buffer.from('job-2'), { type: 'celery' });
      channel.sendToQueue(name, Buffer.from(''), ours);
      channel.sendToQueue(name, Buffer.from('two  words'), ours);
      channel.sendToQueue(name, Buffer.from('naïve'), ours);
      channel.sendToQueue(name, Buffer.alloc(129, 'a'), ours);
      channel.sendToQueue(name, Buffer.alloc(300_000), ours);
      await channel.close();
    });
    await own.publisher().publish(messages(1, 'after'));
    const consumer = own.consumer(taken.take);
    await consumer.start();
    await until(() => expect(taken.ids()).toEqual(['before-0', 'after-0']));
    await consumer.close();
    expect(await own.ready()).toBe(0);
    expect(own.warnings.join('\n')).toContain(`"${own.queue}.normal"`);
    const counted = own.warnings.reduce((sum, text) => sum + Number.parseInt(text, 10), 0);
    expect(counted).toBe(7);
  });

  it('pauses: what came may be settled, and nothing comes until it starts again', async () => {
    const own = queues();
    const held = collect('nothing');
    const consumer = own.consumer(held.take);
    const publisher = own.publisher();
    await consumer.start();
    await publisher.publish(messages(3));
    await until(() => expect(held.deliveries).toHaveLength(3));
    await consumer.pause();
    await publisher.publish(messages(2, 'later'));
    for (const delivery of held.deliveries) delivery.done();
    await sleep(300);
    expect(held.deliveries).toHaveLength(3);
    expect(await own.ready()).toBe(2);
    await Promise.all([consumer.start(), consumer.start()]);
    await until(() => expect(held.ids().slice(3)).toEqual(['later-0', 'later-1']));
    const { consumerCount } = await own.bare((channel) => channel.checkQueue(`${own.queue}.normal`));
    expect(consumerCount).toBe(1);
    // Started and paused at once, in either order: the last word counts.
    await Promise.all([consumer.pause(), consumer.start(), consumer.pause()]);
    await publisher.publish(messages(1, 'unheard'));
    await sleep(300);
    expect(held.deliveries).toHaveLength(5);
    expect(own.warnings).toEqual([]);
  });

  it.each([
    ['a wrong password', (text: string) => text.replace(/:[^:@]*@/, ':wr0ng%2F@'), 'queue-login-refused'],
    ['a virtual host that is not there', (text: string) => `${text}/no%2Fwhere`, 'queue-vhost-refused'],
    ['a port where nobody listens', (text: string) => text.replace(/:\d+$/, ':1'), 'queue-unavailable'],
    ['TLS where there is none', (text: string) => text.replace('amqp:', 'amqps:'), 'queue-encryption-failed'],
    [
      'authorities that are not there',
      (text: string) => `${text.replace('amqp:', 'amqps:')}?cacertfile=/nowhere.pem`,
      'queue-encryption-failed',
    ],
  ])('meets %s with a clear error, tells nobody the password, and ends', async (_name, change, code) => {
    const own = queues();
    const wrong = change(url);
    const consumer = own.consumer(() => undefined, { url: wrong });
    const publisher = own.publisher({ url: wrong, waitMs: 300 });
    const errors = [
      await consumer.start().catch((error) => error),
      await publisher.publish(messages(1)).catch((error) => error),
      await publisher.publish([]).catch((error) => error),
    ];
    expect(errors).toMatchObject([{ code }, { code }, { code }]);
    const password = decodeURIComponent(new URL(wrong).password);
    for (const text of [...errors.map(({ message }) => message), ...own.warnings]) {
      expect(text).toMatch(/\.$/);
      expect(text).not.toContain(password);
    }
    // One line each, however many attempts follow.
    await sleep(500);
    expect(own.warnings).toHaveLength(2);
    await Promise.all([consumer.close(), publisher.close()]);
  });

  it('is closed for good', async () => {
    const own = queues();
    const consumer = own.consumer(() => undefined);
    const publisher = own.publisher();
    await consumer.start();
    const unconfirmed = publisher.publish(messages(10)).catch((error) => error);
    await Promise.all([publisher.close(), publisher.close(), consumer.close(), consumer.close()]);
    expect(await unconfirmed).toMatchObject({ code: 'queue-unavailable' });
    await expect(publisher.publish(messages(1))).rejects.toMatchObject({ code: 'queue-unavailable' });
    await expect(consumer.start()).rejects.toMatchObject({ code: 'queue-unavailable' });
    await consumer.pause();
    await own.publisher().close();
    await own.consumer(() => undefined).close();
    expect([consumer.connected, publisher.connected]).toEqual([false, false]);
    expect([own.warnings, own.notices]).toEqual([[], []]);
  });

  it('refuses what can be told without a broker', async () => {
    const own = queues();
    await own.publisher().publish([]);
    const wrong = (id: string) => own.publisher().publish([{ ids: [id], priority: 0 }]);
    for (const id of ['', 'two words', 'é', 'a'.repeat(129)]) await expect(wrong(id)).rejects.toThrow(RangeError);
    for (const ids of [[], Array(65).fill('a')]) {
      await expect(own.publisher().publish([{ ids, priority: 0 }])).rejects.toThrow(RangeError);
    }
    const consumer = (prefetch: number) => new RabbitConsumer({ ...own.options, prefetch }, () => undefined);
    for (const prefetch of [2, 3.5, 70_000, Number.NaN]) expect(() => consumer(prefetch)).toThrow(RangeError);
    const secret = { ...own.options, url: 'amqp://ana:s3cret@mq?x=1' };
    expect(() => new RabbitPublisher(secret)).toThrow(expect.objectContaining({ code: 'setting-invalid' }));
    expect(() => new RabbitPublisher(secret)).not.toThrow('s3cret');
  });
});
