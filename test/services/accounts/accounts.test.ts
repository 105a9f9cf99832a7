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
      const user = await accounts.users.register({ username: 'Ana', password });
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
        limits: null,
        family: expect.stringMatching(/^[\w-]{22}$/),
      });
    });

    it('says the same whether the name or the password is wrong, the account closed or without password', async () => {
      const ana = await accounts.users.register({ username: 'ana', password });
      await accounts.users.register({ username: 'ben', password });
      await accounts.users.ensureAdmin();
      await accounts.users.setDisabled(ana.id, true, operator);
      const tries = [login('ben', 'wrong password'), login('nobody'), login('ana'), login('admin'), login('a\nb')];
      tries.push(login('ben', 'x'.repeat(100_000)));
      for (const outcome of await Promise.allSettled(tries)) {
        expect(outcome).toMatchObject({ reason: { code: 'login-failed', status: 401, message: expect.any(String) } });
      }
    });

    it('upgrades a bcrypt hash to argon2id, once, and the password goes on fitting', async () => {
      const passwordHash = await bcryptHash(password, 4);
      await accounts.users.import({ username: 'ana', passwordHash }, operator);
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
      await accounts.users.register({ username: 'ana', password });
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
      await accounts.users.register({ username: 'ana', password });
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
      await accounts.users.register({ username: 'ana', password });
      const { accessToken } = await login('ana');
      const second = await database.open();
      expect((await (await make({}, second)).authenticate(accessToken)).username).toBe('ana');
    });

    it('end with their time, also when they were seen a moment before', async () => {
      await accounts.users.register({ username: 'ana', password });
      const { accessToken, expiresAt } = await login('ana');
      now = expiresAt - 1;
      await accounts.authenticate(accessToken);
      expect(accounts.recall(accessToken)).toBeDefined();
      now = expiresAt;
      expect(accounts.recall(accessToken)).toBeUndefined();
      await expect(accounts.authenticate(accessToken)).rejects.toEqual(withCode('token-invalid'));
    });

    it.each([
      ['the password changes', (id: number) => accounts.users.setPassword(id, 'another password', operator)],
      ['the account is closed', (id: number) => accounts.users.setDisabled(id, true, operator)],
      ['the user is removed', (id: number) => accounts.users.delete(id, operator)],
    ])('end at once when %s here, and within five seconds elsewhere', async (_what, act) => {
      const { id } = await accounts.users.register({ username: 'ana', password });
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
      await accounts.users.register({ username: 'ana', password });
      const { accessToken } = await login('ana');
      const other = await fresh();
      const renewed = await make({ jwtSecret: 'x'.repeat(32) }, await other.open());
      await renewed.users.register({ username: 'mallory', password });
      await expect(renewed.authenticate(accessToken)).rejects.toEqual(withCode('token-invalid'));
      await other.remove();
    });

    it('are signed with the secret of the configuration when there is one, which must be long enough', async () => {
      const jwtSecret = 'a secret that is long enough to sign';
      accounts = await make({ jwtSecret });
      const { id } = await accounts.users.register({ username: 'ana', password });
      const { family } = await accounts.authenticate((await login('ana')).accessToken);
      const token = await new SignJWT({ id, ver: 0, fam: family })
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

  describe('refresh tokens', () => {
    const why = (reason: string) => expect.objectContaining({ code: 'token-invalid', fields: { why: reason } });
    const tokenOf = async () => {
      await accounts.users.register({ username: 'ana', password });
      return login('ana');
    };

    it('bring the next pair, with the rights that were asked for', async () => {
      await accounts.users.register({ username: 'ana', password });
      const first = await accounts.login({ username: 'ana', password, address, scope: 'models:read' });
      expect(first.scopes).toEqual(['models:read']);
      now += 60_000;
      const second = await accounts.refresh(first.refreshToken);
      expect(second).toMatchObject({ scopes: ['models:read'], expiresAt: now + 1_200_000 });
      expect(second.refreshToken).not.toBe(first.refreshToken);
      expect((await accounts.authenticate(second.accessToken)).scopes).toEqual(['models:read']);
      expect((await accounts.authenticate(first.accessToken)).family).toBe(
        (await accounts.authenticate(second.accessToken)).family,
      );
      await accounts.refresh(second.refreshToken);
    });

    it('end the whole login when one is shown twice, and no other login', async () => {
      const first = await tokenOf();
      const other = await login('ana');
      const second = await accounts.refresh(first.refreshToken);
      await accounts.authenticate(second.accessToken);
      await expect(accounts.refresh(first.refreshToken)).rejects.toEqual(why('reused'));
      for (const token of [first, second]) {
        await expect(accounts.authenticate(token.accessToken)).rejects.toEqual(why('revoked'));
      }
      await expect(accounts.refresh(second.refreshToken)).rejects.toEqual(why('revoked'));
      await accounts.authenticate((await accounts.refresh(other.refreshToken)).accessToken);
    });

    it('are spent by one of many that show the same at once, which is a theft', async () => {
      const { refreshToken } = await tokenOf();
      const outcomes = await Promise.allSettled(Array.from({ length: 20 }, () => accounts.refresh(refreshToken)));
      const won = outcomes.filter((outcome) => outcome.status === 'fulfilled');
      expect(won).toHaveLength(1);
      await expect(accounts.refresh(won[0]!.value.refreshToken)).rejects.toEqual(why('revoked'));
    });

    it('end with their time, the account, the password, and the logout', async () => {
      const user = await accounts.users.register({ username: 'ana', password });
      const id = user.id;
      const late = await login('ana');
      now += 30 * 86_400_000;
      await expect(accounts.refresh(late.refreshToken)).rejects.toEqual(why('expired'));
      for (const end of [
        () => accounts.users.setDisabled(id, true, operator),
        () => accounts.users.setPassword(id, password, operator),
        () => accounts.users.endLogins(id, operator),
        async (token: string) => accounts.logout(await accounts.authenticate(token)),
        async (token: string) =>
          accounts.users.changeOwnPassword(await accounts.authenticate(token), {
            current: password,
            next: password,
            address,
          }),
      ]) {
        const pair = await login('ana');
        await end(pair.accessToken);
        await accounts.users.setDisabled(id, false, operator);
        await expect(accounts.authenticate(pair.accessToken)).rejects.toEqual(why('revoked'));
        await expect(accounts.refresh(pair.refreshToken)).rejects.toEqual(why('revoked'));
      }
      await login('ana');
    });

    it('of any other text are refused, and end nothing', async () => {
      const { accessToken, refreshToken } = await tokenOf();
      await accounts.authenticate(accessToken);
      for (const text of ['', 'x', accessToken, refreshToken.slice(0, -1), `${refreshToken}A`]) {
        await expect(accounts.refresh(text)).rejects.toEqual(why('malformed'));
      }
      await expect(accounts.refresh(`vtf_${'A'.repeat(43)}`)).rejects.toEqual(why('signature'));
      expect(accounts.recall(accessToken)).toBeDefined();
    });

    it('are in the database as hashes alone', async () => {
      const pair = await tokenOf();
      const next = await accounts.refresh(pair.refreshToken);
      const tables = ['users', 'token_families', 'refresh_tokens', 'settings', 'audit_log'] as const;
      const rows = await Promise.all(tables.map((table) => storage.db.selectFrom(table).selectAll().execute()));
      const bytes = JSON.stringify(rows);
      expect(bytes).toContain('$argon2id$');
      for (const { refreshToken, accessToken } of [pair, next]) {
        expect(bytes).not.toContain(refreshToken.slice(4));
        expect(bytes).not.toContain(accessToken.split('.')[2]);
      }
      expect(bytes).not.toContain(password);
    });
  });

  describe('scopes of a login', () => {
    const spam = {
      spam_ml: { description: 'x', from: 'user', byDefault: true },
      test_token: { description: 'y', from: 'user', byDefault: false },
    } as const;

    it('are those asked for, of those the role has', async () => {
      accounts = await createAccounts({ storage, clock: () => now, scopes: spam });
      await accounts.users.register({ username: 'ana', password });
      const scopesFor = async (scope?: string) =>
        (await accounts.login({ username: 'ana', password, address, scope })).scopes;
      expect(await scopesFor()).toEqual(['spam_ml', 'predict', 'models:read']);
      expect(await scopesFor(' ')).toEqual(['spam_ml', 'predict', 'models:read']);
      expect(await scopesFor('test_token predict')).toEqual(['test_token', 'predict']);
      await expect(scopesFor('admin')).rejects.toEqual(withCode('scope-beyond-role'));
      await expect(scopesFor('constructor')).rejects.toEqual(withCode('scope-unknown'));
      const { key } = await accounts.keys.create({ userId: 1 }, operator);
      expect((await accounts.authenticate(key)).scopes).toEqual(['spam_ml', 'predict', 'models:read']);
    });

    it('shrink with the role', async () => {
      const { id } = await accounts.users.register({ username: 'ana', password });
      await accounts.users.setRole(id, 'maintainer', operator);
      const { accessToken } = await login('ana');
      expect((await accounts.authenticate(accessToken)).scopes).toContain('models:write');
      await accounts.users.setRole(id, 'user', operator);
      expect((await accounts.authenticate(accessToken)).scopes).not.toContain('models:write');
    });
  });

  describe('the secret of the database', () => {
    it('is replaced, and what it signed lives out its time', async () => {
      await accounts.users.register({ username: 'ana', password });
      const before = await login('ana');
      await accounts.rotateSecret(operator);
      const elsewhere = await make();
      const after = await elsewhere.login({ username: 'ana', password, address });
      expect((await elsewhere.authenticate(before.accessToken)).username).toBe('ana');
      now += 1_000;
      expect((await accounts.authenticate(after.accessToken)).username).toBe('ana');
      now += 1_200_000;
      await accounts.rotateSecret(operator);
      const rows = await storage.db
        .selectFrom('settings')
        .select('name')
        .where('name', 'like', 'jwt-secret%')
        .execute();
      expect(rows).toHaveLength(2);
    });

    it('is not that of the configuration', async () => {
      accounts = await make({ jwtSecret: 'x'.repeat(32) });
      await expect(accounts.rotateSecret(operator)).rejects.toEqual(withCode('secret-given'));
    });
  });

  describe('changing one’s password', () => {
    it('needs the current one, and a login', async () => {
      const { id: userId } = await accounts.users.register({ username: 'ana', password });
      const principal = await accounts.authenticate((await login('ana')).accessToken);
      const change = (current: string, next: string) =>
        accounts.users.changeOwnPassword(principal, { current, next, address });
      await expect(change('wrong', 'another good one')).rejects.toEqual(withCode('password-wrong'));
      await expect(change(password, 'short')).rejects.toEqual(withCode('password-invalid'));
      await change(password, 'another good one');
      await login('ana', 'another good one');
      const { key } = await accounts.keys.create({ userId }, operator);
      const holder = await accounts.authenticate(key);
      await expect(
        accounts.users.changeOwnPassword(holder, { current: password, next: password, address }),
      ).rejects.toEqual(withCode('login-needed'));
      await expect(accounts.logout(holder)).rejects.toEqual(withCode('login-needed'));
    });

    it('is throttled as logins are', async () => {
      await accounts.users.register({ username: 'ana', password });
      const principal = await accounts.authenticate((await login('ana')).accessToken);
      const guess = () =>
        accounts.users.changeOwnPassword(principal, { current: 'wrong guess', next: password, address });
      for (let i = 0; i < defaultThrottleLimits.pair.burst; i++) {
        await expect(guess()).rejects.toEqual(withCode('password-wrong'));
      }
      await expect(guess()).rejects.toEqual(withCode('login-throttled'));
    });
  });

  describe('the audit log', () => {
    it('has every administrative act, and refuses to be changed', async () => {
      const { id } = await accounts.users.register({ username: 'ana', password });
      const key = await accounts.keys.create({ userId: id, name: 'ward' }, operator);
      await accounts.users.setRole(id, 'admin', operator);
      const admin = await accounts.authenticate(
        (await accounts.keys.create({ userId: id, scopes: ['admin'] }, operator)).key,
      );
      await accounts.keys.revoke(key.id, admin);
      await accounts.users.setPassword(id, 'another good one', admin);
      await accounts.users.create({ username: 'ben', password, role: 'admin' }, admin);
      await accounts.users.setDisabled(id + 1, true, admin);
      await accounts.users.delete(id + 1, admin);
      const entries = await accounts.listAudit(admin, { limit: 100 });
      expect(entries.map(({ actor, action, subject }) => `${actor} ${action} ${subject}`).reverse()).toEqual([
        `ana user.register user:${id}`,
        `operator key.create key:${key.id}`,
        `operator user.role user:${id}`,
        `operator key.create key:${admin.keyId}`,
        `ana key.revoke key:${key.id}`,
        `ana user.password user:${id}`,
        `ana user.create user:${id + 1}`,
        `ana user.disable user:${id + 1}`,
        `ana user.delete user:${id + 1}`,
      ]);
      expect(entries[0]).toMatchObject({ actorId: id, keyId: admin.keyId, at: now, details: { username: 'ben' } });
      const page = await accounts.listAudit(operator, { before: entries[2]!.id, limit: 2 });
      expect(page).toEqual(entries.slice(3, 5));
      const { db } = storage;
      await expect(db.updateTable('audit_log').set({ actor: 'nobody' }).execute()).rejects.toThrow(
        'audit_log only grows',
      );
      await expect(db.deleteFrom('audit_log').execute()).rejects.toThrow('audit_log only grows');
    });

    it('has nothing of what was refused', async () => {
      const { id } = await accounts.users.register({ username: 'ana', password });
      await accounts.users.setRole(id, 'admin', operator);
      const before = await accounts.listAudit(operator, { limit: 100 });
      await expect(accounts.users.delete(id, operator)).rejects.toEqual(withCode('last-admin'));
      await expect(accounts.users.setRole(id, 'user', operator)).rejects.toEqual(withCode('last-admin'));
      await expect(accounts.users.create({ username: 'ANA', password }, operator)).rejects.toEqual(
        withCode('username-taken'),
      );
      expect(await accounts.listAudit(operator, { limit: 100 })).toEqual(before);
    });

    it('is for admins', async () => {
      const { id: userId } = await accounts.users.register({ username: 'ana', password });
      const { key } = await accounts.keys.create({ userId }, operator);
      await expect(accounts.listAudit(await accounts.authenticate(key), { limit: 1 })).rejects.toEqual(
        withCode('forbidden'),
      );
    });
  });

  describe('profiles', () => {
    const profile = { email: 'Ana@Example.org', fullName: 'Ana Silva', documentNumber: '1', phone: null };

    it('have an e-mail address and a document number of their own', async () => {
      const ana = await accounts.users.register({ username: 'ana', password, profile });
      expect(await accounts.users.findProfile(ana.id)).toEqual({
        ...profile,
        userId: ana.id,
        username: 'ana',
        createdAt: now,
      });
      const taken = (change: object) =>
        accounts.users.register({ username: 'ben', password, profile: { ...profile, ...change } });
      await expect(taken({ documentNumber: '2', email: 'ana@example.ORG' })).rejects.toEqual(withCode('email-taken'));
      await expect(taken({ email: 'ben@example.org' })).rejects.toEqual(withCode('document-taken'));
      await expect(accounts.users.find('ben')).rejects.toEqual(withCode('user-unknown'));
      const ben = await taken({ email: 'ben@example.org', documentNumber: null });
      expect((await accounts.users.listProfiles(operator, { skip: 1, limit: 5 })).map(({ userId }) => userId)).toEqual([
        ben.id,
      ]);
      await accounts.users.delete(ben.id, operator);
      await expect(accounts.users.findProfile(ben.id)).rejects.toEqual(withCode('user-unknown'));
    });

    it('are made by one of many that ask for the same at once', async () => {
      const tries = Array.from({ length: 8 }, (_, i) =>
        accounts.users.register({ username: `user ${i}`, password, profile }),
      );
      const outcomes = await Promise.allSettled(tries);
      expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
      for (const outcome of outcomes) {
        if (outcome.status === 'rejected') expect(outcome.reason).toMatchObject({ code: 'email-taken' });
      }
      expect(await accounts.users.list(operator)).toHaveLength(1);
    });
  });

  describe('open registration', () => {
    it('is throttled by address', async () => {
      accounts = await make({ registrations: { burst: 2, refill: 10_000 } });
      const register = (username: string, from = address) =>
        accounts.users.register({ username, password, address: from });
      await register('a');
      await register('b');
      await expect(register('c')).rejects.toMatchObject({
        code: 'registration-throttled',
        headers: { 'Retry-After': '10' },
      });
      await register('c', '192.0.2.9');
      now += 10_000;
      await register('d');
    });
  });

  describe('API keys', () => {
    it('are shown once and stored as a hash', async () => {
      const { id: userId } = await accounts.users.register({ username: 'ana', password });
      const { key, ...shown } = await accounts.keys.create({ userId, name: 'ward 3' }, operator);
      expect(key).toMatch(/^vtr_[0-9a-f]{16}_[A-Za-z0-9_-]{43}$/);
      expect(await accounts.keys.list(operator)).toEqual([shown]);
      const rows = await storage.db.selectFrom('api_keys').selectAll().execute();
      expect(JSON.stringify(rows)).not.toContain(key.slice(-43));
      await storage.close();
      storage = await database.open();
      expect(await (await make()).authenticate(key)).toMatchObject({ kind: 'key', userId, keyId: shown.id });
    });

    it('are refused when any part is another’s', async () => {
      const { id: userId } = await accounts.users.register({ username: 'ana', password });
      const [one, two] = [
        await accounts.keys.create({ userId }, operator),
        await accounts.keys.create({ userId }, operator),
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
      const { id: userId } = await accounts.users.register({ username: 'ana', password });
      const { key, id } = await accounts.keys.create({ userId }, operator);
      const elsewhere = await make();
      await Promise.all([accounts.authenticate(key), elsewhere.authenticate(key)]);
      await accounts.keys.revoke(id, operator);
      await expect(accounts.authenticate(key)).rejects.toMatchObject({ fields: { why: 'revoked' } });
      expect(elsewhere.recall(key)).toBeDefined();
      now += 5_000;
      await expect(elsewhere.authenticate(key)).rejects.toMatchObject({ fields: { why: 'revoked' } });
      const revokedAt = (await accounts.keys.list(operator))[0]?.revokedAt;
      now += 1;
      await accounts.keys.revoke(id, operator);
      expect((await accounts.keys.list(operator))[0]?.revokedAt).toBe(revokedAt);
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
      const { id: userId } = await one.users.register({ username: 'ana', password });
      const first = await one.keys.create({ userId }, operator);
      const second = await one.keys.create({ userId }, operator);
      await Promise.all([other.authenticate(first.key), other.authenticate(second.key)]);
      await one.keys.revoke(first.id, operator);
      expect(other.recall(first.key)).toBeUndefined();
      await expect(other.authenticate(first.key)).rejects.toMatchObject({ fields: { why: 'revoked' } });
      await other.authenticate(second.key);
      await one.users.setDisabled(userId, true, operator);
      await expect(other.authenticate(second.key)).rejects.toMatchObject({ code: 'token-invalid' });
    });

    it('end with their time', async () => {
      const { id: userId } = await accounts.users.register({ username: 'ana', password });
      const { key } = await accounts.keys.create({ userId, expiresAt: now + 2_000 }, operator);
      await accounts.authenticate(key);
      now += 2_000;
      await expect(accounts.authenticate(key)).rejects.toMatchObject({ fields: { why: 'expired' } });
      for (const expiresAt of [now, Number.NaN, Number.NEGATIVE_INFINITY]) {
        await expect(accounts.keys.create({ userId, expiresAt }, operator)).rejects.toEqual(withCode('expiry-invalid'));
      }
    });

    it('remember their last use to the minute, without a write at every request', async () => {
      const { id: userId } = await accounts.users.register({ username: 'ana', password });
      const { key } = await accounts.keys.create({ userId }, operator);
      const lastUse = async () => (await accounts.keys.list(operator))[0]?.lastUsedAt;
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
      const { id: userId } = await accounts.users.create({ username: 'ana', password, role: 'admin' }, operator);
      const { key } = await accounts.keys.create({ userId, scopes: ['predict', 'models:write', 'users'] }, operator);
      expect((await accounts.authenticate(key)).scopes).toEqual(['predict', 'models:write', 'users']);
      await storage.db.updateTable('users').set({ role: 'user' }).where('id', '=', userId).execute();
      now += 5_000;
      expect((await accounts.authenticate(key)).scopes).toEqual(['predict']);
      const beyond = accounts.keys.create({ userId, scopes: ['admin'] }, operator);
      await expect(beyond).rejects.toMatchObject({ code: 'scope-beyond-role', fields: { scope: 'admin' } });
    });

    it.each([
      [{ scopes: ['fly'] }, 'scope-unknown'],
      [{ scopes: ['__proto__'] }, 'scope-unknown'],
      [{ name: 'a\nb' }, 'key-name-invalid'],
      [{ userId: 99 }, 'user-unknown'],
      [{ priority: 'urgent' }, 'priority-unknown'],
    ])('are not made from %j', async (wrong, code) => {
      const { id: userId } = await accounts.users.register({ username: 'ana', password });
      await expect(accounts.keys.create({ userId, ...wrong }, operator)).rejects.toEqual(withCode(code));
    });
  });

  describe('administration', () => {
    const actor = async (name: string, scopes: string[]): Promise<Principal> => {
      const user = await accounts.users.create({ username: name, password: null, role: 'admin' }, operator);
      const { key } = await accounts.keys.create({ userId: user.id, scopes }, operator);
      return accounts.authenticate(key);
    };

    it('lets nobody rise: a key with "users" or "keys" reaches no admin and grants nothing it lacks', async () => {
      const clerk = await actor('clerk', ['users', 'keys', 'predict']);
      const root = await actor('root', ['admin']);
      const ana = await accounts.users.create({ username: 'ana', password }, clerk);
      const forbidden = expect.objectContaining({ code: 'forbidden', status: 403 });
      const rises = [
        () => accounts.users.create({ username: 'eve', password, role: 'admin' }, clerk),
        () =>
          accounts.users.import({ username: 'eve', passwordHash: `$2b$04$${'a'.repeat(53)}`, role: 'admin' }, clerk),
        () => accounts.users.setPassword(root.userId, password, clerk),
        () => accounts.users.setDisabled(root.userId, true, clerk),
        () => accounts.users.delete(root.userId, clerk),
        () => accounts.keys.revoke(root.keyId!, clerk),
        () => accounts.keys.create({ userId: root.userId, scopes: ['predict'] }, clerk),
        () => accounts.keys.create({ userId: clerk.userId, scopes: ['admin'] }, clerk),
        () => accounts.keys.create({ userId: ana.id, scopes: ['models:read'] }, clerk),
      ];
      for (const rise of rises) await expect(rise()).rejects.toEqual(forbidden);
      expect(await accounts.keys.create({ userId: ana.id, scopes: ['predict'] }, clerk)).toMatchObject({
        scopes: ['predict'],
      });
      await accounts.users.setPassword(root.userId, password, root);
      await accounts.keys.revoke(clerk.keyId!, root);
    });

    it('lets only an admin hand out keys that go before everybody else', async () => {
      const clerk = await actor('clerk', ['users', 'keys', 'predict']);
      const { id: userId } = await accounts.users.create({ username: 'ana', password: null }, clerk);
      const make = (priority: string, by: Principal) =>
        accounts.keys.create({ userId, scopes: ['predict'], priority }, by);
      await expect(make('high', clerk)).rejects.toMatchObject({ code: 'forbidden', status: 403 });
      const low = await make('low', clerk);
      expect(low.priority).toBe('low');
      const high = await make('high', await actor('root', ['admin']));
      expect((await accounts.authenticate(high.key)).priority).toBe('high');
      expect((await accounts.authenticate(low.key)).priority).toBe('low');
      expect((await accounts.keys.list(operator, userId)).map(({ priority }) => priority).sort()).toEqual([
        'high',
        'low',
      ]);
    });

    it('needs the scope, and does not tell without it who exists', async () => {
      const { id: userId } = await accounts.users.register({ username: 'ana', password });
      const ana = await accounts.authenticate((await accounts.keys.create({ userId }, operator)).key);
      for (const id of [userId, 999]) {
        await expect(accounts.users.delete(id, ana)).rejects.toEqual(withCode('forbidden'));
        await expect(accounts.users.setPassword(id, password, ana)).rejects.toEqual(withCode('forbidden'));
      }
      await expect(accounts.users.list(ana)).rejects.toEqual(withCode('forbidden'));
      await expect(accounts.keys.list(ana)).rejects.toEqual(withCode('forbidden'));
      await expect(accounts.keys.revoke('0'.repeat(16), ana)).rejects.toEqual(withCode('forbidden'));
    });

    it('makes a name once, whatever the case and however many try at once', async () => {
      const names = ['ana', 'ANA', 'Ana', 'aNa', 'ＡＮＡ'];
      const outcomes = await Promise.allSettled(
        names.map((username) => accounts.users.register({ username, password })),
      );
      expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
      for (const outcome of outcomes) {
        if (outcome.status === 'rejected') expect(outcome.reason).toEqual(withCode('username-taken'));
      }
    });

    it('keeps the last admin', async () => {
      const root = await accounts.users.ensureAdmin();
      const second = await accounts.users.create({ username: 'second', password, role: 'admin' }, operator);
      await accounts.users.setDisabled(second.id, true, operator);
      await expect(accounts.users.delete(root.id, operator)).rejects.toEqual(withCode('last-admin'));
      await expect(accounts.users.setDisabled(root.id, true, operator)).rejects.toEqual(withCode('last-admin'));
      await accounts.users.setDisabled(second.id, false, operator);
      await accounts.users.delete(root.id, operator);
      await expect(accounts.users.find('admin')).rejects.toEqual(withCode('user-unknown'));
    });

    it('lists users in pages', async () => {
      for (const username of ['a', 'b', 'c']) await accounts.users.create({ username, password: null }, operator);
      const first = await accounts.users.list(operator, { limit: 2 });
      expect(first.map(({ username }) => username)).toEqual(['a', 'b']);
      const rest = await accounts.users.list(operator, { after: first[1]!.id, limit: 2 });
      expect(rest.map(({ username }) => username)).toEqual(['c']);
    });

    it('knows no other roles', async () => {
      for (const role of ['root', '__proto__', 'toString']) {
        const made = accounts.users.create({ username: 'ana', password, role: role as 'user' }, operator);
        await expect(made).rejects.toEqual(withCode('role-unknown'));
      }
    });
  });

  describe('the first start', () => {
    it('makes an admin without password and one key for everything, once', async () => {
      const first = await accounts.bootstrap();
      expect(await accounts.authenticate(first!.key)).toMatchObject({ username: 'admin', role: 'admin', kind: 'key' });
      expect((await accounts.users.find('admin')).hasPassword).toBe(false);
      await expect(login('admin', '')).rejects.toEqual(withCode('login-failed'));
      expect(await accounts.bootstrap()).toBeNull();
      expect(await (await make()).bootstrap()).toBeNull();
    });

    it('still hands out its key when the command line was there before it', async () => {
      const admin = await accounts.users.ensureAdmin();
      await accounts.keys.create({ userId: admin.id }, operator);
      expect((await accounts.bootstrap())?.username).toBe('admin');
    });

    it('does not bring back an admin whom the operator removed', async () => {
      await accounts.bootstrap();
      await accounts.users.create({ username: 'root', password, role: 'admin' }, operator);
      await accounts.users.delete((await accounts.users.find('admin')).id, operator);
      expect(await accounts.bootstrap()).toBeNull();
      await expect(accounts.users.find('admin')).rejects.toEqual(withCode('user-unknown'));
    });

    it('gives no rights to a plain user who is called admin', async () => {
      await accounts.users.register({ username: 'Admin', password });
      expect(await accounts.bootstrap()).toBeNull();
      expect(await accounts.keys.list(operator)).toEqual([]);
    });
  });

  describe('on any database', () => {
    it('keeps one of two admins who end each other at the same moment', async () => {
      const elsewhere = await make();
      for (let turn = 0; turn < 20; turn++) {
        const one = await accounts.users.create({ username: `one${turn}`, password: null, role: 'admin' }, operator);
        const two = await accounts.users.create({ username: `two${turn}`, password: null, role: 'admin' }, operator);
        const outcomes = await Promise.allSettled(
          turn % 2 === 0
            ? [accounts.users.delete(one.id, operator), elsewhere.users.delete(two.id, operator)]
            : [accounts.users.setDisabled(one.id, true, operator), elsewhere.users.setDisabled(two.id, true, operator)],
        );
        const refusals = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason.code] : []));
        expect(refusals).toEqual(['last-admin']);
        await storage.db.deleteFrom('users').execute();
      }
    });

    it('finds nobody by what cannot be a name or a number', async () => {
      for (const name of ['a\0b', '', 'x'.repeat(1_000), '\ud800']) {
        await expect(accounts.users.find(name)).rejects.toEqual(withCode('user-unknown'));
        const user = { username: name, password };
        await expect(accounts.users.create(user, operator)).rejects.toEqual(withCode('username-invalid'));
      }
      for (const id of [0, -1, 1.5, 2 ** 53, 1e20, Number.NaN]) {
        await expect(accounts.users.find(id)).rejects.toEqual(withCode('user-unknown'));
        await expect(accounts.keys.create({ userId: id }, operator)).rejects.toEqual(withCode('user-unknown'));
      }
    });
  });
});
