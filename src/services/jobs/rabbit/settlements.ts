import type { Channel, ConsumeMessage } from 'amqplib';

/**
 * Tells the broker what became of the deliveries of one channel, once for each turn of the event loop. Tags count from 1
 * on each channel; as far as everything from the first on is settled, one message acknowledges all.
 */
export class Settlements {
  /** Every tag up to it is settled. */
  private settledUpTo = 0;
  /** Those above. */
  private readonly settled = new Set<number>();
  /** What the broker has not been told yet. */
  private done: number[] = [];
  private again: number[] = [];
  private flushing: NodeJS.Immediate | undefined;
  private ended = false;

  constructor(private readonly channel: Channel) {}

  /** Each tag is settled once. */
  settle(tag: number, how: 'done' | 'again'): void {
    if (this.ended) return;
    this[how].push(tag);
    this.flushing ??= setImmediate(() => this.flush());
  }

  flush(): void {
    clearImmediate(this.flushing);
    this.flushing = undefined;
    const { done, again } = this;
    this.done = [];
    this.again = [];
    // Before what is acknowledged by a tag above.
    for (const tag of again) {
      this.channel.nack(withTag(tag), false, true);
      this.settled.add(tag);
    }
    for (const tag of done) this.settled.add(tag);
    while (this.settled.delete(this.settledUpTo + 1)) this.settledUpTo++;
    // The broker closes the channel over a tag that it has not open, so that it has to be one of these.
    let last = 0;
    for (const tag of done) {
      if (tag > this.settledUpTo) this.channel.ack(withTag(tag));
      else if (tag > last) last = tag;
    }
    if (last > 0) this.channel.ack(withTag(last), true);
  }

  /** Tags of a channel that is gone mean other deliveries on the next: nothing is said of them any more. */
  end(): void {
    this.ended = true;
    clearImmediate(this.flushing);
  }
}

/** All that the library looks at. */
const withTag = (deliveryTag: number) => ({ fields: { deliveryTag } }) as ConsumeMessage;
