import type { Kysely, Migration } from 'kysely';
import type { Ddl } from './ddl.js';

const limits = ['monthly_limit', 'daily_limit', 'rate_limit', 'rate_seconds'] as const;

/** What keys may use, what has been used of it, and by whom. */
export const quotas = (ddl: Ddl): Migration => ({
  async up(db: Kysely<unknown>) {
    for (const limit of limits) await db.schema.alterTable('api_keys').addColumn(limit, 'integer').execute();
    await db.schema
      .createTable('quota_counters')
      .addColumn('subject', 'text', (column) => column.notNull())
      .addColumn('period', 'text', (column) => column.notNull())
      .addColumn('used', 'integer', (column) => column.notNull())
      .addColumn('expires_at', ddl.time, (column) => column.notNull())
      .addPrimaryKeyConstraint('quota_counters_pk', ['subject', 'period'])
      .execute();
    await db.schema.createIndex('quota_counters_expires_at').on('quota_counters').column('expires_at').execute();
    await db.schema
      .createTable('quota_reservations')
      .addColumn('id', 'text', (column) => column.notNull())
      .addColumn('period', 'text', (column) => column.notNull())
      .addColumn('subject', 'text', (column) => column.notNull())
      .addColumn('units', 'integer', (column) => column.notNull())
      .addColumn('expires_at', ddl.time, (column) => column.notNull())
      .addPrimaryKeyConstraint('quota_reservations_pk', ['id', 'period'])
      .execute();
    await db.schema
      .createIndex('quota_reservations_expires_at')
      .on('quota_reservations')
      .column('expires_at')
      .execute();
    await db.schema
      .createTable('usage')
      .addColumn('day', 'text', (column) => column.notNull())
      .addColumn('user_id', ddl.reference, (column) => column.notNull())
      .addColumn('key_id', 'text', (column) => column.notNull())
      .addColumn('model', 'text', (column) => column.notNull())
      .addColumn('predictions', ddl.time, (column) => column.notNull())
      .addColumn('rows', ddl.time, (column) => column.notNull())
      .addColumn('failures', ddl.time, (column) => column.notNull())
      .addPrimaryKeyConstraint('usage_pk', ['day', 'user_id', 'key_id', 'model'])
      .execute();
  },
  async down(db: Kysely<unknown>) {
    for (const table of ['usage', 'quota_reservations', 'quota_counters']) await db.schema.dropTable(table).execute();
    for (const limit of limits) await db.schema.alterTable('api_keys').dropColumn(limit).execute();
  },
});
