import { randomBytes } from 'node:crypto';
import type { Selectable } from 'kysely';
import type { TokenFamiliesTable, UsersTable } from '../../storage/schema.js';
import type { Storage } from '../../storage/storage.js';
import { invalidToken } from './access-tokens.js';
import { digestOf } from './api-keys.js';
import { type UserRow, UserStore } from './users.js';

/** A login with its user, as the database has them now. */
export type FamilyRow = Selectable<TokenFamiliesTable> & {
  readonly user: Pick<Selectable<UsersTable>, 'id' | 'username' | 'role' | 'token_version' | 'disabled_at'>;
};

/** `vtf_` and 32 bytes in base64url. Opaque: what it stands for is in the database alone. */
const PREFIX = 'vtf_';
const form = /^vtf_[A-Za-z0-9_-]{43}$/;

/** Families that ended so long ago that nothing of them can be shown again, milliseconds. */
const KEEP_ENDED = 7 * 86_400_000;
/** Ended families removed with each login: more than one makes, so that they do not pile up. */
const SWEEP = 10;

/**
 * Logins and their refresh tokens.
 *
 * A refresh token works once and is replaced by its successor. One that is shown again was stolen, before or after its
 * use, and nobody can tell by whom: its whole family ends, access tokens included (RFC 9700, section 4.14.2).
 */
export class TokenFamilies {
  constructor(
    private readonly db: Storage['db'],
    private readonly clock: () => number,
  ) {}

  /**
   * Begins a family for a user as `user` was when the password was compared; nothing if the user's logins have been
   * ended since (another password, a closed account): a login must not outlive what was to end it.
   */
  async begin(
    user: Pick<UserRow, 'id' | 'token_version'>,
    scopes: readonly string[],
    lifetime: number,
  ): Promise<{ id: string; refreshToken: string } | undefined> {
    const now = this.clock();
    const id = randomBytes(16).toString('base64url');
    const refreshToken = newToken();
    const begun = await this.db.transaction().execute(async (transaction) => {
      const present = await new UserStore(transaction, this.clock).hold(user.id);
      if (present?.token_version !== user.token_version) return false;
      await transaction
        .insertInto('token_families')
        .values({
          id,
          user_id: user.id,
          scopes: scopes.join(' '),
          created_at: now,
          expires_at: now + lifetime,
          revoked_at: null,
        })
        .execute();
      await insert(transaction, refreshToken, id, now);
      return true;
    });
    if (!begun) return undefined;
    await this.sweep(now);
    return { id, refreshToken };
  }

  /**
   * Spends a refresh token and gives its successor.
   *
   * @throws VitrinaError `token-invalid`: `malformed`, `signature` (unknown), `expired`, `revoked`, `reused`
   */
  async rotate(token: string): Promise<{ family: FamilyRow; refreshToken: string }> {
    if (!form.test(token)) throw invalidToken('malformed');
    const now = this.clock();
    const hash = digestOf(token);
    const successor = newToken();
    const outcome = await this.db.transaction().execute(async (transaction) => {
      const spent = await transaction
        .updateTable('refresh_tokens')
        .set({ spent_at: now })
        .where('hash', '=', hash)
        .where('spent_at', 'is', null)
        .returning('family_id')
        .executeTakeFirst();
      if (spent === undefined) {
        const shown = await transaction
          .selectFrom('refresh_tokens')
          .select('family_id')
          .where('hash', '=', hash)
          .executeTakeFirst();
        if (shown === undefined) return 'signature';
        await revoke(transaction, shown.family_id, now);
        return 'reused';
      }
      const family = await find(transaction, spent.family_id);
      if (family === undefined || family.revoked_at !== null || family.user.disabled_at !== null) return 'revoked';
      if (family.expires_at <= now) return 'expired';
      await insert(transaction, successor, family.id, now);
      return family;
    });
    if (typeof outcome === 'string') throw invalidToken(outcome);
    return { family: outcome, refreshToken: successor };
  }

  find(id: string): Promise<FamilyRow | undefined> {
    return find(this.db, id);
  }

  /** Ends one login; ending it twice keeps the first time. */
  async revoke(id: string): Promise<void> {
    await revoke(this.db, id, this.clock());
  }

  private async sweep(now: number): Promise<void> {
    const ended = this.db
      .selectFrom('token_families')
      .select('id')
      .where('expires_at', '<', now - KEEP_ENDED)
      .limit(SWEEP);
    await this.db.deleteFrom('token_families').where('id', 'in', ended).execute();
  }
}

const newToken = (): string => `${PREFIX}${randomBytes(32).toString('base64url')}`;

async function insert(db: Storage['db'], token: string, family: string, now: number): Promise<void> {
  await db
    .insertInto('refresh_tokens')
    .values({ hash: digestOf(token), family_id: family, created_at: now, spent_at: null })
    .execute();
}

async function find(db: Storage['db'], id: string): Promise<FamilyRow | undefined> {
  const row = await db
    .selectFrom('token_families')
    .innerJoin('users', 'users.id', 'token_families.user_id')
    .selectAll('token_families')
    .select(['users.username', 'users.role', 'users.token_version', 'users.disabled_at'])
    .where('token_families.id', '=', id)
    .executeTakeFirst();
  if (row === undefined) return undefined;
  const { username, role, token_version, disabled_at, ...family } = row;
  return { ...family, user: { id: family.user_id, username, role, token_version, disabled_at } };
}

async function revoke(db: Storage['db'], id: string, now: number): Promise<void> {
  await db
    .updateTable('token_families')
    .set({ revoked_at: now })
    .where('id', '=', id)
    .where('revoked_at', 'is', null)
    .execute();
}
