import type { Command } from 'commander';
import { environments } from '../apps/environments.js';
import { appScopes } from '../apps/scopes.js';
import { type Config, resolveConfig } from '../config.js';
import { type Accounts, createAccounts } from '../services/accounts/index.js';
import { databaseOptions, openDatabase, type Storage } from '../storage/index.js';

/** Which database a command is about; the environment and `vitrina.yaml` say it where no flag does. */
export interface DatabaseFlags {
  readonly data?: string;
  readonly databaseUrl?: string;
  readonly json?: true;
}

/** Runs `act` on the accounts of a database; a server may be running on the same one. */
export async function withAccounts(
  flags: DatabaseFlags,
  act: (accounts: Accounts, storage: Storage) => Promise<void>,
): Promise<void> {
  await withStorage(flags, async (storage, config) => {
    const settings = { passwordMinimum: config['min-password-length'], timeZone: config['time-zone'] };
    await act(await createAccounts({ storage, settings, scopes: appScopes }), storage);
  });
}

/** Runs `act` on a database, which a server may use at the same time. */
export async function withStorage(
  flags: DatabaseFlags,
  act: (storage: Storage, config: Config) => Promise<void>,
): Promise<void> {
  const config = configOf(flags);
  const storage = await openDatabase(databaseOptions(config, stderrLog));
  try {
    await act(storage, config);
  } finally {
    await storage.close();
  }
}

export function configOf({ data, databaseUrl }: DatabaseFlags): Config {
  const flags = {
    ...(data === undefined ? {} : { data }),
    ...(databaseUrl === undefined ? {} : { 'database-url': databaseUrl }),
  };
  return resolveConfig({ flags, env: process.env, folder: process.cwd(), environments, databaseAlone: true });
}

/** A command that waits for its database says so. */
export const stderrLog = { warn: remark };

const dataOption = ['--data <folder>', 'folder of the database (default ./data)'] as const;
const databaseOption = ['--database-url <url>', 'a PostgreSQL, in place of the folder'] as const;
const jsonOption = ['--json', 'print JSON'] as const;

/** A command on a database: with what `DatabaseFlags` says. */
export function databaseCommand(parent: Command, name: string, description: string): Command {
  return parent
    .command(name)
    .description(description)
    .option(...dataOption)
    .option(...databaseOption)
    .option(...jsonOption)
    .exitOverride();
}

/** What was done: for programs where they ask for it, else in a sentence for people. */
export function report(flags: DatabaseFlags, json: unknown, sentence: string): void {
  if (flags.json) print(JSON.stringify(json));
  else remark(sentence);
}

export function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

/** For people at a terminal: what a pipe should not carry along. */
export function remark(text: string): void {
  process.stderr.write(`${text}\n`);
}

/** Columns of equal width, two spaces apart. */
export function printTable(head: readonly string[], rows: readonly (readonly string[])[]): void {
  const widths = head.map((title, column) => Math.max(title.length, ...rows.map((row) => row[column]!.length)));
  for (const row of [head, ...rows]) {
    print(
      row
        .map((cell, column) => cell.padEnd(widths[column]!))
        .join('  ')
        .trimEnd(),
    );
  }
}

export const timeOrDash = (milliseconds: number | null): string =>
  milliseconds === null ? '-' : new Date(milliseconds).toISOString().slice(0, 19).concat('Z');
