/** Queues of one test on a broker, publishers and consumers on them, and what these say; gone with the test. */
import { randomBytes } from 'node:crypto';
import { type Channel, type ChannelModel, connect } from 'amqplib';
import {
  type Delivery,
  type JobMessage,
  RabbitConsumer,
  type RabbitOptions,
  RabbitPublisher,
} from '../../../src/services/jobs/rabbit/index.js';

export class RabbitQueues {
  readonly queue = `vitrina-test-${randomBytes(6).toString('hex')}`;
  readonly warnings: string[] = [];
  readonly notices: string[] = [];
  private readonly closers: (() => Promise<void>)[] = [];

  constructor(
    readonly url: string,
    readonly kind: 'quorum' | 'classic' = 'quorum',
  ) {}

  get options(): RabbitOptions {
    const log = { warn: (text: string) => this.warnings.push(text), info: (text: string) => this.notices.push(text) };
    return { url: this.url, queue: this.queue, kind: this.kind, log: log as never };
  }

  publisher(options: Partial<RabbitOptions> & { waitMs?: number } = {}): RabbitPublisher {
    const publisher = new RabbitPublisher({ ...this.options, ...options });
    this.closers.unshift(() => publisher.close());
    return publisher;
  }

  consumer(
    onDeliveries: (group: readonly Delivery[]) => void,
    options: Partial<RabbitOptions> & { prefetch?: number } = {},
  ): RabbitConsumer {
    const consumer = new RabbitConsumer({ ...this.options, prefetch: 250, ...options }, onDeliveries);
    this.closers.unshift(() => consumer.close());
    return consumer;
  }

  /** As a client that knows nothing of this project. */
  async bare<T>(act: (channel: Channel) => Promise<T>): Promise<T> {
    const connection: ChannelModel = await connect(this.url);
    try {
      const channel = await connection.createChannel();
      channel.on('error', () => undefined);
      return await act(channel);
    } finally {
      await connection.close();
    }
  }

  get names(): readonly string[] {
    return ['high', 'normal', 'low'].map((urgency) => `${this.queue}.${urgency}`);
  }

  /** Messages that nobody has. */
  ready(): Promise<number> {
    return this.bare(async (channel) => {
      let sum = 0;
      for (const name of this.names) sum += (await channel.checkQueue(name)).messageCount;
      return sum;
    });
  }

  async remove(): Promise<void> {
    for (const close of this.closers) await close();
    await this.bare(async (channel) => {
      for (const name of this.names) await channel.deleteQueue(name);
    });
  }
}

/** Keeps everything that comes, and settles it at once unless told. */
export function collect(settle: 'done' | 'nothing' = 'done') {
  const deliveries: Delivery[] = [];
  const groups: (readonly Delivery[])[] = [];
  return {
    deliveries,
    groups,
    ids: () => deliveries.flatMap(({ ids }) => ids),
    take(group: readonly Delivery[]): void {
      groups.push(group);
      deliveries.push(...group);
      if (settle === 'done') for (const delivery of group) delivery.done();
    },
  };
}

export const messages = (count: number, of = 'job', priority = 0): JobMessage[] =>
  Array.from({ length: count }, (_, i) => ({ ids: [`${of}-${i}`], priority }));
