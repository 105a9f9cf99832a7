import { VitrinaError } from '../../errors.js';
import type { Storage } from '../../storage/storage.js';
import { parsePriority } from '../batching/priority.js';
import { checkLimits, type Limits, unlimited } from '../quotas/limits.js';
import { Quotas } from '../quotas/quotas.js';
import { noSiblings, type Siblings } from '../siblings.js';
import { AccessTokens, invalidToken } from './access-tokens.js';
import { partyOf } from './addresses.js';
import { type ApiKey, KeyStore, type NewApiKey } from './api-keys.js';
import { type AuditEntry, AuditLog } from './audit-log.js';
import { Authentication, type Credentials, type Login } from './authentication.js';
import type { Recollection } from './credential-cache.js';
import { type LoginThrottle, MemoryLoginThrottle } from './login-throttle.js';
import { checkPassword, checkPasswordHash, PasswordHasher } from './passwords.js';
import { type Actor, demandScope, operator, type Principal } from './principal.js';
import { type NewProfile, type Profile, ProfileStore } from './profiles.js';
import { type AppScope, type PlatformScope, parseRole, type Role, ScopeTable } from './scopes.js';
import { type AccountSettings, defaultAccountSettings } from './settings.js';
import { givenKeys, rotateSecret, storedKeys } from './signing-keys.js';
import { BucketTable } from './token-buckets.js';
import { toUser, type User, type UserRow, UserStore } from './users.js';

export interface NewUser {
  readonly username: string;
  /** `null`: no password opens the account until one is set. */
  readonly password: string | null;
  readonly role?: Role;
  /** Who the user is beyond the name, where an app asks for it. */
  readonly profile?: NewProfile;
  /** Fewest characters of the password, where an app has a rule of its own. */
  readonly passwordMinimum?: number;
}

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

