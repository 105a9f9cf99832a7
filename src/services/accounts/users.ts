import type { Selectable } from 'kysely';
import { VitrinaError } from '../../errors.js';
import type { UsersTable } from '../../storage/schema.js';
import type { Storage } from '../../storage/storage.js';
import type { Role } from './scopes.js';
import { checkUsername, faultOfName, usernameKey } from './usernames.js';

/** A user as others may see it. Times are epoch milliseconds. */
export interface User {
  readonly id: number;
  readonly username: string;
  readonly role: Role;
  readonly disabledAt: number | null;
  /** Whether a password opens this account. */
  readonly hasPassword: boolean;
  readonly createdAt: number;
}

export type UserRow = Selectable<UsersTable>;

export const toUser = (row: UserRow): User => ({
  id: row.id,
  username: row.username,
  role: row.role,
  disabledAt: row.disabled_at,
  hasPassword: row.password_hash !== null,
  createdAt: row.created_at,
});

/** The users in the database. Knows rows and their invariants; who may do what is decided above. */
export class UserStore {
  readonly #db: Storage['db'];
  readonly #clock: () => number;

  /** @param db the database, or a transaction on it */
  constructor(db: Storage['db'], clock: () => number) {
    this.#db = db;
    this.#clock = clock;
  }

  /** @throws VitrinaError `username-invalid`, `username-taken` */
  async insert(user: { username: string; passwordHash: string | null; role: Role }): Promise<UserRow> {
    checkUsername(user.username);
    const now = this.#clock();
    const row = await this.#db
      .insertInto('users')
      .values({
        username: user.username,
        username_key: usernameKey(user.username),
        password_hash: user.passwordHash,
        role: user.role,
        disabled_at: null,
        created_at: now,
        updated_at: now,
      })
      .onConflict((conflict) => conflict.column('username_key').doNothing())
      .returningAll()
      .executeTakeFirst();
    if (row === undefined) throw new VitrinaError('username-taken', { username: user.username });
    return row;
  }

  byId(id: number): Promise<UserRow | undefined> {
    if (!Number.isSafeInteger(id)) return Promise.resolve(undefined);
    return this.#db.selectFrom('users').selectAll().where('id', '=', id).executeTakeFirst();
  }

  byName(username: string): Promise<UserRow | undefined> {
    const key = usernameKey(username);
    // What cannot be a name is nobody's; PostgreSQL would not even take a NUL.
    if (faultOfName(key) !== undefined) return Promise.resolve(undefined);
    return this.#db.selectFrom('users').selectAll().where('username_key', '=', key).executeTakeFirst();
  }

  /** At most `limit` users with a number above `after`, in the order of their numbers. */
  list(after: number, limit: number): Promise<UserRow[]> {
    return this.#db.selectFrom('users').selectAll().where('id', '>', after).orderBy('id').limit(limit).execute();
  }

  /** Replaces the hash and ends every login. */
  async setPasswordHash(id: number, hash: string): Promise<void> {
    await this.#db.updateTable('users').set({ password_hash: hash }).where('id', '=', id).execute();
    await this.endLogins(id);
  }

  /** Ends every access token issued so far, and what could bring new ones. */
  async endLogins(id: number): Promise<void> {
    const now = this.#clock();
    await this.#db
      .updateTable('users')
      .set((row) => ({ token_version: row('token_version', '+', 1), updated_at: now }))
      .where('id', '=', id)
      .execute();
    await this.#db
      .updateTable('token_families')
      .set({ revoked_at: now })
      .where('user_id', '=', id)
      .where('revoked_at', 'is', null)
      .execute();
  }

  /** Whether a login of the user still holds; it goes on to, until the transaction ends. */
  async holdLogin(id: number, family: string): Promise<boolean> {
    await this.hold(id);
    const login = await this.#db
      .selectFrom('token_families')
      .select('id')
      .where('id', '=', family)
      .where('revoked_at', 'is', null)
      .executeTakeFirst();
    return login !== undefined;
  }

  /** Locks the user until the transaction ends: whoever ends logins changes the user first, and waits. */
  hold(id: number): Promise<UserRow | undefined> {
    return this.#db.selectFrom('users').selectAll().where('id', '=', id).forUpdate().executeTakeFirst();
  }

  /** Replaces `old` by a stronger hash of the same password, unless somebody has changed the password meanwhile. */
  async upgradeHash(id: number, old: string, hash: string): Promise<void> {
    await this.#db
      .updateTable('users')
      .set({ password_hash: hash, updated_at: this.#clock() })
      .where('id', '=', id)
      .where('password_hash', '=', old)
      .execute();
  }

  /**
   * Closes or opens an account and ends its logins. In a transaction.
   *
   * @throws VitrinaError `last-admin`
   */
  async setDisabled(user: UserRow, disabled: boolean): Promise<void> {
    if (disabled) await refuseLastAdmin(this.#db, user);
    const disabledAt = disabled ? this.#clock() : null;
    await this.#db.updateTable('users').set({ disabled_at: disabledAt }).where('id', '=', user.id).execute();
    await this.endLogins(user.id);
  }

  /** In a transaction. @throws VitrinaError `last-admin` */
  async setRole(user: UserRow, role: Role): Promise<void> {
    if (role !== 'admin') await refuseLastAdmin(this.#db, user);
    await this.#db.updateTable('users').set({ role, updated_at: this.#clock() }).where('id', '=', user.id).execute();
  }

  /**
   * Removes a user and the user's keys. In a transaction.
   *
   * @throws VitrinaError `last-admin`
   */
  async delete(user: UserRow): Promise<void> {
    await refuseLastAdmin(this.#db, user);
    await this.#db.deleteFrom('users').where('id', '=', user.id).execute();
  }
}

async function refuseLastAdmin(db: Storage['db'], user: UserRow): Promise<void> {
  if (user.role !== 'admin') return;
  // All of them, locked in one order: of two admins who end each other at once, the second finds the first gone.
  const admins = await db
    .selectFrom('users')
    .select('id')
    .where('role', '=', 'admin')
    .where('disabled_at', 'is', null)
    .orderBy('id')
    .forUpdate()
    .execute();
  if (!admins.some(({ id }) => id !== user.id)) throw new VitrinaError('last-admin', { username: user.username });
}
