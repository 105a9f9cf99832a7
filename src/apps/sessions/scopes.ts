import type { AppScope } from '../../index.js';

export const sessionScopes = {
  sessions: { description: 'read events and sessions of the sessions app', from: 'maintainer', byDefault: true },
  'events:write': { description: 'add events to the sessions app', from: 'maintainer', byDefault: false },
} as const satisfies Readonly<Record<string, AppScope>>;
