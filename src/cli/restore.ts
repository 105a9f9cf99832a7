import type { Command } from 'commander';
import { restoreSqlite } from '../storage/index.js';
import { type DatabaseFlags, databaseCommand, report } from './accounts-on-disk.js';
import { quoted, sqlitePathOf } from './backup.js';

interface Flags extends DatabaseFlags {
  readonly force?: true;
}

export function register(program: Command): void {
  databaseCommand(program, 'restore', 'Put a backup in the place of the database of a data folder.')
    .argument('<file>', 'what "vitrina backup" has written')
    .option('--force', 'where there is a database; that one is kept beside it')
    .addHelpText(
      'after',
      `
Nothing may run on the folder meanwhile. The backup is checked first, and stays. A backup of an older Vitrina is brought
to the current schema by the server that opens it; one of a newer is refused.

Examples:
  vitrina restore vitrina-monday.db --data /var/lib/vitrina
  vitrina restore vitrina-monday.db --data /var/lib/vitrina --force`,
    )
    .action(async (file: string, flags: Flags) => {
      const path = sqlitePathOf(
        flags,
        (location) => `pg_restore --clean --if-exists --single-transaction --dbname=${location} ${quoted(file)}`,
      );
      const restored = await restoreSqlite(file, path, { force: flags.force === true });
      const kept = restored.kept === null ? '' : ` The one before is ${restored.kept}; it holds secrets as well.`;
      const { bytes, schema } = restored;
      report(flags, restored, `${path} is what ${file} was: ${bytes} bytes, schema ${schema ?? 'none'}.${kept}`);
    });
}
