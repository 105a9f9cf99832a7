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
  /** Statements that make the database itself count, in the table `into`, the changes of the rows of each `key`. */
  countChanges(table: string, key: string, into: string): readonly string[];
  /** Undoes it. */
  dropCountChanges(table: string): readonly string[];
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
  countChanges: (table, key, into) =>
    ['insert', 'update', 'delete'].map((act) => {
      const rows = { insert: ['new'], update: ['new', 'old'], delete: ['old'] }[act]!;
      // Without "where true" the parser takes "on conflict" for the condition of a join.
      const counts = rows.map(
        (row) => `insert into ${into} (${key}, revision) select ${row}.${key}, 1 where true
          on conflict (${key}) do update set revision = revision + 1;`,
      );
      return `create trigger ${table}_counted_${act} after ${act} on ${table} begin ${counts.join(' ')} end`;
    }),
  dropCountChanges: (table) => ['insert', 'update', 'delete'].map((act) => `drop trigger ${table}_counted_${act}`),
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
  countChanges: (table, key, into) => [
    // In one order, so that two that change the same keys wait for each other and not in a circle.
    `create function ${table}_counted() returns trigger language plpgsql as $$
      begin
        insert into ${into} (${key}, revision) select distinct ${key}, 1 from changed order by ${key}
          on conflict (${key}) do update set revision = ${into}.revision + 1;
        return null;
      end $$`,
    ...[
      ['insert', 'insert', 'new table as changed'],
      ['delete', 'delete', 'old table as changed'],
      ['update_new', 'update', 'new table as changed'],
      ['update_old', 'update', 'old table as changed'],
    ].map(
      ([name, act, rows]) => `create trigger ${table}_counted_${name} after ${act} on ${table}
        referencing ${rows} for each statement execute function ${table}_counted()`,
    ),
  ],
  dropCountChanges: (table) => [
    ...['insert', 'delete', 'update_new', 'update_old'].map(
      (name) => `drop trigger ${table}_counted_${name} on ${table}`,
    ),
    `drop function ${table}_counted()`,
  ],
};
