import { VitrinaError } from '../../errors.js';
import type { Storage } from '../../storage/storage.js';
import { unlimited } from '../quotas/limits.js';
import { Quotas } from '../quotas/quotas.js';
import { noSiblings, type Siblings } from '../siblings.js';
import { AccessTokens } from './access-tokens.js';
import { KeyStore, type NewApiKey } from './api-keys.js';
import { type AuditEntry, AuditLog } from './audit-log.js';
import { Authentication, type Credentials, type Login } from './authentication.js';
import type { Recollection } from './credential-cache.js';
import { KeyAdministration } from './key-administration.js';
import { type LoginThrottle, MemoryLoginThrottle } from './login-throttle.js';
import { PasswordHasher } from './passwords.js';
import { type Actor, demandScope, operator, type Principal } from './principal.js';
import { type AppScope, ScopeTable } from './scopes.js';
import { type AccountSettings, defaultAccountSettings } from './settings.js';
import { givenKeys, rotateSecret, storedKeys } from './signing-keys.js';
import { ensureAdmin, UserAdministration } from './user-administration.js';
import { type User, UserStore } from './users.js';

const FIRST_KEY = 'first-key';

/** @param clock epoch milliseconds */
export async function createAccounts(options: {
  storage: Storage;
  clock?: () => number;
  settings?: Partial<AccountSettings>;
  /** Scopes of apps, by their names. */
  scopes?: Readonly<Record<string, AppScope>>;
  throttle?: LoginThrottle;
  siblings?: Siblings;
}): Promise<Accounts> {
  const { storage, clock = Date.now, siblings = noSiblings } = options;
  const settings = Object.freeze({ ...defaultAccountSettings, ...options.settings });
  const { jwtSecret, jwtOldSecrets, token } = settings;
  const given = jwtSecret === undefined ? undefined : givenKeys([jwtSecret, ...jwtOldSecrets]);
  const load = async () => given ?? (await storedKeys(storage, clock()));
  const tokens = await AccessTokens.create(load, token, clock());
  const throttle = options.throttle ?? new MemoryLoginThrottle(settings.throttle, clock);
  const quotas = new Quotas(storage, settings.timeZone, clock);
  const scopes = new ScopeTable(options.scopes);
  return new Accounts({ storage, clock, settings, scopes, tokens, throttle, quotas, siblings });
}

/**
 * Users, logins, tokens and keys: one service for every door.
 *
 * Administrative acts take the actor in whose name they are done; `operator` is the program itself. Two rules hold
 * whatever the route: nobody grants more than the actor has, and whoever touches an admin or an admin's key needs
 * the scope `admin`. Every one of them is recorded in the audit log, in the transaction that does it.
 */
export class Accounts {
  readonly users: UserAdministration;
  readonly keys: KeyAdministration;
  readonly scopes: ScopeTable;
  /** Counts what keys and apps' users may use. */
  readonly quotas: Quotas;
  readonly #storage: Storage;
  readonly #clock: () => number;
  readonly #settings: AccountSettings;
  readonly #audit: AuditLog;
  readonly #authentication: Authentication;

