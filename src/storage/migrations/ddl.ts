import {
  type ColumnDataType,
  type ColumnDefinitionBuilder,
  type ColumnDefinitionBuilderCallback,
  type RawBuilder,
  sql,
} from 'kysely';

/** What the databases spell differently when a table is made; each database brings its own. */
export interface Ddl {
  /** Type and definition of a primary key that counts up and is never used twice. */
  readonly identity: readonly [type: ColumnDataType, define: ColumnDefinitionBuilderCallback];
  /** Type of a reference to such a key. */
  readonly reference: ColumnDataType;
  /** Type of epoch milliseconds. */
  readonly time: ColumnDataType;
  /** Type of texts that are ordered by their bytes, whatever the order of texts in the database. */
  readonly bytewiseText: ColumnDataType | RawBuilder<unknown>;
  /** Statements that make the database itself refuse to change or remove rows of a table. */
  appendOnly(table: string): readonly string[];
  /** Undoes what of `appendOnly` outlives the table. */
  dropAppendOnly(table: string): readonly string[];
}

export const sqliteDdl: Ddl = {
  identity: ['integer', (column: ColumnDefinitionBuilder) => column.primaryKey().autoIncrement()],
  reference: 'integer',
  time: 'integer',
  bytewiseText: 'text',
  appendOnly: (table) =>
    ['update', 'delete'].map(
      (act) =>
        `create trigger ${table}_no_${act} before ${act} on ${table} begin select raise(abort, '${table} only grows'); end`,
    ),
  dropAppendOnly: () => [],
};

export const postgresDdl: Ddl = {
  identity: ['bigint', (column: ColumnDefinitionBuilder) => column.primaryKey().generatedAlwaysAsIdentity()],
  reference: 'bigint',
  time: 'bigint',
  bytewiseText: sql`text collate "C"`,
  appendOnly: (table) => [
    `create function ${table}_only_grows() returns trigger language plpgsql as $$
      begin raise exception '${table} only grows'; end $$`,
    `create trigger ${table}_only_grows before update or delete or truncate on ${table}
      for each statement execute function ${table}_only_grows()`,
  ],
  dropAppendOnly: (table) => [`drop function ${table}_only_grows()`],
};
