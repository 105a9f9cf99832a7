import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { environments } from '../../../src/apps/environments.js';
import { environment } from '../../../src/apps/spam/environment.js';
import { readSettings } from '../../../src/apps/spam/settings.js';
import { resolveConfig } from '../../../src/config.js';
import { type App, defineApp } from '../../../src/index.js';
import { startApp } from '../../start-app.js';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'vitrina-spam-env-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const flags = { only: 'spam' };
const resolve = (env: Record<string, string>, more: Record<string, unknown> = {}) =>
  resolveConfig({ env, flags: { ...flags, ...more }, folder, environments });
const secret = 'a secret of thirty-two bytes, at least';
const urlOf = (env: Record<string, string>) => {
  const found = environment.server(env).find(({ setting }) => setting === 'database-url');
  return found === undefined ? undefined : new URL(String(found.value));
};

describe('the .env of the spam app', () => {
  it('sets the server and the app, comments and empty values left out', () => {
    const lines = [
      'APP_ENV=dev # where this runs',
      'PROJECT_NAME="Spam, predicted"',
      `JWT_SECRET=${secret.replaceAll(' ', '_')}`,
      'LOCAL_PORT=8123 # the port',
      'FIRST_SUPERUSER=first_user',
      'FIRST_SUPERUSER_PASSWORD=123456 # changed later',
      'FIRST_SUPERUSER_EMAIL=first_user@example.org',
      'LOG_LEVEL=DEBUG',
      'WORKERS_PER_CORE=1',
      'MAX_WORKERS=2',
      'POSTGRES_SERVER=',
    ];
    writeFileSync(join(folder, '.env'), lines.join('\n'));
    const config = resolve({});
    expect(config).toMatchObject({ port: 8123, 'log-level': 'debug', workers: 2 });
    expect(config['jwt-secret']).toBe(secret.replaceAll(' ', '_'));
    expect(config.apps.spam).toEqual({
      'app-env': 'dev',
      'project-name': 'Spam, predicted',
      'first-superuser': 'first_user',
      'first-superuser-password': '123456',
      'first-superuser-email': 'first_user@example.org',
    });
    expect(readSettings(config.apps.spam!)).toMatchObject({ 'monthly-limit': 10, 'app-env': 'dev' });
  });

  it('names the database to commands that nobody tells about the app, and asks them for nothing else', () => {
    const env = {
      POSTGRES_SERVER: 'db',
      POSTGRES_DB: 'mail',
      POSTGRES_USER: 'u',
      APP_ENV: 'production',
      LOCAL_PORT: '9',
    };
    const config = resolveConfig({ env, folder, environments, databaseAlone: true });
    expect(config['database-url']).toBe('postgres://u@db/mail');
    expect(config.port).toBe(8000);
    expect(resolveConfig({ env, folder, environments })['database-url']).toBeUndefined();
    const flags = { 'database-url': 'postgres://elsewhere/mail' };
    expect(resolveConfig({ env, flags, folder, environments, databaseAlone: true })['database-url']).toBe(
      'postgres://elsewhere/mail',
    );
    expect(
      resolveConfig({ env: { ...env, JWT_SECRET: secret }, flags: { only: 'spam' }, folder, environments }),
    ).toMatchObject({ 'database-url': 'postgres://u@db/mail', port: 9 });
  });

  it('takes a short secret on a developer’s machine, and nowhere else', () => {
    const secretOf = (env: Record<string, string>) => resolve({ JWT_SECRET: 'short', ...env })['jwt-secret'];
    expect(secretOf({})).toMatch(/^[0-9a-f]{64}$/);
    expect(secretOf({ APP_ENV: 'local' })).toBe(secretOf({}));
    expect(secretOf({ APP_ENV: 'production' })).toBe('short');
  });

  it('gives way to VITRINA_ names and to flags, and wins over vitrina.yaml', () => {
    writeFileSync(
      join(folder, 'vitrina.yaml'),
      'port: 1\nworkers: 3\napps: {spam: {app-env: dev, monthly-limit: 3}, shock: {window: 9}}',
    );
    const env = { LOCAL_PORT: '2', LOG_LEVEL: 'INFO', JWT_SECRET: secret, APP_ENV: 'local', MAX_WORKERS: '1' };
    const config = resolve({ ...env, VITRINA_JWT_SECRET: `${secret}, another` }, { 'log-level': 'error' });
    expect(config).toMatchObject({ port: 2, workers: 1, 'log-level': 'error', 'jwt-secret': `${secret}, another` });
    expect(config.apps).toEqual({ spam: { 'app-env': 'local', 'monthly-limit': 3 }, shock: { window: 9 } });
    expect(resolve({ ...env, VITRINA_PORT: '4' }).port).toBe(4);
  });

  it('is heeded when the app is served alone, whoever says so', () => {
    const env = { LOCAL_PORT: '2', APP_ENV: 'production' };
    expect(resolveConfig({ env, folder, environments })).toMatchObject({ port: 8000, apps: {} });
    expect(resolveConfig({ env, folder, environments, flags: { only: 'shock' } }).port).toBe(8000);
    const local = { ...env, APP_ENV: 'local' };
    expect(resolveConfig({ env: { ...local, VITRINA_ONLY: 'spam' }, folder, environments }).port).toBe(2);
    writeFileSync(join(folder, 'vitrina.yaml'), 'only: spam');
    expect(resolveConfig({ env: local, folder, environments }).port).toBe(2);
    expect(resolveConfig({ env: local, folder, environments, flags: { only: 'toString' } }).port).toBe(8000);
  });

  it('names the variable in a refusal', () => {
    expect(() => resolve({ LOG_LEVEL: 'LOUD' })).toThrow('LOG_LEVEL: log-level is "loud"; expected one of debug');
    expect(() => resolve({ LOCAL_PORT: '80a' })).toThrow('LOCAL_PORT: port is "80a"');
    expect(() => resolve({ MAX_WORKERS: '0' })).toThrow('MAX_WORKERS: workers is "0"');
  });

  it.each([
    ['DEBUG', 'debug'],
    ['info', 'info'],
    ['WARNING', 'warn'],
    ['ERROR', 'error'],
    ['CRITICAL', 'error'],
  ])('takes the level %s for %s', (level, own) => {
    expect(resolve({ LOG_LEVEL: level })['log-level']).toBe(own);
  });
});

