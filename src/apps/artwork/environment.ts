import type { AppEnvironment } from '../../index.js';

const prefix = 'VITRINA_ARTWORK_';

/** `callback-url` is `VITRINA_ARTWORK_CALLBACK_URL`. */
export const variableOf = (setting: string): string => prefix + setting.toUpperCase().replaceAll('-', '_');

/**
 * Every setting of the app, by a variable of its own. This file is read before the server is loaded, and so takes nothing
 * but types from it. A variable that is there and empty counts as not set.
 */
export const environment: AppEnvironment = {
  prefix,
  server: () => [],
  app(variables) {
    return Object.fromEntries(
      Object.entries(variables).flatMap(([variable, value]) => {
        if (!variable.startsWith(prefix) || value === undefined || value === '') return [];
        const setting = variable.slice(prefix.length).toLowerCase().replaceAll('_', '-');
        return [[setting, read(setting, value)]];
      }),
    );
  },
};

/** What does not fit is left as it is, to be refused. */
function read(setting: string, value: string): unknown {
  if (setting === 'allowed-hosts') return value.split(',').map((host) => host.trim());
  return numbers.test(setting) && /^\d{1,15}$/.test(value) ? Number(value) : value;
}

const numbers = /^(max-.*|.*-(hours|seconds|days))$/;
