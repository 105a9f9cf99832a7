/**
 * Before the first test: one PostgreSQL for the whole run, or the one that `VITRINA_TEST_DATABASE_URL` names (as a user
 * who may create databases). A server that does not start fails the run: no test of it is skipped.
 */
import { randomBytes } from 'node:crypto';
import pg from 'pg';
import type { TestProject } from 'vitest/node';
import { PostgresServer } from './postgres-server.js';

declare module 'vitest' {
  interface ProvidedContext {
    /** A server, and a name that no other run on it has. */
    postgres: { readonly url: string; readonly run: string };
  }
}

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const run = randomBytes(4).toString('hex');
  const given = process.env.VITRINA_TEST_DATABASE_URL;
  if (given !== undefined && given !== '') {
    project.provide('postgres', { url: given, run });
    return () => removeDatabases(given, run);
  }
  const server = await PostgresServer.create();
  project.provide('postgres', { url: server.url(), run });
  return () => server.stop();
}

async function removeDatabases(url: string, run: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  const { rows } = await client.query('select datname from pg_database where datname like $1', [
    `vitrina\\_${run}\\_%`,
  ]);
  for (const { datname } of rows) await client.query(`drop database "${datname}" with (force)`);
  await client.end();
}
