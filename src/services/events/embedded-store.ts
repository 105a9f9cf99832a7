import { setImmediate as nextTurn } from 'node:timers/promises';
import { type Expression, type SqlBool, sql } from 'kysely';
import type { Storage } from '../../storage/index.js';
import { compareCodePoints, type EventBatch, type EventQuery, type EventStore, NameCodes } from './event.js';
import { isName } from './read-event.js';

/** Events of one statement. SQLite keeps its thread for so long, about 5 ms; cancellations are heard in between. */
const pageSize = 5_000;
/** Makes times positive, all of one length as text, so that time and id in one text order as the two do. */
const shift = 2 * 10 ** 15;

interface Page {
  readonly count: number;
  /** JSON lists, which both databases write faster than rows cross into JavaScript. */
  readonly times: string;
  readonly screens: string | null;
  readonly instances: string;
  /** Shifted time and id of the last event, one after the other. */
  readonly last: string | null;
}

/** The events in Vitrina's own database. */
export class EmbeddedEventStore implements EventStore {
  private readonly list;

  constructor(private readonly storage: Storage) {
    this.list = storage.kind === 'sqlite' ? sql.raw('json_group_array') : sql.raw('json_agg');
  }

  async *events({ utils, from, to, screens }: EventQuery, signal: AbortSignal): AsyncGenerator<EventBatch> {
    for (const util of utils.filter((util) => isName(util)).sort(compareCodePoints)) {
      const codes = new NameCodes();
      let after: { readonly at: number; readonly id: string } | undefined;
      do {
        await nextTurn();
        signal.throwIfAborted();
        const page = await this.page(util, after?.at ?? from, to, after?.id, screens);
        if (page.count === 0 || page.last === null) break;
        yield batchOf(util, page, codes);
        after = page.count < pageSize ? undefined : readLast(page.last);
      } while (after !== undefined);
    }
  }

  close(): Promise<void> {
    return this.storage.close();
  }

  /** The next events of a person from `from` on; with `afterId`, those of that very time only if their ids are greater. */
  private async page(
    util: string,
    from: number,
    to: number,
    afterId: string | undefined,
    screens: boolean,
  ): Promise<Page> {
    const rest: Expression<SqlBool> =
      afterId === undefined ? sql<SqlBool>`at >= ${from}` : sql<SqlBool>`(at, id) > (${from}, ${afterId})`;
    const { list } = this;
    const { rows } = await sql<Page>`
      select count(*) as count, cast(${list}(at) as text) as times, ${screens ? sql`cast(${list}(ecran) as text)` : sql`null`} as screens,
        cast(${list}(instance) as text) as instances, max((at + ${sql.lit(shift)}) || id) as last
      from (select at, id, ecran, instance from events
        where util = ${util} and ${rest} and at <= ${to} order by at, id limit ${sql.lit(pageSize)}) as page`.execute(
      this.storage.db,
    );
    return rows[0]!;
  }
}

function batchOf(util: string, page: Page, codes: NameCodes): EventBatch {
  const code = (text: string | null) =>
    Uint32Array.from(JSON.parse(text ?? '[]') as string[], (name) => codes.codeOf(name));
  const times = Float64Array.from(JSON.parse(page.times) as number[]);
  return { util, times, screens: code(page.screens), instances: code(page.instances), names: codes.names };
}

const shiftedDigits = String(shift).length;

function readLast(last: string): { readonly at: number; readonly id: string } {
  return { at: Number(last.slice(0, shiftedDigits)) - shift, id: last.slice(shiftedDigits) };
}
