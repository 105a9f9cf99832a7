import { hash, randomBytes, timingSafeEqual } from 'node:crypto';
import type { Selectable } from 'kysely';
import { VitrinaError } from '../../errors.js';
import type { ApiKeysTable } from '../../storage/schema.js';
import type { Storage } from '../../storage/storage.js';
import type { Priority } from '../batching/priority.js';
import type { Limits } from '../quotas/limits.js';
import { invalidToken } from './access-tokens.js';
import type { Verified } from './credential-cache.js';
import type { Principal } from './principal.js';
import type { Role, Scope, ScopeTable } from './scopes.js';
import { faultOfName } from './usernames.js';
import type { UserRow } from './users.js';

/** A key as others may see it: without its secret. Times are epoch milliseconds. */
export interface ApiKey {
  /** The public half, 16 hexadecimal digits. */
  readonly id: string;
  readonly userId: number;
  readonly username: string;
  readonly name: string | null;
  readonly scopes: readonly Scope[];
  readonly priority: Priority;
  readonly expiresAt: number | null;
  readonly createdAt: number;
  /** True to the minute. */
  readonly lastUsedAt: number | null;
  readonly revokedAt: number | null;
  readonly limits: Limits;
}

/** A key just made, with the text that is shown this once. */
export interface NewApiKey extends ApiKey {
  readonly key: string;
}

/** `vtr_`, 8 bytes in hexadecimal, `_`, 32 bytes in base64url. */
const form = /^vtr_([0-9a-f]{16})_[A-Za-z0-9_-]{43}$/;
const PREFIX = 'vtr_';
/** How stale `lastUsedAt` may be before it is written again, milliseconds: not every request is worth a write. */
const LAST_USE_STEP = 60_000;

type KeyRow = Selectable<ApiKeysTable> & { username: string; role: Role };

const limitsOf = (row: KeyRow): Limits => ({
  monthly: row.monthly_limit,
  daily: row.daily_limit,
  rate:
    row.rate_limit === null || row.rate_seconds === null
      ? null
      : { requests: row.rate_limit, seconds: row.rate_seconds },
});

export const isApiKey = (credential: string): boolean => credential.startsWith(PREFIX);

/** SHA-256 of a key or token, base64url: what is stored of a key, and what the cache finds either by. */
export const digestOf = (credential: string): string => hash('sha256', credential, 'base64url');

/** The API keys in the database, and how one is verified. Who may do what is decided above. */
export class KeyStore {
  readonly #db: Storage['db'];
  readonly #clock: () => number;
  readonly #scopes: ScopeTable;

  /** @param db the database, or a transaction on it */
  constructor(db: Storage['db'], clock: () => number, scopes: ScopeTable) {
    this.#db = db;
    this.#clock = clock;
    this.#scopes = scopes;
  }

