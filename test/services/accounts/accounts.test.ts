import { hash as bcryptHash } from '@node-rs/bcrypt';
import { SignJWT } from 'jose';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Accounts, createAccounts, operator, type Principal } from '../../../src/services/accounts/index.js';
import { defaultThrottleLimits } from '../../../src/services/accounts/login-throttle.js';
import type { AccountSettings } from '../../../src/services/accounts/settings.js';
import { noSiblings, type Siblings } from '../../../src/services/siblings.js';
import type { Storage } from '../../../src/storage/index.js';
import { databases, type TestDatabase } from '../../databases.js';

let database: TestDatabase;
let storage: Storage;
let accounts: Accounts;
let now: number;

const password = 'correct horse battery staple';
const address = '192.0.2.1';
const withCode = (code: string) => expect.objectContaining({ code });
const make = (settings: Partial<AccountSettings> = {}, on = storage) =>
  createAccounts({ storage: on, clock: () => now, settings });
const login = (username: string, secret = password, from = address) =>
  accounts.login({ username, password: secret, address: from });

describe.each(databases)('on $kind', ({ fresh }) => {
  beforeEach(async () => {
    database = await fresh();
    storage = await database.open();
    now = Date.parse('2026-01-01T00:00:00Z');
    accounts = await make();
  });

  afterEach(() => database.remove());

  describe('logging in', () => {
    it('takes a name in any case and gives a token that says who it is', async () => {
      const user = await accounts.register({ username: 'Ana', password });
      const { accessToken, expiresIn, expiresAt } = await login('ANA');
      expect([expiresIn, expiresAt]).toEqual([1200, now + 1_200_000]);
      expect(await accounts.authenticate(accessToken)).toEqual({
        kind: 'token',
        userId: user.id,
        username: 'Ana',
        role: 'user',
        scopes: ['predict', 'models:read'],
        keyId: null,
        priority: 'normal',
      });
    });

    it('says the same whether the name or the password is wrong, the account closed or without password', async () => {
      const ana = await accounts.register({ username: 'ana', password });
      await accounts.register({ username: 'ben', password });
      await accounts.ensureAdmin();
      await accounts.setDisabled(ana.id, true, operator);
      const tries = [login('ben', 'wrong password'), login('nobody'), login('ana'), login('admin'), login('a\nb')];
      tries.push(login('ben', 'x'.repeat(100_000)));
      for (const outcome of await Promise.allSettled(tries)) {
        expect(outcome).toMatchObject({ reason: { code: 'login-failed', status: 401, message: expect.any(String) } });
      }
    });

    it('upgrades a bcrypt hash to argon2id, once, and the password goes on fitting', async () => {
      const passwordHash = await bcryptHash(password, 4);
      await accounts.importUser({ username: 'ana', passwordHash }, operator);
      const stored = async () =>
        (await storage.db.selectFrom('users').select('password_hash').executeTakeFirstOrThrow()).password_hash;
      await expect(login('ana', 'wrong password')).rejects.toEqual(withCode('login-failed'));
      expect(await stored()).toBe(passwordHash);
      const { accessToken } = await login('ana');
      const upgraded = await stored();
      expect(upgraded).toMatch(/^\$argon2id\$/);
      // The upgrade changes nothing for the user: the token that came with it is valid.
      expect((await accounts.authenticate(accessToken)).username).toBe('ana');
      await login('ana');
      expect(await stored()).toBe(upgraded);
    });

    it('is throttled for the guesser, not for the user’s own address', async () => {
      await accounts.register({ username: 'ana', password });
      await login('ana');
      let compared = 0;
      for (let turn = 0; turn < 80; turn++) {
        const outcome = await login('ana', 'wrong password', `198.51.100.${turn}`).catch((error) => error);
        if (outcome.code === 'login-failed') compared++;
        else expect(outcome).toMatchObject({ code: 'login-throttled', status: 429, headers: { 'Retry-After': '10' } });
      }
      expect(compared).toBe(defaultThrottleLimits.user.burst);
      expect((await login('ana')).user.username).toBe('ana');
    });

    it('is answered with 503 when too many come at once, and those count as no failure', async () => {
      accounts = await make({ hashing: 1, hashingQueue: 2 });
      await accounts.register({ username: 'ana', password });
      const outcomes = await Promise.allSettled(
        Array.from({ length: 9 }, (_, turn) => login('ana', password, `10.0.0.${turn}`)),
      );
      const codes = outcomes.map((outcome) => (outcome.status === 'fulfilled' ? 'in' : outcome.reason.code));
      // A look-up that took its time may find the first place free again.
      expect(codes.filter((code) => code === 'in').length).toBeGreaterThanOrEqual(3);
      expect(codes.filter((code) => code === 'login-busy').length).toBeGreaterThanOrEqual(3);
      expect(new Set(codes)).toEqual(new Set(['in', 'login-busy']));
      expect((await login('ana')).user.username).toBe('ana');
    });
  });

  describe('access tokens', () => {
    it('outlive a restart, and are accepted by another process on the same database', async () => {
      await accounts.register({ username: 'ana', password });
      const { accessToken } = await login('ana');
      const second = await database.open();
      expect((await (await make({}, second)).authenticate(accessToken)).username).toBe('ana');
    });

    it('end with their time, also when they were seen a moment before', async () => {
      await accounts.register({ username: 'ana', password });
      const { accessToken, expiresAt } = await login('ana');
      now = expiresAt - 1;
      await accounts.authenticate(accessToken);
      expect(accounts.recall(accessToken)).toBeDefined();
      now = expiresAt;
      expect(accounts.recall(accessToken)).toBeUndefined();
      await expect(accounts.authenticate(accessToken)).rejects.toEqual(withCode('token-invalid'));
    });

    it.each([
      ['the password changes', (id: number) => accounts.setPassword(id, 'another password', operator)],
      ['the account is closed', (id: number) => accounts.setDisabled(id, true, operator)],
      ['the user is removed', (id: number) => accounts.deleteUser(id, operator)],
    ])('end at once when %s here, and within five seconds elsewhere', async (_what, act) => {
      const { id } = await accounts.register({ username: 'ana', password });
      const { accessToken } = await login('ana');
      const elsewhere = await make();
      await Promise.all([accounts.authenticate(accessToken), elsewhere.authenticate(accessToken)]);
      await act(id);
      await expect(accounts.authenticate(accessToken)).rejects.toMatchObject({ fields: { why: 'revoked' } });
      now += 4_999;
      expect((await elsewhere.authenticate(accessToken)).userId).toBe(id);
      now += 1;
      await expect(elsewhere.authenticate(accessToken)).rejects.toMatchObject({ fields: { why: 'revoked' } });
    });

    it('fit nobody after their user was removed and the name given anew, even on a new database with the same secret', async () => {
      accounts = await make({ jwtSecret: 'x'.repeat(32) });
      await accounts.register({ username: 'ana', password });
      const { accessToken } = await login('ana');
      const other = await fresh();
      const renewed = await make({ jwtSecret: 'x'.repeat(32) }, await other.open());
      await renewed.register({ username: 'mallory', password });
      await expect(renewed.authenticate(accessToken)).rejects.toEqual(withCode('token-invalid'));
      await other.remove();
    });

    it('are signed with the secret of the configuration when there is one, which must be long enough', async () => {
      const jwtSecret = 'a secret that is long enough to sign';
      accounts = await make({ jwtSecret });
      const { id } = await accounts.register({ username: 'ana', password });
      const token = await new SignJWT({ id, ver: 0 })
        .setProtectedHeader({ alg: 'HS256' })
        .setSubject('ana')
        .setIssuer('vitrina')
        .setAudience('vitrina')
        .setIssuedAt(now / 1000)
        .setExpirationTime(now / 1000 + 60)
        .sign(Buffer.from(jwtSecret));
      expect((await accounts.authenticate(token)).username).toBe('ana');
      await expect(make({ jwtSecret: 'short' })).rejects.toEqual(withCode('secret-too-short'));
    });
  });

  describe('API keys', () => {
    it('are shown once and stored as a hash', async () => {
      const { id: userId } = await accounts.register({ username: 'ana', password });
      const { key, ...shown } = await accounts.createKey({ userId, name: 'ward 3' }, operator);
      expect(key).toMatch(/^vtr_[0-9a-f]{16}_[A-Za-z0-9_-]{43}$/);
      expect(await accounts.listKeys(operator)).toEqual([shown]);
      const rows = await storage.db.selectFrom('api_keys').selectAll().execute();
      expect(JSON.stringify(rows)).not.toContain(key.slice(-43));
      await storage.close();
      storage = await database.open();
      expect(await (await make()).authenticate(key)).toMatchObject({ kind: 'key', userId, keyId: shown.id });
    });

    it('are refused when any part is another’s', async () => {
      const { id: userId } = await accounts.register({ username: 'ana', password });
      const [one, two] = [
        await accounts.createKey({ userId }, operator),
        await accounts.createKey({ userId }, operator),
      ];
      const mixed = `${one.key.slice(0, 21)}${two.key.slice(21)}`;
      for (const forged of [
        mixed,
        `${one.key}A`,
        one.key.slice(0, -1),
        one.key.toUpperCase(),
        'vtr_',
        `vtr_${'0'.repeat(16)}_${'A'.repeat(43)}`,
      ]) {
        await expect(accounts.authenticate(forged)).rejects.toEqual(withCode('token-invalid'));
      }
      expect((await accounts.authenticate(one.key)).keyId).toBe(one.id);
    });

    it('end when they are revoked: at once here, within five seconds elsewhere', async () => {
      const { id: userId } = await accounts.register({ username: 'ana', password });
      const { key, id } = await accounts.createKey({ userId }, operator);
      const elsewhere = await make();
      await Promise.all([accounts.authenticate(key), elsewhere.authenticate(key)]);
      await accounts.revokeKey(id, operator);
      await expect(accounts.authenticate(key)).rejects.toMatchObject({ fields: { why: 'revoked' } });
      expect(elsewhere.recall(key)).toBeDefined();
      now += 5_000;
      await expect(elsewhere.authenticate(key)).rejects.toMatchObject({ fields: { why: 'revoked' } });
      const revokedAt = (await accounts.listKeys(operator))[0]?.revokedAt;
      now += 1;
      await accounts.revokeKey(id, operator);
      expect((await accounts.listKeys(operator))[0]?.revokedAt).toBe(revokedAt);
    });

    it('end at once in every process of one server, before whoever ends them is answered', async () => {
      const answers: ((question: unknown) => unknown)[] = [];
      const siblings: Siblings = {
        ...noSiblings,
        answer: (_topic, respond) => void answers.push(respond),
        ask: async () => answers.map((respond) => respond(undefined)),
      };
      const worker = () => createAccounts({ storage, clock: () => now, siblings });
      const [one, other] = [await worker(), await worker()];
      const { id: userId } = await one.register({ username: 'ana', password });
      const first = await one.createKey({ userId }, operator);
      const second = await one.createKey({ userId }, operator);
      await Promise.all([other.authenticate(first.key), other.authenticate(second.key)]);
      await one.revokeKey(first.id, operator);
      expect(other.recall(first.key)).toBeUndefined();
      await expect(other.authenticate(first.key)).rejects.toMatchObject({ fields: { why: 'revoked' } });
      await other.authenticate(second.key);
      await one.setDisabled(userId, true, operator);
      await expect(other.authenticate(second.key)).rejects.toMatchObject({ code: 'token-invalid' });
    });

    it('end with their time', async () => {
      const { id: userId } = await accounts.register({ username: 'ana', password });
      const { key } = await accounts.createKey({ userId, expiresAt: now + 2_000 }, operator);
      await accounts.authenticate(key);
      now += 2_000;
      await expect(accounts.authenticate(key)).rejects.toMatchObject({ fields: { why: 'expired' } });
      for (const expiresAt of [now, Number.NaN, Number.NEGATIVE_INFINITY]) {
        await expect(accounts.createKey({ userId, expiresAt }, operator)).rejects.toEqual(withCode('expiry-invalid'));
      }
    });

    it('remember their last use to the minute, without a write at every request', async () => {
      const { id: userId } = await accounts.register({ username: 'ana', password });
      const { key } = await accounts.createKey({ userId }, operator);
      const lastUse = async () => (await accounts.listKeys(operator))[0]?.lastUsedAt;
      expect(await lastUse()).toBeNull();
      const first = now;
      await accounts.authenticate(key);
      expect(await lastUse()).toBe(first);
      now += 59_999;
      await accounts.authenticate(key);
      expect(await lastUse()).toBe(first);
      now += 5_000;
      await accounts.authenticate(key);
      expect(await lastUse()).toBe(now);
    });

    it('can do no more than their user, also after the user has lost a role', async () => {
      const { id: userId } = await accounts.createUser({ username: 'ana', password, role: 'admin' }, operator);
      const { key } = await accounts.createKey({ userId, scopes: ['predict', 'models:write', 'users'] }, operator);
      expect((await accounts.authenticate(key)).scopes).toEqual(['predict', 'models:write', 'users']);
      await storage.db.updateTable('users').set({ role: 'user' }).where('id', '=', userId).execute();
      now += 5_000;
      expect((await accounts.authenticate(key)).scopes).toEqual(['predict']);
      const beyond = accounts.createKey({ userId, scopes: ['admin'] }, operator);
      await expect(beyond).rejects.toMatchObject({ code: 'scope-beyond-role', fields: { scope: 'admin' } });
    });

    it.each([
      [{ scopes: ['fly'] }, 'scope-unknown'],
      [{ scopes: ['__proto__'] }, 'scope-unknown'],
      [{ name: 'a\nb' }, 'key-name-invalid'],
      [{ userId: 99 }, 'user-unknown'],
      [{ priority: 'urgent' }, 'priority-unknown'],
    ])('are not made from %j', async (wrong, code) => {
      const { id: userId } = await accounts.register({ username: 'ana', password });
      await expect(accounts.createKey({ userId, ...wrong }, operator)).rejects.toEqual(withCode(code));
    });
  });

  describe('administration', () => {
    const actor = async (name: string, scopes: string[]): Promise<Principal> => {
      const user = await accounts.createUser({ username: name, password: null, role: 'admin' }, operator);
      const { key } = await accounts.createKey({ userId: user.id, scopes }, operator);
      return accounts.authenticate(key);
    };

    it('lets nobody rise: a key with "users" or "keys" reaches no admin and grants nothing it lacks', async () => {
      const clerk = await actor('clerk', ['users', 'keys', 'predict']);
      const root = await actor('root', ['admin']);
      const ana = await accounts.createUser({ username: 'ana', password }, clerk);
      const forbidden = expect.objectContaining({ code: 'forbidden', status: 403 });
      const rises = [
        () => accounts.createUser({ username: 'eve', password, role: 'admin' }, clerk),
        () => accounts.importUser({ username: 'eve', passwordHash: `$2b$04$${'a'.repeat(53)}`, role: 'admin' }, clerk),
        () => accounts.setPassword(root.userId, password, clerk),
        () => accounts.setDisabled(root.userId, true, clerk),
        () => accounts.deleteUser(root.userId, clerk),
        () => accounts.revokeKey(root.keyId!, clerk),
        () => accounts.createKey({ userId: root.userId, scopes: ['predict'] }, clerk),
        () => accounts.createKey({ userId: clerk.userId, scopes: ['admin'] }, clerk),
        () => accounts.createKey({ userId: ana.id, scopes: ['models:read'] }, clerk),
      ];
      for (const rise of rises) await expect(rise()).rejects.toEqual(forbidden);
      expect(await accounts.createKey({ userId: ana.id, scopes: ['predict'] }, clerk)).toMatchObject({
        scopes: ['predict'],
      });
      await accounts.setPassword(root.userId, password, root);
      await accounts.revokeKey(clerk.keyId!, root);
    });

    it('lets only an admin hand out keys that go before everybody else', async () => {
      const clerk = await actor('clerk', ['users', 'keys', 'predict']);
      const { id: userId } = await accounts.createUser({ username: 'ana', password: null }, clerk);
      const make = (priority: string, by: Principal) =>
        accounts.createKey({ userId, scopes: ['predict'], priority }, by);
      await expect(make('high', clerk)).rejects.toMatchObject({ code: 'forbidden', status: 403 });
      const low = await make('low', clerk);
      expect(low.priority).toBe('low');
      const high = await make('high', await actor('root', ['admin']));
      expect((await accounts.authenticate(high.key)).priority).toBe('high');
      expect((await accounts.authenticate(low.key)).priority).toBe('low');
      expect((await accounts.listKeys(operator, userId)).map(({ priority }) => priority).sort()).toEqual([
        'high',
        'low',
      ]);
    });

    it('needs the scope, and does not tell without it who exists', async () => {
      const { id: userId } = await accounts.register({ username: 'ana', password });
      const ana = await accounts.authenticate((await accounts.createKey({ userId }, operator)).key);
      for (const id of [userId, 999]) {
        await expect(accounts.deleteUser(id, ana)).rejects.toEqual(withCode('forbidden'));
        await expect(accounts.setPassword(id, password, ana)).rejects.toEqual(withCode('forbidden'));
      }
      await expect(accounts.listUsers(ana)).rejects.toEqual(withCode('forbidden'));
      await expect(accounts.listKeys(ana)).rejects.toEqual(withCode('forbidden'));
      await expect(accounts.revokeKey('0'.repeat(16), ana)).rejects.toEqual(withCode('forbidden'));
    });

    it('makes a name once, whatever the case and however many try at once', async () => {
      const names = ['ana', 'ANA', 'Ana', 'aNa', 'ＡＮＡ'];
      const outcomes = await Promise.allSettled(names.map((username) => accounts.register({ username, password })));
      expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
      for (const outcome of outcomes) {
        if (outcome.status === 'rejected') expect(outcome.reason).toEqual(withCode('username-taken'));
      }
    });

    it('keeps the last admin', async () => {
      const root = await accounts.ensureAdmin();
      const second = await accounts.createUser({ username: 'second', password, role: 'admin' }, operator);
      await accounts.setDisabled(second.id, true, operator);
      await expect(accounts.deleteUser(root.id, operator)).rejects.toEqual(withCode('last-admin'));
      await expect(accounts.setDisabled(root.id, true, operator)).rejects.toEqual(withCode('last-admin'));
      await accounts.setDisabled(second.id, false, operator);
      await accounts.deleteUser(root.id, operator);
      await expect(accounts.findUser('admin')).rejects.toEqual(withCode('user-unknown'));
    });

    it('keeps one of two admins who end each other at the same moment', async () => {
      const elsewhere = await make();
      for (let turn = 0; turn < 20; turn++) {
        const one = await accounts.createUser({ username: `one${turn}`, password: null, role: 'admin' }, operator);
        const two = await accounts.createUser({ username: `two${turn}`, password: null, role: 'admin' }, operator);
        const outcomes = await Promise.allSettled(
          turn % 2 === 0
            ? [accounts.deleteUser(one.id, operator), elsewhere.deleteUser(two.id, operator)]
            : [accounts.setDisabled(one.id, true, operator), elsewhere.setDisabled(two.id, true, operator)],
        );
        const refusals = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason.code] : []));
        expect(refusals).toEqual(['last-admin']);
        await storage.db.deleteFrom('users').execute();
      }
    });

    it('finds nobody by what cannot be a name or a number', async () => {
      for (const name of ['a\0b', '', 'x'.repeat(1_000), '\ud800']) {
        await expect(accounts.findUser(name)).rejects.toEqual(withCode('user-unknown'));
        const user = { username: name, password };
        await expect(accounts.createUser(user, operator)).rejects.toEqual(withCode('username-invalid'));
      }
      for (const id of [0, -1, 1.5, 2 ** 53, 1e20, Number.NaN]) {
        await expect(accounts.findUser(id)).rejects.toEqual(withCode('user-unknown'));
        await expect(accounts.createKey({ userId: id }, operator)).rejects.toEqual(withCode('user-unknown'));
      }
    });

    it('lists users in pages', async () => {
      for (const username of ['a', 'b', 'c']) await accounts.createUser({ username, password: null }, operator);
      const first = await accounts.listUsers(operator, { limit: 2 });
      expect(first.map(({ username }) => username)).toEqual(['a', 'b']);
      const rest = await accounts.listUsers(operator, { after: first[1]!.id, limit: 2 });
      expect(rest.map(({ username }) => username)).toEqual(['c']);
    });

    it('knows no other roles', async () => {
      for (const role of ['root', '__proto__', 'toString']) {
        const made = accounts.createUser({ username: 'ana', password, role: role as 'user' }, operator);
        await expect(made).rejects.toEqual(withCode('role-unknown'));
      }
    });
  });

  describe('the first start', () => {
    it('makes an admin without password and one key for everything, once', async () => {
      const first = await accounts.bootstrap();
      expect(await accounts.authenticate(first!.key)).toMatchObject({ username: 'admin', role: 'admin', kind: 'key' });
      expect((await accounts.findUser('admin')).hasPassword).toBe(false);
      await expect(login('admin', '')).rejects.toEqual(withCode('login-failed'));
      expect(await accounts.bootstrap()).toBeNull();
      expect(await (await make()).bootstrap()).toBeNull();
    });

    it('still hands out its key when the command line was there before it', async () => {
      const admin = await accounts.ensureAdmin();
      await accounts.createKey({ userId: admin.id }, operator);
      expect((await accounts.bootstrap())?.username).toBe('admin');
    });

    it('does not bring back an admin whom the operator removed', async () => {
      await accounts.bootstrap();
      await accounts.createUser({ username: 'root', password, role: 'admin' }, operator);
      await accounts.deleteUser((await accounts.findUser('admin')).id, operator);
      expect(await accounts.bootstrap()).toBeNull();
      await expect(accounts.findUser('admin')).rejects.toEqual(withCode('user-unknown'));
    });

    it('gives no rights to a plain user who is called admin', async () => {
      await accounts.register({ username: 'Admin', password });
      expect(await accounts.bootstrap()).toBeNull();
      expect(await accounts.listKeys(operator)).toEqual([]);
    });
  });
});
