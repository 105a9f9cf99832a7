import type { AppScope } from '../../index.js';

export const spamScopes = {
  spam_ml: { description: 'classify messages with the spam app', from: 'user', byDefault: true },
  test_token: { description: 'ask the spam app whether a token is valid', from: 'user', byDefault: false },
} as const satisfies Readonly<Record<string, AppScope>>;
