import type { Kysely } from 'kysely';
import type { Database } from './schema.js';

/** A database that is open and holds the current schema. Services know this interface and no driver. */
export interface Storage {
  readonly db: Kysely<Database>;
  readonly kind: 'sqlite' | 'postgres';
  /** Where it is, for people: a path, or a URL without its password. */
  readonly location: string;
  /**
   * Ends when the database has answered, now or within the last second, and takes a second at most.
   * @throws VitrinaError `storage-unavailable`
   */
  ping(): Promise<void>;
  /** Ends every connection; what was written stays written. */
  close(): Promise<void>;
}

/** What is told to the operator, not to callers: `pino` fits. */
export interface StorageLog {
  warn(text: string): void;
}
