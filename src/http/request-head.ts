/** The head of a request of the plainest form; frozen. */
export interface RequestHead {
  readonly method: 'GET' | 'POST';
  readonly url: string;
  /** By name in lower case; no name comes twice. */
  readonly headers: Readonly<Record<string, string>>;
  /** Names and values in turn, as they came. */
  readonly rawHeaders: readonly string[];
  /** Bytes of the head itself. */
  readonly bytes: number;
  /** Bytes of the body. */
  readonly length: number;
}

/**
 * RFC 9112 without its latitude: `\r\n` alone ends a line, targets are paths of RFC 3986, names are letters, digits and
 * hyphens, values printable ASCII.
 */
const form =
  /^(GET|POST) (\/[\w\-.~!$&'()*+,;=:@%/?]*) HTTP\/1\.1\r\n((?:[A-Za-z][A-Za-z0-9-]*:[ -~]*\r\n){1,64})\r\n$/;

/** Headers that change how a connection or a message is to be read, and those that Node joins in its own ways. */
const unplain = new Set([
  'transfer-encoding',
  'upgrade',
  'expect',
  'trailer',
  'te',
  'proxy-connection',
  'http2-settings',
  'set-cookie',
]);

/** Bytes of a body beyond which it is left to Node. */
const longest = 2 ** 20;

/**
 * Reads a head with the empty line that ends it. `undefined` for all that is not of the plainest form, right or wrong:
 * that is for a complete parser to say. What is read here means to every parser of HTTP what it means here.
 */
export function readRequestHead(text: string): RequestHead | undefined {
  const found = form.exec(text);
  if (found === null) return undefined;
  const headers: Record<string, string> = {};
  const rawHeaders: string[] = [];
  const lines = found[3]!;
  for (let from = 0; from < lines.length; ) {
    const colon = lines.indexOf(':', from);
    const end = lines.indexOf('\r', colon);
    const raw = lines.slice(from, colon);
    const name = raw.toLowerCase();
    // Also what every object has by inheritance, `constructor` say.
    if (headers[name] !== undefined || unplain.has(name)) return undefined;
    const value = lines.slice(colon + 1, end).trim();
    headers[name] = value;
    rawHeaders.push(raw, value);
    from = end + 2;
  }
  const { host, connection, 'content-length': length } = headers;
  if (host === undefined || (connection !== undefined && connection.toLowerCase() !== 'keep-alive')) return undefined;
  const method = found[1] as RequestHead['method'];
  const url = found[2]!;
  Object.freeze(headers);
  Object.freeze(rawHeaders);
  const bytes = text.length;
  if (method === 'GET')
    return length === undefined ? { method, url, headers, rawHeaders, bytes, length: 0 } : undefined;
  if (length === undefined || !/^\d{1,7}$/.test(length) || Number(length) > longest) return undefined;
  return { method, url, headers, rawHeaders, bytes, length: Number(length) };
}
