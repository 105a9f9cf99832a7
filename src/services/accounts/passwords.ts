import { randomBytes } from 'node:crypto';
import { availableParallelism } from 'node:os';
import { parseOptions } from '@node-rs/argon2';
import { VitrinaError } from '../../errors.js';
import { HashingThreads } from './hashing-threads.js';
import { Limiter } from './limiter.js';

/**
 * argon2id with 19 MiB, two passes, one lane: the first choice of the OWASP Password Storage Cheat Sheet.
 * About 25 ms of one core.
 */
const policy = Object.freeze({ memoryCost: 19_456, timeCost: 2, parallelism: 1 });

/** Long enough for any passphrase, short enough that hashing it costs nothing beside argon2 itself. */
export const PASSWORD_MAXIMUM_BYTES = 1024;

/** bcrypt reads 72 bytes and ignores the rest. */
const BCRYPT_BYTES = 72;
const bcryptForm = /^\$2[aby]\$(0[4-9]|1[0-6])\$[./A-Za-z0-9]{53}$/;
const argon2Form = /^\$argon2id\$v=19\$m=\d{1,6},t=\d{1,2},p=\d{1,2}\$[A-Za-z0-9+/]{11,86}\$[A-Za-z0-9+/]{22,86}$/;
/** The most that an imported hash may cost: 256 MiB, 16 passes. */
const importable = { memoryCost: 262_144, timeCost: 16 };

const isBcrypt = (hash: string): boolean => hash.startsWith('$2');

/**
 * A password is compared as the bytes that were sent: no normalisation, no trimming, so that hashes taken over from
 * elsewhere keep fitting.
 *
 * @throws VitrinaError `password-invalid`
 */
export function checkPassword(password: string, minimum: number): void {
  const fault = (why: string) => new VitrinaError('password-invalid', { why });
  if ([...password].length < minimum) throw fault(`it has fewer than ${minimum} characters`);
  if (Buffer.byteLength(password) > PASSWORD_MAXIMUM_BYTES) {
    throw fault(`it is longer than ${PASSWORD_MAXIMUM_BYTES} bytes`);
  }
  // Every unpaired surrogate would become the same three bytes: two passwords, one hash.
  if (/\p{Cs}/u.test(password)) throw fault('it is not valid Unicode');
}

/**
 * Whether a hash from elsewhere can be stored.
 *
 * @throws VitrinaError `password-hash-invalid`
 */
export function checkPasswordHash(hash: string): void {
  if (bcryptForm.test(hash)) return;
  const fault = (why: string) => new VitrinaError('password-hash-invalid', { why });
  if (!argon2Form.test(hash)) throw fault('its form is unknown, or its bcrypt cost is not between 4 and 16');
  const { memoryCost, timeCost } = parseOptions(hash);
  if (memoryCost > importable.memoryCost || timeCost > importable.timeCost) {
    throw fault(`it costs more than ${importable.memoryCost} KiB or ${importable.timeCost} passes`);
  }
}

export interface HashingLimits {
  /** Hashes computed at the same time, each in a thread of its own. */
  readonly hashing: number;
  /** Logins in line for it; whoever comes later is told to come back. */
  readonly hashingQueue: number;
}

export const defaultHashingLimits: HashingLimits = Object.freeze({
  hashing: Math.max(1, Math.min(3, Math.floor(availableParallelism() / 2))),
  hashingQueue: 64,
});

/** Of the process: its accounts are one, but for tests. */
const threads = new HashingThreads();

/** Hashes and compares passwords off the event loop, a bounded number at a time. */
export class PasswordHasher {
  readonly #limiter: Limiter;
  /** Compared with where no hash exists, so that an unknown user costs as much as a wrong password. Fits nothing. */
  readonly #dummy: string;

  constructor(limits: HashingLimits) {
    this.#limiter = new Limiter({
      running: limits.hashing,
      waiting: limits.hashingQueue,
      overflow: () => new VitrinaError('login-busy', { retryAfter: 1 }, { headers: { 'Retry-After': '1' } }),
    });
    const random = (bytes: number) => randomBytes(bytes).toString('base64').replaceAll('=', '');
    const { memoryCost, timeCost, parallelism } = policy;
    this.#dummy = `$argon2id$v=19$m=${memoryCost},t=${timeCost},p=${parallelism}$${random(16)}$${random(32)}`;
  }

  /** An argon2id string in the PHC format. @throws VitrinaError `login-busy` */
  hash(password: string): Promise<string> {
    return this.#limiter.run(async () => String(await threads.run({ kind: 'hash', password, policy })));
  }

  /**
   * Whether `password` belongs to `hash`; `null` (no such user, no password set) takes as long and is false.
   * A bcrypt hash takes as long as its own cost says until the login that upgrades it.
   *
   * @param urgent go before those who are not
   * @throws VitrinaError `login-busy`
   */
  async verify(hash: string | null, password: string, urgent = false): Promise<boolean> {
    const stored = hash ?? this.#dummy;
    const kind = isBcrypt(stored) ? 'bcrypt' : 'argon2';
    const matches = await this.#limiter.run(() => threads.run({ kind, password, hash: stored }), urgent);
    return matches === true && hash !== null;
  }

  /** Whether a hash that `password` has just matched should be replaced by a new one of the present policy. */
  isOutdated(hash: string, password: string): boolean {
    // Beyond 72 bytes a bcrypt match does not prove the whole password, so the rest must not become binding.
    if (isBcrypt(hash)) return Buffer.byteLength(password) <= BCRYPT_BYTES;
    const { memoryCost, timeCost, parallelism } = parseOptions(hash);
    return memoryCost !== policy.memoryCost || timeCost !== policy.timeCost || parallelism !== policy.parallelism;
  }
}
