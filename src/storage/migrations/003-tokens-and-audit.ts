import { type Kysely, type Migration, sql } from 'kysely';
import type { Ddl } from './ddl.js';

/** Refresh tokens by family, people's particulars, and the log of administrative acts, which only grows. */
export const tokensAndAudit = (ddl: Ddl): Migration => ({
  async up(db: Kysely<unknown>) {
    await db.schema
      .createTable('token_families')
      .addColumn('id', 'text', (column) => column.primaryKey().notNull())
      .addColumn('user_id', ddl.reference, (column) => column.notNull().references('users.id').onDelete('cascade'))
      .addColumn('scopes', 'text', (column) => column.notNull())
      .addColumn('created_at', ddl.time, (column) => column.notNull())
      .addColumn('expires_at', ddl.time, (column) => column.notNull())
      .addColumn('revoked_at', ddl.time)
      .execute();
    await db.schema.createIndex('token_families_user_id').on('token_families').column('user_id').execute();
    await db.schema.createIndex('token_families_expires_at').on('token_families').column('expires_at').execute();
    await db.schema
      .createTable('refresh_tokens')
      .addColumn('hash', 'text', (column) => column.primaryKey().notNull())
      .addColumn('family_id', 'text', (column) => column.notNull().references('token_families.id').onDelete('cascade'))
      .addColumn('created_at', ddl.time, (column) => column.notNull())
      .addColumn('spent_at', ddl.time)
      .execute();
    await db.schema.createIndex('refresh_tokens_family_id').on('refresh_tokens').column('family_id').execute();
    await db.schema
      .createTable('profiles')
      .addColumn('user_id', ddl.reference, (column) => column.primaryKey().references('users.id').onDelete('cascade'))
      .addColumn('email', 'text', (column) => column.notNull())
      .addColumn('email_key', 'text', (column) => column.notNull().unique())
      .addColumn('full_name', 'text', (column) => column.notNull())
      .addColumn('document_number', 'text', (column) => column.unique())
      .addColumn('phone', 'text')
      .execute();
    await db.schema
      .createTable('audit_log')
      .addColumn('id', ...ddl.identity)
      .addColumn('at', ddl.time, (column) => column.notNull())
      .addColumn('actor_id', ddl.reference)
      .addColumn('actor', 'text', (column) => column.notNull())
      .addColumn('key_id', 'text')
      .addColumn('action', 'text', (column) => column.notNull())
      .addColumn('subject', 'text', (column) => column.notNull())
      .addColumn('details', 'text', (column) => column.notNull())
      .execute();
    for (const statement of ddl.appendOnly('audit_log')) await sql.raw(statement).execute(db);
  },
  async down(db: Kysely<unknown>) {
    for (const table of ['audit_log', 'profiles', 'refresh_tokens', 'token_families']) {
      await db.schema.dropTable(table).execute();
    }
    for (const statement of ddl.dropAppendOnly('audit_log')) await sql.raw(statement).execute(db);
  },
});
