/** What a `postgres://` URL says; the setting `database-url`. */
export interface DatabaseUrl {
  /** A name, an address, or the folder of a Unix socket. */
  readonly host: string;
  readonly port: number;
  readonly user: string | undefined;
  readonly password: string | undefined;
  readonly database: string | undefined;
  readonly sslMode: SslMode | undefined;
  /** Files with certificates in PEM: authorities that are trusted, our own, and the key of our own. */
  readonly sslRootCert: string | undefined;
  readonly sslCert: string | undefined;
  readonly sslKey: string | undefined;
  readonly applicationName: string | undefined;
  /** Settings of the session, as `psql` takes them: `-c search_path=vitrina`. */
  readonly options: string | undefined;
}

/** As libpq means them; `allow` and `prefer`, which would fall back to no encryption, are not there. */
const sslModes = ['disable', 'require', 'verify-ca', 'verify-full'] as const;
export type SslMode = (typeof sslModes)[number];

const parameters = ['host', 'sslmode', 'sslrootcert', 'sslcert', 'sslkey', 'application_name', 'options'];

/** For the text of a refusal: the URL itself holds a secret and is never shown. */
export const databaseUrlForm = `postgres://user:password@host:5432/database, special characters percent-encoded (%40 for @), with no parameters but ${parameters.join(', ')}; sslmode is ${sslModes.join(', ')}, and verify-ca needs sslrootcert`;

/**
 * Reads a connection URI of PostgreSQL; `undefined` when it is none, or asks for what is not done here.
 *
 * Form: https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-CONNSTRING-URIS, with one host.
 */
export function parseDatabaseUrl(text: string): DatabaseUrl | undefined {
  if (!/^postgres(ql)?:\/\//.test(text) || !URL.canParse(text)) return undefined;
  const url = new URL(text);
  const given = url.searchParams;
  if (url.hash !== '') return undefined;
  if ([...given.keys()].some((name, i, all) => !parameters.includes(name) || all.indexOf(name) !== i)) return undefined;
  const of = (name: string) => given.get(name) || undefined;
  const sslMode = sslModes.find((mode) => mode === of('sslmode'));
  if (sslMode === undefined && given.has('sslmode')) return undefined;
  if (sslMode === 'verify-ca' && of('sslrootcert') === undefined) return undefined;
  try {
    return {
      host: of('host') ?? (decodeURIComponent(url.hostname).replace(/^\[(.*)\]$/, '$1') || 'localhost'),
      port: url.port === '' ? 5432 : Number(url.port),
      user: decodeURIComponent(url.username) || undefined,
      password: decodeURIComponent(url.password) || undefined,
      database: decodeURIComponent(url.pathname.slice(1)) || undefined,
      sslMode,
      sslRootCert: of('sslrootcert'),
      sslCert: of('sslcert'),
      sslKey: of('sslkey'),
      applicationName: of('application_name'),
      options: of('options'),
    };
  } catch {
    // A "%" that begins no escape.
    return undefined;
  }
}

/** Where the database is, for people and logs: everything but the password and the parameters. */
export function locationOf({ host, port, user, database }: DatabaseUrl): string {
  const who = user === undefined ? '' : `${encodeURIComponent(user)}@`;
  const name = database ?? user ?? '';
  if (host.startsWith('/')) return `postgres://${who}/${name}?host=${host}`;
  return `postgres://${who}${host.includes(':') ? `[${host}]` : host}:${port}/${name}`;
}
