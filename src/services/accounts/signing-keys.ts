import { createHmac, hkdfSync, randomBytes } from 'node:crypto';
import { VitrinaError } from '../../errors.js';
import type { Storage } from '../../storage/storage.js';

/** A secret and what is derived from it. */
export interface SigningKey {
  /** Says in a token's header which key it is, and tells nothing of the secret. */
  readonly kid: string;
  /** Signs: HMAC with SHA-256. */
  readonly signing: Uint8Array;
  /** Encrypts: 256 bits for AES-GCM, of their own, so that no key serves two algorithms. */
  readonly encrypting: Uint8Array;
}

/** The key that new tokens are made with, and those that older ones still fit. */
export interface SigningKeys {
  readonly current: SigningKey;
  readonly all: readonly SigningKey[];
}

const NAME = 'jwt-secret';
const RETIRED = 'jwt-secret-until-';
/** RFC 7518, section 3.2: a key as long as the hash at least. */
const MINIMUM_BYTES = 32;

/** `kid` and encryption key by HMAC and HKDF (RFC 5869), each with a label of its own. */
export function deriveKey(secret: Uint8Array): SigningKey {
  return {
    kid: createHmac('sha256', secret).update('vitrina kid').digest('base64url').slice(0, 11),
    signing: secret,
    encrypting: new Uint8Array(hkdfSync('sha256', secret, '', 'vitrina A256GCM', 32)),
  };
}

/**
 * Keys of the secrets that the operator gave: the first signs, all verify.
 *
 * @throws VitrinaError `secret-too-short`
 */
export function givenKeys(secrets: readonly string[]): SigningKeys {
  const all = secrets.map((text) => {
    const bytes = Buffer.from(text);
    if (bytes.length >= MINIMUM_BYTES) return deriveKey(bytes);
    throw new VitrinaError('secret-too-short', { bytes: bytes.length, minimum: MINIMUM_BYTES });
  });
  return { current: all[0]!, all };
}

/**
 * Keys of the secrets that the database keeps, where the operator gave none: one is made at the first start. A restart
 * therefore keeps tokens valid, and processes on one database accept each other's.
 */
export async function storedKeys(storage: Storage, now: number): Promise<SigningKeys> {
  const read = () =>
    storage.db
      .selectFrom('settings')
      .select(['name', 'value', 'created_at'])
      .where('name', 'like', `${NAME}%`)
      .orderBy('created_at', 'desc')
      .execute();
  let rows = await read();
  if (!rows.some(({ name }) => name === NAME)) {
    // Of several processes that start at once the first one's secret stands for all.
    await insertSecret(storage.db, now);
    rows = await read();
  }
  const current = deriveKey(Buffer.from(rows.find(({ name }) => name === NAME)!.value, 'base64url'));
  const retired = rows
    .filter(({ name }) => name.startsWith(RETIRED) && Number(name.slice(RETIRED.length)) > now)
    .map(({ value }) => deriveKey(Buffer.from(value, 'base64url')));
  return { current, all: [current, ...retired] };
}

/**
 * Makes a new secret the one that signs; the one before verifies for another `lifetime` milliseconds, which is as long
 * as its tokens live.
 */
export async function rotateSecret(db: Storage['db'], now: number, lifetime: number): Promise<void> {
  await db
    .updateTable('settings')
    .set({ name: `${RETIRED}${now + lifetime}` })
    .where('name', '=', NAME)
    .execute();
  await insertSecret(db, now);
  const old = await db.selectFrom('settings').select('name').where('name', 'like', `${RETIRED}%`).execute();
  for (const { name } of old) {
    if (Number(name.slice(RETIRED.length)) > now) continue;
    await db.deleteFrom('settings').where('name', '=', name).execute();
  }
}

async function insertSecret(db: Storage['db'], now: number): Promise<void> {
  await db
    .insertInto('settings')
    .values({ name: NAME, value: randomBytes(MINIMUM_BYTES).toString('base64url'), created_at: now })
    .onConflict((conflict) => conflict.column('name').doNothing())
    .execute();
}
