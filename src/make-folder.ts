import { mkdirSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { VitrinaError } from './errors.js';

/**
 * `mkdir -p`, level by level: Node's own spins for ever where a folder cannot be made although its parent exists
 * (`/proc/x`). Throws what the system says.
 */
export function makeFolder(path: string, parentMayMiss = true): void {
  try {
    mkdirSync(path);
  } catch (error) {
    if (statSync(path, { throwIfNoEntry: false })?.isDirectory()) return;
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || !parentMayMiss) throw error;
    makeFolder(dirname(path));
    makeFolder(path, false);
  }
}

/** @throws VitrinaError `path-unusable` */
export function makeDataFolder(path: string): void {
  try {
    makeFolder(path);
  } catch (cause) {
    const problem = 'the data folder cannot be made; choose another with --data';
    throw new VitrinaError('path-unusable', { path, problem }, { cause });
  }
}
