import { type Kysely, Migrator } from 'kysely';
import { VitrinaError } from '../errors.js';
import type { Ddl } from './migrations/ddl.js';
import { migrations } from './migrations/index.js';

/** A migration, and when it was made: an ISO time, `null` while it is missing. */
export interface MigrationState {
  readonly name: string;
  readonly madeAt: string | null;
}

/** The schema of a database and its history, for who looks after it. The database may be behind. */
export interface Migrations {
  readonly location: string;
  /** Every migration that this Vitrina knows, oldest first. @throws VitrinaError `storage-newer` */
  list(): Promise<MigrationState[]>;
  /** Makes all that are missing, and names them. Of several that do so at once, one does. */
  up(): Promise<string[]>;
  /** Takes the last one back, and names it; `undefined` when there is none. What it had added is lost. */
  down(): Promise<string | undefined>;
  close(): Promise<void>;
}

/** A row of the table in which Kysely keeps what was done. */
export interface Made {
  readonly name: string;
  readonly timestamp: string;
}

/** @throws VitrinaError `storage-newer` when the database holds a migration that this Vitrina does not know */
export function statesOf(ddl: Ddl, made: readonly Made[], location: string): MigrationState[] {
  const known = Object.keys(migrations(ddl)).sort();
  const newer = made.map(({ name }) => name).find((name) => !known.includes(name));
  if (newer !== undefined) throw new VitrinaError('storage-newer', { path: location, migration: newer });
  return known.map((name) => ({ name, madeAt: made.find((one) => one.name === name)?.timestamp ?? null }));
}

export const missingOf = (states: readonly MigrationState[]): string[] =>
  states.filter(({ madeAt }) => madeAt === null).map(({ name }) => name);

/**
 * Runs what is missing, or takes the last one back, and names what was done. Errors: those of the database.
 *
 * @param schema where tables are made, in a database that has several; others may hold migrations of their own
 */
export async function migrate<T>(
  db: Kysely<T>,
  ddl: Ddl,
  direction: 'up' | 'down',
  schema?: string | null,
): Promise<string[]> {
  const migrator = new Migrator({
    db,
    provider: { getMigrations: async () => migrations(ddl) },
    ...(schema ? { migrationTableSchema: schema } : {}),
  });
  const { error, results = [] } = await (direction === 'up' ? migrator.migrateToLatest() : migrator.migrateDown());
  if (error !== undefined) throw error;
  return results.map(({ migrationName }) => migrationName);
}
