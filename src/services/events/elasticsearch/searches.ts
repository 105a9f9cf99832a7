import { VitrinaError } from '../../../errors.js';
import {
  type ElasticsearchAnswer,
  ElasticsearchClient,
  type ElasticsearchOptions,
  errorType,
  member,
  refused,
} from './client.js';

/** A document of a page: its source, and where it stands in the order. */
export interface Hit {
  readonly source: unknown;
  readonly sort: readonly unknown[];
}

/** A search that is open at the server, page by page, until it is closed. */
export interface Search {
  /** The next documents; none when there are no more. Errors: those of `ElasticsearchClient.send`, `events-refused`. */
  next(signal: AbortSignal): Promise<readonly Hit[]>;
  /** Frees what the server holds for it. Never fails: what cannot be freed ends with its keep-alive. */
  close(): Promise<void>;
}

/** Query and order of a search, as the body of `_search` has them. */
export interface SearchBody {
  readonly query: unknown;
  readonly sort: readonly unknown[];
  readonly _source: readonly string[];
}

const closeMs = 2_000;
/** A search that opens late has to be closed: nobody but the one who asked for it learns of it, however late that is. */
const openMs = 30_000;
/** Half a page in one answer for all is nothing that anybody could cluster. */
const noPartialResults = 'allow_partial_search_results=false';
const searchFields = 'filter_path=pit_id,_scroll_id,timed_out,_shards.failed,hits.hits._source,hits.hits.sort,error';

/** Opens searches in the best way that the server has. */
export class Searches {
  private readonly client: ElasticsearchClient;
  private readonly path: string;
  private readonly keepAlive: string;
  private pointsInTime = true;

  constructor(private readonly options: ElasticsearchOptions) {
    this.client = new ElasticsearchClient(options);
    this.path = `/${encodeURIComponent(options.index)}`;
    this.keepAlive = `${options.keepAliveMs}ms`;
  }

  /**
   * Opens a point in time (from 7.10 on), which costs the server less, or a scroll. A caller who leaves meanwhile does not
   * cut that off: nobody would know what to close.
   */
  async open(body: SearchBody, signal: AbortSignal): Promise<Search> {
    const opening = this.openAny(body);
    try {
      return await unlessAborted(opening, signal);
    } catch (error) {
      opening.then((search) => search.close()).catch(() => undefined);
      throw error;
    }
  }

  private async openAny(body: SearchBody): Promise<Search> {
    if (this.pointsInTime) {
      const search = await this.openPointInTime(body);
      if (search !== undefined) return search;
    }
    const search = await this.openScroll(body);
    // Only now: what was refused for another reason is refused here, too.
    this.pointsInTime = false;
    return search;
  }

  /** `undefined` where the server has no points in time, or none whose order has a last word (7.10 and 7.11). */
  private async openPointInTime(body: SearchBody): Promise<Search | undefined> {
    const { client, keepAlive } = this;
    const send = () => client.send('POST', `${this.path}/_pit?keep_alive=${keepAlive}`, undefined, this.patience());
    // A connection that idled may be gone, and nothing has been read yet.
    const opened = await send().catch((error: unknown) => (isStale(error) ? send() : Promise.reject(error)));
    const first = member(opened.body, 'id');
    if (opened.status >= 300 || typeof first !== 'string') {
      const unknown = [400, 404, 405].includes(opened.status) && errorType(opened) !== 'index_not_found_exception';
      if (unknown) return undefined;
      throw refused(opened);
    }
    let id = first;
    let after: readonly unknown[] | undefined;
    const page = async (signal: AbortSignal): Promise<readonly Hit[]> => {
      const pit = { id, keep_alive: keepAlive };
      const question = { size: this.options.pageSize, ...body, pit, track_total_hits: false, search_after: after };
      const answer = await client.send('POST', `/_search?${noPartialResults}&${searchFields}`, question, signal);
      const newer = member(answer.body, 'pit_id');
      if (typeof newer === 'string') id = newer;
      const hits = hitsOf(answer);
      after = hits.at(-1)?.sort;
      return hits;
    };
    const close = () => this.free('/_pit', { id });
    let ready: readonly Hit[];
    try {
      ready = await page(this.patience());
    } catch (error) {
      await close();
      throw error;
    }
    if (ready.length > 0 && ready[0]!.sort.length <= body.sort.length) {
      await close();
      return undefined;
    }
    return this.searchOf(ready, page, close);
  }

