import { VitrinaError } from '../../errors.js';
import type { Storage } from '../../storage/storage.js';
import { parsePriority } from '../batching/priority.js';
import { noSiblings, type Siblings } from '../siblings.js';
import { AccessTokens, invalidToken } from './access-tokens.js';
import { type ApiKey, digestOf, isApiKey, KeyStore, type NewApiKey } from './api-keys.js';
import { CredentialCache, type Recollection, type Verified } from './credential-cache.js';
import { type LoginThrottle, MemoryLoginThrottle } from './login-throttle.js';
import { checkPassword, checkPasswordHash, PASSWORD_MAXIMUM_BYTES, PasswordHasher } from './passwords.js';
import { type Actor, demandScope, operator, type Principal } from './principal.js';
import { defaultKeyScopes, parseRole, parseScopes, type Role, roleScopes } from './scopes.js';
import { type AccountSettings, defaultAccountSettings } from './settings.js';
import { signingSecret } from './signing-secret.js';
import { faultOfName, usernameKey } from './usernames.js';
import { toUser, type User, type UserRow, UserStore } from './users.js';

/** A login that succeeded. */
export interface Login {
  readonly accessToken: string;
  /** Epoch milliseconds. */
  readonly expiresAt: number;
  /** Seconds from now. */
  readonly expiresIn: number;
  readonly user: User;
}

export interface NewUser {
  readonly username: string;
  /** `null`: no password opens the account until one is set. */
  readonly password: string | null;
  readonly role?: Role;
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
}

/** The user that the first start makes. */
const ADMIN = 'admin';
const FIRST_KEY = 'first-key';
/** What the other processes of the server are told. */
const RIGHTS_CHANGED = 'rights-changed';

/** @param clock epoch milliseconds */
export async function createAccounts(options: {
  storage: Storage;
  clock?: () => number;
  settings?: Partial<AccountSettings>;
  throttle?: LoginThrottle;
  siblings?: Siblings;
}): Promise<Accounts> {
  const { storage, clock = Date.now, siblings = noSiblings } = options;
  const settings = Object.freeze({ ...defaultAccountSettings, ...options.settings });
  const secret = await signingSecret(storage, settings.jwtSecret, clock());
  const tokens = await AccessTokens.create(secret, settings.token);
  const throttle = options.throttle ?? new MemoryLoginThrottle(settings.throttle, clock);
  return new Accounts({ storage, clock, settings, tokens, throttle, siblings });
}

/**
 * Users, logins, tokens and keys: one service for every door.
 *
 * Administrative acts take the actor in whose name they are done; `operator` is the program itself. Two rules hold
 * whatever the route: nobody grants more than the actor has, and whoever touches an admin or an admin's key needs
 * the scope `admin`.
 */
export class Accounts {
  readonly #storage: Storage;
  readonly #clock: () => number;
  readonly #settings: AccountSettings;
  readonly #tokens: AccessTokens;
  readonly #throttle: LoginThrottle;
  readonly #hasher: PasswordHasher;
  readonly #users: UserStore;
  readonly #keys: KeyStore;
  readonly #cache: CredentialCache;
  readonly #siblings: Siblings;

  /** Use `createAccounts`. */
  constructor(parts: {
    storage: Storage;
    clock: () => number;
    settings: AccountSettings;
    tokens: AccessTokens;
    throttle: LoginThrottle;
    siblings: Siblings;
  }) {
    const { storage, clock, settings } = parts;
    this.#storage = storage;
    this.#clock = clock;
    this.#settings = settings;
    this.#tokens = parts.tokens;
    this.#throttle = parts.throttle;
    this.#hasher = new PasswordHasher(settings);
    this.#users = new UserStore(storage.db, clock);
    this.#keys = new KeyStore(storage.db, clock);
    this.#cache = new CredentialCache({ lifetime: settings.credentialLifetime, size: settings.credentialCount });
    this.#siblings = parts.siblings;
    this.#siblings.answer(RIGHTS_CHANGED, () => this.#cache.forget());
  }

