/** The bundled apps, in order of their appearance in the documentation. */
import type { App, AppScope } from '../index.js';
import modelo from './modelo/index.js';
import shock from './shock/index.js';

export const apps: readonly App[] = [shock, modelo];

/** The scopes that apps bring along, by their names. */
export function scopesOf(some: readonly App[]): Readonly<Record<string, AppScope>> {
  return Object.assign({}, ...some.map(({ scopes }) => scopes));
}
