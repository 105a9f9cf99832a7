import type { AppScope } from '../../index.js';

export const sessionScopes = {
  sessions: { description: 'read events and sessions of the sessions app', byDefault: true },
  'events:write': { description: 'add events to the sessions app', byDefault: false },
} as const satisfies Readonly<Record<string, AppScope>>;
