import type { ColumnDataType, ColumnDefinitionBuilder, ColumnDefinitionBuilderCallback } from 'kysely';

/** What the databases spell differently when a table is made; each database brings its own. */
export interface Ddl {
  /** Type and definition of a primary key that counts up and is never used twice. */
  readonly identity: readonly [type: ColumnDataType, define: ColumnDefinitionBuilderCallback];
  /** Type of a reference to such a key. */
  readonly reference: ColumnDataType;
  /** Type of epoch milliseconds. */
  readonly time: ColumnDataType;
}

export const sqliteDdl: Ddl = {
  identity: ['integer', (column: ColumnDefinitionBuilder) => column.primaryKey().autoIncrement()],
  reference: 'integer',
  time: 'integer',
};

export const postgresDdl: Ddl = {
  identity: ['bigint', (column: ColumnDefinitionBuilder) => column.primaryKey().generatedAlwaysAsIdentity()],
  reference: 'bigint',
  time: 'bigint',
};
