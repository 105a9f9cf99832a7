import { EventEmitter } from 'node:events';
import { VitrinaError } from '../../errors.js';
import type { Timing } from '../../runtime/index.js';
import type { Caller } from '../batching/batcher.js';
import { ConversionCache } from '../loading/conversion-cache.js';
import { Converter } from '../loading/converter.js';
import { type LoadOptions, loadVersion } from '../loading/load-version.js';
import { noSiblings, type Siblings } from '../siblings.js';
import type { ArtefactStore, Draft } from './artefact-store.js';
import { LoadWaiting } from './load-waiting.js';
import type { ReadyVersion } from './ready-version.js';
import { RepositoryCatalogue } from './repository-catalogue.js';
import { type ChangeChecks, type Installed, type InstallOptions, RepositoryChanges } from './repository-changes.js';
import type { RepositoryOptions } from './repository-options.js';
import { type FoundVersion, scanRepository } from './repository-scan.js';
import { Residency, reasons } from './residency.js';
import type { ServedModel, Slot, VersionState } from './served-model.js';
import { ServedModels } from './served-models.js';
import { Turns } from './turns.js';
import { VersionCards } from './version-cards.js';

export type { ChangeChecks, Installed, InstallOptions } from './repository-changes.js';
export type { LoadMode, RepositoryOptions } from './repository-options.js';
export type { VersionState } from './served-model.js';

export interface VersionEntry {
  readonly model: string;
  readonly version: string;
  readonly state: VersionState;
}

interface Events {
  /** A version became ready, unloaded or failed, or went away; or another one answers for the model. */
  change: [{ model: string; version: string; state: VersionState | undefined }];
}

/** Beyond this many versions, `auto` loads them when they are asked for. */
const manyVersions = 100;

/**
 * The models being served: one face of what exists (`RepositoryCatalogue`), what is in memory (`Residency`), which
 * version answers (`ServedModel`) and what callers change (`RepositoryChanges`).
 *
 * Whatever brings a change, a caller, another process or training that writes into a folder: the model is brought in
 * step with the disk (`follow`). A version that takes over is loaded beside the old one and takes its place in one step;
 * the old one answers what it had accepted, then leaves memory. A version that cannot be loaded leaves the old one in
 * service.
 */
export class ModelRepository extends EventEmitter<Events> {
  private readonly models: ServedModels;
  private readonly catalogue: RepositoryCatalogue;
  private readonly residency: Residency;
  private readonly changes: RepositoryChanges | undefined;
  private readonly cache: ConversionCache | undefined;
  private readonly cards: VersionCards | undefined;
  private readonly converter = new Converter();
  private readonly turns = new Turns();
  private readonly siblings: Siblings;
  private readonly waiting: LoadWaiting;
  private closed = false;

  constructor(private readonly options: RepositoryOptions) {
    super();
    const { cacheFolder, paths, store, memoryBudget: budget, keepVersions = 5 } = options;
    this.cache = cacheFolder === undefined ? undefined : new ConversionCache(cacheFolder);
    this.cards = cacheFolder === undefined ? undefined : new VersionCards(cacheFolder);
    this.catalogue = new RepositoryCatalogue(paths, store);
    this.residency = new Residency({
      budget,
      isPinned: (slot) => this.isPinned(slot),
      open: (slot) => this.open(slot.found, { timing: slot.timing }),
      changed: (slot, failure) => this.models.settled(slot, failure),
    });
    this.models = new ServedModels({
      catalogue: this.catalogue,
      residency: this.residency,
      cards: this.cards,
      isPinned: (slot) => this.isPinned(slot),
      changed: (event) => this.emit('change', event),
    });
    if (store !== undefined) {
      this.changes = new RepositoryChanges({
        store,
        catalogue: this.catalogue,
        residency: this.residency,
        keepVersions,
        names: () => this.names(),
        served: (model) => this.models.of(model),
        release: (model) => this.models.release(model),
        follow: (model) => this.models.follow(model),
        open: (found, inherit) => this.open(found, { inherit }),
        seat: (found, ready, chosen) => this.models.seat(found, ready, chosen),
      });
    }
    this.cache?.sweep();
    this.cards?.sweep();
    this.waiting = new LoadWaiting(options.maxWaiting ?? 1000);
    this.siblings = options.siblings ?? noSiblings;
    this.answerSiblings();
  }

