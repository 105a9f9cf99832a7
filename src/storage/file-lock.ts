import { closeSync, openSync } from 'node:fs';
import SqliteFile from 'better-sqlite3';
import { VitrinaError } from '../errors.js';

/** Milliseconds that a process waits for another one's turn, which takes a few renames. */
const waitMs = 10_000;

/**
 * A lock that the processes on one folder share, for work that is short and does not wait: an exclusive transaction on
 * an empty SQLite file. The system takes it back when its holder dies, however it dies, which a file that merely says
 * "locked" would not survive.
 */
export class FileLock {
  private connection: SqliteFile.Database | undefined;

  /** `path`'s folder has to be there; the file is made. */
  constructor(private readonly path: string) {}

  /** Gives what `work` gives, while no other process holds the lock. Errors: `storage-unavailable`, those of `work`. */
  hold<T>(work: () => T): T {
    const connection = this.take();
    try {
      return work();
    } finally {
      connection.exec('ROLLBACK');
    }
  }

  close(): void {
    this.connection?.close();
    this.connection = undefined;
  }

  private take(): SqliteFile.Database {
    try {
      if (this.connection === undefined) {
        closeSync(openSync(this.path, 'a', 0o600));
        this.connection = new SqliteFile(this.path, { timeout: waitMs });
      }
      this.connection.exec('BEGIN EXCLUSIVE');
      return this.connection;
    } catch (cause) {
      const why = `${this.path} cannot be locked (${(cause as Error).message})`;
      throw new VitrinaError('storage-unavailable', { why }, { cause });
    }
  }
}
