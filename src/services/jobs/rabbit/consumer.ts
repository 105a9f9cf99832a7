import type { ConfirmChannel, ConsumeMessage } from 'amqplib';
import { lossOf, unavailable } from './faults.js';
import { RabbitLink } from './link.js';
import { Settlements } from './settlements.js';
import { messageType, queueName, type RabbitOptions, readBody, type Urgency, urgencies } from './topology.js';

/** One message, to be settled once by one of the two; what comes after, or after the connection was lost, does nothing. */
export interface Delivery {
  /** Of jobs. */
  readonly ids: readonly string[];
  /** Whether somebody may have had it before: a message is delivered again when it was not settled. */
  readonly redelivered: boolean;
  /** The broker may forget it. */
  done(): void;
  /** The broker delivers it again at once, to this process or another. */
  again(): void;
}

const pauseMs = 2000;

/** Hears of jobs from the broker. */
export class RabbitConsumer {
  private readonly link: RabbitLink;
  private readonly prefetch: Readonly<Record<Urgency, number>>;
  private wanted = false;
  private subscribing: Promise<void> | undefined;
  private tags: string[] = [];
  private settlements: Settlements | undefined;
  private arrived = emptyGroup();
  private handing: NodeJS.Immediate | undefined;

  /**
   * `onDeliveries` gets what arrived in one turn of the event loop, the most urgent first, and must not throw. At most
   * `prefetch` messages are unsettled at a time, at least 3: the broker counts for each queue, so that a quarter is for
   * urgent ones, a quarter for those that can wait, and the rest for the usual. RabbitMQ takes back what is not settled
   * for 30 minutes (its `consumer_timeout`), with the whole connection.
   *
   * @throws RangeError for a prefetch below 3 or above 65535
   * @throws VitrinaError setting-invalid for a URL that is none
   */
  constructor(
    private readonly options: RabbitOptions & { readonly prefetch: number },
    private readonly onDeliveries: (group: readonly Delivery[]) => void,
  ) {
    const { prefetch } = options;
    if (!Number.isInteger(prefetch) || prefetch < 3 || prefetch > 65_535) {
      throw new RangeError(`The prefetch is ${prefetch}; expected a whole number from 3 to 65535.`);
    }
    const quarter = Math.max(1, Math.floor(prefetch / 4));
    this.prefetch = { high: quarter, normal: prefetch - 2 * quarter, low: quarter };
    this.link = new RabbitLink(options, 'consumer', {
      opened: (channel) => {
        this.settlements = new Settlements(channel);
        this.tags = [];
        return this.wanted ? this.subscribe(channel) : undefined;
      },
      ready: () => {
        // `start` came while it was being made.
        this.resume().catch(() => this.link.drop(unavailable('its queues could not be consumed')));
      },
      lost: () => this.forget(),
      failed: () => this.forget(),
    });
  }

  get connected(): boolean {
    return this.link.channel !== undefined;
  }

  /**
   * Resolves when deliveries may come; begins again after `pause`. Whatever it rejects with, connections are tried until
   * `close`: a caller may go on without.
   *
   * @throws VitrinaError queue-unavailable, queue-login-refused, queue-vhost-refused, queue-forbidden, queue-mismatch,
   * queue-encryption-failed
   */
  async start(): Promise<void> {
    this.wanted = true;
    await this.link.connect();
    try {
      await this.resume();
    } catch (error) {
      throw this.link.failure ?? unavailable(lossOf(error), error);
    }
  }

  /**
   * When it resolves, no more deliveries come; those that came may still be settled, unless the broker did not answer
   * within two seconds, which ends the connection.
   */
  async pause(): Promise<void> {
    this.wanted = false;
    const timer = setTimeout(() => this.link.drop(unavailable('it did not answer a consumer that goes away')), pauseMs);
    try {
      await this.subscribing;
      if (this.link.channel !== undefined) await this.unsubscribe(this.link.channel);
    } catch {
      // The connection was lost, and the consumers with it.
    }
    clearTimeout(timer);
    this.handOut();
  }

