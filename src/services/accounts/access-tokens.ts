import {
  decodeJwt,
  decodeProtectedHeader,
  EncryptJWT,
  errors,
  type JWTPayload,
  jwtDecrypt,
  jwtVerify,
  SignJWT,
} from 'jose';
import { VitrinaError } from '../../errors.js';
import type { SigningKey, SigningKeys } from './signing-keys.js';

export interface TokenSettings {
  /** Seconds that an access token is valid. */
  readonly lifetime: number;
  /** Seconds that a login can be refreshed for. */
  readonly refreshLifetime: number;
  readonly issuer: string;
  readonly audience: string;
  /** Whether access tokens are encrypted, so that whoever carries them cannot read them. */
  readonly encrypted: boolean;
}

export const defaultTokenSettings: TokenSettings = Object.freeze({
  lifetime: 20 * 60,
  refreshLifetime: 30 * 86_400,
  issuer: 'vitrina',
  audience: 'vitrina',
  encrypted: false,
});

/** What a token says of its user. */
export interface TokenClaims {
  readonly username: string;
  readonly userId: number;
  /** The user's token version when it was issued; the token ends when the user's moves on. */
  readonly version: number;
  /** The login that it goes back to; it ends with that. */
  readonly family: string;
  /** Epoch milliseconds. */
  readonly expiresAt: number;
}

/** Milliseconds between two looks for keys that another process has made. */
const RELOAD_STEP = 1_000;
/** Milliseconds after which the key that signs is looked up again. */
const SIGNING_STEP = 60_000;

/**
 * Issues and verifies access tokens: JWT (RFC 7519), claims `sub` (user name), `id` (user's number), `ver`, `fam`,
 * `iss`, `aud`, `iat`, `exp`; signed with HS256 (RFC 7515), or encrypted with `dir` and A256GCM (RFC 7516), which
 * authenticates as well. Which of the two is the server's choice, as are the algorithms, never the token's: `none`, key
 * confusion and a signed token in place of an encrypted one have no way in. `kid` says with which of the keys.
 */
export class AccessTokens {
  private keys: SigningKeys;
  private loadedAt: number;

  private constructor(
    private readonly load: () => Promise<SigningKeys>,
    private readonly settings: TokenSettings,
    keys: SigningKeys,
    now: number,
  ) {
    this.keys = keys;
    this.loadedAt = now;
  }

  /** @param load reads the keys; again when a token names one that is not known, since another process may have made it */
  static async create(load: () => Promise<SigningKeys>, settings: TokenSettings, now: number): Promise<AccessTokens> {
    return new AccessTokens(load, settings, await load(), now);
  }

  /** @param now epoch milliseconds */
  async issue(user: Omit<TokenClaims, 'expiresAt'>, now: number): Promise<{ token: string; expiresAt: number }> {
    if (now - this.loadedAt >= SIGNING_STEP) await this.reload(now);
    const { lifetime, issuer, audience, encrypted } = this.settings;
    const key = this.keys.current;
    const issued = Math.floor(now / 1000);
    const claims = { id: user.userId, ver: user.version, fam: user.family };
    const jwt = (encrypted ? new EncryptJWT(claims) : new SignJWT(claims))
      .setSubject(user.username)
      .setIssuer(issuer)
      .setAudience(audience)
      .setIssuedAt(issued)
      .setExpirationTime(issued + lifetime);
    const { kid } = key;
    const token =
      jwt instanceof EncryptJWT
        ? await jwt.setProtectedHeader({ alg: 'dir', enc: 'A256GCM', typ: 'JWT', kid }).encrypt(key.encrypting)
        : await jwt.setProtectedHeader({ alg: 'HS256', typ: 'JWT', kid }).sign(key.signing);
    return { token, expiresAt: (issued + lifetime) * 1000 };
  }

  /** @throws VitrinaError `token-invalid` */
  async verify(token: string, now: number): Promise<TokenClaims> {
    try {
      const { sub, exp, id, ver, fam } = await this.open(token, now);
      if (
        typeof sub !== 'string' ||
        typeof exp !== 'number' ||
        typeof fam !== 'string' ||
        !Number.isSafeInteger(id) ||
        !Number.isSafeInteger(ver)
      ) {
        throw invalidToken('foreign');
      }
      return { username: sub, userId: id as number, version: ver as number, family: fam, expiresAt: exp * 1000 };
    } catch (error) {
      throw error instanceof errors.JOSEError ? invalidToken(this.reasonOf(error, token), error) : error;
    }
  }

  private async open(token: string, now: number): Promise<JWTPayload> {
    const { kid } = decodeProtected(token);
    const named = async (): Promise<readonly SigningKey[]> => this.keys.all.filter((key) => key.kid === kid);
    let candidates = kid === undefined ? this.keys.all : await named();
    if (candidates.length === 0 && now - this.loadedAt >= RELOAD_STEP) {
      await this.reload(now);
      candidates = await named();
    }
    const { issuer, audience, encrypted } = this.settings;
    const checks = {
      issuer,
      audience,
      requiredClaims: ['sub', 'iat', 'exp', 'id', 'ver', 'fam'],
      currentDate: new Date(now),
    };
    let failure: unknown;
    // With a key that nobody here has, the current one says what is wrong with the token.
    for (const key of candidates.length === 0 ? [this.keys.current] : candidates) {
      try {
        const opened = encrypted
          ? await jwtDecrypt(token, key.encrypting, {
              ...checks,
              keyManagementAlgorithms: ['dir'],
              contentEncryptionAlgorithms: ['A256GCM'],
            })
          : await jwtVerify(token, key.signing, { ...checks, algorithms: ['HS256'] });
        return opened.payload;
      } catch (error) {
        failure = error;
        if (!(error instanceof errors.JWSSignatureVerificationFailed || error instanceof errors.JWEDecryptionFailed)) {
          break;
        }
      }
    }
    throw failure;
  }

  private async reload(now: number): Promise<void> {
    this.loadedAt = now;
    this.keys = await this.load();
  }

  private reasonOf(error: errors.JOSEError, token: string): InvalidReason {
    if (error instanceof errors.JWTExpired) return 'expired';
    if (error instanceof errors.JWTClaimValidationFailed) return 'foreign';
    if (error instanceof errors.JWEDecryptionFailed) return 'signature';
    if (error instanceof errors.JWSSignatureVerificationFailed || error instanceof errors.JOSEAlgNotAllowed) {
      // Not ours by signature: one that does not even claim to be is somebody else's, one that does was tampered with.
      return issuerOf(token) === this.settings.issuer ? 'signature' : 'foreign';
    }
    return 'malformed';
  }
}

/** @throws VitrinaError `token-invalid` for what has no header */
function decodeProtected(token: string): { kid?: unknown } {
  try {
    return decodeProtectedHeader(token);
  } catch (error) {
    throw invalidToken('malformed', error);
  }
}

/** Who a token says it is from; nothing else is believed of it. */
function issuerOf(token: string): string | undefined {
  try {
    return decodeJwt(token).iss;
  } catch {
    return undefined;
  }
}

export type InvalidReason = 'malformed' | 'signature' | 'foreign' | 'expired' | 'revoked' | 'reused';

/** A 401 that says why a token or a key is not accepted, with the challenge of RFC 6750. */
export function invalidToken(why: InvalidReason, cause?: unknown): VitrinaError<'token-invalid'> {
  return new VitrinaError('token-invalid', { why }, { cause, headers: { 'WWW-Authenticate': 'Bearer' } });
}
