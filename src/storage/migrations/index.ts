import type { Migration } from 'kysely';
import { accounts } from './001-accounts.js';
import { keyPriorities } from './002-key-priorities.js';
import type { Ddl } from './ddl.js';

/**
 * Every migration, oldest first. One file each, named `NNN-name.ts`; a released one is never edited.
 *
 * Listed by hand and not found by scanning a folder: what runs is what was compiled.
 */
export const migrations = (ddl: Ddl): Record<string, Migration> => ({
  '001-accounts': accounts(ddl),
  '002-key-priorities': keyPriorities,
});
