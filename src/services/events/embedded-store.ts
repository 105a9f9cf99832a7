import { setImmediate as nextTurn } from 'node:timers/promises';
import { type Expression, type SqlBool, sql } from 'kysely';
import type { Storage } from '../../storage/index.js';
import { compareCodePoints, type EventBatch, type EventQuery, type EventStore, NameCodes } from './event.js';
import { isName } from './read-event.js';
import { EventMemory, joinColumns, type RememberedEvents } from './remembered-events.js';

/** Events of one statement. SQLite keeps its thread for so long, about 5 ms; cancellations are heard in between. */
const pageSize = 5_000;
/** Events that one store remembers. */
const memoryBytes = 64 * 2 ** 20;
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

/** The events in Vitrina's own database. Those that were asked for last are remembered, for as long as they do not change. */
export class EmbeddedEventStore implements EventStore {
  private readonly list;
  private readonly memory = new EventMemory(memoryBytes);
  private asked: { readonly utils: Set<string>; readonly revisions: Promise<ReadonlyMap<string, number>> } | undefined;

  constructor(private readonly storage: Storage) {
    this.list = storage.kind === 'sqlite' ? sql.raw('json_group_array') : sql.raw('json_agg');
  }

  async *events({ utils, from, to, screens }: EventQuery, signal: AbortSignal): AsyncGenerator<EventBatch> {
    const people = utils.filter((util) => isName(util)).sort(compareCodePoints);
    // Before the events: what changes meanwhile makes what was read too new for its revision, never too old.
    const revisions = await this.revisionsOf(people);
    for (const [i, util] of people.entries()) {
      // Cancellations are heard, and others answered, between any two.
      if (i > 0) await nextTurn();
      signal.throwIfAborted();
      const revision = revisions.get(util);
      if (revision === undefined) continue;
      if (screens) yield* this.pages(util, from, to, new NameCodes(), true, signal);
      else yield* this.columns(util, revision, from, to, signal);
    }
  }

  /** Reads only what is not remembered, and remembers it. */
  private async *columns(
    util: string,
    revision: number,
    from: number,
    to: number,
    signal: AbortSignal,
  ): AsyncGenerator<EventBatch> {
    const found = this.memory.find(util, revision);
    // What lies apart would leave a gap.
    const known = found !== undefined && from <= found.to + 1 && to >= found.from - 1 ? found : undefined;
    const names = known?.names ?? new NameCodes();
    const parts: Pick<EventBatch, 'times' | 'instances'>[] = [];
    let count = 0;
    for (const span of spansOf(from, to, known)) {
      if (span === known) {
        parts.push(known);
        const held = known.between(from, to);
        if (held.times.length > 0) yield { util, ...held };
        continue;
      }
      for await (const batch of this.pages(util, span.from, span.to, names, false, signal)) {
        count += batch.times.length;
        if (this.memory.takes(count)) parts.push(batch);
        else parts.length = 0;
        yield batch;
      }
    }
    if (known !== undefined && from >= known.from && to <= known.to) return;
    if (!this.memory.takes(count + (known?.times.length ?? 0))) return;
    const hull = { from: Math.min(from, known?.from ?? from), to: Math.max(to, known?.to ?? to) };
    this.memory.keep(util, revision, { ...hull, ...joinColumns(parts), names });
  }

  private async *pages(
    util: string,
    from: number,
    to: number,
    names: NameCodes,
    screens: boolean,
    signal: AbortSignal,
  ): AsyncGenerator<EventBatch> {
    let after: { readonly at: number; readonly id: string } | undefined;
    do {
      await nextTurn();
      signal.throwIfAborted();
      const page = await this.page(util, after?.at ?? from, to, after?.id, screens);
      if (page.count === 0 || page.last === null) return;
      yield batchOf(util, page, names);
      after = page.count < pageSize ? undefined : readLast(page.last);
    } while (after !== undefined);
  }

  /** Of those who have events, or had. All who ask in one turn of the event loop are told by one statement. */
  private async revisionsOf(utils: readonly string[]): Promise<ReadonlyMap<string, number>> {
    this.asked ??= { utils: new Set(), revisions: nextTurn().then(() => this.readRevisions()) };
    for (const util of utils) this.asked.utils.add(util);
    return this.asked.revisions;
  }

  private async readRevisions(): Promise<ReadonlyMap<string, number>> {
    const utils = [...this.asked!.utils];
    this.asked = undefined;
    const among =
      this.storage.kind === 'sqlite'
        ? sql`util in (select value from json_each(${JSON.stringify(utils)}))`
        : sql`util = any(${utils})`;
    const { rows } = await sql<{ util: string; revision: number }>`
      select util, revision from event_revisions where ${among}`.execute(this.storage.db);
    return new Map(rows.map(({ util, revision }) => [util, revision]));
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

interface Span {
  readonly from: number;
  readonly to: number;
}

/** Parts of the time from `from` to `to`, in order: `known`, where it is among them, and what is to be read. */
function* spansOf(from: number, to: number, known: RememberedEvents | undefined): Generator<Span> {
  if (known === undefined) {
    yield { from, to };
    return;
  }
  if (from < known.from) yield { from, to: known.from - 1 };
  yield known;
  if (to > known.to) yield { from: known.to + 1, to };
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
