/**
 * What jobs have on the broker: for each queue three, `<queue>.high`, `<queue>.normal` and `<queue>.low`, since quorum
 * queues of RabbitMQ 3 have no priorities, and classic ones with priorities read all their messages for each. They stand
 * on the default exchange, so that nothing has to be bound.
 */
import type { Channel } from 'amqplib';

export interface RabbitOptions {
  /** `amqp(s)://user:password@host:port/vhost`: a secret, of which only the location is ever said. */
  readonly url: string;
  /** The beginning of the names of the queues: `vitrina.jobs`. */
  readonly queue: string;
  /** Both survive a restart of the broker; quorum queues (RabbitMQ 3.8 and later) also the loss of one of its nodes. */
  readonly kind: 'quorum' | 'classic';
  readonly log?: RabbitLog;
}

export interface RabbitLog {
  warn(text: string): void;
  info?(text: string): void;
}

export interface JobMessage {
  /** Of 1 to 64 jobs, each 1 to 128 letters, digits, `.`, `_`, `:` or `-`. */
  readonly ids: readonly string[];
  /** From -100 to 100, 0 usual. The broker knows three classes: above, at and below 0; within a class, first come first served. */
  readonly priority: number;
}

/** The most urgent first. */
export const urgencies = ['high', 'normal', 'low'] as const;
export type Urgency = (typeof urgencies)[number];

export const urgencyOf = (priority: number): Urgency => (priority > 0 ? 'high' : priority < 0 ? 'low' : 'normal');

export const queueName = (queue: string, urgency: Urgency): string => `${queue}.${urgency}`;

/** What every message of jobs says in its property `type`. Its body is ids of jobs in plain text, with spaces between. */
export const messageType = 'vitrina.job';
const idPattern = /^[\w.:-]{1,128}$/;
export const mostIds = 64;

/** @throws RangeError for ids that are none, for none, and for more than a message holds */
export function toBody(ids: readonly string[]): Buffer {
  const strange = ids.find((id) => !idPattern.test(id));
  if (strange !== undefined) throw new RangeError(`${JSON.stringify(strange)} is no id of a job: ${idPattern}.`);
  if (ids.length === 0 || ids.length > mostIds) {
    throw new RangeError(`A message of ${ids.length} jobs; expected 1 to ${mostIds}.`);
  }
  return Buffer.from(ids.join(' '));
}

/** `undefined` for what `toBody` does not make. */
export function readBody(body: Buffer): readonly string[] | undefined {
  if (body.length > mostIds * 129) return undefined;
  const ids = body.toString('latin1').split(' ');
  return ids.length <= mostIds && ids.every((id) => idPattern.test(id)) ? ids : undefined;
}

/** Makes the three queues, or finds them as they should be; the broker closes the channel over one that is not. */
export async function declareQueues(channel: Channel, { queue, kind }: RabbitOptions): Promise<void> {
  for (const urgency of urgencies) {
    await channel.assertQueue(queueName(queue, urgency), { durable: true, arguments: { 'x-queue-type': kind } });
  }
}
