import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { locationOf, parseDatabaseUrl } from '../src/database-url.js';

describe('parseDatabaseUrl', () => {
  it('reads what libpq would, defaults included', () => {
    expect(parseDatabaseUrl('postgres://ana:p%40ss%2F@db.example:6432/vitrina?sslmode=require')).toMatchObject({
      host: 'db.example',
      port: 6432,
      user: 'ana',
      password: 'p@ss/',
      database: 'vitrina',
      sslMode: 'require',
    });
    expect(parseDatabaseUrl('postgresql://')).toMatchObject({ host: 'localhost', port: 5432, database: undefined });
    expect(parseDatabaseUrl('postgres://[::1]:5/x')).toMatchObject({ host: '::1', port: 5 });
    const socket = parseDatabaseUrl('postgres://ana:s@/x?host=/run/postgresql');
    expect(socket).toBeUndefined();
    expect(parseDatabaseUrl('postgres:///x?host=/run/postgresql')).toMatchObject({ host: '/run/postgresql' });
    expect(parseDatabaseUrl('postgres://h/x?options=-c%20search_path%3Dv&application_name=a')).toMatchObject({
      options: '-c search_path=v',
      applicationName: 'a',
    });
  });

  it.each([
    '',
    'vitrina.db',
    'mysql://ana@db/x',
    'postgres:db',
    'postgres://ana:pa#ss@db/x',
    'postgres://ana:pa/ss@db/x',
    'postgres://ana:50%@db/x',
    'postgres://db:port/x',
    'postgres://one:1,two:2/x',
    'postgres://db/x?sslmode=prefer',
    'postgres://db/x?sslmode=',
    'postgres://db/x?sslmode=verify-ca',
    'postgres://db/x?password=p',
    'postgres://db/x?sslmode=require&sslmode=disable',
  ])('refuses %j', (text) => {
    expect(parseDatabaseUrl(text)).toBeUndefined();
  });

  it('gives back every user, password and database that was percent-encoded, and never shows the password', () => {
    const name = fc.string({ unit: 'binary', minLength: 1, maxLength: 20 }).filter((text) => !/\p{Cs}/u.test(text));
    const secret = fc.stringMatching(/^[!-~]{12,20}$/);
    fc.assert(
      fc.property(name, secret, name, (user, password, database) => {
        const text = `postgres://${[user, password].map(encodeURIComponent).join(':')}@db/${encodeURIComponent(database)}`;
        // A URL has no way to say the folder that one is in, or the one above.
        fc.pre(!['.', '..'].includes(database));
        const url = parseDatabaseUrl(text);
        expect(url).toMatchObject({ user, password, database });
        const location = locationOf(url!);
        expect(location.includes(password) || location.includes(encodeURIComponent(password))).toBe(
          // Somebody may call the database like the password.
          [user, database].some((open) => open.includes(password)),
        );
      }),
    );
  });
});

describe('locationOf', () => {
  it.each([
    ['postgres://ana:s@db:5432/x?sslmode=require', 'postgres://ana@db:5432/x'],
    ['postgres://ana:s@db', 'postgres://ana@db:5432/ana'],
    ['postgres://[::1]/x', 'postgres://[::1]:5432/x'],
    ['postgres:///x?host=/run/postgresql', 'postgres:///x?host=/run/postgresql'],
  ])('%s is %s', (url, location) => {
    expect(locationOf(parseDatabaseUrl(url)!)).toBe(location);
  });
});
