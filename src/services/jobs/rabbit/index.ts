export { openRabbitBroker } from './broker.js';
export { type Delivery, RabbitConsumer } from './consumer.js';
export { RabbitPublisher } from './publisher.js';
export type { JobMessage, RabbitLog, RabbitOptions } from './topology.js';
