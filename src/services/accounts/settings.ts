import { defaultTokenSettings, type TokenSettings } from './access-tokens.js';
import { defaultThrottleLimits, type ThrottleLimits } from './login-throttle.js';
import { defaultHashingLimits, type HashingLimits } from './passwords.js';
import type { Rate } from './token-buckets.js';

/** What the operator can set about accounts. */
export interface AccountSettings extends HashingLimits {
  /** Signs access tokens, 32 bytes at least; without one the database keeps a random one. */
  readonly jwtSecret?: string;
  /** Secrets that `jwtSecret` has taken the place of; what they signed stays valid. */
  readonly jwtOldSecrets: readonly string[];
  /** Fewest characters of a new password. */
  readonly passwordMinimum: number;
  readonly token: TokenSettings;
  readonly throttle: ThrottleLimits;
  /** Milliseconds for which a verified key or token is trusted without a look at the database. */
  readonly credentialLifetime: number;
  /** Verified keys and tokens remembered. */
  readonly credentialCount: number;
  /** Users that one address may register. */
  readonly registrations: Rate;
  /** Whose calendar the quotas keep to. */
  readonly timeZone: string;
}

export const defaultAccountSettings: AccountSettings = Object.freeze({
  ...defaultHashingLimits,
  passwordMinimum: 8,
  token: defaultTokenSettings,
  throttle: defaultThrottleLimits,
  credentialLifetime: 5_000,
  credentialCount: 10_000,
  jwtOldSecrets: [],
  registrations: { burst: 200, refill: 2_000 },
  timeZone: 'UTC',
});