  /** What is not settled is delivered again, to others. Ends within two seconds, whatever the broker does. */
  async close(): Promise<void> {
    this.wanted = false;
    this.settlements?.flush();
    this.forget();
    await this.link.close();
  }

  private async resume(): Promise<void> {
    while (this.subscribing !== undefined) await this.subscribing;
    const { channel } = this.link;
    if (this.wanted && this.tags.length === 0 && channel !== undefined) await this.subscribe(channel);
  }

  private subscribe(channel: ConfirmChannel): Promise<void> {
    const own = this.consume(channel).finally(() => {
      if (this.subscribing === own) this.subscribing = undefined;
    });
    this.subscribing = own;
    return own;
  }

  private async consume(channel: ConfirmChannel): Promise<void> {
    for (const urgency of urgencies) {
      // Of the consumers that follow.
      await channel.prefetch(this.prefetch[urgency]);
      const queue = queueName(this.options.queue, urgency);
      const { consumerTag } = await channel.consume(queue, (message) => this.arrive(urgency, message));
      this.tags.push(consumerTag);
    }
    if (!this.wanted) await this.unsubscribe(channel);
  }

  private async unsubscribe(channel: ConfirmChannel): Promise<void> {
    await Promise.all(this.tags.splice(0).map((tag) => channel.cancel(tag)));
  }

  private arrive(urgency: Urgency, message: ConsumeMessage | null): void {
    // The broker has cancelled the consumer; a new connection makes the queue again.
    if (message === null) {
      this.link.drop(unavailable('one of its queues was deleted'));
      return;
    }
    this.arrived[urgency].push(message);
    this.handing ??= setImmediate(() => this.handOut());
  }

  private handOut(): void {
    clearImmediate(this.handing);
    this.handing = undefined;
    const { arrived, settlements } = this;
    if (settlements === undefined) return;
    this.arrived = emptyGroup();
    const group: Delivery[] = [];
    const foreign: ConsumeMessage[] = [];
    for (const urgency of urgencies) {
      for (const message of arrived[urgency]) {
        const delivery = read(message, settlements);
        if (delivery === undefined) foreign.push(message);
        else group.push(delivery);
      }
    }
    if (foreign.length > 0) {
      for (const { fields } of foreign) settlements.settle(fields.deliveryTag, 'done');
      this.options.log?.warn(describe(foreign));
    }
    if (group.length > 0) this.onDeliveries(group);
  }

  /** The broker delivers again what was not settled. */
  private forget(): void {
    clearImmediate(this.handing);
    this.handing = undefined;
    this.arrived = emptyGroup();
    this.tags = [];
    this.subscribing = undefined;
    this.settlements?.end();
    this.settlements = undefined;
  }
}

const emptyGroup = (): Record<Urgency, ConsumeMessage[]> => ({ high: [], normal: [], low: [] });

/** `undefined` for a message that no `RabbitPublisher` has sent. */
function read({ content, fields, properties }: ConsumeMessage, settlements: Settlements): Delivery | undefined {
  const ids = properties.type === messageType ? readBody(content) : undefined;
  if (ids === undefined) return undefined;
  let settled = false;
  const settle = (how: 'done' | 'again') => {
    if (settled) return;
    settled = true;
    settlements.settle(fields.deliveryTag, how);
  };
  return { ids, redelivered: fields.redelivered, done: () => settle('done'), again: () => settle('again') };
}

function describe(foreign: readonly ConsumeMessage[]): string {
  const { content, fields, properties } = foreign[0]!;
  const type = JSON.stringify(String(properties.type)).slice(0, 50);
  return `${foreign.length} messages in the queues of jobs are not about jobs and were thrown away: the first, sent to ${JSON.stringify(fields.routingKey).slice(0, 100)}, has the type ${type} and ${content.length} bytes. Find who publishes there, or choose another name of the queue.`;
}
