/** What two people do to one account at the same time: whoever ends logins, or resets a password, has the last word. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Accounts, createAccounts, type LoginThrottle, operator } from '../../src/services/accounts/index.js';
import { databases, type TestDatabase } from '../databases.js';

const password = 'correct horse battery staple';
const reset = 'another password entirely';

describe.each(databases)('on $kind', ({ fresh }) => {
  let database: TestDatabase;
  let accounts: Accounts;
  /** What happens between the comparison of a password and what follows from it. */
  let meanwhile: () => Promise<unknown>;
  let id: number;

  beforeEach(async () => {
    database = await fresh();
    meanwhile = async () => undefined;
    const nothing = async () => undefined;
    const throttle: LoginThrottle = {
      admit: async () => ({
        known: false,
        succeeded: async () => void (await meanwhile()),
        failed: nothing,
        withdraw: nothing,
      }),
    };
    accounts = await createAccounts({ storage: await database.open(), throttle });
    id = (await accounts.users.register({ username: 'ana', password })).id;
  });
  afterEach(async () => {
    await accounts.close();
    await database.remove();
  });

  const login = (secret = password) => accounts.login({ username: 'ana', password: secret, address: '192.0.2.1' });
  const refused = (code: string) => expect.objectContaining({ code });

  it.each<[string, () => Promise<unknown>]>([
    ['the password is reset', () => accounts.users.setPassword(id, reset, operator)],
    ['the logins are ended', () => accounts.users.endLogins(id, operator)],
    ['the account is closed', () => accounts.users.setDisabled(id, true, operator)],
    ['the account is removed', () => accounts.users.delete(id, operator)],
  ])('a login does not go on when %s while its password is compared', async (_what, act) => {
    meanwhile = act;
    await expect(login()).rejects.toEqual(refused('login-failed'));
  });

  it('a login goes on when nothing of that happens', async () => {
    const { accessToken, refreshToken } = await login();
    expect((await accounts.authenticate(accessToken)).username).toBe('ana');
    expect((await accounts.refresh(refreshToken)).accessToken).toBeTypeOf('string');
  });

  it.each<[string, () => Promise<unknown>]>([
    ['reset', () => accounts.users.setPassword(id, reset, operator)],
    ['followed by a logout everywhere', () => accounts.users.endLogins(id, operator)],
  ])('changing one’s password does not undo one that was %s meanwhile', async (what, act) => {
    const principal = await accounts.authenticate((await login()).accessToken);
    meanwhile = act;
    const change = { current: password, next: 'the password of a thief', address: '192.0.2.1' };
    await expect(accounts.users.changeOwnPassword(principal, change)).rejects.toMatchObject({
      code: 'token-invalid',
      fields: { why: 'revoked' },
    });
    meanwhile = async () => undefined;
    await expect(login(change.next)).rejects.toEqual(refused('login-failed'));
    await expect(login(what === 'reset' ? reset : password)).resolves.toMatchObject({ expiresIn: 1200 });
  });

  it('a key that administers users sets no password of one who becomes an admin meanwhile', async () => {
    const boss = await accounts.users.create({ username: 'boss', password: null, role: 'admin' }, operator);
    const { key } = await accounts.keys.create({ userId: boss.id, scopes: ['users'] }, operator);
    const actor = await accounts.authenticate(key);
    for (let turn = 0; ; turn++) {
      const { id: user } = await accounts.users.create({ username: `user ${turn}`, password: null }, operator);
      let settled = false;
      const setting = accounts.users.setPassword(user, reset, actor).finally(() => {
        settled = true;
      });
      setting.catch(() => undefined);
      await accounts.users.setRole(user, 'admin', operator);
      // A password is hashed for longer than a role is written; where it was not, there was nothing to refuse.
      if (settled && turn < 20) continue;
      await expect(setting).rejects.toEqual(refused('forbidden'));
      expect((await accounts.users.find(user)).hasPassword).toBe(false);
      return;
    }
  });
});
