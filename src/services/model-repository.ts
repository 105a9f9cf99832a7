import { EventEmitter } from 'node:events';
import { resolve } from 'node:path';
import { VitrinaError } from '../errors.js';
import type { ArtefactStore, Draft } from './artefact-store.js';
import { ConversionCache } from './conversion-cache.js';
import { Converter } from './converter.js';
import { loadVersion } from './load-version.js';
import type { ReadyVersion } from './ready-version.js';
import { type FoundVersion, scanRepository } from './repository-scan.js';
import { noSiblings, type Siblings } from './siblings.js';

export type VersionState =
  /** Not in memory. `reason` says why; it loads when it is asked for, unless somebody unloaded its model by name. */
  | { readonly status: 'unloaded'; readonly reason: string }
  | { readonly status: 'loading' }
  | { readonly status: 'ready'; readonly ready: ReadyVersion }
  | { readonly status: 'failed'; readonly error: VitrinaError };

export interface VersionEntry {
  readonly model: string;
  readonly version: string;
  readonly state: VersionState;
}

export interface RepositoryOptions {
  /** Repository folders and artefacts. */
  readonly paths: readonly string[];
  /** Folder of the conversion cache; without one, nothing is kept. */
  readonly cacheFolder: string | undefined;
  readonly maxQueueRows: number;
  /** Milliseconds that an uploaded graph gets to answer zeros; 30,000 unless told. */
  readonly trialMs?: number;
  /** Where uploaded artefacts are kept; without one, models cannot be replaced or withdrawn. */
  readonly store?: ArtefactStore;
  /** The other processes of the server, which hear of every change; none unless told. */
  readonly siblings?: Siblings;
}

/** What a change of a model depends on. Both may throw; the change is then not made. */
export interface ChangeChecks {
  /** Sees the version that answers before the change, if there is one. */
  before?(current: ReadyVersion | undefined): void;
  /** Sees the version that is about to take over, loaded. */
  candidate?(candidate: ReadyVersion): void;
}

interface Slot {
  found: FoundVersion;
  state: VersionState;
}

interface Events {
  /** A version became ready or failed, or a model went away. */
  change: [{ model: string; version: string; state: VersionState | undefined }];
}

/**
 * The models being served: what lies under the paths, converted, loaded, timed and checked.
 *
 * `refresh` compares the paths with what is loaded. A changed version is loaded beside the old one and takes its place
 * in one step; the old one answers what it had accepted, then closes. A version that cannot be loaded anew leaves the
 * old one in service.
 */
export class ModelRepository extends EventEmitter<Events> {
  private readonly slots = new Map<string, Map<string, Slot>>();
  private readonly cache: ConversionCache | undefined;
  private readonly converter = new Converter();
  private refreshing: Promise<void> = Promise.resolve();
  /** Models that stay unloaded until somebody loads them. */
  private readonly held = new Set<string>();
  private readonly siblings: Siblings;
  private closed = false;

  constructor(private readonly options: RepositoryOptions) {
    super();
    this.cache = options.cacheFolder === undefined ? undefined : new ConversionCache(options.cacheFolder);
    this.siblings = options.siblings ?? noSiblings;
    this.siblings.answer('model-load', (name) => this.loadHere(name as string).catch(() => undefined));
    this.siblings.answer('model-unload', (name) => this.unloadHere(name as string).catch(() => undefined));
  }

  /** Brings the repository in step with the disk. Errors: `path-unusable` for a path that is not there. */
  refresh(): Promise<void> {
    return this.inTurn(() => this.compare());
  }

  /**
   * Makes the artefact that `upload` brings, of at most `maxBytes`, the model `name`: converted and loaded beside the
   * version that answers, which then gives way in one step and answers what it had accepted. The new version has the
   * next number, and is there again after a restart. Bytes that answer already change nothing.
   *
   * Errors: those of `ArtefactStore.receive`, of reading and converting, and of the checks; what answers then goes on.
   */
  async replace(
    name: string,
    upload: AsyncIterable<Uint8Array>,
    maxBytes: number,
    checks: ChangeChecks = {},
  ): Promise<ReadyVersion> {
    const store = this.requireStore();
    const draft = await store.receive(upload, maxBytes);
    try {
      return await this.inTurn(async () => {
        const current = this.current(name);
        checks.before?.(current);
        return current?.sha256 === draft.sha256 ? current : await this.install(name, draft, checks);
      });
    } finally {
      store.discard(draft);
    }
  }

  /**
   * Takes the model `name` out of service until it is replaced; a restart does not bring it back.
   * Errors: `model-not-found`, and those of the check.
   */
  withdraw(name: string, checks: Pick<ChangeChecks, 'before'> = {}): Promise<void> {
    const store = this.requireStore();
    return this.inTurn(async () => {
      checks.before?.(this.current(name));
      const versions = this.versions(name);
      store.retire(name, this.lastVersion(name));
      for (const { version } of versions) this.remove(name, version);
    });
  }

