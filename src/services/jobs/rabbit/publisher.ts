import type { VitrinaError } from '../../../errors.js';
import { closedHere, unavailable } from './faults.js';
import { RabbitLink } from './link.js';
import {
  type JobMessage,
  messageType,
  queueName,
  type RabbitOptions,
  toBody,
  type Urgency,
  urgencyOf,
} from './topology.js';

const defaultWaitMs = 5000;
/** Messages that wait for their confirmation at a time: enough to keep the broker busy, and little to lose. */
const window = 2000;

const properties = { persistent: true, mandatory: true, type: messageType, contentType: 'text/plain' };

interface Batch {
  readonly messages: readonly { readonly body: Buffer; readonly urgency: Urgency }[];
  sent: number;
  confirmed: number;
  resolve(): void;
  reject(error: VitrinaError): void;
  /** For each message of it: nothing, or why there is no confirmation. */
  readonly settle: (refusal: Error | null) => void;
}

/** Tells the broker of jobs, persistently: what is confirmed survives the broker's end. Connects with the first call. */
export class RabbitPublisher {
  private readonly link: RabbitLink;
  private readonly waitMs: number;
  /** Those that are not settled, and of these those that have messages left to send, in the order in which they came. */
  private readonly batches = new Set<Batch>();
  private waiting: Batch[] = [];
  private unconfirmed = 0;
  private silence: NodeJS.Timeout | undefined;
  private state: 'new' | 'open' | 'closed' = 'new';

  /**
   * `waitMs`: how long the broker may say nothing while something waits for it, 5000 unless told.
   *
   * @throws VitrinaError setting-invalid for a URL that is none
   */
  constructor(private readonly options: RabbitOptions & { readonly waitMs?: number }) {
    this.waitMs = options.waitMs ?? defaultWaitMs;
    this.link = new RabbitLink(options, 'publisher', {
      opened: (channel) => {
        // A queue that somebody has deleted; a new connection makes it again.
        channel.on('return', () => this.link.drop(unavailable('one of its queues had been deleted')));
      },
      ready: () => {
        this.silence?.refresh();
        this.pump();
      },
      lost: (error) => {
        this.unconfirmed = 0;
        for (const batch of this.batches) if (batch.sent > 0) this.finish(batch, error);
      },
      failed: (error) => {
        if (error.code !== 'queue-unavailable') this.finishAll(error);
      },
    });
  }

  get connected(): boolean {
    return this.link.channel !== undefined;
  }

  /**
   * Resolves when the broker has confirmed all of them; with none, when it is connected. What was published before a
   * rejection may be delivered all the same, and again when it is published again.
   *
   * @throws RangeError for an id that is none, and for a message of too many, before anything is sent
   * @throws VitrinaError queue-unavailable when the broker is away or says nothing for the time of `waitMs`, refuses a
   * message, or goes away before it has confirmed; at once the faults that only an operator mends: queue-login-refused,
   * queue-vhost-refused, queue-forbidden, queue-mismatch, queue-encryption-failed
   */
  async publish(messages: readonly JobMessage[]): Promise<void> {
    const bodies = messages.map(({ ids, priority }) => ({ body: toBody(ids), urgency: urgencyOf(priority) }));
    if (this.state === 'closed') throw closedHere();
    const { failure } = this.link;
    if (failure !== undefined && failure.code !== 'queue-unavailable') throw failure;
    if (this.state === 'new') {
      this.state = 'open';
      // What it meets comes as `failed`.
      this.link.connect().catch(() => undefined);
    }
    await new Promise<void>((resolve, reject) => {
      const batch: Batch = {
        messages: bodies,
        sent: 0,
        confirmed: 0,
        resolve,
        reject,
        settle: (refusal) => this.settle(batch, refusal),
      };
      this.batches.add(batch);
      this.waiting.push(batch);
      this.silence ??= setTimeout(() => this.fallSilent(), this.waitMs);
      this.pump();
    });
  }

  /** What has not been confirmed is rejected. Ends within two seconds, whatever the broker does. */
  async close(): Promise<void> {
    this.state = 'closed';
    await this.link.close();
    this.finishAll(closedHere());
  }

  private pump(): void {
    const { channel } = this.link;
    if (channel === undefined) return;
    for (let batch = this.waiting[0]; batch !== undefined; batch = this.waiting[0]) {
      if (batch.messages.length === 0) this.finish(batch);
      while (this.batches.has(batch) && batch.sent < batch.messages.length) {
        if (this.unconfirmed >= window) return;
        const { body, urgency } = batch.messages[batch.sent++]!;
        this.unconfirmed++;
        channel.sendToQueue(queueName(this.options.queue, urgency), body, properties, batch.settle);
      }
      this.waiting.shift();
    }
  }

  private settle(batch: Batch, refusal: Error | null): void {
    // Said of all that was under way when a channel ends, perhaps after the next one has begun; `lost` sees to these.
    if (refusal?.message === 'channel closed') return;
    this.unconfirmed--;
    this.silence?.refresh();
    batch.confirmed++;
    if (refusal !== null) this.finish(batch, unavailable('it refused a message, as when a queue is full', refusal));
    else if (batch.confirmed === batch.messages.length) this.finish(batch);
    if (this.unconfirmed <= window / 2) this.pump();
  }

  private fallSilent(): void {
    this.silence = undefined;
    const { failure, blocked } = this.link;
    const why =
      blocked === undefined ? `it said nothing for ${this.waitMs} ms` : `it takes no messages now (${blocked})`;
    const error = failure ?? unavailable(why);
    // What it has not read would be kept for it beside what is published next.
    if (this.unconfirmed > 0) this.link.drop(error);
    this.finishAll(error);
  }

  private finishAll(error: VitrinaError): void {
    for (const batch of this.batches) this.finish(batch, error);
    this.waiting = [];
  }

  private finish(batch: Batch, error?: VitrinaError): void {
    if (!this.batches.delete(batch)) return;
    if (this.batches.size === 0) {
      clearTimeout(this.silence);
      this.silence = undefined;
    }
    if (error === undefined) batch.resolve();
    else batch.reject(error);
  }
}
