import { VitrinaError } from '../../../errors.js';

export interface ElasticsearchOptions {
  /** `https://es.example:9200`, with a path where a proxy has one. */
  readonly url: string;
  /** One index, an alias, or several with commas or asterisks. */
  readonly index: string;
  /** Documents of one page. */
  readonly pageSize: number;
  /** Milliseconds for which a search may stay open between two pages. */
  readonly keepAliveMs: number;
  /** Key and secret of the API key, as `Authorization: ApiKey` has them in base64. */
  readonly apiKey?: { readonly id: string; readonly key: string };
}

/** What Elasticsearch answered. */
export interface ElasticsearchAnswer {
  readonly status: number;
  /** The JSON of the body; `undefined` where it is none. */
  readonly body: unknown;
}

/** Ten thousand documents of some kilobytes each. */
const mostBytes = 64 * 2 ** 20;
/** What is kept of an error's reason. */
const reasonLength = 300;
const retryAfter = { headers: { 'Retry-After': '5' } };

/**
 * REST as all majors from 6 to 9 understand it: JSON in, JSON out, no compatibility headers. No redirect is followed,
 * since it would carry the API key elsewhere.
 */
export class ElasticsearchClient {
  private readonly base: string;
  private readonly headers: Readonly<Record<string, string>>;

  constructor({ url, apiKey }: ElasticsearchOptions) {
    this.base = url.replace(/\/+$/, '');
    const credentials = apiKey && Buffer.from(`${apiKey.id}:${apiKey.key}`).toString('base64');
    this.headers = {
      accept: 'application/json',
      ...(credentials === undefined ? {} : { authorization: `ApiKey ${credentials}` }),
    };
  }

  /**
   * Any answer of less than 500, whatever it says.
   *
   * @throws VitrinaError `events-unavailable` when nobody answers, or for 429 and 5xx; `events-refused` for an answer that
   *   is too large or no JSON; the reason of `signal`
   */
  async send(method: string, path: string, body: unknown, signal: AbortSignal): Promise<ElasticsearchAnswer> {
    let answer: ElasticsearchAnswer;
    try {
      const response = await fetch(`${this.base}${path}`, {
        method,
        headers: body === undefined ? this.headers : { ...this.headers, 'content-type': 'application/json' },
        redirect: 'manual',
        signal,
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      answer = { status: response.status, body: parse(response.status, await readAll(response)) };
    } catch (error) {
      if (error instanceof VitrinaError) throw error;
      signal.throwIfAborted();
      throw new VitrinaError('events-unavailable', { why: reasonOf(error) }, { cause: error, ...retryAfter });
    }
    if (answer.status < 500 && answer.status !== 429) return answer;
    const why = `it says ${answer.status}: ${explain(answer)}`;
    throw new VitrinaError('events-unavailable', { why }, retryAfter);
  }
}

/** The text of a body, as far as it may be. */
async function readAll(response: Response): Promise<string> {
  if (response.body === null) return '';
  const parts: Uint8Array[] = [];
  let bytes = 0;
  for await (const part of response.body as unknown as AsyncIterable<Uint8Array>) {
    bytes += part.length;
    if (bytes > mostBytes) {
      const reason = `a page of more than ${mostBytes} bytes; lower the setting page_size`;
      throw new VitrinaError('events-refused', { status: response.status, reason });
    }
    parts.push(part);
  }
  return Buffer.concat(parts).toString('utf8');
}

function parse(status: number, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // A proxy's page of HTML: its status says enough, unless it is that of success.
    if (status >= 300) return undefined;
    throw new VitrinaError('events-refused', { status, reason: 'the answer is no JSON, so this is no Elasticsearch' });
  }
}

/** What Elasticsearch says of a failure. */
export function explain({ status, body }: ElasticsearchAnswer): string {
  if (status >= 300 && status < 400) return 'a redirect, which is not followed; name the address that it leads to';
  const error = member(body, 'error');
  if (typeof error === 'string') return error.slice(0, reasonLength);
  const causes = member(error, 'root_cause');
  const cause = Array.isArray(causes) && causes.length > 0 ? causes[0] : error;
  const reason = member(cause, 'reason');
  return typeof reason === 'string' ? reason.slice(0, reasonLength) : 'it does not say why';
}

/** The type of Elasticsearch's error, `index_not_found_exception` and so on. */
export function errorType({ body }: ElasticsearchAnswer): unknown {
  return member(member(body, 'error'), 'type');
}

export function refused(answer: ElasticsearchAnswer): VitrinaError {
  return new VitrinaError('events-refused', { status: answer.status, reason: explain(answer) });
}

/** A member of something that came from elsewhere. */
export function member(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, name)
    ? (value as Record<string, unknown>)[name]
    : undefined;
}

/** `fetch` says no more than "fetch failed"; what happened is in the cause. */
function reasonOf(error: unknown): string {
  const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
  const { code, message } = cause as { code?: unknown; message?: unknown };
  const text = typeof message === 'string' && message !== '' ? message : String(error);
  return typeof code === 'string' && !text.includes(code) ? `${code} ${text}` : text;
}
