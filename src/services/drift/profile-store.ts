import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { replaceFile } from '../durable-files.js';
import type { Profile } from './profile.js';

/** A profile larger than this was not written by us. */
const mostBytes = 32 * 2 ** 20;

/** The reference profiles of one data folder: `<model>/<version>.json` below it. */
export class ProfileStore {
  constructor(private readonly folder: string) {}

  pathOf(model: string, version: string): string {
    return join(this.folder, model, `${version}.json`);
  }

  /** The text of a file, and what changes when the file does; `undefined` when there is none. */
  read(path: string): { text: string; stamp: string } | undefined {
    const stamp = this.stampOf(path);
    return stamp === '' ? undefined : { text: readFileSync(path, 'utf8'), stamp };
  }

  stampOf(path: string): string {
    const found = statSync(path, { throwIfNoEntry: false });
    return found?.isFile() && found.size <= mostBytes ? `${found.ino}:${found.size}:${found.mtimeMs}` : '';
  }

  /** Keeps a profile, and drops those of versions that are no more among `versions`. */
  write(profile: Profile, versions: readonly string[]): void {
    const folder = join(this.folder, profile.model);
    mkdirSync(folder, { recursive: true });
    replaceFile(folder, `${profile.version}.json`, JSON.stringify(profile));
    for (const file of readdirSync(folder)) {
      if (/^\d+\.json$/.test(file) && !versions.includes(file.slice(0, -5)))
        rmSync(join(folder, file), { force: true });
    }
  }

  remove(model: string, version: string): void {
    rmSync(this.pathOf(model, version), { force: true });
  }

  has(model: string, version: string): boolean {
    return existsSync(this.pathOf(model, version));
  }
}
