/** Changes of files that a crash leaves either made or not made. */
import { randomUUID } from 'node:crypto';
import { closeSync, fsyncSync, openSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Writes a file whole and to the disk: at any moment there is the old one or the new one. */
export function replaceFile(folder: string, name: string, content: string | Uint8Array): void {
  const draft = join(folder, `.${name}-${randomUUID()}`);
  try {
    const handle = openSync(draft, 'wx');
    try {
      writeFileSync(handle, content);
      fsyncSync(handle);
    } finally {
      closeSync(handle);
    }
    renameSync(draft, join(folder, name));
  } catch (error) {
    rmSync(draft, { force: true });
    throw error;
  }
  syncFolder(folder);
}

/** A rename has reached the disk when its folder has. */
export function syncFolder(folder: string): void {
  const handle = openSync(folder, 'r');
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}
