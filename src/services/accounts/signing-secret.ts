import { randomBytes } from 'node:crypto';
import { VitrinaError } from '../../errors.js';
import type { Storage } from '../../storage/storage.js';

const NAME = 'jwt-secret';
/** RFC 7518, section 3.2: a key as long as the hash at least. */
const MINIMUM_BYTES = 32;

/**
 * The secret that signs access tokens: the one given, else the one that the database keeps, made at the first start.
 * A restart therefore keeps tokens valid, and processes on one database accept each other's.
 *
 * @throws VitrinaError `secret-too-short`
 */
export async function signingSecret(storage: Storage, given: string | undefined, now: number): Promise<Uint8Array> {
  if (given !== undefined) {
    const bytes = Buffer.from(given);
    if (bytes.length < MINIMUM_BYTES) {
      throw new VitrinaError('secret-too-short', { bytes: bytes.length, minimum: MINIMUM_BYTES });
    }
    return bytes;
  }
  const read = () => storage.db.selectFrom('settings').select('value').where('name', '=', NAME).executeTakeFirst();
  let row = await read();
  if (row === undefined) {
    // Of several processes that start at once the first one's secret stands for all.
    await storage.db
      .insertInto('settings')
      .values({ name: NAME, value: randomBytes(MINIMUM_BYTES).toString('base64url'), created_at: now })
      .onConflict((conflict) => conflict.column('name').doNothing())
      .execute();
    row = await read();
  }
  return Buffer.from(row!.value, 'base64url');
}
