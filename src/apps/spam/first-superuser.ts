import { operator, type Platform, VitrinaError } from '../../index.js';
import type { SpamSettings } from './settings.js';

const MADE = 'spam-first-superuser';

/**
 * Makes the user that the settings name, once: one who was removed, renamed or given another password since is not made
 * anew by the next start.
 */
export async function ensureFirstSuperuser({ accounts, storage }: Platform, settings: SpamSettings): Promise<void> {
  const {
    'first-superuser': username,
    'first-superuser-password': password,
    'first-superuser-email': email,
  } = settings;
  if (username === undefined || password === undefined || email === undefined) return;
  const made = await storage.db.selectFrom('settings').select('name').where('name', '=', MADE).executeTakeFirst();
  if (made !== undefined) return;
  try {
    await accounts.users.create(
      {
        username,
        password,
        passwordMinimum: 6,
        role: 'admin',
        profile: { email, fullName: username, documentNumber: null, phone: null },
      },
      operator,
    );
  } catch (error) {
    // Another process was quicker, or the name was there before.
    if (!(error instanceof VitrinaError) || (error.code !== 'username-taken' && error.code !== 'email-taken'))
      throw error;
  }
  await storage.db
    .insertInto('settings')
    .values({ name: MADE, value: 'made', created_at: Date.now() })
    .onConflict((conflict) => conflict.column('name').doNothing())
    .execute();
}
