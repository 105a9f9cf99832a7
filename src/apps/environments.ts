/** Names that apps have for variables of the environment: known before anything of an app is loaded. */
import type { AppEnvironment } from '../index.js';
import { environment as artwork } from './artwork/environment.js';
import { environment as spam } from './spam/environment.js';

export const environments: Readonly<Record<string, AppEnvironment>> = { artwork, spam };
