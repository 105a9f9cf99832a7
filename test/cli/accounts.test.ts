import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { hash as bcryptHash } from '@node-rs/bcrypt';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Accounts, createAccounts } from '../../src/services/accounts/index.js';
import { databases, sqlite, type TestDatabase } from '../databases.js';

let database: TestDatabase;
/** What a server that runs on the same database has open. */
let server: Accounts;

const password = 'correct horse battery staple';
const main = join(import.meta.dirname, '..', '..', 'src', 'cli', 'main.ts');

interface Outcome {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** Runs `vitrina <words>` on the database with `input` on its standard input. */
function vitrina(words: string, input = '', env: Record<string, string> = {}): Promise<Outcome> {
  return new Promise((resolve) => {
    const where = Object.entries(database.flags).flatMap(([name, value]) => [`--${name}`, value]);
    const args = ['--import', 'tsx', main, ...words.split(' '), ...where];
    const child = execFile(process.execPath, args, { env: { ...process.env, ...env } }, (error, out, err) =>
      resolve({ code: typeof error?.code === 'number' ? error.code : 0, out, err }),
    );
    child.stdin?.end(input);
  });
}

const login = (username: string, secret: string) => server.login({ username, password: secret, address: '::1' });

describe.each(databases)('on $kind', ({ fresh }) => {
  beforeEach(async () => {
    database = await fresh();
    server = await createAccounts({ storage: await database.open(), settings: { credentialLifetime: 0 } });
  });

  afterEach(() => database.remove());

  describe('vitrina users, beside a running server', () => {
    it('creates with a password from a pipe, changes it, closes, opens, lists and removes', async () => {
      const made = await vitrina('users create ana --json', `${password}\n`);
      expect(made).toMatchObject({ code: 0, err: '' });
      expect(JSON.parse(made.out)).toMatchObject({ username: 'ana', role: 'user' });
      const { accessToken } = await login('ana', password);

      expect((await vitrina('users passwd ana', '', { VITRINA_PASSWORD: 'another password' })).code).toBe(0);
      await expect(server.authenticate(accessToken)).rejects.toMatchObject({ code: 'token-invalid' });
      await login('ana', 'another password');

      expect((await vitrina('users disable ana')).code).toBe(0);
      await expect(login('ana', 'another password')).rejects.toMatchObject({ code: 'login-failed' });
      expect((await vitrina('users enable #1')).code).toBe(0);
      await login('ana', 'another password');

      const listed = await vitrina('users list --json');
      expect(JSON.parse(listed.out)).toMatchObject([{ id: 1, username: 'ana', hasPassword: true, disabledAt: null }]);
      expect((await vitrina('users list')).out).toMatch(/^ID +NAME .*\n1 +ana +user +yes/);
      expect((await vitrina('users delete ana')).code).toBe(0);
      expect((await vitrina('users list --json')).out).toBe('[]\n');
    }, 60_000);

    it('takes a user over with a bcrypt hash', async () => {
      const hash = await bcryptHash(password, 4);
      expect((await vitrina('users create ben --hashed --role admin', `${hash}\n`)).code).toBe(0);
      expect((await login('ben', password)).user.role).toBe('admin');
    });
  });

  describe('vitrina keys, beside a running server', () => {
    it('prints a key once, which the server accepts, and refuses after it is revoked', async () => {
      const made = await vitrina('keys create --scope predict --scope models:read --priority high --expires 1d --json');
      expect(made).toMatchObject({ code: 0, err: '' });
      const { key, id, expiresAt } = JSON.parse(made.out);
      expect(made.out.split(key)).toHaveLength(2);
      expect(Date.parse(expiresAt)).toBeGreaterThan(Date.now());
      expect(await server.authenticate(key)).toMatchObject({
        username: 'admin',
        scopes: ['predict', 'models:read'],
        priority: 'high',
        keyId: id,
      });

      const plain = await vitrina('keys create --scope users,keys');
      expect(plain.out).toMatch(/^vtr_[0-9a-f]{16}_[A-Za-z0-9_-]{43}\n$/);
      const listed = await vitrina('keys list');
      expect(listed.out).toContain(id);
      expect(listed.out).not.toContain(key.slice(-43));
      expect((await vitrina(`keys revoke ${id}`)).code).toBe(0);
      await expect(server.authenticate(key)).rejects.toMatchObject({ fields: { why: 'revoked' } });
      const all = JSON.parse((await vitrina('keys list --json')).out);
      expect(all.map((one: { revokedAt: string | null }) => one.revokedAt !== null)).toEqual([true, false]);
    }, 60_000);
  });
});

describe('on the command line', () => {
  beforeEach(async () => {
    database = await sqlite.fresh();
  });

  afterEach(() => database.remove());

  it.each([
    ['users create ana', 'short\n', 'fewer than 8 characters'],
    ['users create ana --role root', `${password}\n`, 'no role "root"'],
    ['users create ana --hashed', `${password}\n`, 'password hash cannot be used'],
    ['users delete nobody', '', 'no user "nobody"'],
    ['keys create --scope fly', '', 'no scope "fly"'],
    ['keys create --priority urgent', '', 'no priority "urgent"'],
    ['keys create --expires yesterday', '', 'expiry "yesterday"'],
    ['keys create --user nobody', '', 'no user "nobody"'],
    ['keys revoke 0123456789abcdef', '', 'no API key 0123456789abcdef'],
  ])('%s fails in one line', async (words, input, message) => {
    const { code, out, err } = await vitrina(words, input);
    expect([code, out]).toEqual([1, '']);
    expect(err).toContain(message);
    expect(err.trimEnd().split('\n')).toHaveLength(1);
    expect(err).not.toContain(password);
  });
});
