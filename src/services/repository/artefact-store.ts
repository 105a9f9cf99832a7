import { createHash, randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { VitrinaError } from '../../errors.js';
import { FileLock } from '../../storage/index.js';
import { replaceFile, syncFolder } from '../durable-files.js';
import { type ModelState, newState, readState, stateOfFolder } from './model-state.js';
import { isModelName, readModelYaml } from './model-yaml.js';
import { type FoundVersion, isVersion, stampOf } from './repository-scan.js';

/** An artefact that was received and is not served yet, with what came along. */
export interface Draft {
  readonly folder: string;
  readonly sha256: string;
}

/** What a version consists of, by the names of its files. */
export const artefactName = 'artefact';
export const goldenName = 'golden.json';
export const yamlName = 'model.yaml';
export type PartName = typeof artefactName | typeof goldenName | typeof yamlName;

const stateName = 'state.json';
const draftsName = '.drafts';
const lockName = '.lock';
const generationName = '.generation';
/** A draft that nobody has touched for this long is nobody's, whichever machine it was begun on. */
const draftHours = 24;

/** What a change makes of a model's state; with a draft that becomes a version by it. */
export interface Change {
  readonly state: Omit<ModelState, 'revision'>;
  readonly place?: { readonly draft: Draft; readonly version: string };
}

/**
 * The artefacts that callers sent: `<model>/<version>/artefact` below one folder, with the golden file and the settings
 * that came along, and a `state.json` beside the versions. A change has happened when its `state.json` has been renamed
 * into place, of what has reached the disk before: a crash at any moment leaves the old or the new, whole. Processes on
 * one folder make their changes one after the other, and notice each other's by the file `.generation`.
 */
export class ArtefactStore {
  private readonly lock: FileLock;
  /** By model: the `state.json` that was last looked at. */
  private readonly seen = new Map<string, string>();

  constructor(private readonly folder: string) {
    this.lock = new FileLock(join(folder, lockName));
    this.sweepDrafts();
  }

  /**
   * Writes what `stream` brings to a draft. Errors: `artefact-too-large` beyond `limit` bytes, `request-malformed` when
   * the sender breaks off; nothing is left behind then.
   */
  async receive(stream: AsyncIterable<Uint8Array>, limit: number): Promise<Draft> {
    const folder = this.begin();
    try {
      return { folder, sha256: await this.write(folder, artefactName, stream, limit) };
    } catch (error) {
      this.discard(folder);
      throw error;
    }
  }

  /** Makes an empty draft and gives its folder. */
  begin(): string {
    const folder = join(this.folder, draftsName, `${hostname()}+${process.pid}+${randomUUID()}`);
    mkdirSync(folder, { recursive: true });
    return folder;
  }

  /** Writes one file of a draft to the disk, and gives its sha256. Errors: those of `receive`, `storage-full`. */
  async write(draft: string, name: PartName, stream: AsyncIterable<Uint8Array>, limit: number): Promise<string> {
    const hash = createHash('sha256');
    const handle = await open(join(draft, name), 'wx');
    try {
      let bytes = 0;
      for await (const chunk of senderOf(stream)) {
        bytes += chunk.length;
        if (bytes > limit) throw new VitrinaError('artefact-too-large', { limit });
        hash.update(chunk);
        await handle.writeFile(chunk);
      }
      await handle.sync();
    } catch (cause) {
      const { code } = cause as NodeJS.ErrnoException;
      if (code === 'ENOSPC' || code === 'EDQUOT') throw new VitrinaError('storage-full', {}, { cause });
      throw cause;
    } finally {
      await handle.close();
    }
    return hash.digest('hex');
  }

  discard(draft: string): void {
    rmSync(draft, { recursive: true, force: true });
  }

  /** The draft as it would be served: its graph has to prove itself first. Errors: `model-yaml-invalid`. */
  preview({ folder }: Draft, model: string, version: string): FoundVersion {
    return { ...describe(model, version, folder), trial: true };
  }

  /** Digest of what came along with an artefact; nothing where nothing did. */
  settingsOf(folder: string): string | undefined {
    const files = [yamlName, goldenName].map((name) => join(folder, name));
    if (!files.some((file) => existsSync(file))) return undefined;
    const hash = createHash('sha256');
    for (const file of files) hash.update(existsSync(file) ? `${digestOf(file)},` : ',');
    return hash.digest('hex');
  }

  /** Models that callers sent, deleted or gave another default. */
  models(): string[] {
    return foldersIn(this.folder).filter((model) => isModelName(model) && this.stateOf(model) !== undefined);
  }

  /** Every version that is served. Errors: those of `stateOf`. */
  list(): FoundVersion[] {
    return this.models().flatMap((model) => this.versionsOf(model));
  }

  versionsOf(model: string, state = this.stateOf(model)): FoundVersion[] {
    return Object.keys(state?.uploads ?? {})
      .map((version) => ({ version, folder: join(this.folder, model, version) }))
      .filter(({ folder }) => existsSync(join(folder, artefactName)))
      .map(({ version, folder }) => describe(model, version, folder));
  }

  /** `undefined` for a model that was never changed here. Errors: `path-unusable` for a file that holds no state. */
  stateOf(model: string): ModelState | undefined {
    const file = join(this.folder, model, stateName);
    const found = () =>
      foldersIn(join(this.folder, model)).filter(
        (version) => isVersion(version) && existsSync(join(this.folder, model, version, artefactName)),
      );
    let text: string;
    try {
      text = readFileSync(file, 'utf8');
    } catch {
      const versions = found();
      return versions.length === 0 ? undefined : stateOfFolder(versions);
    }
    return readState(file, text, found);
  }

  /**
   * Makes of the model's state what `change` makes of it, while no other process changes anything; nothing where it
   * gives nothing. Versions that are no longer listed lose their files. Errors: those of `change` and of `stateOf`.
   */
  commit(model: string, change: (state: ModelState) => Change | undefined): ModelState | undefined {
    const folder = join(this.folder, model);
    mkdirSync(folder, { recursive: true });
    const litter = join(this.folder, draftsName, `${hostname()}+${process.pid}+${randomUUID()}`);
    const state = this.lock.hold(() => {
      const before = this.stateOf(model) ?? newState;
      const made = change(before);
      if (made === undefined) return undefined;
      if (made.place !== undefined) {
        const { draft, version } = made.place;
        moveAway(join(folder, version), litter);
        syncFolder(draft.folder);
        renameSync(draft.folder, join(folder, version));
        syncFolder(folder);
      }
      const after = { ...made.state, revision: before.revision + 1 };
      replaceFile(folder, stateName, JSON.stringify(after));
      this.remember(model);
      for (const version of foldersIn(folder)) {
        if (isVersion(version) && !Object.hasOwn(after.uploads, version)) moveAway(join(folder, version), litter);
      }
      replaceFile(this.folder, generationName, randomUUID());
      return after;
    });
    rmSync(litter, { recursive: true, force: true });
    return state;
  }

  /** Another text after every change, whichever process made it. */
  generation(): string {
    return stampIn(this.folder, generationName);
  }

  /** Models that other processes have changed since this was last asked. */
  changed(): string[] {
    return foldersIn(this.folder).filter((model) => isModelName(model) && this.remember(model));
  }

  close(): void {
    this.lock.close();
  }

  /** Whether the model's `state.json` is another one than before. */
  private remember(model: string): boolean {
    const stamp = stampIn(join(this.folder, model), stateName);
    const known = this.seen.get(model);
    this.seen.set(model, stamp);
    return known !== stamp && !(known === undefined && stamp === '');
  }

  /** Removes drafts of processes that are gone; those of others are being written. */
  private sweepDrafts(): void {
    const folder = join(this.folder, draftsName);
    for (const name of foldersIn(folder)) {
      const draft = join(folder, name);
      const age = Date.now() - (statSync(draft, { throwIfNoEntry: false })?.mtimeMs ?? 0);
      const [host, pid] = name.split('+');
      const dead = host === hostname() && !isAlive(Number(pid));
      if (dead || age > draftHours * 3_600_000) rmSync(draft, { recursive: true, force: true });
    }
  }
}

/** A sender who hangs up is the sender's fault. */
async function* senderOf(stream: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  try {
    yield* stream;
  } catch (cause) {
    if (cause instanceof VitrinaError) throw cause;
    throw new VitrinaError(
      'request-malformed',
      { problem: 'The upload broke off before its end; send it again' },
      { cause },
    );
  }
}

function describe(model: string, version: string, folder: string): FoundVersion {
  const yaml = join(folder, yamlName);
  const files = [artefactName, goldenName, yamlName].map((name) => join(folder, name));
  let artefact: FoundVersion['artefact'] = files[0]!;
  let settings: FoundVersion['yaml'] = {};
  try {
    if (existsSync(yaml)) settings = readModelYaml(yaml, 'sent');
  } catch (error) {
    if (!(error instanceof VitrinaError)) throw error;
    artefact = error;
  }
  const member = settings.member === undefined ? undefined : String(settings.member);
  return {
    model,
    version,
    artefact,
    uploaded: true,
    member,
    folders: [folder],
    yaml: settings,
    stamp: stampOf(files),
  };
}

const digestOf = (file: string) => createHash('sha256').update(readFileSync(file)).digest('hex');

/** Takes a folder out of its place in one step, so that nobody meets it half deleted. */
function moveAway(folder: string, litter: string): void {
  if (!existsSync(folder)) return;
  mkdirSync(litter, { recursive: true });
  renameSync(folder, join(litter, randomUUID()));
}

function isAlive(pid: number): boolean {
  if (!Number.isSafeInteger(pid) || pid <= 0) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

function foldersIn(folder: string): string[] {
  try {
    return readdirSync(folder, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map(({ name }) => name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

function stampIn(folder: string, name: string): string {
  const found = statSync(join(folder, name), { throwIfNoEntry: false, bigint: true });
  return found === undefined ? '' : `${found.ino}:${found.mtimeNs}:${found.size}`;
}