  /** Brings the repository in step with the disk. Errors: `path-unusable` for a path that is not there. */
  async refresh(): Promise<void> {
    this.catalogue.scan();
    const names = this.catalogue.names();
    const { load = 'eager' } = this.options;
    this.models.lazy = load === 'lazy' || (load === 'auto' && this.catalogue.size > manyVersions);
    await this.followAll([...new Set([...names, ...this.models.names()])]);
  }

  /** Serves what lies at `path` as well, behind the paths that the repository was opened with. Errors: `path-unusable`. */
  async addPath(path: string): Promise<void> {
    this.catalogue.add(path);
    this.catalogue.scan();
    await this.followAll(scanRepository(path).map(({ model }) => model));
  }

  /** Models that somebody unloaded by name. */
  private held(): string[] {
    return this.models
      .all()
      .filter(({ held }) => held)
      .map(({ name }) => name);
  }

  /** Unloads what the other processes have unloaded by name: to be called once, when this one has started. */
  async joinSiblings(): Promise<void> {
    const answers = await this.siblings.ask('models-held');
    const held = new Set(answers.flatMap((names) => names as string[]));
    for (const name of held) await this.unloadHere(name).catch(() => undefined);
  }

  /** Follows what other processes on the same data folder have changed. Errors: those of `ArtefactStore.stateOf`. */
  async followStore(): Promise<void> {
    await this.followAll(this.options.store?.changed() ?? []);
  }

  /**
   * Makes the artefact that `upload` brings, of at most `maxBytes`, the model `name`: converted and loaded beside the
   * version that answers, which then gives way in one step and answers what it had accepted. The new version has the
   * next number, and all others go for good. Bytes that answer already change nothing.
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
      const { version } = await this.install(name, draft, { activate: true, alone: true, checks });
      return await this.acquire(name, version);
    } finally {
      store.discard(draft.folder);
    }
  }

  /**
   * Takes the model `name` out of service until it is replaced; a restart does not bring it back.
   * Errors: `model-not-found`, and those of the check.
   */
  withdraw(name: string, checks: Pick<ChangeChecks, 'before'> = {}): Promise<void> {
    return this.removeModel(name, checks);
  }

  /** Makes a draft a version of `model`. Errors: those of `RepositoryChanges.install`. */
  async install(model: string, draft: Draft, options: InstallOptions): Promise<Installed> {
    const installed = await this.inTurn(model, () => {
      this.models.release(model);
      return this.requireChanges().install(model, draft, options);
    });
    await this.tell(model);
    return installed;
  }

  /** Deletes a version for good. Errors: those of `RepositoryChanges.remove`. */
  async removeVersion(model: string, version: string, checks: ChangeChecks = {}): Promise<void> {
    await this.inTurn(model, () => this.requireChanges().remove(model, version, checks));
    await this.tell(model);
  }

  /** Deletes a model, with every version, for good. Errors: those of `RepositoryChanges.removeAll`. */
  async removeModel(model: string, checks: ChangeChecks = {}): Promise<void> {
    await this.inTurn(model, () => this.requireChanges().removeAll(model, checks));
    await this.tell(model);
  }

  /** Has `version` answer where none is named. Errors: those of `RepositoryChanges.choose`. */
  async setDefault(model: string, version: string, checks: ChangeChecks = {}): Promise<void> {
    await this.inTurn(model, () => this.requireChanges().choose(model, version, checks));
    await this.tell(model);
  }

  /**
   * Loads the model `name`, anew where it is loaded already, here and in the other processes; what answered before
   * answers until then. Errors: `model-not-found`, and why the version that answers did not load.
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

  /** Where drafts are written. */
  get store(): ArtefactStore {
    return this.requireStore();
  }

  /** Names of the models, sorted. */
  names(): string[] {
    return this.models.names();
  }

  /** Every version of every model, in order of name and number. */
  list(): VersionEntry[] {
    return this.names().flatMap((model) => this.versions(model));
  }

