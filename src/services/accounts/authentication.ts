import { VitrinaError } from '../../errors.js';
import type { Storage } from '../../storage/storage.js';
import type { Quotas } from '../quotas/quotas.js';
import type { Siblings } from '../siblings.js';
import { type AccessTokens, invalidToken } from './access-tokens.js';
import { digestOf, isApiKey, type KeyStore } from './api-keys.js';
import { CredentialCache, type Recollection, type Verified } from './credential-cache.js';
import type { LoginThrottle } from './login-throttle.js';
import { PASSWORD_MAXIMUM_BYTES, type PasswordHasher } from './passwords.js';
import type { Principal } from './principal.js';
import type { ScopeTable } from './scopes.js';
import type { AccountSettings } from './settings.js';
import { TokenFamilies } from './token-families.js';
import { faultOfName, usernameKey } from './usernames.js';
import { toUser, type User, type UserRow, UserStore } from './users.js';

/** A login that succeeded, or was refreshed. */
export interface Login {
  readonly accessToken: string;
  /** Works once, for the next pair. */
  readonly refreshToken: string;
  /** When the access token ends, epoch milliseconds. */
  readonly expiresAt: number;
  /** Seconds from now. */
  readonly expiresIn: number;
  readonly scopes: readonly string[];
}

export interface Credentials {
  readonly username: string;
  readonly password: string;
  /** The client's address, for the throttle. */
  readonly address: string;
  /** Scopes asked for, separated by spaces; those of the role unless given. */
  readonly scope?: string | undefined;
}

/** What the other processes are told. */
const RIGHTS_CHANGED = 'rights-changed';

/** Who a caller is: keys and tokens, logging in, and how logins go on and end. */
export class Authentication {
  readonly families: TokenFamilies;
  private readonly users: UserStore;
  private readonly cache: CredentialCache;

  constructor(
    private readonly parts: {
      readonly storage: Storage;
      readonly clock: () => number;
      readonly settings: AccountSettings;
      readonly scopes: ScopeTable;
      readonly tokens: AccessTokens;
      readonly throttle: LoginThrottle;
      readonly hasher: PasswordHasher;
      readonly keys: KeyStore;
      readonly quotas: Quotas;
      readonly siblings: Siblings;
    },
  ) {
    const { storage, clock, settings, siblings } = parts;
    this.users = new UserStore(storage.db, clock);
    this.families = new TokenFamilies(storage.db, clock);
    this.cache = new CredentialCache({ lifetime: settings.credentialLifetime, size: settings.credentialCount });
    siblings.answer(RIGHTS_CHANGED, () => this.cache.forget());
  }

  /** Somebody's rights have changed: what any process of this server remembers ends before the change is answered. */
  async forget(): Promise<void> {
    this.cache.forget();
    await this.parts.siblings.ask(RIGHTS_CHANGED);
  }

  /** The principal of a key or token verified within the last seconds: no waiting, about 2 µs. */
  recall(credential: string): Recollection | undefined {
    return this.cache.get(digestOf(credential), this.parts.clock());
  }

  /** Whether what `recall` gave still holds: a comparison of two numbers, in place of a hash. */
  isFresh(recollection: Recollection): boolean {
    return this.cache.isFresh(recollection, this.parts.clock());
  }

  /** @throws VitrinaError `token-invalid` */
  authenticate(credential: string): Promise<Principal> {
    const digest = digestOf(credential);
    const now = this.parts.clock();
    const recalled = this.cache.get(digest, now);
    if (recalled !== undefined) return Promise.resolve(recalled.principal);
    return this.cache.load(digest, now, () =>
      isApiKey(credential) ? this.parts.keys.verify(credential, digest) : this.verifyToken(credential, now),
    );
  }

  /** @throws VitrinaError `token-invalid` */
  async standIn(userId: number, keyId: string | null): Promise<Principal> {
    if (keyId !== null) return this.parts.keys.standIn(keyId);
    const user = await this.users.byId(userId);
    if (user === undefined || user.disabled_at !== null) throw invalidToken('revoked');
    return Object.freeze({
      kind: 'token',
      userId,
      username: user.username,
      role: user.role,
      scopes: this.parts.scopes.of(user.role),
      keyId: null,
      priority: 'normal',
      limits: null,
      family: null,
    });
  }

