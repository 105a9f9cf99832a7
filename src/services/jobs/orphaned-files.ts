import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Storage } from '../../storage/index.js';
import { isJobId } from './job-id.js';
import { jobFiles } from './predict-file.js';

/** Milliseconds without a byte after which nobody is sending a file any more: a body that rests is cut off long before. */
const restMs = 3_600_000;

/**
 * Removes files of jobs that are not there: of a server that was killed while it took a file, or of a worker that was
 * while it removed a job. Gives the ids.
 */
export async function removeOrphanedFiles(data: string, storage: Storage, now = Date.now()): Promise<string[]> {
  const names = await readdir(join(data, 'jobs')).catch(() => []);
  const removed: string[] = [];
  for (const id of names.filter(isJobId)) {
    const { folder, input } = jobFiles(data, id);
    const file = await stat(input)
      .catch(() => stat(folder))
      .catch(() => undefined);
    if (file === undefined || now - file.mtimeMs < restMs) continue;
    const row = await storage.db.selectFrom('jobs').select('id').where('id', '=', id).executeTakeFirst();
    if (row !== undefined) continue;
    await rm(folder, { recursive: true, force: true });
    removed.push(id);
  }
  return removed;
}
