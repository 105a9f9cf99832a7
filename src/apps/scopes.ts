import type { AppScope } from '../index.js';
import { artworkScopes } from './artwork/scopes.js';
import { sessionScopes } from './sessions/scopes.js';
import { spamScopes } from './spam/scopes.js';

/** The scopes that the bundled apps bring along, by their names. Apart from the apps, so that commands start quickly. */
export const appScopes: Readonly<Record<string, AppScope>> = {
  ...spamScopes,
  ...sessionScopes,
  ...artworkScopes,
};
