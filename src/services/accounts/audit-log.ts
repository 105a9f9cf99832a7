import type { Selectable } from 'kysely';
import type { AuditLogTable } from '../../storage/schema.js';
import type { Storage } from '../../storage/storage.js';
import { operator, type Principal } from './principal.js';

/** An administrative act, as it was recorded. Times are epoch milliseconds. */
export interface AuditEntry {
  readonly id: number;
  readonly at: number;
  /** `null` for the command line and the first start. */
  readonly actorId: number | null;
  /** The actor's name; `operator` for the program itself. */
  readonly actor: string;
  /** The public half of the API key that was used. */
  readonly keyId: string | null;
  readonly action: string;
  readonly subject: string;
  readonly details: Readonly<Record<string, unknown>>;
}

export interface AuditAct {
  readonly actor: Pick<Principal, 'userId' | 'username' | 'keyId'> | typeof operator;
  /** `user.create`, `key.revoke`, `model.put`, … */
  readonly action: string;
  /** `user:7`, `key:0123456789abcdef`, `model:shock/3`. */
  readonly subject: string;
  /** What else there is to know; no secrets. */
  readonly details?: Readonly<Record<string, unknown>>;
}

/**
 * The log of administrative acts: who did what to whom, and when. It only grows: the database refuses to change or
 * remove a row.
 */
export class AuditLog {
  constructor(
    private readonly db: Storage['db'],
    private readonly clock: () => number,
  ) {}

  /** @param db the transaction that the act itself is done in, so that neither is there without the other */
  async record({ actor, action, subject, details = {} }: AuditAct, db: Storage['db'] = this.db): Promise<void> {
    const who = actor === operator ? { userId: null, username: operator, keyId: null } : actor;
    await db
      .insertInto('audit_log')
      .values({
        at: this.clock(),
        actor_id: who.userId,
        actor: who.username,
        key_id: who.keyId,
        action,
        subject,
        details: JSON.stringify(details),
      })
      .execute();
  }

  /** At most `limit` entries before the number `before`, the newest first. */
  async list({ before, limit }: { before?: number; limit: number }): Promise<AuditEntry[]> {
    let query = this.db.selectFrom('audit_log').selectAll().orderBy('id', 'desc').limit(limit);
    if (before !== undefined) query = query.where('id', '<', before);
    return (await query.execute()).map(toEntry);
  }
}

const toEntry = (row: Selectable<AuditLogTable>): AuditEntry => ({
  id: row.id,
  at: row.at,
  actorId: row.actor_id,
  actor: row.actor,
  keyId: row.key_id,
  action: row.action,
  subject: row.subject,
  details: JSON.parse(row.details),
});
