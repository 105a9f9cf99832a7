import { readFileSync } from 'node:fs';
import { type ChannelModel, type ConfirmChannel, connect } from 'amqplib';
import { VitrinaError } from '../../../errors.js';
import { parseQueueUrl, type QueueUrl, queueLocationOf, queueUrlForm } from '../../../queue-url.js';
import { closedHere, lossOf, toQueueError, unavailable } from './faults.js';
import { declareQueues, type RabbitOptions } from './topology.js';

/** A broker that has said nothing for two of them counts as gone, and so do we. */
const heartbeatSeconds = 10;
/** For a connection and all that is declared on it. */
const attemptMs = 10_000;
/** Waits between attempts: doubled each time, and a fifth more or less, so that a fleet does not come back as one. */
const firstWaitMs = 100;
const longestWaitMs = 5000;
/** A broker that does not say goodbye in this time is left without. */
const goodbyeMs = 1000;

export interface LinkEvents {
  /** Each new channel, with the queues declared, before it counts as connected. */
  opened(channel: ConfirmChannel): Promise<void> | void;
  /** Connected: `channel` is there. */
  ready(): void;
  /** The channel is of no more use, nor is any delivery tag of it. */
  lost(error: VitrinaError): void;
  /** An attempt to come back failed. */
  failed(error: VitrinaError): void;
}

/**
 * One connection with one channel, made again whenever it is lost, until `close`.
 *
 * The library's own `recovery` is not used: while it runs `setup`, an error of the connection has no listener and ends
 * the process; and when a broker dies between a failed `setup` and the goodbye, it waits for the goodbye for ever.
 */
export class RabbitLink {
  /** While connected. */
  channel: ConfirmChannel | undefined;
  /** Why the last attempt failed or the connection was lost; nothing while connected. */
  failure: VitrinaError | undefined;
  /** Why the broker takes no messages for the time being, if so: it is low on memory or disk. */
  blocked: string | undefined;
  private readonly url: QueueUrl;
  private readonly location: string;
  private attempt: Promise<void> | undefined;
  private timer: NodeJS.Timeout | undefined;
  private waitMs = firstWaitMs;
  private connectedAt = 0;
  private end: ((why?: VitrinaError) => Promise<void>) | undefined;
  private abandon = new AbortController();
  private closed = false;
  /** The code of what was said last of an outage: each is said once. */
  private said: string | undefined;

  /** @throws VitrinaError setting-invalid for a URL that is none */
  constructor(
    private readonly options: RabbitOptions,
    private readonly role: 'publisher' | 'consumer',
    private readonly events: LinkEvents,
  ) {
    const url = parseQueueUrl(options.url);
    if (url === undefined) {
      const fields = { setting: 'queue-url', source: 'settings', value: 'no such URL', expected: queueUrlForm };
      throw new VitrinaError('setting-invalid', fields);
    }
    this.url = url;
    this.location = queueLocationOf(url);
  }

  /**
   * Resolves when connected; rejects when the attempt under way, or the first, fails. Whatever it met, others follow by
   * themselves until `close`.
   *
   * @throws VitrinaError queue-unavailable, queue-login-refused, queue-vhost-refused, queue-forbidden, queue-mismatch,
   * queue-encryption-failed
   */
  async connect(): Promise<void> {
    if (this.closed) throw closedHere();
    if (this.channel !== undefined) return;
    clearTimeout(this.timer);
    this.attempt ??= this.try().finally(() => {
      this.attempt = undefined;
    });
    await this.attempt;
  }

  /** Gives up the connection, which is then made again. */
  drop(why: VitrinaError): void {
    void this.end?.(why);
  }

  /** Says goodbye, within a bounded time; never throws. */
  async close(): Promise<void> {
    this.closed = true;
    clearTimeout(this.timer);
    if (this.end === undefined) this.abandon.abort();
    await this.end?.();
    await this.attempt?.catch(() => undefined);
  }

  private async try(): Promise<void> {
    try {
      await this.open();
    } catch (thrown) {
      const error = toQueueError(thrown, this.url, this.options);
      if (!this.closed) {
        this.failure = error;
        this.tell(error);
        this.again();
        this.events.failed(error);
      }
      throw error;
    }
    this.connectedAt = performance.now();
    this.failure = undefined;
    if (this.said !== undefined) {
      const { log } = this.options;
      const text = `The message broker ${this.location} is back (${this.role}).`;
      if (log?.info === undefined) log?.warn(text);
      else log.info(text);
    }
    this.said = undefined;
    this.events.ready();
  }

