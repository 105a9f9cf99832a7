import type { Command } from 'commander';
import { VitrinaError } from '../errors.js';
import { UsageLedger } from '../services/quotas/index.js';
import { usageCsv } from '../services/quotas/usage-csv.js';
import { isRealDay } from '../time-zones.js';
import { type DatabaseFlags, databaseCommand, print, printTable, withAccounts } from './accounts-on-disk.js';
import { findUser } from './users.js';

interface Flags extends DatabaseFlags {
  readonly csv?: true;
  readonly from?: string;
  readonly to?: string;
  readonly user?: string;
}

export function register(program: Command): void {
  databaseCommand(program, 'usage', 'Who predicted how much, by day (UTC), user, key and model.')
    .option('--csv', 'print CSV')
    .option('--from <day>', 'first day, like 2026-11-01')
    .option('--to <day>', 'last day')
    .option('--user <user>', 'of one user, by name or # and number')
    .addHelpText(
      'after',
      `
A running server adds what it has counted every two seconds.

Examples:
  vitrina usage --from 2026-11-01
  vitrina usage --user ana --csv > usage.csv`,
    )
    .action((flags: Flags) =>
      withAccounts(flags, async (accounts, storage) => {
        const ledger = new UsageLedger(storage);
        try {
          const rows = await ledger.report({
            ...(flags.from === undefined ? {} : { from: checkDay('from', flags.from) }),
            ...(flags.to === undefined ? {} : { to: checkDay('to', flags.to) }),
            ...(flags.user === undefined ? {} : { userId: (await findUser(accounts, flags.user)).id }),
          });
          if (flags.json) return print(JSON.stringify(rows));
          if (flags.csv) return void process.stdout.write(usageCsv(rows));
          printTable(
            ['DAY', 'USER', 'KEY', 'MODEL', 'PREDICTIONS', 'ROWS', 'FAILURES'],
            rows.map((row) => [
              row.day,
              row.username ?? `#${row.userId}`,
              row.keyId ?? '-',
              row.model,
              String(row.predictions),
              String(row.rows),
              String(row.failures),
            ]),
          );
        } finally {
          await ledger.close();
        }
      }),
    );
}

/** @throws VitrinaError `request-invalid` */
function checkDay(name: string, text: string): string {
  if (isRealDay(text)) return text;
  const problems = [{ path: `--${name}`, message: `is "${text.slice(0, 40)}"; expected a day, like 2026-11-01` }];
  throw new VitrinaError('request-invalid', { problems });
}
