import type { Broker } from '../workshop.js';
import { RabbitConsumer } from './consumer.js';
import { RabbitPublisher } from './publisher.js';
import type { RabbitOptions } from './topology.js';

/** RabbitMQ as workers know it. Nothing is connected before something is published or consumed. */
export function openRabbitBroker(options: RabbitOptions): Broker {
  const publisher = new RabbitPublisher(options);
  let consumer: RabbitConsumer | undefined;
  return {
    publish: (messages) => publisher.publish(messages),
    async consume(most, deliver) {
      consumer = new RabbitConsumer({ ...options, prefetch: most }, deliver);
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
