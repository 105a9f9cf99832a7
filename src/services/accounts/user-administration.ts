import { VitrinaError } from '../../errors.js';
import { invalidToken } from './access-tokens.js';
import { partyOf } from './addresses.js';
import { type AdministrationParts, demandOver } from './administration.js';
import { checkPassword, checkPasswordHash } from './passwords.js';
import { type Actor, demandScope, operator, type Principal } from './principal.js';
import { type NewProfile, type Profile, ProfileStore } from './profiles.js';
import { parseRole, type Role } from './scopes.js';
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

/** The user that the first start makes. */
const ADMIN = 'admin';

/** Users: registering, creating, finding, changing, removing. */
export class UserAdministration {
  readonly #parts: AdministrationParts;
  readonly #users: UserStore;
  readonly #profiles: ProfileStore;
  readonly #registrations: BucketTable;

  constructor(parts: AdministrationParts) {
    const { storage, clock, settings } = parts;
    this.#parts = parts;
    this.#users = new UserStore(storage.db, clock);
    this.#profiles = new ProfileStore(storage.db);
    this.#registrations = new BucketTable(settings.registrations, settings.throttle.entries);
  }

  /**
   * Open registration: anybody makes a user with the role `user`.
   *
   * @param user.address the client's address: so many registrations at once, and no more
   * @throws VitrinaError `registration-throttled`, and those of `create`
   */
  async register(user: Omit<NewUser, 'role'> & { readonly address?: string }): Promise<User> {
    const { address, ...made } = user;
    if (address !== undefined) {
      const now = this.#parts.clock();
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
  create(user: NewUser, actor: Actor): Promise<User> {
    return this.#create(user, actor, 'user.create');
  }

  async #create(user: NewUser, actor: Actor, action: string): Promise<User> {
    const role = parseRole(user.role ?? 'user');
    demandOver(actor, 'users', role);
    const { passwordMinimum = this.#parts.settings.passwordMinimum } = user;
    if (user.password !== null) checkPassword(user.password, passwordMinimum);
    // Before the costly hash; the insertion has the last word.
    if (await this.#users.byName(user.username)) throw new VitrinaError('username-taken', { username: user.username });
    if (user.profile !== undefined) await this.#profiles.refuseTaken(user.profile);
    const passwordHash = user.password === null ? null : await this.#parts.hasher.hash(user.password);
    return this.#insert({ username: user.username, passwordHash, role }, user.profile, actor, action);
  }

  #insert(
    user: { username: string; passwordHash: string | null; role: Role },
    profile: NewProfile | undefined,
    actor: Actor,
    action: string,
  ): Promise<User> {
    return this.#parts.storage.db.transaction().execute(async (transaction) => {
      const row = await new UserStore(transaction, this.#parts.clock).insert(user);
      if (profile !== undefined) await new ProfileStore(transaction).insert(row.id, profile);
      const details = { username: row.username, role: row.role };
      // Who registers is nobody before it.
      const who = action === 'user.register' ? { userId: row.id, username: row.username, keyId: null } : actor;
      await this.#parts.audit.record({ actor: who, action, subject: `user:${row.id}`, details }, transaction);
      return toUser(row);
    });
  }

  /**
   * Takes a user over from elsewhere with the hash of a password nobody here knows: argon2id, or bcrypt, which the
   * first login replaces.
   *
   * @throws VitrinaError `forbidden`, `username-invalid`, `username-taken`, `password-hash-invalid`, `role-unknown`
   */
  async import(user: { username: string; passwordHash: string; role?: Role }, actor: Actor): Promise<User> {
    const role = parseRole(user.role ?? 'user');
    demandOver(actor, 'users', role);
    checkPasswordHash(user.passwordHash);
    const { username, passwordHash } = user;
    return this.#insert({ username, passwordHash, role }, undefined, actor, 'user.import');
  }

  /** @throws VitrinaError `user-unknown` */
  async find(user: number | string): Promise<User> {
    return toUser(await this.#row(user));
  }

  /** Users by number, above `after`. @throws VitrinaError `forbidden` */
  async list(actor: Actor, options: { after?: number; limit?: number } = {}): Promise<User[]> {
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
    checkPassword(password, this.#parts.settings.passwordMinimum);
    const hash = await this.#parts.hasher.hash(password);
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
  async delete(id: number, actor: Actor): Promise<void> {
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
    await this.#parts.storage.db.transaction().execute(async (transaction) => {
      await act(new UserStore(transaction, this.#parts.clock));
      await this.#parts.audit.record({ actor, action, subject, details }, transaction);
    });
    await this.#parts.authentication.forget();
  }

  /**
   * Sets one's own password; every login but the keys ends.
   *
   * @throws VitrinaError `login-needed`, `password-wrong`, `password-invalid`, `login-throttled`, `login-busy`
   */
  async changeOwnPassword(actor: Principal, change: { current: string; next: string; address: string }): Promise<void> {
    const { userId, username, family } = actor;
    if (family === null) throw new VitrinaError('login-needed', {});
    checkPassword(change.next, this.#parts.settings.passwordMinimum);
    try {
      await this.#parts.authentication.compare({ username, password: change.current, address: change.address });
    } catch (error) {
      if (error instanceof VitrinaError && error.code === 'login-failed') throw new VitrinaError('password-wrong', {});
      throw error;
    }
    const hash = await this.#parts.hasher.hash(change.next);
    await this.#act(actor, 'user.password', `user:${userId}`, {}, async (users) => {
      // Whoever reset the password, or ended the logins, while the old one was compared has the last word.
      if (!(await users.holdLogin(userId, family))) throw invalidToken('revoked');
      await users.setPasswordHash(userId, hash);
    });
  }

  /** Ends every login of a user; keys stay. @throws VitrinaError `forbidden`, `user-unknown` */
  async endLogins(id: number, actor: Actor): Promise<void> {
    await this.#findFor(id, actor);
    await this.#actOn(id, actor, 'user.revoke-logins', {}, (users, row) => users.endLogins(row.id));
  }

  /** The user `admin`, made without a password when there is none by that name. */
  async ensureAdmin(): Promise<User> {
    return toUser(await ensureAdmin(this.#users));
  }

  /** @throws VitrinaError `user-unknown` */
  async #row(user: number | string): Promise<UserRow> {
    const row = await (typeof user === 'number' ? this.#users.byId(user) : this.#users.byName(user));
    if (row === undefined) {
      throw new VitrinaError('user-unknown', { user: typeof user === 'number' ? String(user) : `"${user}"` });
    }
    return row;
  }

  /** The user, if the actor may administer that one. Without the scope nobody learns which users exist. */
  async #findFor(id: number, actor: Actor): Promise<UserRow> {
    demandScope(actor, 'users');
    const row = await this.#row(id);
    demandOver(actor, 'users', row.role);
    return row;
  }
}

/** In a transaction, or by itself. */
export async function ensureAdmin(users: UserStore): Promise<UserRow> {
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
