/** What the broker, the library and the system say when something fails, in the catalogue's words. */
import { VitrinaError } from '../../../errors.js';
import { type QueueUrl, queueLocationOf } from '../../../queue-url.js';
import { systemReasons } from '../../../system-reasons.js';
import type { RabbitOptions } from './topology.js';

/** Reply codes: https://www.rabbitmq.com/amqp-0-9-1-reference#constants */
const connectionForced = 320;
const accessRefused = 403;
const resourceLocked = 405;
const preconditionFailed = 406;

const codeOf = (error: unknown): unknown => (error as { code?: unknown } | undefined)?.code;
const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** What the broker itself said, which the library has wrapped up. */
const saidBy = (error: unknown): string => /with message "(.*)"$/s.exec(messageOf(error))?.[1] ?? messageOf(error);

export const unavailable = (why: string, cause?: unknown): VitrinaError<'queue-unavailable'> =>
  new VitrinaError('queue-unavailable', { why }, cause === undefined ? undefined : { cause });

export const closedHere = (): VitrinaError => unavailable('the connection to it was closed here');

/** What a connection, or what is declared on a new one, met. Each text but that of `queue-unavailable` is for operators. */
export function toQueueError(error: unknown, url: QueueUrl, { queue, kind }: RabbitOptions): VitrinaError {
  if (error instanceof VitrinaError) return error;
  const location = queueLocationOf(url);
  const code = codeOf(error);
  const message = messageOf(error);
  const cause = { cause: error };
  if (/^Handshake terminated by server: 403/.test(message)) {
    return new VitrinaError('queue-login-refused', { location, why: saidBy(error) }, cause);
  }
  // All that the library tells of it; the broker says so of a virtual host only.
  if (message.startsWith('Expected ConnectionOpenOk; got <ConnectionClose')) {
    return new VitrinaError('queue-vhost-refused', { location, vhost: url.vhost, user: url.user }, cause);
  }
  if (code === accessRefused) {
    return new VitrinaError('queue-forbidden', { location, queue, why: saidBy(error) }, cause);
  }
  if (code === preconditionFailed || code === resourceLocked) {
    const why = saidBy(error);
    const name = /for queue '([^']*)'/.exec(why)?.[1] ?? queue;
    return new VitrinaError('queue-mismatch', { location, queue: name, kind, why }, cause);
  }
  // A certificate that does not fit, or a file with one that cannot be read.
  const file = (error as { path?: unknown } | undefined)?.path;
  if (typeof code === 'string' && (file !== undefined || /CERT|SIGNATURE|SSL|TLS|EPROTO|PEM/.test(code))) {
    return new VitrinaError('queue-encryption-failed', { location, why: message.trim() }, cause);
  }
  return unavailable(lossOf(error), error);
}

/** Why a connection came not about or to its end, in words that name no address. */
export function lossOf(error: unknown): string {
  const code = codeOf(error);
  const known = typeof code === 'string' ? systemReasons[code] : undefined;
  if (known !== undefined) return known;
  const message = messageOf(error);
  if (code === connectionForced) return 'it was stopped, or an operator closed the connection';
  if (code === 'ABORT_ERR') return 'it said nothing in time';
  if (message === 'Heartbeat timeout') return 'it said nothing for two heartbeats';
  if (/delivery acknowledgement .* timed out/.test(message)) {
    return 'a message was kept unacknowledged for longer than its consumer_timeout';
  }
  if (/^(Unexpected close|Socket closed abruptly)/.test(message)) return 'the connection was cut off';
  return saidBy(error);
}
