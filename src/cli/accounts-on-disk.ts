import { join } from 'node:path';
import { environments } from '../apps/environments.js';
import { apps, scopesOf } from '../apps/index.js';
import { resolveConfig } from '../config.js';
import { type Accounts, createAccounts } from '../services/accounts/index.js';
import { openDatabase, type Storage } from '../storage/index.js';

/** Runs `act` on the accounts of a data folder; a server may be running on the same folder. */
export async function withAccounts(
  data: string | undefined,
  act: (accounts: Accounts, storage: Storage) => Promise<void>,
): Promise<void> {
  const flags = data === undefined ? {} : { data };
  const config = resolveConfig({ flags, env: process.env, folder: process.cwd(), environments });
  const storage = await openDatabase({ path: join(config.data, 'vitrina.db') });
  try {
    const settings = { passwordMinimum: config['min-password-length'], timeZone: config['time-zone'] };
    await act(await createAccounts({ storage, settings, scopes: scopesOf(apps) }), storage);
  } finally {
    await storage.close();
  }
}

export const dataOption = ['--data <folder>', 'folder of the database (default ./data)'] as const;
export const jsonOption = ['--json', 'print JSON'] as const;

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
