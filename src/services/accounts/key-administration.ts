import { VitrinaError } from '../../errors.js';
import { parsePriority } from '../batching/priority.js';
import { checkLimits, type Limits, unlimited } from '../quotas/limits.js';
import { type AdministrationParts, demandOver } from './administration.js';
import { type ApiKey, KeyStore, type NewApiKey } from './api-keys.js';
import { type Actor, demandScope } from './principal.js';
import { type UserRow, UserStore } from './users.js';

export interface NewKey {
  /** The user whose rights the key carries, by number. */
  readonly userId: number;
  /** A note for people. */
  readonly name?: string | null;
  /** By default what a user may do: predict, and read models. */
  readonly scopes?: readonly string[];
  /** `high`, `normal` (the default) or `low`. */
  readonly priority?: string;
  /** Epoch milliseconds; `null`: until it is revoked. */
  readonly expiresAt?: number | null;
  /** What it may use; without limits unless given. */
  readonly limits?: Limits;
}

/** API keys: creating, listing, ending. */
export class KeyAdministration {
  readonly #parts: AdministrationParts;
  readonly #keys: KeyStore;
  readonly #users: UserStore;

  constructor(parts: AdministrationParts) {
    this.#parts = parts;
    this.#keys = new KeyStore(parts.storage.db, parts.clock, parts.scopes);
    this.#users = new UserStore(parts.storage.db, parts.clock);
  }

  /**
   * Makes an API key. Its text is in the answer and nowhere else, ever.
   *
   * The priority `high` goes before everybody else's requests, hence needs the scope `admin`.
   *
   * @throws VitrinaError `forbidden`, `user-unknown`, `scope-unknown`, `scope-beyond-role`, `priority-unknown`,
   *   `expiry-invalid`, `key-name-invalid`, `limit-invalid`
   */
  async create(key: NewKey, actor: Actor): Promise<NewApiKey> {
    demandScope(actor, 'keys');
    const scopes = key.scopes === undefined ? this.#parts.scopes.defaults : this.#parts.scopes.parse(key.scopes);
    for (const scope of scopes) demandScope(actor, scope);
    const priority = parsePriority(key.priority ?? 'normal');
    if (priority === 'high') demandScope(actor, 'admin');
    const { name = null, expiresAt = null, limits = unlimited } = key;
    checkLimits(limits);
    const user = await this.#ownerOf(key);
    demandOver(actor, 'keys', user.role);
    return this.#parts.storage.db.transaction().execute(async (transaction) => {
      const keys = new KeyStore(transaction, this.#parts.clock, this.#parts.scopes);
      const made = await keys.insert(user, { name, scopes, priority, expiresAt, limits });
      const details = { userId: user.id, scopes, priority };
      await this.#parts.audit.record({ actor, action: 'key.create', subject: `key:${made.id}`, details }, transaction);
      return made;
    });
  }

  /** @throws VitrinaError `forbidden` */
  async list(actor: Actor, userId?: number): Promise<ApiKey[]> {
    demandScope(actor, 'keys');
    return this.#keys.list(userId);
  }

  /** @throws VitrinaError `forbidden`, `key-unknown` */
  async revoke(id: string, actor: Actor): Promise<void> {
    demandScope(actor, 'keys');
    const key = await this.#keys.byId(id);
    demandOver(actor, 'keys', (await this.#ownerOf(key)).role);
    await this.#parts.storage.db.transaction().execute(async (transaction) => {
      await new KeyStore(transaction, this.#parts.clock, this.#parts.scopes).revoke(id);
      await this.#parts.audit.record({ actor, action: 'key.revoke', subject: `key:${id}` }, transaction);
    });
    await this.#parts.authentication.forget();
  }

  /** @throws VitrinaError `user-unknown` */
  async #ownerOf({ userId }: { readonly userId: number }): Promise<UserRow> {
    const row = await this.#users.byId(userId);
    if (row === undefined) throw new VitrinaError('user-unknown', { user: String(userId) });
    return row;
  }
}
