import type { Logger } from 'pino';
import type { Agent, Dispatcher } from 'undici';
import { VitrinaError } from '../../errors.js';
import { CircuitBreaker, type Verdict } from './circuit-breaker.js';
import { checkedConnector, type Lookup, lookupAddresses } from './connector.js';
import { unlessAborted, within } from './deadline.js';
import { type Downloaded, type DownloadOptions, writeBody } from './download.js';
import { HostPolicy, type OutboundPolicy } from './host-policy.js';
import { readUrl, shownUrl } from './outbound-url.js';
import { locationOf, type Question, redirected } from './redirect.js';
import { readStart, type SendOptions, type Sent } from './send.js';
import { sign, signatureHeader } from './signature.js';

export interface OutboundOptions {
  readonly policy: OutboundPolicy;
  readonly log?: Pick<Logger, 'warn'>;
  /** Finds the addresses of a name. By default the system does. */
  readonly lookup?: Lookup;
  /** When an origin is left alone. By default after 5 failures in a row, for 30 s. */
  readonly breaker?: { readonly failures: number; readonly coolDownMs: number };
  /** Milliseconds in which the rate of a download is looked at. By default ten seconds. */
  readonly rateWindowMs?: number;
}

type Response = Pick<Dispatcher.ResponseData, 'statusCode' | 'headers' | 'body'>;

/** One question of a chain, or what became of the last. */
type Step<T> = { readonly next: Question } | { readonly status: number; readonly value: T };

/** How a chain of requests goes on. */
interface Journey<T> {
  readonly redirects: number;
  readonly signal: AbortSignal;
  /** Reads an answer that leads nowhere else. */
  readonly take: (response: Response, url: URL) => Promise<T>;
}

/** Errors that say of an origin how it is; the others are ours. */
const verdicts: Readonly<Record<string, Verdict>> = {
  'outbound-unreachable': 'failed',
  'outbound-timeout': 'failed',
  'outbound-too-slow': 'failed',
  'outbound-too-large': 'well',
  'outbound-encoding': 'well',
};

/**
 * The one way in which anything of the house asks hosts that somebody else has named: callbacks, announcements,
 * downloads. It asks none that the policy does not allow (looked at before each connection, with the addresses that it
 * is then made to), through no proxy, with no cookies, and inflates nothing.
 *
 * For worker processes and threads, never for the thread that serves: a client of HTTP makes the streams of the thread
 * that it runs on slow, and hashes what it downloads there.
 */
export class OutboundClient {
  private readonly policy: HostPolicy;
  private readonly breaker: CircuitBreaker;
  private readonly lookup: Lookup;
  private readonly rateWindowMs: number;
  private agent: Promise<Agent> | undefined;
  private isClosed = false;

  /** @throws VitrinaError `outbound-allow-invalid` */
  constructor({ policy, log, lookup = lookupAddresses, breaker, rateWindowMs = 10_000 }: OutboundOptions) {
    this.policy = new HostPolicy(policy);
    this.lookup = lookup;
    this.rateWindowMs = rateWindowMs;
    this.breaker = new CircuitBreaker({
      ...(breaker ?? { failures: 5, coolDownMs: 30_000 }),
      onOpen: (origin, count) => log?.warn({ origin, failures: count }, 'origin is left alone for a while'),
    });
  }

  /**
   * Fetches a file with `GET`. Memory stays flat, whatever its size; after a failure there is no file.
   *
   * @throws VitrinaError `outbound-url-invalid`, `outbound-host-refused`, `outbound-circuit-open`,
   *   `outbound-unreachable`, `outbound-timeout`, `outbound-too-slow`, `outbound-too-many-redirects`,
   *   `outbound-status` for anything but a whole 2xx, `outbound-encoding`, `outbound-too-large`, `storage-full`,
   *   `path-unusable`; the reason of `signal`
   */
  async download(url: string, options: DownloadOptions): Promise<Downloaded> {
    const { maxBytes, into, minBytesPerSecond = 1000, redirects = 5, headers } = options;
    const question: Question = { url: readUrl(url), method: 'GET', headers: headersOf(headers), body: undefined };
    return this.within(question.url, options, (stop) =>
      this.follow(question, {
        redirects,
        signal: stop.signal,
        take: async (response, from) => {
          const shown = shownUrl(from);
          demandFile(response, shown, maxBytes);
          const { rateWindowMs } = this;
          const { body } = response;
          const file = { body, into, maxBytes, minBytesPerSecond, rateWindowMs, shown, stop };
          const written = await writeBody(file);
          const type = response.headers['content-type'];
          return { ...written, contentType: typeof type === 'string' ? type : undefined, finalUrl: from.href };
        },
      }),
    );
  }

  /**
   * Sends a request, by default without following redirects. Any status is an answer.
   *
   * @throws VitrinaError `outbound-url-invalid`, `outbound-host-refused`, `outbound-circuit-open`,
   *   `outbound-unreachable`, `outbound-timeout` when no status came in time, `outbound-too-many-redirects`; the reason of
   *   `signal`
   */
  async send(options: SendOptions): Promise<Sent> {
    const { method = 'POST', body, sign: signing, redirects = 0 } = options;
    const headers = headersOf(options.headers);
    if (signing !== undefined) {
      headers[signatureHeader.toLowerCase()] = sign(signing.secret, Math.floor(Date.now() / 1000), body ?? '');
    }
    const question: Question = { url: readUrl(options.url), method, headers, body };
    return this.within(question.url, options, ({ signal }) =>
      this.follow(question, {
        redirects,
        signal,
        take: async ({ statusCode: status, headers: answered, body: answer }) => {
          const bodyStart = await readStart(answer);
          options.signal?.throwIfAborted();
          return { status, headers: answered, bodyStart };
        },
      }),
    );
  }

