import { type CryptoKey, decodeJwt, errors, jwtVerify, SignJWT } from 'jose';
import { VitrinaError } from '../../errors.js';

export interface TokenSettings {
  /** Seconds that a token is valid. */
  readonly lifetime: number;
  readonly issuer: string;
  readonly audience: string;
}

export const defaultTokenSettings: TokenSettings = Object.freeze({
  lifetime: 20 * 60,
  issuer: 'vitrina',
  audience: 'vitrina',
});

/** What a token says of its user. */
export interface TokenClaims {
  readonly username: string;
  readonly userId: number;
  /** The user's token version when it was issued; the token ends when the user's moves on. */
  readonly version: number;
  /** Epoch milliseconds. */
  readonly expiresAt: number;
}

/**
 * Issues and verifies access tokens: JWT (RFC 7519) signed with HS256, claims `sub` (user name), `id` (user's number),
 * `ver`, `iss`, `aud`, `iat`, `exp`. The algorithm is pinned, so `none` and key confusion have no way in.
 */
export class AccessTokens {
  readonly #key: CryptoKey;
  readonly #settings: TokenSettings;

  private constructor(key: CryptoKey, settings: TokenSettings) {
    this.#key = key;
    this.#settings = settings;
  }

  static async create(secret: Uint8Array, settings: TokenSettings): Promise<AccessTokens> {
    const algorithm = { name: 'HMAC', hash: 'SHA-256' };
    const key = await crypto.subtle.importKey('raw', Uint8Array.from(secret), algorithm, false, ['sign', 'verify']);
    return new AccessTokens(key, settings);
  }

  /** @param now epoch milliseconds */
  async issue(user: Omit<TokenClaims, 'expiresAt'>, now: number): Promise<{ token: string; expiresAt: number }> {
    const issued = Math.floor(now / 1000);
    const expires = issued + this.#settings.lifetime;
    const token = await new SignJWT({ id: user.userId, ver: user.version })
      .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
      .setSubject(user.username)
      .setIssuer(this.#settings.issuer)
      .setAudience(this.#settings.audience)
      .setIssuedAt(issued)
      .setExpirationTime(expires)
      .sign(this.#key);
    return { token, expiresAt: expires * 1000 };
  }

  /** @throws VitrinaError `token-invalid` */
  async verify(token: string, now: number): Promise<TokenClaims> {
    try {
      const { payload } = await jwtVerify(token, this.#key, {
        algorithms: ['HS256'],
        issuer: this.#settings.issuer,
        audience: this.#settings.audience,
        requiredClaims: ['sub', 'iat', 'exp', 'id', 'ver'],
        currentDate: new Date(now),
      });
      const { sub, exp, id, ver } = payload;
      if (
        typeof sub !== 'string' ||
        typeof exp !== 'number' ||
        !Number.isSafeInteger(id) ||
        !Number.isSafeInteger(ver)
      ) {
        throw invalidToken('foreign');
      }
      return { username: sub, userId: id as number, version: ver as number, expiresAt: exp * 1000 };
    } catch (error) {
      throw error instanceof errors.JOSEError ? invalidToken(this.#reasonOf(error, token), error) : error;
    }
  }

  #reasonOf(error: errors.JOSEError, token: string): InvalidReason {
    if (error instanceof errors.JWTExpired) return 'expired';
    if (error instanceof errors.JWTClaimValidationFailed) return 'foreign';
    if (error instanceof errors.JWSSignatureVerificationFailed || error instanceof errors.JOSEAlgNotAllowed) {
      // Not ours by signature: one that does not even claim to be is somebody else's, one that does was tampered with.
      return issuerOf(token) === this.#settings.issuer ? 'signature' : 'foreign';
    }
    return 'malformed';
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

export type InvalidReason = 'malformed' | 'signature' | 'foreign' | 'expired' | 'revoked';

/** A 401 that says why a token or a key is not accepted, with the challenge of RFC 6750. */
export function invalidToken(why: InvalidReason, cause?: unknown): VitrinaError<'token-invalid'> {
  return new VitrinaError('token-invalid', { why }, { cause, headers: { 'WWW-Authenticate': 'Bearer' } });
}
