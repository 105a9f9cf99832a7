import { readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';

const unusedDays = 90;

/** Removes what `named` matches in `folder` and was not touched for three months. What cannot be removed stays. */
export function sweepUnused(folder: string, named: RegExp): void {
  const oldest = Date.now() - unusedDays * 86_400_000;
  try {
    for (const name of readdirSync(folder)) {
      if (!named.test(name)) continue;
      const path = join(folder, name);
      const touched = statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? Number.POSITIVE_INFINITY;
      if (touched < oldest) rmSync(path, { recursive: true, force: true });
    }
  } catch {
    // A cache that cannot be tidied still serves.
  }
}