  private async openScroll(body: SearchBody): Promise<Search> {
    const { client, keepAlive } = this;
    let id: string | undefined;
    const read = (answer: ElasticsearchAnswer): readonly Hit[] => {
      const newer = member(answer.body, '_scroll_id');
      if (typeof newer === 'string') id = newer;
      return hitsOf(answer);
    };
    const close = async () => {
      if (id !== undefined) await this.free('/_search/scroll', { scroll_id: [id] });
    };
    const question = { size: this.options.pageSize, ...body };
    const parameters = `scroll=${keepAlive}&${noPartialResults}&${searchFields}`;
    const answer = await client.send('POST', `${this.path}/_search?${parameters}`, question, this.patience());
    try {
      const next = async (signal: AbortSignal) =>
        read(
          await client.send('POST', `/_search/scroll?${searchFields}`, { scroll: keepAlive, scroll_id: id }, signal),
        );
      return this.searchOf(read(answer), next, close);
    } catch (error) {
      await close();
      throw error;
    }
  }

  /** Gives the first page again, which came with the opening; the last page needs no other one to say so. */
  private searchOf(
    first: readonly Hit[],
    page: (signal: AbortSignal) => Promise<readonly Hit[]>,
    close: () => Promise<void>,
  ): Search {
    let ready: readonly Hit[] | undefined = first;
    let last = first.length;
    return {
      next: async (signal) => {
        const hits = ready ?? (last < this.options.pageSize ? [] : await page(signal));
        [ready, last] = [undefined, hits.length];
        return hits;
      },
      close,
    };
  }

  private async free(path: string, body: unknown): Promise<void> {
    await this.client.send('DELETE', path, body, AbortSignal.timeout(closeMs)).catch(() => undefined);
  }

  private patience(): AbortSignal {
    return AbortSignal.timeout(Math.max(this.options.keepAliveMs, openMs));
  }
}

/** @throws VitrinaError `events-refused`, `events-unavailable` for a search that the server has lost, or did in part */
function hitsOf(answer: ElasticsearchAnswer): readonly Hit[] {
  const { status, body } = answer;
  // The server was started anew, or took longer than the keep-alive.
  if (status === 404 && errorType(answer) !== 'index_not_found_exception') throw lost('it has lost the search');
  if (status >= 300) throw refused(answer);
  if (member(body, 'timed_out') === true) throw lost('a page took it too long');
  const failed = member(member(body, '_shards'), 'failed');
  if (typeof failed === 'number' && failed > 0) throw lost(`${failed} of its shards failed`);
  const hits = member(member(body, 'hits'), 'hits') ?? [];
  if (!Array.isArray(hits)) throw new VitrinaError('events-refused', { status, reason: 'its page is no list of hits' });
  return hits.map((hit) => {
    const sort = member(hit, 'sort');
    return { source: member(hit, '_source'), sort: Array.isArray(sort) ? sort : [] };
  });
}

const lost = (why: string) => new VitrinaError('events-unavailable', { why }, { headers: { 'Retry-After': '1' } });

const isStale = (error: unknown): boolean =>
  error instanceof VitrinaError &&
  error.code === 'events-unavailable' &&
  /ECONNRESET|UND_ERR_SOCKET/.test(error.message);

function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const leave = () => reject(signal.reason);
    if (signal.aborted) leave();
    signal.addEventListener('abort', leave, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', leave));
  });
}
