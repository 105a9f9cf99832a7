import { createHash, randomUUID } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Provenance, Signature } from '../../signature.js';
import type { ReadyVersion } from './ready-version.js';
import { sweepUnused } from './sweep-unused.js';

/** What can be told of a version while it is not in memory. */
export interface VersionCard {
  readonly signature: Signature;
  readonly provenance: Provenance;
  readonly description?: string;
  readonly labels?: readonly string[];
  readonly sha256: string;
  readonly created: string;
  readonly golden: 'passed' | 'none';
  readonly example?: Readonly<Record<string, unknown>>;
}

export function cardOf(ready: ReadyVersion): VersionCard {
  const { signature, provenance, description, labels, sha256, created, golden, example } = ready;
  return {
    signature,
    provenance,
    ...(description === undefined ? {} : { description }),
    ...(labels === undefined ? {} : { labels }),
    sha256,
    created,
    golden,
    ...(example === undefined ? {} : { example }),
  };
}

/**
 * Cards on disk, beside the conversion cache, by the stamp of a version's files: a server that loads nothing at its start can describe what it
 * served before. They describe and no more; what answers is read, hashed and converted when it loads.
 */
export class VersionCards {
  private readonly folder: string;

  constructor(cacheFolder: string) {
    this.folder = join(dirname(cacheFolder), 'cards');
  }

  /** Removes cards of versions that have not been loaded for months. */
  sweep(): void {
    sweepUnused(this.folder, /^\.|\.json$/);
  }

  read(stamp: string): VersionCard | undefined {
    // Without a card the version is described when it has been loaded.
    return JSON.parse(this.text(stamp) ?? 'null') ?? undefined;
  }

  private text(stamp: string): string | undefined {
    try {
      return readFileSync(join(this.folder, nameOf(stamp)), 'utf8');
    } catch {
      return undefined;
    }
  }

  write(stamp: string, card: VersionCard): void {
    const text = JSON.stringify(card);
    const file = join(this.folder, nameOf(stamp));
    if (this.text(stamp) === text) {
      const now = new Date();
      utimesSync(file, now, now);
      return;
    }
    mkdirSync(this.folder, { recursive: true });
    const draft = join(this.folder, `.${randomUUID()}`);
    writeFileSync(draft, text);
    renameSync(draft, file);
  }
}

const nameOf = (stamp: string) => `${createHash('sha256').update(stamp).digest('hex')}.json`;
