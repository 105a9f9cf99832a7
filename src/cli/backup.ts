import type { Command } from 'commander';
import { locationOf, parseDatabaseUrl } from '../database-url.js';
import { VitrinaError } from '../errors.js';
import { backUpSqlite, databaseOptions } from '../storage/index.js';
import { configOf, type DatabaseFlags, databaseCommand, report } from './accounts-on-disk.js';

interface Flags extends DatabaseFlags {
  readonly output: string;
  readonly verify?: true;
  readonly force?: true;
}

export function register(program: Command): void {
  databaseCommand(program, 'backup', 'Copy the database of a data folder into one file, while servers run.')
    .requiredOption('-o, --output <file>', 'the file to write')
    .option('--verify', 'also check every reference between tables, and count rows')
    .option('--force', 'replace the file')
    .addHelpText(
      'after',
      `
The copy is the database at one moment, whatever is written meanwhile; it is checked before it has its name, and it holds
all secrets that the database holds. Uploaded models are files beside it: see docs/operations.md.

Examples:
  vitrina backup -o vitrina-monday.db
  vitrina backup --data /var/lib/vitrina -o /backups/vitrina.db --force --verify --json`,
    )
    .action(async (flags: Flags) => {
      const { output, verify, force } = flags;
      const path = sqlitePathOf(flags, (location) => `pg_dump --format=custom --file=${quoted(output)} ${location}`);
      const view = await backUpSqlite(path, output, { verify: verify === true, force: force === true });
      const counted = view.rows === undefined ? '' : `; ${rowsOf(view.rows)}`;
      report(flags, view, `${view.path}: ${view.bytes} bytes, schema ${view.schema ?? 'none'}, checked${counted}.`);
    });
}

/**
 * The file of the database that the flags are about.
 *
 * @param command what does the same on PostgreSQL, of a location without its password
 * @throws VitrinaError `backup-elsewhere`
 */
export function sqlitePathOf(flags: DatabaseFlags, command: (location: string) => string): string {
  const options = databaseOptions(configOf(flags));
  if ('path' in options) return options.path;
  const location = locationOf(parseDatabaseUrl(options.url)!);
  throw new VitrinaError('backup-elsewhere', { location, command: command(quoted(location)) });
}

/** As a shell takes it for one word. */
export const quoted = (word: string): string => `'${word.replaceAll("'", "'\\''")}'`;

const rowsOf = (rows: Readonly<Record<string, number>>): string =>
  Object.entries(rows)
    .map(([table, count]) => `${table} ${count}`)
    .join(', ');
