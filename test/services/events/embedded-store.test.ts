/** Events in Vitrina's own database: what is remembered of them is what is there. */
import { sql } from 'kysely';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { answerQuestion } from '../../../src/services/events/answer-question.js';
import { EmbeddedEventStore } from '../../../src/services/events/embedded-store.js';
import type { EventQuery } from '../../../src/services/events/event.js';
import { NameCodes } from '../../../src/services/events/event.js';
import { addEvents, purgeEvents } from '../../../src/services/events/event-ledger.js';
import type { UsageQuestion } from '../../../src/services/events/messages.js';
import { EventMemory, RememberedEvents } from '../../../src/services/events/remembered-events.js';
import { openMigrations, type Storage } from '../../../src/storage/index.js';
import { databases, type TestDatabase } from '../../databases.js';

const stay = new AbortController().signal;

describe.each(databases)('on $kind', ({ fresh }) => {
  let database: TestDatabase;
  let storage: Storage;
  let other: Storage;
  let store: EmbeddedEventStore;
  beforeEach(async () => {
    database = await fresh();
    storage = await database.open();
    other = await database.open();
    store = new EmbeddedEventStore(storage);
  });
  afterEach(async () => {
    await storage.close();
    await other.close();
    await database.remove();
  });

  const ask = async (query: Partial<EventQuery> & Pick<EventQuery, 'utils'>) => {
    const found: [string, number, string][] = [];
    const whole = { from: 0, to: 1e12, screens: false, ...query };
    for await (const { util, times, instances, names } of store.events(whole, stay)) {
      for (const [i, time] of times.entries()) found.push([util, time, names[instances[i]!]!]);
    }
    return found;
  };
  const event = (id: string, util: string, at: number) => ({ id, util, ecran: 's', instance: `i${at % 3}`, at });
  const there = async (util: string, from: number, to: number) => {
    const rows = await other.db
      .selectFrom('events')
      .select(['at', 'instance'])
      .where('util', '=', util)
      .where('at', '>=', from)
      .where('at', '<=', to)
      .orderBy('at')
      .orderBy('id')
      .execute();
    return rows.map(({ at, instance }) => [util, at, instance]);
  };

  it('gives what is there, whatever was asked and changed before', { timeout: 60_000 }, async () => {
    let random = 11;
    const draw = (below: number) => {
      random = (random * 48_271) % 2_147_483_647;
      return random % below;
    };
    let next = 0;
    for (let round = 0; round < 250; round++) {
      const util = ['ada', 'bob', 'eve'][draw(3)]!;
      const act = draw(8);
      if (act < 2) {
        const batch = Array.from({ length: 1 + draw(20) }, () => event(`e${next++}`, util, draw(1_000)));
        await addEvents(other, batch);
      } else if (act === 2) {
        await other.db
          .updateTable('events')
          .set({ at: draw(1_000) })
          .where('id', '=', `e${draw(next + 1)}`)
          .execute();
      } else if (act === 3) {
        await sql`delete from events where id = ${`e${draw(next + 1)}`}`.execute(other.db);
      } else if (act === 4 && draw(5) === 0) {
        await purgeEvents(other, draw(500));
      } else if (act === 5 && draw(3) === 0) {
        await other.db
          .updateTable('events')
          .set({ util })
          .where('id', '=', `e${draw(next + 1)}`)
          .execute();
      } else {
        const [a, b] = [draw(1_000), draw(1_000)];
        const [from, to] = a < b ? [a, b] : [b, a];
        expect(await ask({ utils: [util], from, to })).toEqual(await there(util, from, to));
      }
    }
  });

  it('answers with what it made before only as long as nothing changed', async () => {
    let random = 5;
    const draw = (below: number) => {
      random = (random * 48_271) % 2_147_483_647;
      return random % below;
    };
    const sink = { piece: () => Promise.reject(new Error('more than one piece')) };
    const limits = { clustering: { minClusterSize: 3 }, maxEvents: 1_000 };
    const answers = (question: UsageQuestion, from: EmbeddedEventStore) =>
      answerQuestion(question, from, limits, sink, stay);
    for (let round = 0; round < 120; round++) {
      if (draw(4) === 0) {
        const util = ['ada', 'bob'][draw(2)]!;
        await addEvents(
          other,
          Array.from({ length: 1 + draw(9) }, (_, i) => event(`r${round}-${i}`, util, draw(400))),
        );
      }
      const kind = (['sessions', 'summary', 'events'] as const)[draw(3)]!;
      const format = (['json', 'csv', 'ndjson'] as const)[draw(3)]!;
      const query = { utils: [['ada'], ['bob', 'ada'], ['nobody', 'bob']][draw(3)]!, from: 100 * draw(3), to: 400 };
      const fresh = await answers({ kind, format, query }, new EmbeddedEventStore(other));
      expect(await answers({ kind, format, query }, store)).toEqual(fresh);
    }
  });

  it('reads nothing twice that has not changed, and of more only what is new', async () => {
    await addEvents(
      other,
      Array.from({ length: 100 }, (_, i) => event(`e${i}`, 'ada', i * 10)),
    );
    const page = vi.spyOn(store as unknown as { page(): Promise<unknown> }, 'page');
    const asked = () => page.mock.calls.splice(0).map(([, from, to]: unknown[]) => [from, to]);
    await ask({ utils: ['ada'], from: 200, to: 400 });
    expect(asked()).toEqual([[200, 400]]);
    expect(await ask({ utils: ['ada'], from: 250, to: 300 })).toHaveLength(6);
    expect(asked()).toEqual([]);
    expect(await ask({ utils: ['ada'], from: 100, to: 500 })).toHaveLength(41);
    expect(asked()).toEqual([
      [100, 199],
      [401, 500],
    ]);
    expect(await ask({ utils: ['ada'], from: 100, to: 500 })).toEqual(await there('ada', 100, 500));
    expect(asked()).toEqual([]);
    // Somebody else's events are no reason to read again.
    await addEvents(other, [event('b', 'bob', 1)]);
    await ask({ utils: ['ada', 'nobody'], from: 100, to: 500 });
    expect(asked()).toEqual([]);
    await addEvents(other, [event('one', 'ada', 333)]);
    expect(await ask({ utils: ['ada'], from: 100, to: 500 })).toHaveLength(42);
    expect(asked()).toEqual([[100, 500]]);
    // What lies apart is not joined over a gap.
    await ask({ utils: ['ada'], from: 800, to: 900 });
    expect(asked()).toEqual([[800, 900]]);
    expect(await ask({ utils: ['ada'], from: 600, to: 950 })).toEqual(await there('ada', 600, 950));
  });

  it('gives events that were there before anybody counted', async () => {
    const migrations = await openMigrations(database.options);
    await migrations.down();
    await addEvents(other, [event('a', 'ada', 5)]);
    await migrations.up();
    await migrations.close();
    expect(await ask({ utils: ['ada'] })).toEqual([['ada', 5, 'i2']]);
  });

  it('is asked for many people at once', async () => {
    await addEvents(other, [event('a', 'ada', 5)]);
    expect(await ask({ utils: ['ada', 'ada’s neighbour'] })).toEqual([['ada', 5, 'i2']]);
    const many = Array.from({ length: 40_000 }, (_, i) => `person ${i}`);
    expect(await ask({ utils: [...many, 'ada'] })).toHaveLength(1);
  });
});

