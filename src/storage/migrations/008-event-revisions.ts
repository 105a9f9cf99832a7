import { type Kysely, type Migration, sql } from 'kysely';
import type { Ddl } from './ddl.js';

/**
 * A number for each person that grows with every change of the person's events, whoever makes it: the database itself
 * counts. Whoever remembers events can tell by it whether they are still the ones.
 */
export const eventRevisions = (ddl: Ddl): Migration => ({
  async up(db: Kysely<unknown>) {
    await db.schema
      .createTable('event_revisions')
      .addColumn('util', ddl.bytewiseText, (column) => column.primaryKey().notNull())
      .addColumn('revision', ddl.reference, (column) => column.notNull())
      .execute();
    await sql`insert into event_revisions (util, revision) select distinct util, 1 from events`.execute(db);
    for (const statement of ddl.countChanges('events', 'util', 'event_revisions')) await sql.raw(statement).execute(db);
  },
  async down(db: Kysely<unknown>) {
    for (const statement of ddl.dropCountChanges('events')) await sql.raw(statement).execute(db);
    await db.schema.dropTable('event_revisions').execute();
  },
});
