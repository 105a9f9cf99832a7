import { VitrinaError } from '../../errors.js';
import type { Priority } from '../batching/priority.js';
import type { Limits } from '../quotas/limits.js';
import type { Role, Scope } from './scopes.js';

/** Who a request comes from. Shared between requests, hence frozen. */
export interface Principal {
  readonly kind: 'key' | 'token';
  readonly userId: number;
  readonly username: string;
  readonly role: Role;
  /** What may be done: those of the role, for a key no more than the key's own. */
  readonly scopes: readonly Scope[];
  /** The public half of the API key; `null` for a token. */
  readonly keyId: string | null;
  /** How urgent the requests are: the key's own, `normal` with a token. */
  readonly priority: Priority;
  /** What the key may use; `null` where nothing limits it. */
  readonly limits: Limits | null;
  /** The login that a token goes back to; `null` for a key. */
  readonly family: string | null;
}

/** The program itself: the command line on the data folder, the first start. It may do everything. */
export const operator = 'operator';

/** In whose name an administrative act is done. */
export type Actor = Principal | typeof operator;

/** @throws VitrinaError `forbidden` */
export function demandScope(actor: Actor, scope: Scope): void {
  if (actor !== operator && !actor.scopes.includes(scope)) {
    throw new VitrinaError('forbidden', { need: scope, have: actor.scopes.join(' ') || 'none' });
  }
}