describe('the memory of events', () => {
  const columns = (count: number) => ({
    from: 0,
    to: count - 1,
    times: Float64Array.from({ length: count }, (_, i) => i),
    instances: new Uint32Array(count),
    names: new NameCodes(),
  });

  it('lets those go that were not used for longest, and never takes what would fill it', () => {
    const memory = new EventMemory(100_000);
    for (const util of ['a', 'b', 'c', 'd']) memory.keep(util, 1, columns(1_800));
    expect(memory.find('a', 1)).toBeDefined();
    memory.keep('e', 1, columns(1_800));
    const kept = ['a', 'b', 'c', 'd', 'e'].filter((util) => memory.find(util, 1) !== undefined);
    expect(kept).toEqual(['a', 'c', 'd', 'e']);
    memory.keep('huge', 1, columns(3_000));
    expect(memory.find('huge', 1)).toBeUndefined();
    expect(memory.takes(2_000)).toBe(true);
    expect(memory.takes(2_100)).toBe(false);
  });

  it('knows nothing of another revision', () => {
    const memory = new EventMemory(100_000);
    memory.keep('a', 1, columns(10));
    expect(memory.find('a', 2)).toBeUndefined();
    expect(memory.find('a', 1)).toBeUndefined();
  });

  it('gives parts, each with what was made of it', () => {
    const events = new RememberedEvents(columns(10));
    expect([...events.between(2, 5).times]).toEqual([2, 3, 4, 5]);
    for (let from = 0; from < 10; from++) expect([...events.between(from, 9).times]).toHaveLength(10 - from);
    expect([...events.between(20, 30).times]).toEqual([]);
    events.between(2, 5).made!.keep('sessions', 'text');
    expect(events.between(2, 5).made!.find('sessions')).toBe('text');
    expect(events.between(2, 5).made!.find('summary')).toBeUndefined();
    expect(events.between(2, 6).made!.find('sessions')).toBeUndefined();
  });

  it('counts what was made as well, and forgets it before the events', () => {
    const memory = new EventMemory(100_000);
    const make = (util: string, from: number, length: number) =>
      memory.find(util, 1)!.between(from, 9).made!.keep('sessions', 'x'.repeat(length));
    const made = (util: string, from: number) => memory.find(util, 1)?.between(from, 9).made?.find('sessions');
    for (const util of ['a', 'b', 'c', 'd', 'e']) memory.keep(util, 1, columns(10));
    // More than a quarter of the room.
    make('a', 0, 6_000);
    make('a', 1, 6_000);
    expect([made('a', 0)?.length, made('a', 1)?.length]).toEqual([6_000, 6_000]);
    make('a', 2, 500);
    expect([made('a', 0), made('a', 1), memory.find('a', 1)?.times.length]).toEqual([undefined, undefined, 10]);
    // All of the room: the one that was not used for longest goes.
    for (const util of ['a', 'b', 'c', 'd', 'e']) make(util, 0, 10_000);
    expect(['a', 'b', 'c', 'd', 'e'].map((util) => made(util, 0)?.length)).toEqual([
      undefined,
      ...Array(4).fill(10_000),
    ]);
    expect(memory.find('a', 1)).toBeUndefined();
  });
});
