import { type EventBatch, type EventQuery, type EventStore, type EventTally, NameCodes } from '../event.js';
import { isName, isStorable, readTimestamp } from '../read-event.js';
import { type ElasticsearchOptions, member } from './client.js';
import { type Hit, Searches } from './searches.js';

const sources = ['@timestamp', 'util', 'ecran', 'instance'];

/**
 * Events in an index of Elasticsearch, 7.17 to 9 (and older, by scrolling). Its documents have `util`, mapped as a plain
 * keyword, `ecran`, `instance` and `@timestamp`, mapped as a date.
 */
export class ElasticsearchEventStore implements EventStore {
  private readonly searches: Searches;
  private readonly open = new Set<Promise<void>>();

  constructor(options: ElasticsearchOptions) {
    this.searches = new Searches(options);
  }

  async *events(query: EventQuery, signal: AbortSignal, tally: EventTally): AsyncGenerator<EventBatch> {
    const utils = query.utils.filter(isStorable);
    if (utils.length === 0) return;
    const search = await this.searches.open(bodyOf({ ...query, utils }), signal);
    try {
      const person = new CurrentPerson();
      for (let hits = await search.next(signal); hits.length > 0; hits = await search.next(signal)) {
        yield* batchesOf(hits, person, tally);
        signal.throwIfAborted();
      }
    } finally {
      const closed = search.close();
      this.open.add(closed);
      void closed.then(() => this.open.delete(closed));
    }
  }

  /** Resolves when the server has been told to free what it held. */
  async close(): Promise<void> {
    await Promise.all(this.open);
  }
}

function bodyOf({ utils, from, to }: EventQuery) {
  const range = {
    gte: new Date(from).toISOString(),
    lte: new Date(to).toISOString(),
    format: 'strict_date_optional_time',
  };
  return {
    query: { bool: { filter: [{ terms: { util: utils } }, { range: { '@timestamp': range } }] } },
    sort: [
      { util: { order: 'asc', unmapped_type: 'keyword' } },
      { '@timestamp': { order: 'asc', unmapped_type: 'date' } },
    ],
    _source: sources,
  };
}

/** Whose events come, with the names that all pages of the person share. */
class CurrentPerson {
  util: string | undefined;
  codes = new NameCodes();

  become(util: string): void {
    this.util = util;
    this.codes = new NameCodes();
  }
}

/** One batch for each person on the page. */
function* batchesOf(hits: readonly Hit[], person: CurrentPerson, tally: EventTally): Generator<EventBatch> {
  const times = new Float64Array(hits.length);
  const screens = new Uint32Array(hits.length);
  const instances = new Uint32Array(hits.length);
  let begin = 0;
  let end = 0;
  const batch = (): EventBatch => ({
    util: person.util!,
    times: times.subarray(begin, end),
    screens: screens.subarray(begin, end),
    instances: instances.subarray(begin, end),
    names: person.codes.names,
  });
  for (const { source } of hits) {
    const [time, util, ecran, instance] = sources.map((name) => member(source, name));
    const at = readTimestamp(time);
    if (Number.isNaN(at) || !isName(util) || !isName(ecran) || !isName(instance)) {
      tally.skipped++;
      continue;
    }
    if (util !== person.util) {
      if (end > begin) yield batch();
      begin = end;
      person.become(util);
    }
    times[end] = at;
    screens[end] = person.codes.codeOf(ecran);
    instances[end++] = person.codes.codeOf(instance);
  }
  if (end > begin) yield batch();
}
