import { createHash } from 'node:crypto';
import type { AppEnvironment, ServerSetting, Variables } from '../../index.js';

/**
 * The `.env` of the system that this app replaces. This file is read before the server is loaded, and so takes nothing
 * but types from it. A variable that is there and empty counts as not set.
 */
export const environment: AppEnvironment = {
  server(variables) {
    const given = (variable: string, setting: string, read = (value: string): unknown => value): ServerSetting[] => {
      const value = variables[variable];
      return value === undefined || value === '' ? [] : [{ variable, setting, value: read(value) }];
    };
    return [
      ...given('POSTGRES_SERVER', 'database-url', () => databaseUrl(variables)),
      ...given('JWT_SECRET', 'jwt-secret', (secret) => (isLocal(variables) ? lengthen(secret) : secret)),
      ...given('LOCAL_PORT', 'port'),
      ...given('LOG_LEVEL', 'log-level', logLevel),
      ...given('MAX_WORKERS', 'workers'),
    ];
  },

  app(variables) {
    const named = Object.entries(appSettings).map(([variable, setting]) => [setting, variables[variable]] as const);
    return Object.fromEntries(named.filter(([, value]) => value !== undefined && value !== ''));
  },

  lacks(config) {
    const { 'app-env': stage = localStage } = config.apps.spam ?? {};
    if (stage === localStage || config['jwt-secret'] !== undefined) return undefined;
    return {
      variable: 'JWT_SECRET',
      why: `APP_ENV is ${JSON.stringify(stage)}, where tokens are signed by a secret of your own`,
      next: `make one with "openssl rand -hex 32", or set APP_ENV=${localStage} on a developer's machine`,
    };
  },
};

const isLocal = ({ APP_ENV: stage }: Variables): boolean => stage === undefined || stage === '' || stage === localStage;

/** On a developer's machine any secret will do; elsewhere the server refuses one that is too short. */
function lengthen(secret: string): string {
  return Buffer.byteLength(secret) >= 32 ? secret : createHash('sha256').update(secret).digest('hex');
}

/** The value of `APP_ENV` on a developer's machine, and where there is none. */
export const localStage = 'local';

const appSettings = {
  APP_ENV: 'app-env',
  PROJECT_NAME: 'project-name',
  FIRST_SUPERUSER: 'first-superuser',
  FIRST_SUPERUSER_PASSWORD: 'first-superuser-password',
  FIRST_SUPERUSER_EMAIL: 'first-superuser-email',
} as const;

/** `postgres://user:password@server:port/name`; what is not set is left to the client's defaults. */
function databaseUrl(variables: Variables): string {
  const { POSTGRES_SERVER: server = '', POSTGRES_PORT: port = '', POSTGRES_DB: name = '' } = variables;
  const { POSTGRES_USER: user = '', POSTGRES_PASSWORD: password = '' } = variables;
  const secret = password === '' ? '' : `:${encodeURIComponent(password)}`;
  const credentials = user === '' ? '' : `${encodeURIComponent(user)}${secret}@`;
  const host = /^[\da-f]*:.*:/i.test(server) ? `[${server}]` : server;
  return `postgres://${credentials}${host}${port === '' ? '' : `:${port}`}/${encodeURIComponent(name)}`;
}

/** Python's names of levels; others are left as they are, to be refused. */
function logLevel(name: string): string {
  const level = name.toLowerCase();
  if (level === 'warning') return 'warn';
  return level === 'critical' || level === 'fatal' ? 'error' : level;
}
