import type { Storage } from '../../storage/storage.js';
import type { AuditLog } from './audit-log.js';
import type { Authentication } from './authentication.js';
import type { PasswordHasher } from './passwords.js';
import { type Actor, demandScope } from './principal.js';
import type { PlatformScope, Role, ScopeTable } from './scopes.js';
import type { AccountSettings } from './settings.js';

/** What users and keys are administered with. */
export interface AdministrationParts {
  readonly storage: Storage;
  /** Epoch milliseconds. */
  readonly clock: () => number;
  readonly settings: AccountSettings;
  readonly scopes: ScopeTable;
  readonly hasher: PasswordHasher;
  readonly audit: AuditLog;
  readonly authentication: Authentication;
}

/** An act on a user of `role` needs `scope`, and `admin` where that user is an admin. */
export function demandOver(actor: Actor, scope: PlatformScope & ('users' | 'keys'), role: Role): void {
  demandScope(actor, scope);
  if (role === 'admin') demandScope(actor, 'admin');
}
