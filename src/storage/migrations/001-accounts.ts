import type { Kysely, Migration } from 'kysely';
import type { Ddl } from './ddl.js';

/** Users, API keys, and what the server remembers about itself. */
export const accounts = (ddl: Ddl): Migration => ({
  async up(db: Kysely<unknown>) {
    await db.schema
      .createTable('users')
      .addColumn('id', ...ddl.identity)
      .addColumn('username', 'text', (column) => column.notNull())
      .addColumn('username_key', 'text', (column) => column.notNull().unique())
      .addColumn('password_hash', 'text')
      .addColumn('role', 'text', (column) => column.notNull())
      .addColumn('token_version', 'integer', (column) => column.notNull().defaultTo(0))
      .addColumn('disabled_at', ddl.time)
      .addColumn('created_at', ddl.time, (column) => column.notNull())
      .addColumn('updated_at', ddl.time, (column) => column.notNull())
      .execute();
    await db.schema
      .createTable('api_keys')
      .addColumn('id', 'text', (column) => column.primaryKey().notNull())
      .addColumn('user_id', ddl.reference, (column) => column.notNull().references('users.id').onDelete('cascade'))
      .addColumn('name', 'text')
      .addColumn('hash', 'text', (column) => column.notNull())
      .addColumn('scopes', 'text', (column) => column.notNull())
      .addColumn('expires_at', ddl.time)
      .addColumn('created_at', ddl.time, (column) => column.notNull())
      .addColumn('last_used_at', ddl.time)
      .addColumn('revoked_at', ddl.time)
      .execute();
    await db.schema.createIndex('api_keys_user_id').on('api_keys').column('user_id').execute();
    await db.schema
      .createTable('settings')
      .addColumn('name', 'text', (column) => column.primaryKey().notNull())
      .addColumn('value', 'text', (column) => column.notNull())
      .addColumn('created_at', ddl.time, (column) => column.notNull())
      .execute();
  },
  async down(db: Kysely<unknown>) {
    await db.schema.dropTable('settings').execute();
    await db.schema.dropTable('api_keys').execute();
    await db.schema.dropTable('users').execute();
  },
});
