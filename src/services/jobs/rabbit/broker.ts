import type { Waking } from '../job-queue.js';
import type { Broker } from '../workshop.js';
import { type Delivery, RabbitConsumer } from './consumer.js';
import { RabbitPublisher } from './publisher.js';
import { type JobMessage, mostIds, type RabbitOptions, urgencies, urgencyOf } from './topology.js';

/** Into how many messages jobs that come together are put, if there are as many: so many workers share them. */
const shares = 16;

/** RabbitMQ as workers know it. Nothing is connected before something is published or consumed. */
export function openRabbitBroker(options: RabbitOptions): Broker {
  const publisher = new RabbitPublisher(options);
  let consumer: RabbitConsumer | undefined;
  return {
    publish: (jobs) => publisher.publish(pack(jobs)),
    async consume(most, deliver) {
      consumer = new RabbitConsumer({ ...options, prefetch: most }, (group) => deliver(group.flatMap(unpack)));
      await consumer.start();
    },
    async pause() {
      await consumer?.pause();
    },
    async close() {
      await consumer?.close();
      await publisher.close();
    },
  };
}

/** A broker's work is by the message: one of several jobs costs it as much as one of one. */
export function pack(jobs: readonly Waking[]): JobMessage[] {
  return urgencies.flatMap((urgency) => {
    const own = jobs.filter(({ priority }) => urgencyOf(priority) === urgency);
    const size = Math.min(mostIds, Math.ceil(own.length / shares));
    const messages: JobMessage[] = [];
    for (let from = 0; from < own.length; from += size) {
      const some = own.slice(from, from + size);
      messages.push({ ids: some.map(({ id }) => id), priority: some[0]!.priority });
    }
    return messages;
  });
}

/** The message is done with when all of its jobs are. */
function unpack(delivery: Delivery) {
  let left = delivery.ids.length;
  return delivery.ids.map((id) => ({
    id,
    done: () => {
      if (--left === 0) delivery.done();
    },
  }));
}