/** The user that the first start makes. */
const ADMIN = 'admin';
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
  readonly scopes: ScopeTable;
  /** Counts what keys and apps' users may use. */
  readonly quotas: Quotas;
  readonly #storage: Storage;
  readonly #clock: () => number;
  readonly #settings: AccountSettings;
  readonly #hasher: PasswordHasher;
  readonly #users: UserStore;
  readonly #keys: KeyStore;
  readonly #profiles: ProfileStore;
  readonly #audit: AuditLog;
  readonly #authentication: Authentication;
  readonly #registrations: BucketTable;

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
    this.#hasher = new PasswordHasher(settings);
    this.#users = new UserStore(storage.db, clock);
    this.#keys = new KeyStore(storage.db, clock, scopes);
    this.#profiles = new ProfileStore(storage.db);
    this.#audit = new AuditLog(storage.db, clock);
    this.#authentication = new Authentication({ ...parts, hasher: this.#hasher, keys: this.#keys });
    this.#registrations = new BucketTable(settings.registrations, settings.throttle.entries);
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

  /** Ends every login of a user; keys stay. @throws VitrinaError `forbidden`, `user-unknown` */
  async revokeLogins(id: number, actor: Actor): Promise<void> {
    await this.#findFor(id, actor);
    await this.#actOn(id, actor, 'user.revoke-logins', {}, (users, row) => users.endLogins(row.id));
  }

  /**
   * Sets one's own password; every login but the keys ends.
   *
   * @throws VitrinaError `login-needed`, `password-wrong`, `password-invalid`, `login-throttled`, `login-busy`
   */
  async changePassword(
    { userId, username, family, ...rest }: Principal,
    change: { current: string; next: string; address: string },
  ): Promise<void> {
    if (family === null) throw new VitrinaError('login-needed', {});
    checkPassword(change.next, this.#settings.passwordMinimum);
    try {
      await this.#authentication.compare({ username, password: change.current, address: change.address });
    } catch (error) {
      if (error instanceof VitrinaError && error.code === 'login-failed') throw new VitrinaError('password-wrong', {});
      throw error;
    }
    const hash = await this.#hasher.hash(change.next);
    const actor = { userId, username, family, ...rest };
    await this.#act(actor, 'user.password', `user:${userId}`, {}, async (users) => {
      // Whoever reset the password, or ended the logins, while the old one was compared has the last word.
      if (!(await users.holdLogin(userId, family))) throw invalidToken('revoked');
      await users.setPasswordHash(userId, hash);
    });
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

  // --- users -------------------------------------------------------------------------------------------------

  /**
   * Open registration: anybody makes a user with the role `user`.
   *
   * @param user.address the client's address: so many registrations at once, and no more
   * @throws VitrinaError `registration-throttled`, and those of `createUser`
   */
  async register(user: Omit<NewUser, 'role'> & { readonly address?: string }): Promise<User> {
    const { address, ...made } = user;
    if (address !== undefined) {
      const now = this.#clock();
      const party = partyOf(address);
      const wait = this.#registrations.wait(party, now);
      if (wait > 0) {
        const retryAfter = Math.ceil(wait / 1000);
        const headers = { 'Retry-After': String(retryAfter) };
        throw new VitrinaError('registration-throttled', { retryAfter }, { headers });
      }
      this.#registrations.take(party, now);
    }
    return this.#create(made, operator, 'user.register');
  }

  /**
   * @throws VitrinaError `forbidden`, `username-invalid`, `username-taken`, `email-taken`, `document-taken`,
   *   `password-invalid`, `role-unknown`, `login-busy`
   */
  createUser(user: NewUser, actor: Actor): Promise<User> {
    return this.#create(user, actor, 'user.create');
  }

  async #create(user: NewUser, actor: Actor, action: string): Promise<User> {
    const role = parseRole(user.role ?? 'user');
    demandOver(actor, 'users', role);
    const { passwordMinimum = this.#settings.passwordMinimum } = user;
    if (user.password !== null) checkPassword(user.password, passwordMinimum);
    // Before the costly hash; the insertion has the last word.
    if (await this.#users.byName(user.username)) throw new VitrinaError('username-taken', { username: user.username });
    if (user.profile !== undefined) await this.#profiles.refuseTaken(user.profile);
    const passwordHash = user.password === null ? null : await this.#hasher.hash(user.password);
    return this.#insert({ username: user.username, passwordHash, role }, user.profile, actor, action);
  }

  #insert(
    user: { username: string; passwordHash: string | null; role: Role },
    profile: NewProfile | undefined,
    actor: Actor,
    action: string,
  ): Promise<User> {
    return this.#storage.db.transaction().execute(async (transaction) => {
      const row = await new UserStore(transaction, this.#clock).insert(user);
      if (profile !== undefined) await new ProfileStore(transaction).insert(row.id, profile);
      const details = { username: row.username, role: row.role };
      // Who registers is nobody before it.
      const who = action === 'user.register' ? { userId: row.id, username: row.username, keyId: null } : actor;
      await this.#audit.record({ actor: who, action, subject: `user:${row.id}`, details }, transaction);
      return toUser(row);
    });
  }

  /**
   * Takes a user over from elsewhere with the hash of a password nobody here knows: argon2id, or bcrypt, which the
   * first login replaces.
   *
   * @throws VitrinaError `forbidden`, `username-invalid`, `username-taken`, `password-hash-invalid`, `role-unknown`
   */
  async importUser(user: { username: string; passwordHash: string; role?: Role }, actor: Actor): Promise<User> {
    const role = parseRole(user.role ?? 'user');
    demandOver(actor, 'users', role);
    checkPasswordHash(user.passwordHash);
    const { username, passwordHash } = user;
    return this.#insert({ username, passwordHash, role }, undefined, actor, 'user.import');
  }

  /** @throws VitrinaError `user-unknown` */
  async findUser(user: number | string): Promise<User> {
    return toUser(await this.#find(user));
  }

  /** Users by number, above `after`. @throws VitrinaError `forbidden` */
  async listUsers(actor: Actor, options: { after?: number; limit?: number } = {}): Promise<User[]> {
    demandScope(actor, 'users');
    return (await this.#users.list(options.after ?? 0, options.limit ?? 100)).map(toUser);
  }

  /** Who users are beyond their names, for those that have said so. @throws VitrinaError `forbidden` */
  async listProfiles(actor: Actor, options: { skip?: number; limit?: number } = {}): Promise<Profile[]> {
    demandScope(actor, 'users');
    return this.#profiles.list(options.skip ?? 0, options.limit ?? 100);
  }

  /** Nothing for a user without one. */
  profileOf(userId: number): Promise<Profile | undefined> {
    return this.#profiles.of(userId);
  }

  /** @throws VitrinaError `user-unknown` for a user without one, too */
  async findProfile(userId: number): Promise<Profile> {
    const profile = await this.profileOf(userId);
    if (profile === undefined) throw new VitrinaError('user-unknown', { user: String(userId) });
    return profile;
  }

  /**
   * Sets a password; every login ends, keys stay.
   *
   * @throws VitrinaError `forbidden`, `user-unknown`, `password-invalid`, `login-busy`
   */
  async setPassword(id: number, password: string, actor: Actor): Promise<void> {
    await this.#findFor(id, actor);
    checkPassword(password, this.#settings.passwordMinimum);
    const hash = await this.#hasher.hash(password);
    await this.#actOn(id, actor, 'user.password', {}, (users, row) => users.setPasswordHash(row.id, hash));
  }

  /**
   * Gives a user another role. Nobody makes or unmakes an admin who is none.
   *
   * @throws VitrinaError `forbidden`, `user-unknown`, `role-unknown`, `last-admin`
   */
  async setRole(id: number, text: string, actor: Actor): Promise<void> {
    const { role: from } = await this.#findFor(id, actor);
    const role = parseRole(text);
    demandOver(actor, 'users', role);
    await this.#actOn(id, actor, 'user.role', { from, to: role }, (users, row) => users.setRole(row, role));
  }

  /**
   * Closes an account, keys and tokens included, or opens it again.
   *
   * @throws VitrinaError `forbidden`, `user-unknown`, `last-admin`
   */
  async setDisabled(id: number, disabled: boolean, actor: Actor): Promise<void> {
    await this.#findFor(id, actor);
    await this.#actOn(id, actor, disabled ? 'user.disable' : 'user.enable', {}, (users, row) =>
      users.setDisabled(row, disabled),
    );
  }

  /**
   * Removes a user and the user's keys.
   *
   * @throws VitrinaError `forbidden`, `user-unknown`, `last-admin`
   */
  async deleteUser(id: number, actor: Actor): Promise<void> {
    const { username } = await this.#findFor(id, actor);
    await this.#actOn(id, actor, 'user.delete', { username }, (users, row) => users.delete(row));
  }

  /**
   * `#act` on a user whom the actor may administer: asked again in the transaction, since a password takes its time to
   * be hashed, and the user may have become an admin meanwhile.
   */
  #actOn(
    id: number,
    actor: Actor,
    action: string,
    details: Readonly<Record<string, unknown>>,
    act: (users: UserStore, row: UserRow) => Promise<void>,
  ): Promise<void> {
    return this.#act(actor, action, `user:${id}`, details, async (users) => {
      let row = await users.byId(id);
      // Admins are locked where it matters, all of them in one order: two who end each other must not wait for each other.
      if (row !== undefined && row.role !== 'admin') row = await users.hold(id);
      if (row === undefined) throw new VitrinaError('user-unknown', { user: String(id) });
      demandOver(actor, 'users', row.role);
      await act(users, row);
    });
  }

  /** Does something to a user and records it, both or neither; what is remembered of anybody's rights ends. */
  async #act(
    actor: Actor,
    action: string,
    subject: string,
    details: Readonly<Record<string, unknown>>,
    act: (users: UserStore) => Promise<void>,
  ): Promise<void> {
    await this.#storage.db.transaction().execute(async (transaction) => {
      await act(new UserStore(transaction, this.#clock));
      await this.#audit.record({ actor, action, subject, details }, transaction);
    });
    await this.#authentication.forget();
  }

  // --- keys --------------------------------------------------------------------------------------------------

  /**
   * Makes an API key. Its text is in the answer and nowhere else, ever.
   *
   * The priority `high` goes before everybody else's requests, hence needs the scope `admin`.
   *
   * @throws VitrinaError `forbidden`, `user-unknown`, `scope-unknown`, `scope-beyond-role`, `priority-unknown`,
   *   `expiry-invalid`, `key-name-invalid`, `limit-invalid`
   */
  async createKey(key: NewKey, actor: Actor): Promise<NewApiKey> {
    demandScope(actor, 'keys');
    const scopes = key.scopes === undefined ? this.scopes.defaults : this.scopes.parse(key.scopes);
    for (const scope of scopes) demandScope(actor, scope);
    const priority = parsePriority(key.priority ?? 'normal');
    if (priority === 'high') demandScope(actor, 'admin');
    const { name = null, expiresAt = null, limits = unlimited } = key;
    checkLimits(limits);
    const user = await this.#find(key.userId);
    demandOver(actor, 'keys', user.role);
    return this.#storage.db.transaction().execute(async (transaction) => {
      const keys = new KeyStore(transaction, this.#clock, this.scopes);
      const made = await keys.insert(user, { name, scopes, priority, expiresAt, limits });
      const details = { userId: user.id, scopes, priority };
      await this.#audit.record({ actor, action: 'key.create', subject: `key:${made.id}`, details }, transaction);
      return made;
    });
  }

  /** @throws VitrinaError `forbidden` */
  async listKeys(actor: Actor, userId?: number): Promise<ApiKey[]> {
    demandScope(actor, 'keys');
    return this.#keys.list(userId);
  }

  /** @throws VitrinaError `forbidden`, `key-unknown` */
  async revokeKey(id: string, actor: Actor): Promise<void> {
    demandScope(actor, 'keys');
    const key = await this.#keys.byId(id);
    demandOver(actor, 'keys', (await this.#find(key.userId)).role);
    await this.#storage.db.transaction().execute(async (transaction) => {
      await new KeyStore(transaction, this.#clock, this.scopes).revoke(id);
      await this.#audit.record({ actor, action: 'key.revoke', subject: `key:${id}` }, transaction);
    });
    await this.#authentication.forget();
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

  /** The user `admin`, made without a password when there is none by that name. */
  async ensureAdmin(): Promise<User> {
    return toUser(await ensureAdmin(this.#users));
  }

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

  /** @throws VitrinaError `user-unknown` */
  async #find(user: number | string): Promise<UserRow> {
    const row = await (typeof user === 'number' ? this.#users.byId(user) : this.#users.byName(user));
    if (row === undefined) {
      throw new VitrinaError('user-unknown', { user: typeof user === 'number' ? String(user) : `"${user}"` });
    }
    return row;
  }

  /** The user, if the actor may administer that one. Without the scope nobody learns which users exist. */
  async #findFor(id: number, actor: Actor): Promise<UserRow> {
    demandScope(actor, 'users');
    const row = await this.#find(id);
    demandOver(actor, 'users', row.role);
    return row;
  }
}

async function ensureAdmin(users: UserStore): Promise<UserRow> {
  const existing = await users.byName(ADMIN);
  if (existing !== undefined) return existing;
  try {
    return await users.insert({ username: ADMIN, passwordHash: null, role: 'admin' });
  } catch (error) {
    const made = await users.byName(ADMIN);
    if (made === undefined) throw error;
    return made;
  }
}

/** An act on a user of `role` needs `scope`, and `admin` where that user is an admin. */
function demandOver(actor: Actor, scope: PlatformScope & ('users' | 'keys'), role: Role): void {
  demandScope(actor, scope);
  if (role === 'admin') demandScope(actor, 'admin');
}