  /** Somebody's rights have changed: what any process of this server remembers ends before the change is answered. */
  async #forget(): Promise<void> {
    this.#cache.forget();
    await this.#siblings.ask(RIGHTS_CHANGED);
  }

  // --- who is it ---------------------------------------------------------------------------------------------

  /** The principal of a key or token verified within the last seconds: no waiting, about 2 µs. */
  recall(credential: string): Recollection | undefined {
    return this.#cache.get(digestOf(credential), this.#clock());
  }

  /** Whether what `recall` gave still holds: a comparison of two numbers, in place of a hash. */
  isFresh(recollection: Recollection): boolean {
    return this.#cache.isFresh(recollection, this.#clock());
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
    const digest = digestOf(credential);
    const now = this.#clock();
    const recalled = this.#cache.get(digest, now);
    if (recalled !== undefined) return Promise.resolve(recalled.principal);
    return this.#cache.load(digest, now, () =>
      isApiKey(credential) ? this.#keys.verify(credential, digest) : this.#verifyToken(credential, now),
    );
  }

  async #verifyToken(token: string, now: number): Promise<Verified> {
    const claims = await this.#tokens.verify(token, now);
    const row = await this.#users.byId(claims.userId);
    // The name is compared too: with a secret of the operator's, tokens outlive a database that was made anew.
    if (row === undefined || row.username !== claims.username) throw invalidToken('revoked');
    if (row.disabled_at !== null || row.token_version !== claims.version) throw invalidToken('revoked');
    const principal: Principal = Object.freeze({
      kind: 'token',
      userId: row.id,
      username: row.username,
      role: row.role,
      scopes: roleScopes[row.role],
      keyId: null,
      priority: 'normal',
    });
    return { principal, expiresAt: claims.expiresAt };
  }

  // --- logging in --------------------------------------------------------------------------------------------

  /**
   * Compares a password and issues an access token. Takes the same time, and says the same, whether the user is
   * unknown, disabled, without a password, or the password is wrong.
   *
   * @param credentials.address the client's address, for the throttle
   * @throws VitrinaError `login-failed`, `login-throttled` (429), `login-busy` (503), both with `Retry-After`
   */
  async login(credentials: { username: string; password: string; address: string }): Promise<Login> {
    const { username, password, address } = credentials;
    // Such a name exists nowhere and such a password fits nobody, so that this answer tells nothing.
    if (faultOfName(username) !== undefined || Buffer.byteLength(password) > PASSWORD_MAXIMUM_BYTES) {
      throw loginFailed();
    }
    const admission = await this.#throttle.admit(usernameKey(username), address);
    let row: UserRow | undefined;
    let matches: boolean;
    try {
      row = await this.#users.byName(username);
      const hash = row === undefined || row.disabled_at !== null ? null : row.password_hash;
      matches = await this.#hasher.verify(hash, password, admission.known);
    } catch (error) {
      await admission.withdraw();
      throw error;
    }
    if (row === undefined || !matches) {
      await admission.failed();
      throw loginFailed();
    }
    await admission.succeeded();
    await this.#upgrade(row, password);
    const now = this.#clock();
    const claims = { username: row.username, userId: row.id, version: row.token_version };
    const { token, expiresAt } = await this.#tokens.issue(claims, now);
    return { accessToken: token, expiresAt, expiresIn: this.#settings.token.lifetime, user: toUser(row) };
  }

  async #upgrade(row: UserRow, password: string): Promise<void> {
    const old = row.password_hash;
    if (old === null || !this.#hasher.isOutdated(old, password)) return;
    try {
      await this.#users.upgradeHash(row.id, old, await this.#hasher.hash(password));
    } catch (error) {
      // The next login will do; this one is right either way.
      if (!(error instanceof VitrinaError)) throw error;
    }
  }

  // --- users -------------------------------------------------------------------------------------------------

  /**
   * Open registration: anybody makes a user with the role `user`.
   *
   * @throws VitrinaError `username-invalid`, `username-taken`, `password-invalid`, `login-busy`
   */
  register(user: { username: string; password: string }): Promise<User> {
    return this.createUser({ username: user.username, password: user.password }, operator);
  }

  /**
   * @throws VitrinaError `forbidden`, `username-invalid`, `username-taken`, `password-invalid`, `role-unknown`,
   *   `login-busy`
   */
  async createUser(user: NewUser, actor: Actor): Promise<User> {
    const role = parseRole(user.role ?? 'user');
    demandOver(actor, 'users', role);
    if (user.password !== null) checkPassword(user.password, this.#settings.passwordMinimum);
    // Before the costly hash; the insertion has the last word.
    if (await this.#users.byName(user.username)) throw new VitrinaError('username-taken', { username: user.username });
    const passwordHash = user.password === null ? null : await this.#hasher.hash(user.password);
    return toUser(await this.#users.insert({ username: user.username, passwordHash, role }));
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
    return toUser(await this.#users.insert({ username: user.username, passwordHash: user.passwordHash, role }));
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

  /**
   * Sets a password; tokens issued before end, keys stay.
   *
   * @throws VitrinaError `forbidden`, `user-unknown`, `password-invalid`, `login-busy`
   */
  async setPassword(id: number, password: string, actor: Actor): Promise<void> {
    const row = await this.#findFor(id, actor);
    checkPassword(password, this.#settings.passwordMinimum);
    await this.#users.setPasswordHash(row.id, await this.#hasher.hash(password));
    await this.#forget();
  }

  /**
   * Closes an account, keys and tokens included, or opens it again.
   *
   * @throws VitrinaError `forbidden`, `user-unknown`, `last-admin`
   */
  async setDisabled(id: number, disabled: boolean, actor: Actor): Promise<void> {
    await this.#users.setDisabled(await this.#findFor(id, actor), disabled);
    await this.#forget();
  }

  /**
   * Removes a user and the user's keys.
   *
   * @throws VitrinaError `forbidden`, `user-unknown`, `last-admin`
   */
  async deleteUser(id: number, actor: Actor): Promise<void> {
    await this.#users.delete(await this.#findFor(id, actor));
    await this.#forget();
  }

  // --- keys --------------------------------------------------------------------------------------------------

  /**
   * Makes an API key. Its text is in the answer and nowhere else, ever.
   *
   * The priority `high` goes before everybody else's requests, hence needs the scope `admin`.
   *
   * @throws VitrinaError `forbidden`, `user-unknown`, `scope-unknown`, `scope-beyond-role`, `priority-unknown`,
   *   `expiry-invalid`, `key-name-invalid`
   */
  async createKey(key: NewKey, actor: Actor): Promise<NewApiKey> {
    demandScope(actor, 'keys');
    const scopes = parseScopes(key.scopes ?? defaultKeyScopes);
    for (const scope of scopes) demandScope(actor, scope);
    const priority = parsePriority(key.priority ?? 'normal');
    if (priority === 'high') demandScope(actor, 'admin');
    const user = await this.#find(key.userId);
    demandOver(actor, 'keys', user.role);
    return this.#keys.insert(user, { name: key.name ?? null, scopes, priority, expiresAt: key.expiresAt ?? null });
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
    await this.#keys.revoke(id);
    await this.#forget();
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
      const key = { name: 'first start', scopes: roleScopes.admin, priority: 'normal' as const, expiresAt: null };
      return new KeyStore(transaction, this.#clock).insert(admin, key);
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
function demandOver(actor: Actor, scope: 'users' | 'keys', role: Role): void {
  demandScope(actor, scope);
  if (role === 'admin') demandScope(actor, 'admin');
}

const loginFailed = (): VitrinaError =>
  new VitrinaError('login-failed', {}, { headers: { 'WWW-Authenticate': 'Bearer' } });
