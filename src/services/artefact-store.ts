import { createHash, randomUUID } from 'node:crypto';
import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { VitrinaError } from '../errors.js';
import { isModelName } from './model-yaml.js';
import { type FoundVersion, isVersion, stampOf } from './repository-scan.js';

/** An artefact that was received and is not served yet. */
export interface Draft {
  readonly file: string;
  readonly sha256: string;
}

/** What is known of a model beside its artefacts. */
interface ModelState {
  /** Versions up to this one are not served, whether they lie in the store or among the repository's own folders. */
  readonly retired: number;
}

const artefactName = 'artefact';
const stateName = 'state.json';
const draftsName = '.drafts';

/**
 * The artefacts that callers sent: `<model>/<version>/artefact` below one folder, and a `state.json` beside the
 * versions. Every change is one rename of what has reached the disk, so that a crash leaves the old or the new, whole.
 */
export class ArtefactStore {
  constructor(private readonly folder: string) {
    rmSync(join(folder, draftsName), { recursive: true, force: true });
  }

  /**
   * Writes what `stream` brings to a draft. Errors: `artefact-too-large` beyond `limit` bytes, `request-malformed` when
   * the sender breaks off; nothing is left behind then.
   */
  async receive(stream: AsyncIterable<Uint8Array>, limit: number): Promise<Draft> {
    const folder = join(this.folder, draftsName, randomUUID());
    mkdirSync(folder, { recursive: true });
    const file = join(folder, artefactName);
    try {
      const hash = createHash('sha256');
      const handle = await open(file, 'wx');
      try {
        let bytes = 0;
        for await (const chunk of senderOf(stream)) {
          bytes += chunk.length;
          if (bytes > limit) throw new VitrinaError('artefact-too-large', { limit });
          hash.update(chunk);
          await handle.writeFile(chunk);
        }
        await handle.sync();
      } finally {
        await handle.close();
      }
      return { file, sha256: hash.digest('hex') };
    } catch (error) {
      rmSync(folder, { recursive: true, force: true });
      throw error;
    }
  }

  discard({ file }: Draft): void {
    rmSync(join(file, '..'), { recursive: true, force: true });
  }

  /** The draft as it would be served. */
  preview({ file }: Draft, model: string, version: string): FoundVersion {
    return describe(model, version, file);
  }

  /** Moves the draft to its place, over the artefact that is there. */
  keep(draft: Draft, model: string, version: string): FoundVersion {
    const folder = join(this.folder, model, version);
    mkdirSync(folder, { recursive: true });
    const file = join(folder, artefactName);
    renameSync(draft.file, file);
    syncFolder(folder);
    this.discard(draft);
    return describe(model, version, file);
  }

  /** Every version that is not retired. */
  list(): FoundVersion[] {
    return foldersIn(this.folder)
      .filter(isModelName)
      .flatMap((model) =>
        foldersIn(join(this.folder, model))
          .filter((version) => isVersion(version) && Number(version) > this.retiredOf(model))
          .map((version) => ({ version, file: join(this.folder, model, version, artefactName) }))
          .filter(({ file }) => existsSync(file))
          .map(({ version, file }) => describe(model, version, file)),
      );
  }

  /** The highest retired version; 0 where none is, `undefined` for a model that was never put nor deleted here. */
  stateOf(model: string): ModelState | undefined {
    const file = join(this.folder, model, stateName);
    if (!existsSync(file)) return undefined;
    try {
      const { retired } = JSON.parse(readFileSync(file, 'utf8')) as ModelState;
      if (Number.isSafeInteger(retired) && retired >= 0) return { retired };
    } catch {
      // Told below: a state that cannot be read must not bring deleted models back.
    }
    throw new VitrinaError('path-unusable', {
      path: file,
      problem: 'expected {"retired": <version>}; mend or delete it',
    });
  }

  retiredOf(model: string): number {
    return this.stateOf(model)?.retired ?? 0;
  }

  /** Takes the versions up to `version` out of service for good, and their artefacts from the store. */
  retire(model: string, version: number): void {
    const folder = join(this.folder, model);
    mkdirSync(folder, { recursive: true });
    const draft = join(folder, `.${stateName}-${randomUUID()}`);
    const handle = openSync(draft, 'wx');
    writeFileSync(handle, JSON.stringify({ retired: version } satisfies ModelState));
    fsyncSync(handle);
    closeSync(handle);
    renameSync(draft, join(folder, stateName));
    syncFolder(folder);
    for (const name of foldersIn(folder)) {
      if (isVersion(name) && Number(name) <= version) rmSync(join(folder, name), { recursive: true, force: true });
    }
  }
}

/** A sender who hangs up is the sender's fault. */
async function* senderOf(stream: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  try {
    yield* stream;
  } catch (cause) {
    throw new VitrinaError(
      'request-malformed',
      { problem: 'The upload broke off before its end; send it again' },
      { cause },
    );
  }
}

function describe(model: string, version: string, file: string): FoundVersion {
  return {
    model,
    version,
    artefact: file,
    uploaded: true,
    member: undefined,
    folders: [],
    yaml: {},
    stamp: stampOf([file]),
  };
}

function foldersIn(folder: string): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder).filter((name) => statSync(join(folder, name), { throwIfNoEntry: false })?.isDirectory());
}

/** A rename has reached the disk when its folder has. */
function syncFolder(folder: string): void {
  const handle = openSync(folder, 'r');
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}