  /** Ends what is under way, which is then refused as `outbound-unreachable`, and whatever is asked from now on. */
  async close(): Promise<void> {
    this.isClosed = true;
    await (await this.agent)?.destroy();
  }

  private within<T>(
    url: URL,
    { timeoutMs, signal }: { readonly timeoutMs: number; readonly signal?: AbortSignal },
    work: (stop: AbortController) => Promise<T>,
  ): Promise<T> {
    const expired = () => new VitrinaError('outbound-timeout', { url: shownUrl(url), seconds: timeoutMs / 1000 });
    return within(timeoutMs, signal, expired, work);
  }

  private async follow<T>(first: Question, journey: Journey<T>): Promise<T> {
    let question = first;
    for (let left = journey.redirects; ; left--) {
      this.policy.admit(question.url);
      const step: Step<T> = await this.breaker.run(question.url.origin, () => this.step(question, journey), judge);
      if (!('next' in step)) return step.value;
      if (left === 0) {
        const fields = { url: shownUrl(first.url), limit: journey.redirects };
        throw new VitrinaError('outbound-too-many-redirects', fields);
      }
      question = step.next;
    }
  }

  private async step<T>(question: Question, { redirects, signal, take }: Journey<T>): Promise<Step<T>> {
    try {
      const response = await this.request(question, signal);
      const { statusCode: status, headers } = response;
      const location = redirects === 0 ? undefined : locationOf(status, headers);
      try {
        if (location !== undefined) return { next: redirected(question, status, location) };
        return { status, value: await take(response, question.url) };
      } finally {
        // What nobody has read ends here, with its connection.
        response.body.on('error', () => {}).destroy();
      }
    } catch (error) {
      throw faultOf(error, question.url, signal);
    }
  }

  private async request({ url, method, headers, body }: Question, signal: AbortSignal): Promise<Response> {
    if (this.isClosed) throw new Error('the client is closed');
    this.agent ??= this.makeAgent();
    const agent = await this.agent;
    const request = agent.request({
      origin: url.origin,
      path: `${url.pathname}${url.search}`,
      method: method as Dispatcher.HttpMethod,
      headers,
      body: body ?? null,
      signal,
    });
    // undici heeds the signal only when there is a connection.
    return unlessAborted(signal, request);
  }

  private async makeAgent(): Promise<Agent> {
    // Reading this makes Node set up the client behind its own `fetch`, in whose place undici would put itself.
    void globalThis.Headers;
    // Imported when it is needed: it takes longer to load than a small program to run. Bundled, it has no other names
    // than `default`.
    const { Agent, buildConnector } = (await import('undici')).default;
    return new Agent({
      connect: checkedConnector(buildConnector, this.policy, this.lookup),
      // The deadline of the whole bounds both.
      headersTimeout: 0,
      bodyTimeout: 0,
      maxHeaderSize: 16_384,
    });
  }
}

function headersOf(given: Readonly<Record<string, string>> | undefined): Record<string, string> {
  const own = Object.entries(given ?? {}).map(([name, value]) => [name.toLowerCase(), value] as const);
  return { 'user-agent': 'Vitrina', ...Object.fromEntries(own), 'accept-encoding': 'identity' };
}

/** That an answer is a file, and not too large by what it says of itself. */
function demandFile({ statusCode: status, headers }: Response, url: string, limit: number): void {
  // 206 is a part of a file, which nobody asked for.
  if (status < 200 || status > 299 || status === 206) throw new VitrinaError('outbound-status', { url, status });
  const encoding = String(headers['content-encoding'] ?? 'identity');
  if (encoding.toLowerCase() !== 'identity') throw new VitrinaError('outbound-encoding', { url, encoding });
  if (Number(headers['content-length'] ?? 0) > limit) throw new VitrinaError('outbound-too-large', { url, limit });
}

/** What the outcome of one request says of its origin. */
function judge(outcome: { readonly value: Step<unknown> } | { readonly error: unknown }): Verdict {
  if ('value' in outcome) return 'status' in outcome.value && outcome.value.status >= 500 ? 'failed' : 'well';
  const { error } = outcome;
  if (!(error instanceof VitrinaError)) return 'nothing';
  if (error.code === 'outbound-status') return (error.fields as { status: number }).status >= 500 ? 'failed' : 'well';
  return verdicts[error.code] ?? 'nothing';
}

/** An error of undici or of a socket as one of the catalogue. */
function faultOf(error: unknown, url: URL, signal: AbortSignal): unknown {
  if (error instanceof VitrinaError) return error;
  if (signal.aborted) return signal.reason;
  // A header that is none: a fault of the code that sends it.
  if ((error as { code?: unknown }).code === 'UND_ERR_INVALID_ARG') return error;
  return new VitrinaError('outbound-unreachable', { url: shownUrl(url), why: reasonOf(error) }, { cause: error });
}

/** Where several addresses were tried, the reason of the first; the sum of them has none. */
function reasonOf(error: unknown): string {
  const first = error instanceof AggregateError ? error.errors[0] : error;
  const message = first instanceof Error && first.message !== '' ? first.message : String(first);
  return message.replace(/\.$/, '');
}
