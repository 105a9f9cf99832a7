import type { Command } from 'commander';
import { appScopes } from '../apps/scopes.js';
import { operator, parseExpiry, platformScopes, viewKey } from '../services/accounts/index.js';
import { type Limits, parseRate } from '../services/quotas/index.js';
import {
  type DatabaseFlags,
  databaseCommand,
  print,
  printTable,
  remark,
  report,
  timeOrDash,
  withAccounts,
} from './accounts-on-disk.js';
import { findUser } from './users.js';

type Flags = DatabaseFlags;

interface CreateFlags extends Flags {
  readonly scope?: string[];
  readonly user?: string;
  readonly name?: string;
  readonly priority?: string;
  readonly expires?: string;
  readonly monthly?: string;
  readonly daily?: string;
  readonly rate?: string;
}

const ofApps = Object.entries(appScopes).map(([scope, { description }]) => [scope, description] as const);
const scopeTable = [...Object.entries(platformScopes), ...ofApps]
  .map(([scope, meaning]) => `  ${scope.padEnd(14)}${meaning}`)
  .join('\n');

export function register(program: Command): void {
  const keys = program
    .command('keys')
    .description('Administer the API keys of a database; a server may be running on it.')
    .addHelpText(
      'after',
      `
A key is sent as "Authorization: Bearer <key>" or "X-Api-Key: <key>". A running server takes note of a revocation
within five seconds.

Scopes:
${scopeTable}

Examples:
  vitrina keys create                                     predict, and read models
  vitrina keys create --scope predict --expires 90d --name "ward 3"
  vitrina keys create --monthly 10000 --rate 100/m        limits, kept exactly over all servers
  vitrina keys create --scope admin --json
  vitrina keys revoke 0123456789abcdef`,
    );

  databaseCommand(keys, 'create', 'Create an API key and print it, this once.')
    .option('--scope <scope...>', 'what it may do, several apart by spaces or commas (default predict models:read)')
    .option('--user <user>', 'whose rights it carries, by name or # and number (default admin, made when missing)')
    .option('--name <text>', 'a note for people')
    .option('--priority <priority>', 'who goes first when requests wait: high, normal or low (default normal)')
    .option('--expires <when>', 'a length (12h, 90d, 1y) or a date (2030-01-31); default: until revoked')
    .option('--monthly <rows>', 'rows that it may predict in a calendar month')
    .option('--daily <rows>', 'rows that it may predict in a day')
    .option('--rate <rate>', 'requests within a time, like 100/m or 5/10s')
    .action((flags: CreateFlags) =>
      withAccounts(flags, async (accounts) => {
        const user =
          flags.user === undefined ? await accounts.users.ensureAdmin() : await findUser(accounts, flags.user);
        const named = flags.scope?.flatMap((text) => text.split(',')).filter((text) => text !== '');
        const key = await accounts.keys.create(
          {
            userId: user.id,
            name: flags.name ?? null,
            ...(named === undefined ? {} : { scopes: named }),
            ...(flags.priority === undefined ? {} : { priority: flags.priority }),
            expiresAt: flags.expires === undefined ? null : parseExpiry(flags.expires, Date.now()),
            limits: limitsOf(flags),
          },
          operator,
        );
        if (flags.json) return print(JSON.stringify({ key: key.key, ...viewKey(key) }));
        print(key.key);
        remark(`Key ${key.id} of "${key.username}" may: ${key.scopes.join(', ')}. It is shown this once.`);
      }),
    );

  databaseCommand(keys, 'list', 'List the API keys, without their secrets.').action((flags: Flags) =>
    withAccounts(flags, async (accounts) => {
      const all = await accounts.keys.list(operator);
      if (flags.json) return print(JSON.stringify(all.map(viewKey)));
      printTable(
        ['ID', 'USER', 'SCOPES', 'PRIORITY', 'LIMITS', 'NAME', 'EXPIRES', 'LAST USED', 'REVOKED'],
        all.map((key) => [
          key.id,
          key.username,
          key.scopes.join(','),
          key.priority,
          describe(key.limits),
          key.name ?? '-',
          timeOrDash(key.expiresAt),
          timeOrDash(key.lastUsedAt),
          timeOrDash(key.revokedAt),
        ]),
      );
    }),
  );

  databaseCommand(keys, 'revoke', 'End an API key for good.')
    .argument('<id>', 'the 16 digits after vtr_')
    .action((id: string, flags: Flags) =>
      withAccounts(flags, async (accounts) => {
        await accounts.keys.revoke(id, operator);
        report(flags, { id, revoked: true }, `Key ${id} is revoked.`);
      }),
    );

  databaseCommand(
    keys,
    'rotate-secret',
    'Sign access tokens with a new secret; tokens signed before live out their time.',
  ).action((flags: Flags) =>
    withAccounts(flags, async (accounts) => {
      await accounts.rotateSecret(operator);
      report(flags, { rotated: true }, 'Access tokens are signed with a new secret within a minute.');
    }),
  );
}

/** @throws VitrinaError `limit-invalid` */
function limitsOf({ monthly, daily, rate }: CreateFlags): Limits {
  // What is no number is refused with all that is no whole one.
  const count = (text: string | undefined) => (text === undefined ? null : Number(text));
  return { monthly: count(monthly), daily: count(daily), rate: rate === undefined ? null : parseRate(rate) };
}

function describe({ monthly, daily, rate }: Limits): string {
  const parts = [
    ...(monthly === null ? [] : [`${monthly}/month`]),
    ...(daily === null ? [] : [`${daily}/day`]),
    ...(rate === null ? [] : [`${rate.requests}/${rate.seconds}s`]),
  ];
  return parts.length === 0 ? '-' : parts.join(',');
}
