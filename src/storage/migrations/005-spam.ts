import type { Kysely, Migration } from 'kysely';
import type { Ddl } from './ddl.js';

/** What the spam app answered, one row a prediction that counts. */
export const spam = (ddl: Ddl): Migration => ({
  async up(db: Kysely<unknown>) {
    await db.schema
      .createTable('spam_predictions')
      .addColumn('id', 'text', (column) => column.primaryKey().notNull())
      .addColumn('user_id', ddl.reference, (column) => column.notNull().references('users.id').onDelete('cascade'))
      .addColumn('polarity', 'text', (column) => column.notNull())
      .addColumn('probability', 'text')
      .addColumn('text', 'text')
      .addColumn('created_at', ddl.time, (column) => column.notNull())
      .execute();
    await db.schema.createIndex('spam_predictions_user_id').on('spam_predictions').column('user_id').execute();
  },
  async down(db: Kysely<unknown>) {
    await db.schema.dropTable('spam_predictions').execute();
  },
});
