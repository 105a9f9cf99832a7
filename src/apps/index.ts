/** The bundled apps, in order of their appearance in the documentation. */
import type { App } from '../index.js';
import artwork from './artwork/index.js';
import modelo from './modelo/index.js';
import sessions from './sessions/index.js';
import shock from './shock/index.js';
import spam from './spam/index.js';

export const apps: readonly App[] = [shock, modelo, artwork, spam, sessions];
