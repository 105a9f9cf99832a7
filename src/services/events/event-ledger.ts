import { createHash } from 'node:crypto';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Storage } from '../../storage/index.js';
import type { ScreenEvent } from './event.js';

/** An event with the name by which it is known again. */
export interface NamedEvent extends ScreenEvent {
  readonly id: string;
}

/** A name for an event that brings none: equal events have the same. */
export function eventId({ at, util, ecran, instance }: ScreenEvent): string {
  return createHash('sha256')
    .update(JSON.stringify([at, util, ecran, instance]))
    .digest('base64url');
}

/** Rows of one statement: a few milliseconds of the event loop on SQLite, and far from the most parameters of either. */
const statementRows = 500;

/**
 * Adds what is not there yet, and says how much that was. Each part of the list is written at once, the list is not: if
 * it fails half-way, the same list can be sent again. Errors: `storage-unavailable`.
 */
export async function addEvents(storage: Storage, events: readonly NamedEvent[]): Promise<number> {
  let added = 0;
  for (let first = 0; first < events.length; first += statementRows) {
    if (first > 0) await nextTurn();
    const { numInsertedOrUpdatedRows = 0n } = await storage.db
      .insertInto('events')
      .values(events.slice(first, first + statementRows))
      .onConflict((conflict) => conflict.column('id').doNothing())
      .executeTakeFirst();
    added += Number(numInsertedOrUpdatedRows);
  }
  return added;
}

/**
 * Removes events from before `time` (epoch milliseconds), bit by bit, so that nobody waits for it; says how many.
 * Errors: `storage-unavailable`.
 */
export async function purgeEvents(storage: Storage, time: number, signal?: AbortSignal): Promise<number> {
  const { db } = storage;
  for (let removed = 0; ; ) {
    signal?.throwIfAborted();
    const some = db.selectFrom('events').select('id').where('at', '<', time).limit(statementRows);
    const { numDeletedRows } = await db.deleteFrom('events').where('id', 'in', some).executeTakeFirst();
    removed += Number(numDeletedRows);
    if (numDeletedRows < statementRows) return removed;
    await nextTurn();
  }
}
