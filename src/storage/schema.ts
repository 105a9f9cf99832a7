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
  token_families: TokenFamiliesTable;
  refresh_tokens: RefreshTokensTable;
  profiles: ProfilesTable;
  audit_log: AuditLogTable;
  quota_counters: QuotaCountersTable;
  quota_reservations: QuotaReservationsTable;
  usage: UsageTable;
  spam_predictions: SpamPredictionsTable;
  events: EventsTable;
  event_revisions: EventRevisionsTable;
  jobs: JobsTable;
  job_attempts: JobAttemptsTable;
  job_schedules: JobSchedulesTable;
  job_totals: JobTotalsTable;
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
  role: 'user' | 'maintainer' | 'admin';
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
  /** Rows that may be predicted in a calendar month, and in a day; `null`: any number. */
  monthly_limit: Generated<number | null>;
  daily_limit: Generated<number | null>;
  /** Requests within any `rate_seconds`; both or neither. */
  rate_limit: Generated<number | null>;
  rate_seconds: Generated<number | null>;
}

/** What the server remembers about itself: the signing secret, whether the first key was handed out. */
export interface SettingsTable {
  name: string;
  value: string;
  created_at: number;
}

/** One login, and everything that was refreshed from it. */
export interface TokenFamiliesTable {
  /** 22 characters of base64url. */
  id: string;
  user_id: number;
  /** What the login asked for, separated by spaces. */
  scopes: string;
  created_at: number;
  /** When its last refresh token ends. */
  expires_at: number;
  revoked_at: number | null;
}

/** Refresh tokens, each of which works once. Kept spent, so that one shown again is known for what it is. */
export interface RefreshTokensTable {
  /** SHA-256 of the token, base64url. */
  hash: string;
  family_id: string;
  created_at: number;
  spent_at: number | null;
}

/** Who a user is beyond the name, where an app asks. */
export interface ProfilesTable {
  user_id: number;
  /** As the user spelt it. */
  email: string;
  /** The spelling that must be unique. */
  email_key: string;
  full_name: string;
  document_number: string | null;
  phone: string | null;
}

/** Administrative acts. The database refuses to change or remove rows. */
export interface AuditLogTable {
  id: Generated<number>;
  at: number;
  /** `null` for the command line and the first start. Not a reference: users go, the log stays. */
  actor_id: number | null;
  actor: string;
  /** The public half of the API key that the actor used. */
  key_id: string | null;
  /** `user.create`, `key.revoke`, … */
  action: string;
  /** What was acted on: `user:7`, `key:0f…`, `model:shock/3`. */
  subject: string;
  /** A JSON object. Never holds a secret. */
  details: string;
}

/** What has been used of limits. */
export interface QuotaCountersTable {
  /** Whose limit it is: `key:0f…`, `spam:7`. */
  subject: string;
  /** `month:2026-11`, `day:2026-11-21`, `window:60:29663`. */
  period: string;
  used: number;
  /** From when on nobody asks. */
  expires_at: number;
}

/** Units that are counted already, for predictions whose outcome is not known yet. */
export interface QuotaReservationsTable {
  id: string;
  period: string;
  subject: string;
  units: number;
  /** From when on the process that took them counts as dead, and they are given back. */
  expires_at: number;
}

/** Who predicted how much with which model on which day (UTC). */
export interface UsageTable {
  day: string;
  /** Not a reference: users go, what was used stays. */
  user_id: number;
  /** Empty for access tokens. */
  key_id: string;
  model: string;
  predictions: number;
  rows: number;
  failures: number;
}

export interface SpamPredictionsTable {
  /** A UUID. */
  id: string;
  user_id: number;
  polarity: 'Ham' | 'Spam';
  /** Of the polarity; a number as text. */
  probability: string | null;
  /** Its first 360 characters, unless the app is told to keep none. */
  text: string | null;
  created_at: number;
}

/** Screens that people opened, for the sessions app. */
export interface EventsTable {
  /** The caller's; the same one again is the same event. */
  id: string;
  util: string;
  ecran: string;
  instance: string;
  at: number;
}

/** How often the events of a person have changed; the database counts. */
export interface EventRevisionsTable {
  util: string;
  revision: number;
}

/** Work that outlives its request, see `services/jobs`. */
export interface JobsTable {
  /** A UUID of version 7: later jobs have larger ones. */
  id: string;
  name: string;
  /** `scheduled` waits for its time, also for that of its next attempt. */
  state: 'scheduled' | 'queued' | 'running' | 'succeeded' | 'failed' | 'cancelled';
  /** The higher goes first; 0 is the usual. */
  priority: number;
  run_at: number;
  /** 1 when the message broker, where there is one, has confirmed that it knows. */
  announced: number;
  /** JSON. */
  input: string;
  /** Of two jobs of one name with the same key there is one. */
  idempotency_key: string | null;
  owner: number | null;
  /** The public half of the API key that asked for it. */
  key_id: string | null;
  /** 1 when one of the two limits is set. */
  limited: number;
  /** Most jobs of this name that run at a time. */
  name_limit: number | null;
  /** Whose jobs, of whatever name, run `key_limit` at a time. */
  limit_key: string | null;
  key_limit: number | null;
  /** Begun so far. */
  attempts: number;
  /** Those that do not count: from before it was tried anew, or given back by a worker that stopped. */
  attempts_before: number;
  max_attempts: number;
  /** For how long it is tried, and until when: then no attempt follows one that failed. */
  give_up_ms: number | null;
  give_up_at: number | null;
  /** For how long it is kept once it has ended. */
  retention_ms: number;
  /** The process that runs it. */
  worker: string | null;
  /** From when on that process counts as dead. */
  lease_until: number | null;
  /** When somebody asked a running job to end. */
  cancel_at: number | null;
  /** JSON. */
  progress: string | null;
  /** JSON. */
  result: string | null;
  /** JSON: what went wrong in the last attempt. */
  error: string | null;
  created_at: number;
  /** Of the last attempt. */
  started_at: number | null;
  finished_at: number | null;
  /** From when on it may be removed. */
  expires_at: number | null;
}

/** Attempts that failed. */
export interface JobAttemptsTable {
  job_id: string;
  attempt: number;
  started_at: number;
  finished_at: number;
  /** JSON. */
  error: string;
}

/** When jobs that recur are due. */
export interface JobSchedulesTable {
  name: string;
  /** The expression and its time zone, so that a changed one is noticed. */
  cron: string;
  next_at: number;
}

/** How many jobs have ended, and how. */
export interface JobTotalsTable {
  name: string;
  outcome: 'succeeded' | 'failed' | 'cancelled';
  count: number;
}
