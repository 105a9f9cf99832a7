import type { Generated } from 'kysely';

/**
 * The tables, as rows come out of either database.
 *
 * - Times are epoch milliseconds; `null` means never, or not yet.
 * - Columns hold text and integers only, so that SQLite and PostgreSQL give the same values.
 */
export interface Database {
  users: UsersTable;
  api_keys: ApiKeysTable;
  settings: SettingsTable;
}

export interface UsersTable {
  /** Never used twice, so that a token of a deleted user fits nobody. */
  id: Generated<number>;
  /** As the user spelt it. */
  username: string;
  /** The spelling that must be unique: NFKC, lower case. */
  username_key: string;
  /** An argon2id or bcrypt string; `null`: no password opens this account. */
  password_hash: string | null;
  role: 'user' | 'admin';
  /** Counts up whenever the tokens issued so far must end (password changed, disabled). */
  token_version: Generated<number>;
  disabled_at: number | null;
  created_at: number;
  updated_at: number;
}

export interface ApiKeysTable {
  /** The public half: 16 hexadecimal digits. */
  id: string;
  user_id: number;
  name: string | null;
  /** SHA-256 of the whole key, base64url. The key has 256 random bits, so a slow hash would add nothing. */
  hash: string;
  /** Separated by spaces. */
  scopes: string;
  priority: Generated<'high' | 'normal' | 'low'>;
  expires_at: number | null;
  created_at: number;
  /** True to the minute, see `services/accounts/api-keys.ts`. */
  last_used_at: number | null;
  revoked_at: number | null;
}

/** What the server remembers about itself: the signing secret, whether the first key was handed out. */
export interface SettingsTable {
  name: string;
  value: string;
  created_at: number;
}
