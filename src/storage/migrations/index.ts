import type { Migration } from 'kysely';
import { accounts } from './001-accounts.js';
import { keyPriorities } from './002-key-priorities.js';
import { tokensAndAudit } from './003-tokens-and-audit.js';
import { quotas } from './004-quotas.js';
import { spam } from './005-spam.js';
import { events } from './006-events.js';
import { jobs } from './007-jobs.js';
import { eventRevisions } from './008-event-revisions.js';
import type { Ddl } from './ddl.js';

/**
 * Every migration, oldest first. One file each, named `NNN-name.ts`; a released one is never edited.
 *
 * Listed by hand and not found by scanning a folder: what runs is what was compiled.
 */
export const migrations = (ddl: Ddl): Record<string, Migration> => ({
  '001-accounts': accounts(ddl),
  '002-key-priorities': keyPriorities,
  '003-tokens-and-audit': tokensAndAudit(ddl),
  '004-quotas': quotas(ddl),
  '005-spam': spam(ddl),
  '006-events': events(ddl),
  '007-jobs': jobs(ddl),
  '008-event-revisions': eventRevisions(ddl),
});
