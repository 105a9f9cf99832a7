import type { Kysely, Migration } from 'kysely';

/** How urgent the requests of a key are: `high`, `normal` or `low`. */
export const keyPriorities: Migration = {
  async up(db: Kysely<unknown>) {
    await db.schema
      .alterTable('api_keys')
      .addColumn('priority', 'text', (column) => column.notNull().defaultTo('normal'))
      .execute();
  },
  async down(db: Kysely<unknown>) {
    await db.schema.alterTable('api_keys').dropColumn('priority').execute();
  },
};