  versions(model: string): VersionEntry[] {
    const served = this.models.get(model);
    if (served === undefined) throw this.unknown(model);
    return served.sorted().map((slot) => ({ model, version: slot.version, state: this.models.describe(slot) }));
  }

  /** The version that answers where none is named, loaded or not; nothing where none can. */
  defaultVersion(model: string): string | undefined {
    return this.models.get(model)?.front?.version;
  }

  /**
   * The version that answers a request, from memory: the one asked for, else the default, which is the highest that
   * is not failed unless another was chosen. Errors: `model-not-found`, `version-not-found`, `model-not-ready`.
   */
  get(model: string, version?: string): ReadyVersion {
    const served = this.models.get(model);
    const slot = version === undefined ? served?.front : served?.slots.get(version);
    if (slot?.state.status === 'ready') {
      this.residency.touch(slot);
      return slot.state.ready;
    }
    throw this.refusal(model, version, served, slot);
  }

  /**
   * The version that answers a request, as `get` gives it; a promise where it has to be loaded first, which waits as
   * long as the caller. Errors: those of `get` and of loading, `loads-waiting`, `deadline-exceeded`.
   */
  acquire(model: string, version?: string, caller?: Caller): ReadyVersion | Promise<ReadyVersion> {
    const served = this.models.get(model);
    const slot = version === undefined ? served?.front : served?.slots.get(version);
    if (slot?.state.status === 'ready') {
      this.residency.touch(slot);
      return slot.state.ready;
    }
    if (served === undefined || slot === undefined || served.held || slot.state.status === 'failed') {
      throw this.refusal(model, version, served, slot);
    }
    return this.waiting.wait(model, caller, () => this.step(model, version));
  }

  /** True when every model has a version that answers, or that loads when it is asked for. */
  get ready(): boolean {
    return this.unready().length === 0;
  }

  /** Models that cannot answer yet, or not at all. Those that somebody unloaded are not among them. */
  unready(): string[] {
    return this.models
      .all()
      .filter((served) => !served.held && !served.answers)
      .map(({ name }) => name);
  }

  /** Whether a request is answered, though a version may have to be loaded first. */
  answers(model: string, version?: string): boolean {
    const served = this.models.get(model);
    if (version === undefined) return served?.answers === true;
    const state = served?.slots.get(version)?.state;
    return state?.status === 'ready' || (state?.status === 'unloaded' && state.onDemand);
  }

  /** Versions in memory, and the bytes that they are reckoned to take. */
  get loaded(): { readonly versions: number; readonly bytes: number } {
    return { versions: this.residency.count, bytes: this.residency.bytes };
  }

  /** Answers what was accepted, then unloads everything. */
  async close(): Promise<void> {
    this.closed = true;
    this.models.closed = true;
    const closing = this.residency.close();
    await this.converter.close();
    await this.turns.settled();
    await this.converter.close();
    this.models.clear();
    await closing;
    this.options.store?.close();
  }

  /** Changes of one model come one after the other. */
  private inTurn<T>(model: string, change: () => Promise<T>): Promise<T> {
    return this.turns.take(model, change);
  }

  private async followAll(models: readonly string[]): Promise<void> {
    await Promise.all(models.map((model) => this.inTurn(model, () => this.models.follow(model))));
  }

  /** The other processes follow before a change is answered. */
  private async tell(model: string): Promise<void> {
    await this.siblings.ask('models-changed', { model, held: this.models.get(model)?.held === true });
  }

  private answerSiblings(): void {
    const quietly = (work: Promise<unknown>) => work.then(() => true).catch(() => false);
    this.siblings.answer('model-load', (name) => quietly(this.loadHere(name as string)));
    this.siblings.answer('model-unload', (name) => quietly(this.unloadHere(name as string)));
    this.siblings.answer('models-held', () => this.held());
    this.siblings.answer('version-timing', (question) => {
      const { model, version, stamp } = question as FoundVersion;
      const slot = this.models.get(model)?.slots.get(version);
      return slot?.found.stamp === stamp ? slot.timing : undefined;
    });
    this.siblings.answer('models-changed', (question) => {
      const { model, held } = question as { model: string; held: boolean };
      if (!held) this.models.release(model);
      return quietly(this.inTurn(model, () => this.models.follow(model)));
    });
  }