  private async open(): Promise<void> {
    this.abandon = new AbortController();
    const { abandon } = this;
    const timer = setTimeout(() => abandon.abort(), attemptMs);
    try {
      const model = await connect(
        {
          protocol: this.url.tls ? 'amqps' : 'amqp',
          hostname: this.url.host,
          port: this.url.port,
          username: this.url.user,
          password: this.url.password,
          // The library takes it as it would stand in a URL.
          vhost: encodeURIComponent(this.url.vhost),
          heartbeat: heartbeatSeconds,
        },
        {
          noDelay: true,
          clientProperties: { connection_name: `vitrina ${this.role}` },
          // Which ends the socket, whatever the protocol waits for.
          ...({ signal: abandon.signal } as object),
          ...this.certificates(),
        },
      );
      await this.prepare(model, abandon);
    } finally {
      clearTimeout(timer);
    }
  }

  /**
   * Makes the channel and what is on it. A loss of either is heard from the first moment on, also in the middle of this.
   */
  private async prepare(model: ChannelModel, abandon: AbortController): Promise<void> {
    let channel: ConfirmChannel | undefined;
    let leaving: Promise<void> | undefined;
    const goodbye = () => {
      leaving ??= leave(model, channel, abandon);
      return leaving;
    };
    let over = false;
    let ready = false;
    let fail: (why: unknown) => void = () => undefined;
    const failing = new Promise<never>((_resolve, reject) => {
      fail = reject;
    });
    failing.catch(() => undefined);
    const finish = (why: unknown): void => {
      if (over) return;
      over = true;
      this.end = undefined;
      fail(why);
      // Nothing of a connection is worth keeping without its channel.
      void goodbye();
      if (ready) this.lose(why);
    };
    // What it met comes with its end as well; without a listener it would end the process.
    model.on('error', () => undefined);
    model.on('close', (error) => finish(error ?? new Error('the connection was closed')));
    model.on('blocked', (reason) => {
      this.blocked = reason;
    });
    model.on('unblocked', () => {
      this.blocked = undefined;
    });
    this.end = (why = closedHere()) => {
      finish(why);
      return goodbye();
    };
    const own = await Promise.race([model.createConfirmChannel(), failing]);
    channel = own;
    own.on('error', finish);
    const setUp = declareQueues(own, this.options).then(() => this.events.opened(own));
    try {
      await Promise.race([setUp, failing]);
    } catch (error) {
      finish(error);
      throw error;
    }
    if (over) await failing;
    ready = true;
    this.channel = own;
  }

  private lose(why: unknown): void {
    this.channel = undefined;
    this.blocked = undefined;
    // One that breaks as soon as it is made is no success.
    if (performance.now() - this.connectedAt > longestWaitMs) this.waitMs = firstWaitMs;
    const error = why instanceof VitrinaError ? why : unavailable(lossOf(why), why);
    if (!this.closed) {
      this.failure = error;
      this.tell(error);
      this.again();
    }
    this.events.lost(error);
  }

  private certificates(): { ca?: Buffer; cert?: Buffer; key?: Buffer } {
    const { caCertFile, certFile, keyFile } = this.url;
    return {
      ...(caCertFile === undefined ? {} : { ca: readFileSync(caCertFile) }),
      ...(certFile === undefined ? {} : { cert: readFileSync(certFile) }),
      ...(keyFile === undefined ? {} : { key: readFileSync(keyFile) }),
    };
  }

  private again(): void {
    const wait = this.waitMs * (0.8 + Math.random() * 0.4);
    this.waitMs = Math.min(this.waitMs * 2, longestWaitMs);
    this.timer = setTimeout(() => void this.connect().catch(() => undefined), wait);
  }

  private tell(error: VitrinaError): void {
    if (this.said === error.code) return;
    this.said = error.code;
    const why =
      error.code === 'queue-unavailable' ? (error as VitrinaError<'queue-unavailable'>).fields.why : error.message;
    this.options.log?.warn(
      `The message broker ${this.location} is of no use now (${this.role}): ${why.replace(/\.$/, '')}. Trying again until it is.`,
    );
  }
}

/** Ends a connection with a goodbye, or without where the broker does not answer it. Never throws. */
async function leave(
  model: ChannelModel,
  channel: ConfirmChannel | undefined,
  abandon: AbortController,
): Promise<void> {
  const timer = setTimeout(() => abandon.abort(), goodbyeMs);
  const silent = new Promise<void>((resolve) => {
    if (abandon.signal.aborted) resolve();
    else abandon.signal.addEventListener('abort', () => resolve());
  });
  // The library sends the goodbye of the connection before what waits on its channels, such as acknowledgements.
  const goodbye = Promise.resolve(channel?.close())
    .catch(() => undefined)
    .then(() => model.close())
    .catch(() => undefined);
  await Promise.race([goodbye, silent]);
  clearTimeout(timer);
  // A socket whose other side never closes would keep the process.
  abandon.abort();
}
