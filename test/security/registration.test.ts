/** Users are those of the whole server: where the operator says no, no app lets strangers in. */
import { describe, expect, it } from 'vitest';
import { apps } from '../../src/apps/index.js';
import { operator } from '../../src/services/accounts/index.js';
import { startApp } from '../start-app.js';

const password = 'correct horse battery staple';
const bodies = (username: string) => ({
  '/auth/register': { username, password },
  '/shock/auth/create_user': { username, password },
  '/spam/users/register/': {
    ...{ username, password, full_name: 'Ana Silva' },
    ...{ email: `${username}@example.org`, document_number: username },
  },
});

describe.each([false, true])('where open-registration is %s', (open) => {
  it(`strangers register ${open ? 'at every door' : 'at none'}`, async () => {
    const flags = { 'open-registration': open, apps: { shock: { 'log-stdout': false } } };
    const served = await startApp([], flags, apps);
    const user = await served.accounts.users.create({ username: 'ana', password: null }, operator);
    const { key } = await served.accounts.keys.create({ userId: user.id }, operator);
    let i = 0;
    for (const url of Object.keys(bodies(''))) {
      const ask = (headers: Record<string, string>) => {
        const payload = bodies(`user${i++}`)[url as keyof ReturnType<typeof bodies>];
        return served.app.inject({ method: 'POST', url, headers, payload });
      };
      const closed = url === '/auth/register' ? 404 : 401;
      expect([url, (await ask({})).statusCode]).toEqual([url, open ? 201 : closed]);
      if (open || url === '/auth/register') continue;
      expect([url, (await ask({ 'x-api-key': key })).statusCode]).toEqual([url, 403]);
      expect([url, (await ask({ 'x-api-key': served.key })).statusCode]).toEqual([url, 201]);
    }
    const { users } = (await served.get('/users')).json();
    expect(
      users.every(({ role, username }: { role: string; username: string }) => role === 'user' || username === 'admin'),
    ).toBe(true);
    await served.close();
  });
});
