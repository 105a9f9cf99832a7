import type { ApiKey } from './api-keys.js';
import type { AuditEntry } from './audit-log.js';
import type { User } from './users.js';

const time = (milliseconds: number): string => new Date(milliseconds).toISOString();
const timeOrNull = (milliseconds: number | null): string | null => (milliseconds === null ? null : time(milliseconds));

/** A user as JSON, the same through every door; times in RFC 3339. */
export const viewUser = (user: User) => ({
  id: user.id,
  username: user.username,
  role: user.role,
  disabledAt: timeOrNull(user.disabledAt),
  hasPassword: user.hasPassword,
  createdAt: time(user.createdAt),
});

/** A key as JSON, without its text; times in RFC 3339. */
export const viewKey = (key: ApiKey) => ({
  id: key.id,
  userId: key.userId,
  username: key.username,
  name: key.name,
  scopes: [...key.scopes],
  priority: key.priority,
  expiresAt: timeOrNull(key.expiresAt),
  createdAt: time(key.createdAt),
  lastUsedAt: timeOrNull(key.lastUsedAt),
  revokedAt: timeOrNull(key.revokedAt),
  limits: key.limits,
});

/** An administrative act as JSON. */
export const viewAudit = ({ at, ...entry }: AuditEntry) => ({ ...entry, at: time(at) });
