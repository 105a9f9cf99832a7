/** What an `amqp://` URL says; the setting `queue-url`. */
export interface QueueUrl {
  readonly tls: boolean;
  /** A name or an address, without brackets. */
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
  /** The virtual host, `/` where none is named. */
  readonly vhost: string;
  /** Files with certificates in PEM: authorities that are trusted, our own, and the key of our own. */
  readonly caCertFile: string | undefined;
  readonly certFile: string | undefined;
  readonly keyFile: string | undefined;
}

const parameters = ['cacertfile', 'certfile', 'keyfile'];

/** For the text of a refusal: the URL itself holds a secret and is never shown. */
export const queueUrlForm = `amqp://user:password@host:5672/vhost, or amqps:// for TLS, special characters percent-encoded (%2F for / in the virtual host), with no parameters but ${parameters.join(', ')}, which are for amqps and go together as far as certfile and keyfile`;

/**
 * Reads an AMQP URI; `undefined` when it is none, or asks for what is not done here. A path of `/` alone is the virtual
 * host `/`, as most write it, and not one whose name is empty.
 *
 * Forms: https://www.rabbitmq.com/docs/uri-spec and https://www.rabbitmq.com/docs/uri-query-parameters
 */
export function parseQueueUrl(text: string): QueueUrl | undefined {
  if (!/^amqps?:\/\//.test(text) || !URL.canParse(text)) return undefined;
  const url = new URL(text);
  const given = url.searchParams;
  const tls = url.protocol === 'amqps:';
  if (url.hash !== '' || url.hostname === '' || url.pathname.slice(1).includes('/')) return undefined;
  if ([...given.keys()].some((name, i, all) => !parameters.includes(name) || all.indexOf(name) !== i)) return undefined;
  const of = (name: string) => given.get(name) || undefined;
  if ((!tls && given.size > 0) || (of('certfile') === undefined) !== (of('keyfile') === undefined)) return undefined;
  const nobody = url.username === '' && url.password === '';
  try {
    return {
      tls,
      host: decodeURIComponent(url.hostname).replace(/^\[(.*)\]$/, '$1'),
      port: url.port === '' ? (tls ? 5671 : 5672) : Number(url.port),
      user: nobody ? 'guest' : decodeURIComponent(url.username),
      password: nobody ? 'guest' : decodeURIComponent(url.password),
      vhost: decodeURIComponent(url.pathname.slice(1)) || '/',
      caCertFile: of('cacertfile'),
      certFile: of('certfile'),
      keyFile: of('keyfile'),
    };
  } catch {
    // A "%" that begins no escape.
    return undefined;
  }
}

/** Where the broker is, for people and logs: everything but the password and the parameters. */
export function queueLocationOf({ tls, host, port, user, vhost }: QueueUrl): string {
  const place = `${host.includes(':') ? `[${host}]` : host}:${port}/${vhost === '/' ? '' : encodeURIComponent(vhost)}`;
  return `${tls ? 'amqps' : 'amqp'}://${encodeURIComponent(user)}@${place}`;
}