  /** Use `createAccounts`. */
  constructor(parts: {
    storage: Storage;
    clock: () => number;
    settings: AccountSettings;
    scopes: ScopeTable;
    tokens: AccessTokens;
    throttle: LoginThrottle;
    quotas: Quotas;
    siblings: Siblings;
  }) {
    const { storage, clock, settings, scopes } = parts;
    this.scopes = scopes;
    this.quotas = parts.quotas;
    this.#storage = storage;
    this.#clock = clock;
    this.#settings = settings;
    this.#audit = new AuditLog(storage.db, clock);
    const hasher = new PasswordHasher(settings);
    const keys = new KeyStore(storage.db, clock, scopes);
    this.#authentication = new Authentication({ ...parts, hasher, keys });
    const administration = { ...parts, hasher, audit: this.#audit, authentication: this.#authentication };
    this.users = new UserAdministration(administration);
    this.keys = new KeyAdministration(administration);
  }

  /** Tells the database what it has not taken yet. The database stays open. */
  close(): Promise<void> {
    return this.quotas.close();
  }

  // --- who is it ---------------------------------------------------------------------------------------------

  /** The principal of a key or token verified within the last seconds: no waiting, about 2 µs. */
  recall(credential: string): Recollection | undefined {
    return this.#authentication.recall(credential);
  }

  /** Whether what `recall` gave still holds: a comparison of two numbers, in place of a hash. */
  isFresh(recollection: Recollection): boolean {
    return this.#authentication.isFresh(recollection);
  }

  /**
   * The principal of a key or token.
   *
   * What this server revokes, disables or deletes, in whichever of its processes, ends at once; what another program
   * does to the database (the command line, a server of its own) ends here within `credentialLifetime` (5 s).
   *
   * @throws VitrinaError `token-invalid`
   */
  authenticate(credential: string): Promise<Principal> {
    return this.#authentication.authenticate(credential);
  }

  /**
   * Who asked for work that goes on without them: their rights as they are now.
   *
   * @throws VitrinaError `token-invalid` where the key or the user is gone
   */
  standIn(userId: number, keyId: string | null): Promise<Principal> {
    return this.#authentication.standIn(userId, keyId);
  }

  /**
   * Counts a request of a key with a rate limit; nothing for all others.
   *
   * @throws VitrinaError `rate-exceeded` (429 with `Retry-After`)
   */
  pass(principal: Principal): Promise<void> | undefined {
    return this.#authentication.pass(principal);
  }

  // --- logging in --------------------------------------------------------------------------------------------

  /**
   * Compares a password and issues a pair of tokens. Takes the same time, and says the same, whether the user is
   * unknown, disabled, without a password, or the password is wrong.
   *
   * @throws VitrinaError `login-failed`, `login-throttled` (429), `login-busy` (503), both with `Retry-After`;
   *   `scope-unknown`, `scope-beyond-role`
   */
  login(credentials: Credentials): Promise<Login & { readonly user: User }> {
    return this.#authentication.login(credentials);
  }

  /**
   * Spends a refresh token for the next pair. One that is shown a second time ends the whole login.
   *
   * @throws VitrinaError `token-invalid`
   */
  refresh(refreshToken: string): Promise<Login> {
    return this.#authentication.refresh(refreshToken);
  }

  /** Ends the login that a token goes back to. @throws VitrinaError `login-needed` with an API key */
  async logout({ family }: Principal): Promise<void> {
    if (family === null) throw new VitrinaError('login-needed', {});
    await this.#authentication.families.revoke(family);
    await this.#authentication.forget();
  }

  /**
   * Makes a new secret that signs access tokens; those signed with the old one stay valid for as long as they live.
   *
   * @throws VitrinaError `forbidden`, `secret-given` where the operator has set the secret
   */
  async rotateSecret(actor: Actor): Promise<void> {
    demandScope(actor, 'admin');
    if (this.#settings.jwtSecret !== undefined) throw new VitrinaError('secret-given', {});
    await this.#storage.db.transaction().execute(async (transaction) => {
      await rotateSecret(transaction, this.#clock(), this.#settings.token.lifetime * 1000);
      await this.#audit.record({ actor, action: 'secret.rotate', subject: 'jwt-secret' }, transaction);
    });
  }

  // --- what was done -----------------------------------------------------------------------------------------

  /** Records an administrative act on something other than accounts. */
  async record(actor: Actor, action: string, subject: string, details?: Readonly<Record<string, unknown>>) {
    await this.#audit.record({ actor, action, subject, ...(details === undefined ? {} : { details }) });
  }

  /**
   * Whose usage somebody may see: the number of a user, or `undefined` for everybody's.
   *
   * @param asked a user's number, `all`, or one's own when nothing is asked
   * @throws VitrinaError `forbidden`
   */
  usersToReport(actor: Principal, asked: string | undefined): number | undefined {
    if (asked === undefined || asked === String(actor.userId)) return actor.userId;
    demandScope(actor, 'users');
    return asked === 'all' ? undefined : Number(asked);
  }

  /** Administrative acts, the newest first. @throws VitrinaError `forbidden` */
  async listAudit(actor: Actor, page: { before?: number; limit: number }): Promise<AuditEntry[]> {
    demandScope(actor, 'admin');
    return this.#audit.list(page);
  }

  // --- first start -------------------------------------------------------------------------------------------

  /**
   * At the first start on a database: makes the user `admin` (no password opens it) and a key that may do everything,
   * to be shown once. At every later start, and to all but one of several processes: `null`.
   */
  async bootstrap(): Promise<NewApiKey | null> {
    const first = await this.#storage.db.selectFrom('settings').select('name').where('name', '=', FIRST_KEY).execute();
    if (first.length > 0) return null;
    return this.#storage.db.transaction().execute(async (transaction) => {
      const claimed = await transaction
        .insertInto('settings')
        .values({ name: FIRST_KEY, value: 'issued', created_at: this.#clock() })
        .onConflict((conflict) => conflict.column('name').doNothing())
        .returning('name')
        .executeTakeFirst();
      if (claimed === undefined) return null;
      const admin = await ensureAdmin(new UserStore(transaction, this.#clock));
      // A user `admin` whom the operator made without the role keeps to that.
      if (admin.role !== 'admin') return null;
      const keys = new KeyStore(transaction, this.#clock, this.scopes);
      const scopes = this.scopes.of('admin');
      const key = { name: 'first start', scopes, priority: 'normal' as const, expiresAt: null, limits: unlimited };
      const made = await keys.insert(admin, key);
      await this.#audit.record(
        { actor: operator, action: 'key.create', subject: `key:${made.id}`, details: { name: key.name } },
        transaction,
      );
      return made;
    });
  }
}
