import { VitrinaError } from '../../errors.js';
import type { Storage } from '../../storage/storage.js';

/** Who a user is beyond the name, as an app has checked it. */
export interface NewProfile {
  readonly email: string;
  readonly fullName: string;
  readonly documentNumber: string | null;
  readonly phone: string | null;
}

export interface Profile extends NewProfile {
  readonly userId: number;
  readonly username: string;
  /** Epoch milliseconds. */
  readonly createdAt: number;
}

/** The profiles in the database: one of an e-mail address, in whatever case, and one of a document number. */
export class ProfileStore {
  /** @param db the database, or a transaction on it */
  constructor(private readonly db: Storage['db']) {}

  /** @throws VitrinaError `email-taken`, `document-taken` */
  async insert(userId: number, profile: NewProfile): Promise<void> {
    const inserted = await this.db
      .insertInto('profiles')
      .values({
        user_id: userId,
        email: profile.email,
        email_key: emailKey(profile.email),
        full_name: profile.fullName,
        document_number: profile.documentNumber,
        phone: profile.phone,
      })
      .onConflict((conflict) => conflict.doNothing())
      .returning('user_id')
      .executeTakeFirst();
    if (inserted !== undefined) return;
    await this.refuseTaken(profile);
    // The other's is not to be seen yet, so that all that is known is which of the two can be taken at all.
    throw new VitrinaError('email-taken', { email: profile.email });
  }

  /** @throws VitrinaError `email-taken`, `document-taken` */
  async refuseTaken({ email, documentNumber }: NewProfile): Promise<void> {
    const taken = await this.db
      .selectFrom('profiles')
      .select(['email_key', 'document_number'])
      .where((where) =>
        where.or([
          where('email_key', '=', emailKey(email)),
          ...(documentNumber === null ? [] : [where('document_number', '=', documentNumber)]),
        ]),
      )
      .execute();
    if (taken.length === 0) return;
    if (taken.some((row) => row.email_key === emailKey(email))) throw new VitrinaError('email-taken', { email });
    throw new VitrinaError('document-taken', { document: documentNumber ?? '' });
  }

  async of(userId: number): Promise<Profile | undefined> {
    const row = await this.rows().where('users.id', '=', userId).executeTakeFirst();
    return row === undefined ? undefined : toProfile(row);
  }

  /** By number of the user. */
  async list(skip: number, limit: number): Promise<Profile[]> {
    return (await this.rows().orderBy('users.id').offset(skip).limit(limit).execute()).map(toProfile);
  }

  private rows() {
    return this.db
      .selectFrom('profiles')
      .innerJoin('users', 'users.id', 'profiles.user_id')
      .select(['profiles.user_id', 'email', 'full_name', 'document_number', 'phone'])
      .select(['users.username', 'users.created_at']);
  }
}

const emailKey = (email: string): string => email.normalize('NFKC').toLowerCase();

const toProfile = (row: {
  user_id: number;
  email: string;
  full_name: string;
  document_number: string | null;
  phone: string | null;
  username: string;
  created_at: number;
}): Profile => ({
  userId: row.user_id,
  username: row.username,
  email: row.email,
  fullName: row.full_name,
  documentNumber: row.document_number,
  phone: row.phone,
  createdAt: row.created_at,
});
