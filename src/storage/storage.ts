import type { Kysely } from 'kysely';
import type { Database } from './schema.js';

/** A database that is open and holds the current schema. Services know this interface and no driver. */
export interface Storage {
  readonly db: Kysely<Database>;
  readonly kind: 'sqlite';
  /** Where it is, for people: a path. Never holds a password. */
  readonly location: string;
  /** Ends every connection; what was written stays written. */
  close(): Promise<void>;
}