  /** Counts a request of a key that may send so many within so many seconds. @throws VitrinaError `rate-exceeded` */
  pass({ limits, keyId }: Principal): Promise<void> | undefined {
    const rate = limits?.rate;
    return rate === null || rate === undefined ? undefined : this.parts.quotas.pass(`key:${keyId}`, rate);
  }

  private async verifyToken(token: string, now: number): Promise<Verified> {
    const claims = await this.parts.tokens.verify(token, now);
    const family = await this.families.find(claims.family);
    // The name is compared too: with a secret of the operator's, tokens outlive a database that was made anew.
    if (family === undefined || family.user.id !== claims.userId || family.user.username !== claims.username) {
      throw invalidToken('revoked');
    }
    const { user } = family;
    if (family.revoked_at !== null || user.disabled_at !== null || user.token_version !== claims.version) {
      throw invalidToken('revoked');
    }
    const principal: Principal = Object.freeze({
      kind: 'token',
      userId: user.id,
      username: user.username,
      role: user.role,
      scopes: Object.freeze(this.parts.scopes.restrict(family.scopes, user.role)),
      keyId: null,
      priority: 'normal',
      limits: null,
      family: family.id,
    });
    return { principal, expiresAt: claims.expiresAt };
  }

  /** See `Accounts.login`. */
  async login(credentials: Credentials): Promise<Login & { readonly user: User }> {
    const row = await this.compare(credentials);
    const scopes = this.parts.scopes.grant(row.role, credentials.scope, row.username);
    const begun = await this.families.begin(row, scopes, this.parts.settings.token.refreshLifetime * 1000);
    if (begun === undefined) throw loginFailed();
    const { id, refreshToken } = begun;
    return { ...(await this.issue(row, id, scopes)), refreshToken, user: toUser(row) };
  }

  /** See `Accounts.refresh`. */
  async refresh(refreshToken: string): Promise<Login> {
    try {
      const { family, refreshToken: successor } = await this.families.rotate(refreshToken);
      const scopes = this.parts.scopes.restrict(family.scopes, family.user.role);
      return { ...(await this.issue(family.user, family.id, scopes)), refreshToken: successor };
    } catch (error) {
      // What that ended is remembered here. Only whoever had a real token gets this far.
      if (error instanceof VitrinaError && (error.fields as { why?: string }).why === 'reused') await this.forget();
      throw error;
    }
  }

  private async issue(
    user: Pick<UserRow, 'id' | 'username' | 'token_version'>,
    family: string,
    scopes: readonly string[],
  ): Promise<Omit<Login, 'refreshToken'>> {
    const claims = { username: user.username, userId: user.id, version: user.token_version, family };
    const { token, expiresAt } = await this.parts.tokens.issue(claims, this.parts.clock());
    return { accessToken: token, expiresAt, expiresIn: this.parts.settings.token.lifetime, scopes };
  }

  /**
   * The user whose password it is. Takes the same time, and says the same, whether the user is unknown, disabled, without
   * a password, or the password is wrong.
   *
   * @throws VitrinaError `login-failed`, `login-throttled`, `login-busy`
   */
  async compare({ username, password, address }: Credentials): Promise<UserRow> {
    // Such a name exists nowhere and such a password fits nobody, so that this answer tells nothing.
    if (faultOfName(username) !== undefined || Buffer.byteLength(password) > PASSWORD_MAXIMUM_BYTES) {
      throw loginFailed();
    }
    const { throttle, hasher } = this.parts;
    const admission = await throttle.admit(usernameKey(username), address);
    let row: UserRow | undefined;
    let matches: boolean;
    try {
      row = await this.users.byName(username);
      const hash = row === undefined || row.disabled_at !== null ? null : row.password_hash;
      matches = await hasher.verify(hash, password, admission.known);
    } catch (error) {
      await admission.withdraw();
      throw error;
    }
    if (row === undefined || !matches) {
      await admission.failed();
      throw loginFailed();
    }
    await admission.succeeded();
    await this.upgrade(row, password);
    return row;
  }

  private async upgrade(row: UserRow, password: string): Promise<void> {
    const old = row.password_hash;
    if (old === null || !this.parts.hasher.isOutdated(old, password)) return;
    try {
      await this.users.upgradeHash(row.id, old, await this.parts.hasher.hash(password));
    } catch (error) {
      // The next login will do; this one is right either way.
      if (!(error instanceof VitrinaError)) throw error;
    }
  }
}

const loginFailed = (): VitrinaError =>
  new VitrinaError('login-failed', {}, { headers: { 'WWW-Authenticate': 'Bearer' } });
