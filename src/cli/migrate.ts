import { type Command, CommanderError } from 'commander';
import { databaseOptions, type Migrations, openMigrations } from '../storage/index.js';
import {
  configOf,
  type DatabaseFlags,
  databaseCommand,
  print,
  printTable,
  report,
  stderrLog,
} from './accounts-on-disk.js';
import { exitCodes } from './exit-codes.js';

interface Flags extends DatabaseFlags {
  readonly yes?: true;
}

export function register(program: Command): void {
  const migrate = program
    .command('migrate')
    .description('Bring the tables of a database to what this Vitrina needs, or back.')
    .addHelpText(
      'after',
      `
A server makes the tables of SQLite by itself. On PostgreSQL it refuses to start until "migrate up" was run, which any
number of machines may do at once.

Examples:
  vitrina migrate up --database-url postgres://vitrina@db.example/vitrina
  vitrina migrate status --json
  vitrina migrate down --yes                 back to what an older version needs; stop the servers first`,
    );

  databaseCommand(migrate, 'up', 'Make what is missing.').action((flags: Flags) =>
    withMigrations(flags, async (migrations) => {
      const made = await migrations.up();
      report(flags, { made }, made.length === 0 ? 'Nothing is missing.' : `Made: ${made.join(', ')}.`);
    }),
  );

  databaseCommand(migrate, 'down', 'Take back the last migration, with the data that it made room for.')
    .option('--yes', 'really')
    .action((flags: Flags) =>
      withMigrations(flags, async (migrations) => {
        const last = (await migrations.list()).findLast(({ madeAt }) => madeAt !== null);
        if (last !== undefined && !flags.yes) {
          const message = `error: this takes back ${last.name} of ${migrations.location}, and the data in it is lost; say so with --yes`;
          process.stderr.write(`${message}\n`);
          throw new CommanderError(exitCodes.usage, 'vitrina.usage', message);
        }
        const undone = (await migrations.down()) ?? null;
        report(flags, { undone }, undone === null ? 'There is nothing to take back.' : `Taken back: ${undone}.`);
      }),
    );

  databaseCommand(migrate, 'status', 'List the migrations, and when each was made.').action((flags: Flags) =>
    withMigrations(flags, async (migrations) => {
      const states = await migrations.list();
      if (flags.json) return print(JSON.stringify(states));
      printTable(
        ['MIGRATION', 'MADE'],
        states.map(({ name, madeAt }) => [name, madeAt ?? '-']),
      );
    }),
  );
}

async function withMigrations(flags: Flags, act: (migrations: Migrations) => Promise<void>): Promise<void> {
  const migrations = await openMigrations(databaseOptions(configOf(flags), stderrLog));
  try {
    await act(migrations);
  } finally {
    await migrations.close();
  }
}
