import { openSqlite } from './sqlite.js';
import type { Storage } from './storage.js';

export { FileLock } from './file-lock.js';
export type { Storage } from './storage.js';

export interface DatabaseOptions {
  /** The SQLite file, made with its folder when missing; `':memory:'` for one that ends with the process. */
  readonly path: string;
}

/**
 * Opens the database and brings it to the current schema. Several processes may do so at once.
 *
 * @throws VitrinaError `storage-unwritable`, `storage-not-a-database`, `storage-damaged`, `storage-newer`,
 *   `storage-unavailable`
 */
export function openDatabase(options: DatabaseOptions): Promise<Storage> {
  return openSqlite(options.path);
}
