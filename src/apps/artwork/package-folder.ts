import { randomUUID } from 'node:crypto';
import { mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type Manifest, thumbnailName } from './manifest.js';

const manifestName = 'manifest.json';
const thumbnails = 'thumbnails';
/** Begins the name of what a run works on, one for each; those that are there when a run begins were left by others. */
const workPrefix = '.work-';

/**
 * What a package leaves on disk: `manifest.json` and `thumbnails/<number>.webp`, each written whole or not at all. A run
 * that is repeated after a crash writes the same files again. No name in it comes from the package.
 */
export class PackageFolder {
  readonly path: string;
  /** This run's own: one that has lost its job to another, and does not know yet, must not take the other's away. */
  private readonly work: string;

  /**
   * @param dataFolder the app's data folder
   * @param jobId letters, digits, `-` and `_`
   */
  constructor(dataFolder: string, jobId: string) {
    if (!/^[\w-]{1,100}$/.test(jobId)) throw new Error(`"${jobId}" is no id of a job`);
    this.path = join(dataFolder, 'packages', jobId);
    this.work = join(this.path, `${workPrefix}${randomUUID()}`);
  }

  get manifestFile(): string {
    return join(this.path, manifestName);
  }

  /** An empty folder for files that nobody needs when the run is over. */
  async openWork(): Promise<string> {
    await mkdir(join(this.path, thumbnails), { recursive: true });
    await this.removeWork(() => true);
    await mkdir(this.work);
    return this.work;
  }

  async closeWork(): Promise<void> {
    await rm(this.work, { recursive: true, force: true });
  }

  /** Writes the thumbnail of an image; after `openWork`. */
  async writeThumbnail(number: number, webp: Uint8Array): Promise<void> {
    await this.replace(thumbnailName(number), webp);
  }

  /** Makes the run's result the package's: a crash leaves the manifest before or this one, with its thumbnails. */
  async commit(manifest: Manifest): Promise<void> {
    await syncFolder(join(this.path, thumbnails));
    await this.replace(manifestName, `${JSON.stringify(manifest, undefined, 2)}\n`);
    await syncFolder(this.path);
    const kept = new Set(manifest.images.flatMap((image) => ('thumbnail' in image ? image.thumbnail : [])));
    for (const file of await readdir(join(this.path, thumbnails))) {
      if (!kept.has(`${thumbnails}/${file}`)) await rm(join(this.path, thumbnails, file));
    }
    await this.removeWork((name) => join(this.path, name) !== this.work);
  }

  /** The manifest's text, where there is one. */
  async readManifest(): Promise<string | undefined> {
    return textOf(this.manifestFile);
  }

  /** The thumbnail of an image, where there is one. */
  async readThumbnail(number: number): Promise<Buffer | undefined> {
    return Number.isSafeInteger(number) ? bytesOf(join(this.path, thumbnailName(number))) : undefined;
  }

  async remove(): Promise<void> {
    await rm(this.path, { recursive: true, force: true });
  }

  private async removeWork(which: (name: string) => boolean): Promise<void> {
    for (const name of await readdir(this.path)) {
      if (name.startsWith(workPrefix) && which(name)) await rm(join(this.path, name), { recursive: true, force: true });
    }
  }

  /** Drafts lie where the next run removes them. */
  private async replace(name: string, content: string | Uint8Array): Promise<void> {
    const draft = join(this.work, randomUUID());
    const file = await open(draft, 'wx');
    try {
      await file.writeFile(content);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(draft, join(this.path, name));
  }
}

/** A rename has reached the disk when its folder has. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

const textOf = async (file: string) => (await bytesOf(file))?.toString('utf8');

async function bytesOf(file: string): Promise<Buffer | undefined> {
  try {
    return await readFile(file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
