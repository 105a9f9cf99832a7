import { readFileSync } from 'node:fs';
import { VitrinaError } from '../../errors.js';
import type { Signature, TensorSpec } from '../../signature.js';
import { replaceFile } from '../durable-files.js';
import { type ArtefactStore, type Draft, goldenName, yamlName } from './artefact-store.js';
import { type ModelState, newState } from './model-state.js';
import type { ReadyVersion } from './ready-version.js';
import type { RepositoryCatalogue } from './repository-catalogue.js';
import { type FoundVersion, findCompanion } from './repository-scan.js';
import type { Residency } from './residency.js';
import type { ServedModel, Slot } from './served-model.js';

/** What a change of a model depends on. All may throw; the change is then not made. */
export interface ChangeChecks {
  /** Sees the version that answers before the change, if there is one in memory. */
  before?(current: ReadyVersion | undefined): void;
  /** Sees the version that is about to take over, loaded. */
  candidate?(candidate: ReadyVersion): void;
  /** Sees the sha256 of the version that answers and of the one that is named, where there are such. */
  digests?(digests: { readonly current: string | undefined; readonly named: string | undefined }): void;
}

export interface InstallOptions {
  /** Number of the new version; the next one unless given. */
  readonly version?: string | undefined;
  /** Whether it answers from then on where no version is named. */
  readonly activate: boolean;
  /** Whether all other versions go. */
  readonly alone: boolean;
  readonly checks: ChangeChecks;
}

export interface Installed {
  readonly version: string;
  /** False where the very same bytes were there already. */
  readonly created: boolean;
}

/** What changes need of the repository. */
export interface ChangeHost {
  readonly store: ArtefactStore;
  readonly catalogue: RepositoryCatalogue;
  readonly residency: Residency;
  /** Superseded versions of a model that stay in the store. */
  readonly keepVersions: number;
  names(): string[];
  /** The model as it is in this process. */
  served(model: string): ServedModel;
  /** Ends that the model stays unloaded. */
  release(model: string): void;
  /** Brings the model in step with the disk, and gives the revision of what was found there. */
  follow(model: string): Promise<number>;
  open(found: FoundVersion, inherit: (signature: Signature) => FoundVersion): Promise<ReadyVersion>;
  /** Makes the version one of the model's, loaded as it is, under what is chosen from now on. */
  seat(found: FoundVersion, ready: ReadyVersion, chosen: ModelState['chosen']): void;
}

const largestVersion = 999_999_999;

/**
 * Changes of what exists. Each is prepared beside what answers, then made in one step under the lock of the store, and
 * only if no other process has changed the model since it was looked at; otherwise it looks again.
 */
export class RepositoryChanges {
  constructor(private readonly host: ChangeHost) {}

  /** Errors: `version-exists`, those of the checks, of reading, converting and loading. */
  async install(model: string, draft: Draft, options: InstallOptions): Promise<Installed> {
    const { store } = this.host;
    const settings = store.settingsOf(draft.folder);
    let candidate: ReadyVersion | undefined;
    try {
      for (;;) {
        const revision = await this.host.follow(model);
        await this.check(model, options.version, options.checks);
        const same = await this.findSame(model, { ...draft, settings }, options);
        if (same !== undefined) return { version: same, created: false };
        candidate ??= await this.prepare(model, draft, options.version ?? 'next');
        options.checks.candidate?.(candidate);
        let version = '';
        const state = store.commit(model, (before) => {
          if (before.revision !== revision) return undefined;
          const last = this.host.catalogue.lastOf(model, before);
          version = options.version ?? String(last + 1);
          if (Number(version) > largestVersion) throw outOfNumbers(version);
          const upload = { sha256: draft.sha256, ...(settings === undefined ? {} : { settings }) };
          return { state: this.withUpload(model, before, version, upload, options), place: { draft, version } };
        });
        if (state === undefined) continue;
        const found = store.versionsOf(model, state).find((one) => one.version === version)!;
        this.host.seat(found, relocate(candidate, found), state.chosen);
        candidate = undefined;
        await this.host.follow(model);
        return { version, created: true };
      }
    } finally {
      await candidate?.close();
    }
  }