  /** The version, if it can answer; else the load that has to come first. Errors: those of `get`. */
  private step(model: string, version: string | undefined): ReadyVersion | Promise<void> {
    const served = this.models.get(model);
    const slot = version === undefined ? served?.front : served?.slots.get(version);
    if (slot === undefined || served!.held || slot.state.status === 'ready' || slot.state.status === 'failed') {
      return this.get(model, version);
    }
    if (this.closed) throw new VitrinaError('runtime-closed', {});
    return this.residency.load(slot, true);
  }

  private loadHere(name: string): Promise<void> {
    return this.inTurn(name, async () => {
      const served = this.models.get(name);
      if (served === undefined) throw this.unknown(name);
      this.models.release(name);
      const loaded = served.sorted().filter(({ state }) => state.status === 'ready' || state.status === 'failed');
      const { successor } = served;
      for (const slot of loaded) slot.timing = undefined;
      const slots = new Set(successor === undefined ? loaded : [successor, ...loaded]);
      await Promise.all([...slots].map((slot) => this.residency.load(slot, true)));
      served.settle();
      if (served.front?.state.status !== 'ready') await this.acquire(name);
    });
  }

  private unloadHere(name: string): Promise<void> {
    return this.inTurn(name, async () => {
      const served = this.models.get(name);
      if (served === undefined) throw this.unknown(name);
      served.held = true;
      await Promise.all(served.sorted().map((slot) => this.residency.unload(slot, reasons.held)));
    });
  }

  private async open(found: FoundVersion, more: Pick<LoadOptions, 'timing' | 'inherit'>): Promise<ReadyVersion> {
    if (found.artefact instanceof VitrinaError) throw found.artefact;
    const { maxQueueRows, maxWaitMs, trialMs = 30_000, threads } = this.options;
    const { cache, converter } = this;
    const timing = more.timing ?? (found.trial === true ? undefined : await this.timingElsewhere(found));
    const ready = await loadVersion(found, found.artefact, {
      cache,
      converter,
      maxQueueRows,
      maxWaitMs,
      trialMs,
      threads,
      ...more,
      timing,
    });
    if (!this.closed) return ready;
    await ready.close();
    throw new VitrinaError('runtime-closed', {});
  }

  /**
   * What another process found that the version costs: workers that start together would measure each other's load,
   * and one might place in a thread what another runs on its event loop.
   */
  private async timingElsewhere({ model, version, stamp }: FoundVersion): Promise<Timing | undefined> {
    const [timing] = await this.siblings.ask('version-timing', { model, version, stamp });
    return timing as Timing | undefined;
  }

  private isPinned({ model, found }: Slot): boolean {
    const { pinned = [], pinOnly = false } = this.options;
    return found.yaml.pin === true || pinned.includes(model) || (pinOnly && this.models.count === 1);
  }

  private unknown(model: string): VitrinaError {
    return new VitrinaError('model-not-found', { model, known: this.names() });
  }

  private refusal(
    model: string,
    version: string | undefined,
    served: ServedModel | undefined,
    slot: Slot | undefined,
  ): VitrinaError {
    if (served === undefined || served.slots.size === 0) return this.unknown(model);
    if (version !== undefined && slot === undefined) {
      return new VitrinaError('version-not-found', { model, version, known: [...served.slots.keys()] });
    }
    const { version: number, state } = slot ?? served.sorted().at(-1)!;
    const reason =
      state.status === 'failed'
        ? state.error.message
        : state.status === 'unloaded'
          ? state.reason
          : 'it is still loading.';
    return new VitrinaError('model-not-ready', { model, version: number, reason });
  }

  private requireStore(): ArtefactStore {
    if (this.options.store === undefined) throw new Error('this repository has no store for uploaded artefacts');
    return this.options.store;
  }

  private requireChanges(): RepositoryChanges {
    this.requireStore();
    return this.changes!;
  }
}
