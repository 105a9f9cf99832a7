/** Errors tell what is wrong without repeating the secret that was sent or stored. */
import fc from 'fast-check';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { apps } from '../../src/apps/index.js';
import { errorForLog } from '../../src/log.js';
import { postgres } from '../databases.js';
import { type StartedApp, startApp } from '../start-app.js';

const secret = 'Zq7Xw9Kv3Jh5';

describe('the answer to a body that cannot be used', () => {
  let served: StartedApp;
  beforeAll(async () => {
    served = await startApp([], { 'open-registration': true, apps: { shock: { 'log-stdout': false } } }, apps);
  });
  afterAll(() => served.close());

  /** Whether four characters of the secret in a row are in a text. */
  const tells = (text: string) =>
    Array.from({ length: secret.length - 3 }, (_, i) => secret.slice(i, i + 4)).some((part) => text.includes(part));

  it.each([
    `{"username":"ana","password":${secret}}`,
    `{"username":"ana","password":"${secret}`,
    `{"username":"ana","password":"${secret}"} `.replace('} ', ',}'),
    `{"username":"ana","password":"\\${secret}"}`,
    `{"username":"ana","password":"${secret}","grant_type":"${secret}"}`,
    `{"username":"ana","password":["${secret}"]}`,
    `{"username":"ana","password":"${secret}","role":"admin"}`,
    `{"username":"${secret.repeat(20)}","password":"x"}`,
    `{"username":"a","password":"${secret.repeat(200)}"}`,
    `{"refresh_token":"${secret.repeat(30)}"}`,
    `"${secret}"`,
    secret,
  ])('repeats nothing of the password: %s', async (payload) => {
    const urls = ['/auth/token', '/auth/refresh', '/auth/register', '/spam/login/', '/spam/login/refresh'];
    for (const url of [...urls, '/spam/users/register/', '/shock/auth/token', '/shock/auth/create_user']) {
      const answer = await served.app.inject({
        method: 'POST',
        url,
        headers: { 'content-type': 'application/json' },
        payload,
      });
      expect([url, answer.statusCode >= 400, answer.statusCode < 500]).toEqual([url, true, true]);
      expect([url, tells(answer.body)]).toEqual([url, false]);
    }
  });

  it('wherever the text is broken', async () => {
    const text = `{"username":"ana","password":"${secret}","scope":"predict"}`;
    await fc.assert(
      fc.asyncProperty(
        fc.nat(text.length),
        fc.nat(text.length),
        fc.constantFrom('', '"', '}', ',', 'x', '\\', '\n'),
        async (from, to, put) => {
          const payload = text.slice(0, from) + put + text.slice(to);
          const headers = { 'content-type': 'application/json' };
          const answer = await served.app.inject({ method: 'POST', url: '/auth/refresh', headers, payload });
          expect(answer.statusCode).toBeGreaterThanOrEqual(400);
          // An unknown field is named, and a broken body may make one of anything.
          if (!answer.body.includes('is unknown') && !answer.body.includes('twice'))
            expect(tells(answer.body)).toBe(false);
        },
      ),
      { numRuns: 300 },
    );
  });

  it('says where the fault is', async () => {
    const at = async (payload: string) =>
      (
        await served.app.inject({
          method: 'POST',
          url: '/auth/token',
          headers: { 'content-type': 'application/json' },
          payload,
        })
      ).json().detail;
    expect(await at('{"username":"ana","password":secret}')).toBe(
      "The body is not JSON: Unexpected token 's' (character 29).",
    );
    expect(await at('[1,2,]')).toBe("The body is not JSON: Unexpected token ']'.");
    expect(await at('{"username" "ana"}')).toContain("Expected ':' after property name in JSON at position 12");
  });
});

describe('an error that the database makes', () => {
  it('is logged without the row that it refused', async () => {
    const database = await postgres.fresh();
    const storage = await database.open();
    const row = {
      username: 'ana',
      username_key: 'ana',
      password_hash: secret,
      role: null as never,
      created_at: 1,
      updated_at: 1,
    };
    const error = await storage.db
      .insertInto('users')
      .values(row)
      .execute()
      .then(
        () => undefined,
        (refused: unknown) => refused,
      );
    await database.remove();
    // That is what it says by itself.
    expect(JSON.stringify(pino.stdSerializers.err(error as Error))).toContain(secret);
    const logged = errorForLog(error) as Record<string, unknown>;
    expect(JSON.stringify(logged)).not.toContain(secret);
    expect(logged).toMatchObject({ type: 'DatabaseError', code: '23502', message: expect.stringContaining('role') });
    expect(errorForLog('a text')).toBe('a text');
  });
});