  /** Deletes one version. Errors: `model-not-found`, `version-not-found`, `version-is-default`, those of the checks. */
  async remove(model: string, version: string, checks: ChangeChecks): Promise<void> {
    await this.change(model, async (before) => {
      const slots = this.known(model).slots;
      const slot = this.slotOf(model, version);
      await this.check(model, version, checks);
      if (this.known(model).front === slot && slots.size > 1)
        throw new VitrinaError('version-is-default', { model, version });
      const { [version]: _, ...uploads } = before.uploads;
      return { ...this.hide(model, before, [version]), uploads };
    });
  }

  /** Deletes every version. Errors: `model-not-found`, those of the checks. */
  async removeAll(model: string, checks: ChangeChecks): Promise<void> {
    await this.change(model, async (before) => {
      this.known(model);
      await this.check(model, undefined, checks);
      const last = this.host.catalogue.lastOf(model, before);
      const { chosen: _, ...rest } = before;
      return { ...rest, last, hidden: { upTo: last, also: [] }, uploads: {} };
    });
  }

  /** Has `version` answer where none is named. Errors: `model-not-found`, `version-not-found`, why it did not load. */
  async choose(model: string, version: string, checks: ChangeChecks): Promise<void> {
    await this.change(model, async (before) => {
      const slot = this.slotOf(model, version);
      await this.check(model, version, checks);
      this.host.release(model);
      if (slot.state.status !== 'ready') await this.host.residency.load(slot, true);
      // The state has changed while it loaded, which the compiler does not see.
      const { state } = slot as Slot;
      if (state.status === 'failed') throw state.error;
      return { ...before, chosen: { version, of: this.host.catalogue.lastOf(model, before) } };
    });
  }

  /** Makes of the model's state what `make` makes of it, and again when another process was quicker. */
  private async change(
    model: string,
    make: (before: ModelState) => Promise<Omit<ModelState, 'revision'>>,
  ): Promise<void> {
    const { store } = this.host;
    for (;;) {
      const revision = await this.host.follow(model);
      const before = store.stateOf(model) ?? newState;
      if (before.revision !== revision) continue;
      const after = await make(before);
      if (store.commit(model, (now) => (now.revision === revision ? { state: after } : undefined)) === undefined)
        continue;
      await this.host.follow(model);
      return;
    }
  }

  private withUpload(
    model: string,
    before: ModelState,
    version: string,
    upload: ModelState['uploads'][string],
    { activate, alone }: InstallOptions,
  ): Omit<ModelState, 'revision'> {
    const last = Math.max(this.host.catalogue.lastOf(model, before), Number(version));
    const front = this.host.served(model).front?.version;
    const answering = activate ? version : front;
    const chosen = answering === undefined ? {} : { chosen: { version: answering, of: last } };
    if (alone) {
      const upTo = this.host.catalogue.lastOf(model, before);
      return { last, hidden: { upTo, also: [] }, uploads: { [version]: upload }, ...chosen };
    }
    const kept = Object.keys(before.uploads)
      .filter((other) => other !== version && other !== answering)
      .sort((a, b) => Number(b) - Number(a));
    const dropped = kept.slice(this.host.keepVersions);
    const uploads = Object.fromEntries(Object.entries(before.uploads).filter(([other]) => !dropped.includes(other)));
    return { ...this.hide(model, before, dropped), last, uploads: { ...uploads, [version]: upload }, ...chosen };
  }

  /** Versions that lie on a path as well must not appear from there: their files are not ours to delete. */
  private hide(model: string, before: ModelState, versions: readonly string[]): Omit<ModelState, 'revision'> {
    const { revision: _, ...rest } = before;
    const { catalogue } = this.host;
    const onPath = versions.map(Number).filter((version) => catalogue.hasOnPath(model, version));
    const also = [...new Set([...before.hidden.also, ...onPath])];
    return { ...rest, last: catalogue.lastOf(model, before), hidden: { upTo: before.hidden.upTo, also } };
  }

  private async check(model: string, version: string | undefined, checks: ChangeChecks): Promise<void> {
    const { front, slots } = this.host.served(model);
    checks.before?.(front?.state.status === 'ready' ? front.state.ready : undefined);
    if (checks.digests === undefined) return;
    const named = version === undefined ? undefined : slots.get(version);
    checks.digests({ current: await this.digestOf(front), named: await this.digestOf(named) });
  }