  /**
   * Loads every version of the model `name`, anew where it is loaded already, here and in the other processes; what
   * answered before answers until then. Errors: `model-not-found`, and why the version that answers did not load.
   */
  async load(name: string): Promise<void> {
    await Promise.all([this.loadHere(name), this.siblings.ask('model-load', name)]);
  }

  /**
   * Unloads every version of the model `name`, once it has answered what it had accepted, here and in the other
   * processes. It stays unloaded until `load`, or until the server starts again. Errors: `model-not-found`.
   */
  async unload(name: string): Promise<void> {
    await Promise.all([this.unloadHere(name), this.siblings.ask('model-unload', name)]);
  }

  /**
   * The version that answers a request, as `get` gives it; a promise where it has to be loaded first.
   * Errors: those of `get`, and of loading.
   */
  acquire(model: string, version?: string): ReadyVersion | Promise<ReadyVersion> {
    return this.get(model, version);
  }

  /** Names of the models, sorted. */
  names(): string[] {
    return [...this.slots.keys()].sort();
  }

  /** Every version of every model, in order of name and number. */
  list(): VersionEntry[] {
    return this.names().flatMap((model) => this.versions(model));
  }

  versions(model: string): VersionEntry[] {
    const versions = this.slots.get(model);
    if (versions === undefined) throw new VitrinaError('model-not-found', { model, known: this.names() });
    return [...versions]
      .sort(([a], [b]) => Number(a) - Number(b))
      .map(([version, { state }]) => ({ model, version, state }));
  }

  /**
   * The version that answers a request: the one asked for, else the highest that is ready.
   * Errors: `model-not-found`, `version-not-found`, `model-not-ready`.
   */
  get(model: string, version?: string): ReadyVersion {
    const versions = this.slots.get(model);
    if (versions === undefined) throw new VitrinaError('model-not-found', { model, known: this.names() });
    let best: ReadyVersion | undefined;
    let newest: [string, Slot] | undefined;
    for (const [number, slot] of versions) {
      if (version !== undefined && number !== version) continue;
      if (newest === undefined || Number(number) > Number(newest[0])) newest = [number, slot];
      if (slot.state.status !== 'ready') continue;
      if (best === undefined || Number(number) > Number(best.version)) best = slot.state.ready;
    }
    if (best !== undefined) return best;
    if (newest === undefined) {
      throw new VitrinaError('version-not-found', { model, version: version!, known: [...versions.keys()] });
    }
    const [number, { state }] = newest;
    const reason =
      state.status === 'failed'
        ? state.error.message
        : state.status === 'unloaded'
          ? state.reason
          : 'it is still loading.';
    throw new VitrinaError('model-not-ready', { model, version: number, reason });
  }

  /** True when every model has a version that answers, or that somebody took out of memory. */
  get ready(): boolean {
    return this.names().every((model) =>
      this.versions(model).some(({ state }) => state.status === 'ready' || state.status === 'unloaded'),
    );
  }

  /** Answers what was accepted, then unloads everything. */
  async close(): Promise<void> {
    this.closed = true;
    await this.refreshing.catch(() => undefined);
    await this.converter.close();
    const states = this.list().map((entry) => entry.state);
    this.slots.clear();
    await Promise.all(states.map((state) => (state.status === 'ready' ? retire(state.ready) : undefined)));
  }

  private loadHere(name: string): Promise<void> {
    return this.inTurn(async () => {
      const slots = this.slots.get(name);
      if (slots === undefined) throw new VitrinaError('model-not-found', { model: name, known: this.names() });
      this.held.delete(name);
      await Promise.all([...slots.values()].map((slot) => this.loadSlot(slot.found, slot)));
      if (this.current(name) === undefined) this.get(name);
    });
  }

  private unloadHere(name: string): Promise<void> {
    return this.inTurn(async () => {
      const slots = this.slots.get(name);
      if (slots === undefined) throw new VitrinaError('model-not-found', { model: name, known: this.names() });
      this.held.add(name);
      await Promise.all(
        [...slots].map(async ([version, slot]) => {
          const { state } = slot;
          slot.state = { status: 'unloaded', reason: 'it was unloaded; load it to have it answer again.' };
          this.emit('change', { model: name, version, state: slot.state });
          if (state.status === 'ready') await retire(state.ready);
        }),
      );
    });
  }

  /** Changes come one after the other. */
  private inTurn<T>(change: () => Promise<T>): Promise<T> {
    const result = this.refreshing.catch(() => undefined).then(change);
    this.refreshing = result.then(() => undefined);
    // Whoever asked for the change hears of its failure.
    this.refreshing.catch(() => undefined);
    return result;
  }

