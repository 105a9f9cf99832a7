import type { Kysely, Migration } from 'kysely';
import type { Ddl } from './ddl.js';

/** Screens that people opened. Read by person and time, in pages that end at an id; removed by time. */
export const events = (ddl: Ddl): Migration => ({
  async up(db: Kysely<unknown>) {
    await db.schema
      .createTable('events')
      .addColumn('id', ddl.bytewiseText, (column) => column.primaryKey().notNull())
      .addColumn('util', ddl.bytewiseText, (column) => column.notNull())
      .addColumn('ecran', 'text', (column) => column.notNull())
      .addColumn('instance', 'text', (column) => column.notNull())
      .addColumn('at', ddl.time, (column) => column.notNull())
      .execute();
    await db.schema.createIndex('events_util_at').on('events').columns(['util', 'at', 'id']).execute();
    await db.schema.createIndex('events_at').on('events').column('at').execute();
  },
  async down(db: Kysely<unknown>) {
    await db.schema.dropTable('events').execute();
  },
});
