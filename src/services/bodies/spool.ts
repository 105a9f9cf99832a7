import { randomBytes } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { type FileHandle, open, unlink } from 'node:fs/promises';
import { join } from 'node:path';

/** A queue of bytes in a file that nobody else sees and that is gone with its process. */
export class Spool {
  private file: FileHandle | undefined;
  private written = 0;
  private taken = 0;
  private pending: Promise<unknown> = Promise.resolve();
  private closed = false;

  constructor(private readonly folder: string) {}

  /** Bytes that wait to be taken. */
  get length(): number {
    return this.written - this.taken;
  }

  async append(bytes: Uint8Array): Promise<void> {
    await this.inTurn(async () => {
      if (this.closed) return;
      this.file ??= await openNameless(this.folder);
      await this.file.write(bytes, 0, bytes.length, this.written);
      this.written += bytes.length;
    });
  }

  /** The next bytes, `most` of them at most. The file starts anew when all has been taken. */
  async take(most: number): Promise<Uint8Array> {
    return this.inTurn(async () => {
      const bytes = Buffer.allocUnsafe(this.closed ? 0 : Math.min(most, this.length));
      if (bytes.length === 0) return bytes;
      const { bytesRead } = await this.file!.read(bytes, 0, bytes.length, this.taken);
      this.taken += bytesRead;
      if (this.length === 0) {
        this.written = 0;
        this.taken = 0;
        await this.file!.truncate(0);
      }
      return bytes.subarray(0, bytesRead);
    });
  }

  async close(): Promise<void> {
    await this.inTurn(async () => {
      this.closed = true;
      await this.file?.close();
      this.file = undefined;
    });
  }

  private inTurn<T>(run: () => Promise<T>): Promise<T> {
    const result = this.pending.then(run);
    this.pending = result.catch(() => undefined);
    return result;
  }
}

async function openNameless(folder: string): Promise<FileHandle> {
  mkdirSync(folder, { recursive: true });
  const path = join(folder, randomBytes(12).toString('hex'));
  const file = await open(path, 'wx+', 0o600);
  await unlink(path);
  return file;
}
