import { type Command, InvalidArgumentError } from 'commander';
import { operator, viewAudit } from '../services/accounts/index.js';
import {
  type DatabaseFlags,
  databaseCommand,
  print,
  printTable,
  timeOrDash,
  withAccounts,
} from './accounts-on-disk.js';

interface Flags extends DatabaseFlags {
  readonly limit: number;
}

export function register(program: Command): void {
  databaseCommand(program, 'audit', 'The log of administrative acts, the newest first. It only grows.')
    .option('--limit <count>', 'entries shown', readLimit, 100)
    .addHelpText(
      'after',
      `
Examples:
  vitrina audit --limit 20
  vitrina audit --json | jq '.[] | select(.action == "key.create")'`,
    )
    .action((flags: Flags) =>
      withAccounts(flags, async (accounts) => {
        const entries = await accounts.listAudit(operator, { limit: flags.limit });
        if (flags.json) return print(JSON.stringify(entries.map(viewAudit)));
        printTable(
          ['AT', 'ACTOR', 'ACTION', 'SUBJECT', 'DETAILS'],
          entries.map((entry) => [
            timeOrDash(entry.at),
            entry.keyId === null ? entry.actor : `${entry.actor} (key ${entry.keyId})`,
            entry.action,
            entry.subject,
            JSON.stringify(entry.details),
          ]),
        );
      }),
    );
}

function readLimit(text: string): number {
  if (/^[1-9]\d{0,5}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('Give a whole number from 1 to 999999.');
}