  /** The version that these bytes are already. Errors: `version-exists` for one that holds others. */
  private async findSame(
    model: string,
    { sha256, settings }: { readonly sha256: string; readonly settings: string | undefined },
    { version, alone }: InstallOptions,
  ): Promise<string | undefined> {
    const { front, slots } = this.host.served(model);
    const slot = version === undefined ? front : slots.get(version);
    if (slot === undefined) return undefined;
    const known = this.host.store.stateOf(model)?.uploads[slot.version]?.settings;
    const same = (await this.digestOf(slot)) === sha256 && (settings === undefined || settings === known);
    if (same && (version !== undefined || !alone || slot.state.status === 'ready')) return slot.version;
    if (version !== undefined) throw new VitrinaError('version-exists', { model, version });
    return undefined;
  }

  /** Loads the draft beside what answers. */
  private prepare(model: string, draft: Draft, version: string): Promise<ReadyVersion> {
    const { store, catalogue } = this.host;
    return this.host.open(store.preview(draft, model, version), (signature) => {
      const { front } = this.host.served(model);
      if (front !== undefined && isSameSignature(signature, signatureOf(front))) {
        inherit(draft.folder, front.found, catalogue.onPath(model));
      }
      return store.preview(draft, model, version);
    });
  }

  private known(model: string): ServedModel {
    const served = this.host.served(model);
    if (served.slots.size === 0) throw new VitrinaError('model-not-found', { model, known: this.host.names() });
    return served;
  }

  private slotOf(model: string, version: string): Slot {
    const { slots } = this.known(model);
    const slot = slots.get(version);
    if (slot === undefined) throw new VitrinaError('version-not-found', { model, version, known: [...slots.keys()] });
    return slot;
  }

  /** The sha256 of a version, which is loaded where nothing else tells. */
  private async digestOf(slot: Slot | undefined): Promise<string | undefined> {
    if (slot === undefined) return undefined;
    const sent = this.host.store.stateOf(slot.model)?.uploads[slot.version]?.sha256;
    if (sent !== undefined) return sent;
    if (slot.state.status === 'unloaded') {
      if (slot.state.card !== undefined) return slot.state.card.sha256;
      await this.host.residency.load(slot, true);
    }
    const { state } = slot as Slot;
    return state.status === 'ready' ? state.ready.sha256 : undefined;
  }
}

function outOfNumbers(version: string): VitrinaError {
  const message = `is ${version}; versions end at ${largestVersion}`;
  return new VitrinaError('request-invalid', { problems: [{ path: 'version', message }] });
}

/** The same version, once its files have moved to their place. */
function relocate(ready: ReadyVersion, { version, artefact, folders }: FoundVersion): ReadyVersion {
  const companion = (name: string) => findCompanion(folders, name);
  return Object.freeze({ ...ready, version, artefact: artefact as string, companion });
}

function signatureOf({ state }: Slot): Signature | undefined {
  if (state.status === 'ready') return state.ready.signature;
  return state.status === 'unloaded' ? state.card?.signature : undefined;
}

function isSameSignature(a: Signature, b: Signature | undefined): boolean {
  const key = ({ name, dtype, shape, columns }: TensorSpec) => [name, dtype, shape, columns ?? null];
  const text = ({ inputs, outputs }: Signature) => JSON.stringify([inputs.map(key), outputs.map(key)]);
  return b !== undefined && text(a) === text(b);
}

/**
 * Settings of the version that answered so far, and the golden file that stands beside `model.yaml`, hold for a version
 * of the same signature that brings none of its own. A golden file inside a version's folder is that version's alone.
 */
function inherit(draft: string, { yaml }: FoundVersion, onPath: FoundVersion | undefined): void {
  const { description, labels, batching, placement, pin } = yaml;
  const settings = { description, labels, batching, placement, pin };
  if (findCompanion([draft], yamlName) === undefined && Object.values(settings).some((value) => value !== undefined)) {
    // JSON is YAML.
    replaceFile(draft, yamlName, JSON.stringify(settings));
  }
  const shared = onPath?.folders[1];
  if (shared === undefined || findCompanion([draft], goldenName) !== undefined) return;
  const golden = findCompanion([shared], onPath?.yaml.golden ?? goldenName);
  if (golden !== undefined) replaceFile(draft, goldenName, readFileSync(golden, 'utf8'));
}