  /** @throws VitrinaError `scope-beyond-role`, `key-name-invalid`, `expiry-invalid` */
  async insert(
    user: Pick<UserRow, 'id' | 'username' | 'role'>,
    key: {
      name: string | null;
      scopes: readonly Scope[];
      priority: Priority;
      expiresAt: number | null;
      limits: Limits;
    },
  ): Promise<NewApiKey> {
    const now = this.#clock();
    // The last one in the table: `admin`, when it is what brought the others along.
    const beyond = key.scopes.findLast((scope) => !this.#scopes.of(user.role).includes(scope));
    if (beyond !== undefined) {
      throw new VitrinaError('scope-beyond-role', { scope: beyond, username: user.username, role: user.role });
    }
    const why = key.name === null ? undefined : faultOfName(key.name);
    if (why !== undefined) throw new VitrinaError('key-name-invalid', { why });
    if (key.expiresAt !== null && !(key.expiresAt > now)) {
      const value = Number.isFinite(key.expiresAt) ? new Date(key.expiresAt).toISOString() : String(key.expiresAt);
      throw new VitrinaError('expiry-invalid', { value });
    }
    const id = randomBytes(8).toString('hex');
    const text = `${PREFIX}${id}_${randomBytes(32).toString('base64url')}`;
    const row = await this.#db
      .insertInto('api_keys')
      .values({
        id,
        user_id: user.id,
        name: key.name,
        hash: digestOf(text),
        scopes: key.scopes.join(' '),
        priority: key.priority,
        expires_at: key.expiresAt,
        created_at: now,
        last_used_at: null,
        revoked_at: null,
        monthly_limit: key.limits.monthly,
        daily_limit: key.limits.daily,
        rate_limit: key.limits.rate?.requests ?? null,
        rate_seconds: key.limits.rate?.seconds ?? null,
      })
      .returningAll()
      .executeTakeFirstOrThrow();
    return { ...this.#view({ ...row, username: user.username, role: user.role }), key: text };
  }

  /** The keys of one user or of all, oldest first, revoked ones included. */
  async list(userId?: number): Promise<ApiKey[]> {
    let query = this.#rows().orderBy('api_keys.created_at').orderBy('api_keys.id');
    if (userId !== undefined) query = query.where('api_keys.user_id', '=', userId);
    return (await query.execute()).map((row) => this.#view(row));
  }

  /** @throws VitrinaError `key-unknown` */
  async byId(id: string): Promise<ApiKey> {
    const row = await this.#rows().where('api_keys.id', '=', id).executeTakeFirst();
    if (row === undefined) throw new VitrinaError('key-unknown', { key: id });
    return this.#view(row);
  }

  /** Ends a key for good; ending it twice keeps the first time. */
  async revoke(id: string): Promise<void> {
    await this.#db
      .updateTable('api_keys')
      .set({ revoked_at: this.#clock() })
      .where('id', '=', id)
      .where('revoked_at', 'is', null)
      .execute();
  }

  /** @throws VitrinaError `token-invalid` */
  async verify(text: string, digest: string): Promise<Verified> {
    const id = form.exec(text)?.[1];
    if (id === undefined) throw invalidToken('malformed');
    const row = await this.#find(id);
    if (row === undefined || !timingSafeEqual(Buffer.from(row.hash), Buffer.from(digest))) {
      throw invalidToken('signature');
    }
    const now = this.#clock();
    const principal = this.#principalOf(row, now);
    if (row.last_used_at === null || now - row.last_used_at >= LAST_USE_STEP) await this.#touch(id, now);
    return { principal, expiresAt: row.expires_at ?? Number.POSITIVE_INFINITY };
  }

  /** Whoever has the key, for work that goes on without them. @throws VitrinaError `token-invalid` */
  async standIn(id: string): Promise<Principal> {
    const row = await this.#find(id);
    if (row === undefined) throw invalidToken('revoked');
    return this.#principalOf(row, this.#clock());
  }

  #find(id: string) {
    return this.#db
      .selectFrom('api_keys')
      .innerJoin('users', 'users.id', 'api_keys.user_id')
      .selectAll('api_keys')
      .select(['users.username', 'users.role', 'users.disabled_at'])
      .where('api_keys.id', '=', id)
      .executeTakeFirst();
  }

  /** @throws VitrinaError `token-invalid` */
  #principalOf(row: KeyRow & { disabled_at: number | null }, now: number): Principal {
    if (row.revoked_at !== null || row.disabled_at !== null) throw invalidToken('revoked');
    if (row.expires_at !== null && row.expires_at <= now) throw invalidToken('expired');
    const limits = limitsOf(row);
    const isLimited = limits.monthly !== null || limits.daily !== null || limits.rate !== null;
    return Object.freeze({
      kind: 'key',
      userId: row.user_id,
      username: row.username,
      role: row.role,
      // A user who is no admin any more takes the rights of older keys along.
      scopes: Object.freeze(this.#scopes.restrict(row.scopes, row.role)),
      keyId: row.id,
      priority: row.priority,
      limits: isLimited ? Object.freeze(limits) : null,
      family: null,
    });
  }

  async #touch(id: string, now: number): Promise<void> {
    await this.#db.updateTable('api_keys').set({ last_used_at: now }).where('id', '=', id).execute();
  }

  #rows() {
    return this.#db
      .selectFrom('api_keys')
      .innerJoin('users', 'users.id', 'api_keys.user_id')
      .selectAll('api_keys')
      .select(['users.username', 'users.role']);
  }

  #view(row: KeyRow): ApiKey {
    return {
      id: row.id,
      userId: row.user_id,
      username: row.username,
      name: row.name,
      scopes: this.#scopes.restrict(row.scopes, row.role),
      priority: row.priority,
      expiresAt: row.expires_at,
      createdAt: row.created_at,
      lastUsedAt: row.last_used_at,
      revokedAt: row.revoked_at,
      limits: limitsOf(row),
    };
  }
}