  private requireStore(): ArtefactStore {
    if (this.options.store === undefined) throw new Error('this repository has no store for uploaded artefacts');
    return this.options.store;
  }

  /** The version that answers, if there is one. */
  private current(name: string): ReadyVersion | undefined {
    const ready = this.slots.has(name)
      ? this.versions(name).flatMap(({ state }) => (state.status === 'ready' ? [state.ready] : []))
      : [];
    return ready.at(-1);
  }

  /** The highest number that a version of the model has or had. */
  private lastVersion(name: string): number {
    const known = [...(this.slots.get(name)?.keys() ?? [])].map(Number);
    return Math.max(this.requireStore().retiredOf(name), ...known);
  }

  /** Loads the draft as the version after the last, and retires all others once it answers. */
  private async install(name: string, draft: Draft, checks: ChangeChecks): Promise<ReadyVersion> {
    const store = this.requireStore();
    const last = this.lastVersion(name);
    const version = String(last + 1);
    const loaded = await this.open(store.preview(draft, name, version));
    if (loaded.status === 'failed') throw loaded.error;
    let found: FoundVersion;
    try {
      if (this.closed) throw new VitrinaError('runtime-closed', {});
      checks.candidate?.(loaded.ready);
      found = store.keep(draft, name, version);
    } catch (error) {
      await loaded.ready.close();
      throw error;
    }
    this.held.delete(name);
    const ready = Object.freeze({ ...loaded.ready, artefact: found.artefact as string });
    const state: VersionState = { status: 'ready', ready };
    const versions = this.slots.get(name) ?? new Map<string, Slot>();
    const old = [...versions.keys()];
    this.slots.set(name, versions.set(version, { found, state }));
    this.emit('change', { model: name, version, state });
    store.retire(name, last);
    for (const retired of old) this.remove(name, retired);
    return ready;
  }

  private async compare(): Promise<void> {
    const { paths, store } = this.options;
    const own = store?.list() ?? [];
    const found = [...own, ...paths.flatMap((path) => scanRepository(resolve(path)))].filter(
      ({ model, version }) => Number(version) > (store?.retiredOf(model) ?? 0),
    );
    const seen = new Set<string>();
    const loads: Promise<void>[] = [];
    for (const version of found) {
      const key = `${version.model}/${version.version}`;
      if (seen.has(key)) continue;
      seen.add(key);
      const slot = this.slots.get(version.model)?.get(version.version);
      if (slot?.found.stamp !== version.stamp) loads.push(this.loadSlot(version, slot));
    }
    for (const { model, version } of this.list()) {
      if (!seen.has(`${model}/${version}`)) this.remove(model, version);
    }
    await Promise.all(loads);
  }

  private async loadSlot(found: FoundVersion, previous: Slot | undefined): Promise<void> {
    const { model, version } = found;
    const slot = previous ?? { found, state: { status: 'loading' } as VersionState };
    slot.found = found;
    if (previous === undefined) {
      const versions = this.slots.get(model) ?? new Map<string, Slot>();
      this.slots.set(model, versions.set(version, slot));
    }
    if (this.held.has(model)) {
      slot.state = { status: 'unloaded', reason: 'its model was unloaded; load it to have it answer.' };
      this.emit('change', { model, version, state: slot.state });
      return;
    }
    const state = await this.open(found);
    const old = slot.state;
    // A reload that failed leaves the version that works where it is; the event tells why.
    if (state.status === 'ready' || old.status !== 'ready') slot.state = state;
    this.emit('change', { model, version, state });
    if (state.status === 'ready' && old.status === 'ready') await retire(old.ready);
    if (this.closed && state.status === 'ready') await state.ready.close();
  }

  private async open(found: FoundVersion): Promise<Extract<VersionState, { status: 'ready' | 'failed' }>> {
    try {
      if (found.artefact instanceof VitrinaError) throw found.artefact;
      const { maxQueueRows, trialMs = 30_000 } = this.options;
      const ready = await loadVersion(found, found.artefact, this.cache, this.converter, { maxQueueRows, trialMs });
      return { status: 'ready', ready };
    } catch (error) {
      if (error instanceof VitrinaError) return { status: 'failed', error };
      const problem = error instanceof Error ? error.message : String(error);
      return {
        status: 'failed',
        error: new VitrinaError('path-unusable', { path: found.model, problem }, { cause: error }),
      };
    }
  }

  private remove(model: string, version: string): void {
    const versions = this.slots.get(model)!;
    const slot = versions.get(version)!;
    versions.delete(version);
    if (versions.size === 0) this.slots.delete(model);
    this.emit('change', { model, version, state: undefined });
    if (slot.state.status === 'ready') void retire(slot.state.ready);
  }
}

async function retire(version: ReadyVersion): Promise<void> {
  await version.batcher.drained();
  await version.close();
}