describe('the secret of tokens', () => {
  it('is demanded anywhere but on a developer’s machine', () => {
    const refusal = 'JWT_SECRET is not set, and APP_ENV is "production"';
    expect(() => resolve({ APP_ENV: 'production' })).toThrow(refusal);
    expect(() => resolve({ APP_ENV: 'production', JWT_SECRET: '' })).toThrow(refusal);
    writeFileSync(join(folder, 'vitrina.yaml'), 'apps: {spam: {app-env: dev}}');
    expect(() => resolve({})).toThrow('JWT_SECRET is not set, and APP_ENV is "dev"');
    expect(resolve({ VITRINA_JWT_SECRET: secret })['jwt-secret']).toBe(secret);
    expect(resolve({ APP_ENV: 'local' })['jwt-secret']).toBeUndefined();
    rmSync(join(folder, 'vitrina.yaml'));
    expect(resolve({})['jwt-secret']).toBeUndefined();
  });
});

describe('the address of the database', () => {
  it('is made of its parts, and of those that there are', () => {
    const env = { POSTGRES_SERVER: 'db', POSTGRES_PORT: '5433', POSTGRES_USER: 'u', POSTGRES_DB: 'spam_ml' };
    expect(urlOf({ ...env, POSTGRES_PASSWORD: 'p' })?.href).toBe('postgres://u:p@db:5433/spam_ml');
    expect(urlOf({ POSTGRES_SERVER: '::1', POSTGRES_DB: 'a' })?.href).toBe('postgres://[::1]/a');
    expect(urlOf({ POSTGRES_SERVER: 'fe80::a:1', POSTGRES_PORT: '1' })?.href).toBe('postgres://[fe80::a:1]:1/');
    expect(urlOf({ POSTGRES_SERVER: '[::1]' })?.hostname).toBe('[::1]');
    expect(urlOf({ POSTGRES_SERVER: 'db:5433' })?.port).toBe('5433');
    expect(urlOf({ ...env, POSTGRES_SERVER: '' })).toBeUndefined();
    expect(urlOf({})).toBeUndefined();
  });

  it('carries any user, password and name', () => {
    const part = fc.string({ minLength: 1, unit: 'grapheme' });
    fc.assert(
      fc.property(part, part, part, (user, password, name) => {
        const env = { POSTGRES_SERVER: 'h', POSTGRES_USER: user, POSTGRES_PASSWORD: password, POSTGRES_DB: name };
        const url = urlOf(env)!;
        expect(url.hostname).toBe('h');
        expect([url.username, url.password].map(decodeURIComponent)).toEqual([user, password]);
        // "." and ".." are folders of the address, and no names of databases.
        if (!/^\.\.?$/.test(name)) expect(decodeURIComponent(url.pathname.slice(1))).toBe(name);
      }),
    );
  });
});

describe('the settings of the spam app', () => {
  it('are checked, and show no secret', () => {
    expect(readSettings({ model: 'other' })).toMatchObject({
      'time-zone': 'UTC',
      storeText: true,
      vectorizer: 'count',
    });
    expect(() => readSettings({ 'monthly-limit': 0 })).toThrow('apps.spam.monthly-limit is 0; expected a whole number');
    expect(() => readSettings({ 'time-zone': 'Mars/Base' })).toThrow('expected a time zone');
    expect(readSettings({ 'time-zone': 'America/Sao_Paulo' })['time-zone']).toBe('America/Sao_Paulo');
    expect(() => readSettings({ vectorizer: 'hash' })).toThrow('expected count or tfidf');
    expect(() => readSettings({ storetext: false })).toThrow('there is no setting "apps.spam.storetext"');
    const user = { 'first-superuser': 'root', 'first-superuser-email': 'a@b.example' };
    expect(() => readSettings({ ...user, 'first-superuser-password': 'abcde' })).toThrow(/^(?!.*abcde)/);
    expect(() => readSettings(user)).toThrow('FIRST_SUPERUSER_PASSWORD is not set, and FIRST_SUPERUSER is');
  });
});

describe('the title of an app served alone', () => {
  it('is what the app makes of its settings, where it makes one', async () => {
    const app = defineApp({
      name: 'spam',
      title: 'usual',
      description: '',
      titleFrom: (given) => readSettings(given)['project-name'],
      register: () => undefined,
    });
    const titleOf = async (one: App) => {
      const env = { PROJECT_NAME: 'Spam Predictor' };
      const { apps } = resolveConfig({ env, flags, environments });
      const { app: server, close } = await startApp([], { ...flags, apps }, [one]);
      const { title } = (await server.inject('/openapi.json')).json().info;
      await close();
      return title;
    };
    expect(await titleOf(app)).toBe('Spam Predictor');
    const { titleFrom: _, ...plain } = app;
    expect(await titleOf(plain)).toBe('usual');
  });
});
