import { EventEmitter } from 'node:events';
import { VitrinaError } from '../errors.js';
import type { Timing } from '../runtime/index.js';
import type { ArtefactStore, Draft } from './artefact-store.js';
import type { Caller } from './batcher.js';
import { ConversionCache } from './conversion-cache.js';
import { Converter } from './converter.js';
import { type LoadOptions, loadVersion } from './load-version.js';
import type { ReadyVersion } from './ready-version.js';
import { RepositoryCatalogue } from './repository-catalogue.js';
import { type ChangeChecks, type Installed, type InstallOptions, RepositoryChanges } from './repository-changes.js';
import type { FoundVersion } from './repository-scan.js';
import { Residency, reasons, unloadedFor } from './residency.js';
import { ServedModel, type Slot, type VersionState } from './served-model.js';
import { noSiblings, type Siblings } from './siblings.js';
import { Turns } from './turns.js';
import { cardOf, type VersionCard, VersionCards } from './version-cards.js';

export type { ChangeChecks, Installed, InstallOptions } from './repository-changes.js';
export type { VersionState } from './served-model.js';

export interface VersionEntry {
  readonly model: string;
  readonly version: string;
  readonly state: VersionState;
}

/** When versions are loaded: with the server, or when they are asked for; `auto` decides by how many there are. */
export type LoadMode = 'eager' | 'lazy' | 'auto';

export interface RepositoryOptions {
  /** Repository folders and artefacts. */
  readonly paths: readonly string[];
  /** Folder of the conversion cache; without one, nothing is kept. */
  readonly cacheFolder: string | undefined;
  readonly maxQueueRows: number;
  /** Milliseconds that a request may be expected to wait for its batch; without it, only rows are limited. */
  readonly maxWaitMs?: number;
  /** Milliseconds that an uploaded graph gets to answer zeros; 30,000 unless told. */
  readonly trialMs?: number;
  /** Where uploaded artefacts are kept; without one, models cannot be changed, only loaded and unloaded. */
  readonly store?: ArtefactStore;
  /** The other processes of the server, which hear of every change; none unless told. */
  readonly siblings?: Siblings;
  /** `eager` unless told. */
  readonly load?: LoadMode;
  /** Bytes that loaded versions may take together; no limit unless told. */
  readonly memoryBudget?: number | undefined;
  /** Models that are loaded at the start and never unloaded to make room, beside those whose `model.yaml` says so. */
  readonly pinned?: readonly string[];
  /** Whether a model that is the only one is pinned. */
  readonly pinOnly?: boolean;
  /** Superseded uploads of a model that stay in the store; 5 unless told. */
  readonly keepVersions?: number;
  /** Requests that may wait for versions to be loaded; 1,000 unless told. */
  readonly maxWaiting?: number;
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
  private readonly models = new Map<string, ServedModel>();
  private readonly catalogue: RepositoryCatalogue;
  private readonly residency: Residency;
  private readonly changes: RepositoryChanges | undefined;
  private readonly cache: ConversionCache | undefined;
  private readonly cards: VersionCards | undefined;
  private readonly converter = new Converter();
  private readonly turns = new Turns();
  private readonly siblings: Siblings;
  private lazy = false;
  private waiting = 0;
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
      changed: (slot, failure) => this.settled(slot, failure),
    });
    if (store !== undefined) {
      this.changes = new RepositoryChanges({
        store,
        catalogue: this.catalogue,
        residency: this.residency,
        keepVersions,
        names: () => this.names(),
        served: (model) => this.served(model),
        release: (model) => this.release(model),
        follow: (model) => this.follow(model),
        open: (found, inherit) => this.open(found, { inherit }),
        seat: (found, ready, chosen) => this.seat(found, ready, chosen),
      });
    }
    this.siblings = options.siblings ?? noSiblings;
    this.answerSiblings();
  }

  /** Brings the repository in step with the disk. Errors: `path-unusable` for a path that is not there. */
  async refresh(): Promise<void> {
    this.catalogue.scan();
    const names = this.catalogue.names();
    const { load = 'eager' } = this.options;
    this.lazy = load === 'lazy' || (load === 'auto' && this.catalogue.size > manyVersions);
    await this.followAll([...new Set([...names, ...this.models.keys()])]);
  }

  /** Models that somebody unloaded by name. */
  private held(): string[] {
    return [...this.models.values()].filter(({ held }) => held).map(({ name }) => name);
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
      this.release(model);
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
    return [...this.models.keys()].sort();
  }

  /** Every version of every model, in order of name and number. */
  list(): VersionEntry[] {
    return this.names().flatMap((model) => this.versions(model));
  }

  versions(model: string): VersionEntry[] {
    const served = this.models.get(model);
    if (served === undefined) throw this.unknown(model);
    return served.sorted().map((slot) => ({ model, version: slot.version, state: this.describe(slot) }));
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
    return this.wait(model, version, caller);
  }

  /** True when every model has a version that answers, or that loads when it is asked for. */
  get ready(): boolean {
    return this.unready().length === 0;
  }

  /** Models that cannot answer yet, or not at all. Those that somebody unloaded are not among them. */
  unready(): string[] {
    return [...this.models.values()].filter((served) => !served.held && !served.answers).map(({ name }) => name);
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
    await Promise.all(models.map((model) => this.inTurn(model, () => this.follow(model))));
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
      if (!held) this.release(model);
      return quietly(this.inTurn(model, () => this.follow(model)));
    });
  }

  /** Brings one model in step with the disk, and gives the revision of what was found there. */
  private async follow(model: string): Promise<number> {
    const { versions, chosen, revision } = this.catalogue.of(model);
    const served = this.served(model);
    if (versions.length > 0) this.models.set(model, served);
    const answered = served.front;
    const serving = answered?.state.status === 'ready';
    const kept = new Set(versions.map(({ version }) => version));
    const changed: Slot[] = [];
    for (const found of versions) {
      const slot = served.slots.get(found.version);
      if (slot === undefined) this.addSlot(served, found, serving);
      else if (slot.found.stamp !== found.stamp) {
        slot.found = found;
        slot.timing = undefined;
        slot.looked = false;
        changed.push(slot);
      }
    }
    served.chosen = chosen;
    const successor = served.successor;
    if (successor !== undefined && serving && successor.state.status !== 'ready') successor.newcomer = true;
    served.settle();
    const loads = this.slotsToLoad(served, serving, changed).map(async (slot) => {
      // What loads already may have read the files as they were.
      if (changed.includes(slot)) await slot.loading;
      await this.residency.load(slot, false);
    });
    await Promise.all(loads);
    for (const slot of served.sorted()) if (!kept.has(slot.version)) this.removeSlot(served, slot);
    this.supersede(served, answered);
    if (served.slots.size === 0) this.models.delete(model);
    return revision;
  }

  /** Lets the version that answers from now on take over from the one that `answered`, which stays on disk. */
  private supersede(served: ServedModel, answered: Slot | undefined): void {
    served.settle();
    const { front, chosen } = served;
    if (front === undefined || front === answered) return;
    // What appears in a folder beside others leaves them in memory; what was put or chosen takes their place.
    if (answered !== undefined && !answered.gone && front.version === chosen?.version) {
      void this.residency.unload(answered, reasons.superseded);
    }
    this.emit('change', { model: served.name, version: front.version, state: front.state });
  }

  private addSlot(served: ServedModel, found: FoundVersion, newcomer: boolean): void {
    const state: VersionState = { status: 'unloaded', ...unloadedFor(served.held ? reasons.held : reasons.notYet) };
    served.slots.set(found.version, {
      model: served.name,
      version: found.version,
      found,
      state,
      newcomer,
      demanded: false,
      used: 0,
      timing: undefined,
      loading: undefined,
      looked: false,
      gone: false,
    });
    // A fault that shows without reading anything is told at once.
    if (found.artefact instanceof VitrinaError) {
      const slot = served.slots.get(found.version)!;
      slot.state = { status: 'failed', error: found.artefact };
      this.emit('change', { model: served.name, version: found.version, state: slot.state });
    }
  }

  /** What has to be in memory although nobody has asked for it. */
  private slotsToLoad(served: ServedModel, serving: boolean, changed: readonly Slot[]): Slot[] {
    if (served.held || this.closed) return [];
    const { successor } = served;
    return served.sorted().filter((slot) => {
      const { state, found } = slot;
      if (changed.includes(slot)) {
        if (state.status === 'ready' || !this.lazy) return true;
        slot.state = { status: 'unloaded', ...unloadedFor(reasons.notYet) };
      }
      if (slot.state.status !== 'unloaded') return false;
      if (slot === successor) return serving || !this.lazy || this.isPinned(slot);
      // Uploads that were superseded wait on disk; so does what was in memory before.
      return !this.lazy && found.uploaded !== true && slot.used === 0;
    });
  }

  private removeSlot(served: ServedModel, slot: Slot): void {
    served.slots.delete(slot.version);
    this.emit('change', { model: slot.model, version: slot.version, state: undefined });
    void this.residency.drop(slot);
  }

  private seat(found: FoundVersion, ready: ReadyVersion, chosen: ServedModel['chosen']): void {
    const served = this.served(found.model);
    const answered = served.front;
    this.models.set(found.model, served);
    const old = served.slots.get(found.version);
    if (old !== undefined) this.removeSlot(served, old);
    this.addSlot(served, found, false);
    served.chosen = chosen;
    const slot = served.slots.get(found.version)!;
    this.residency.adopt(slot, ready);
    this.settled(slot);
    this.supersede(served, answered);
  }

  private async wait(model: string, version: string | undefined, caller: Caller | undefined): Promise<ReadyVersion> {
    const { maxWaiting: limit = 1000 } = this.options;
    if (this.waiting >= limit) {
      throw new VitrinaError('loads-waiting', { model, limit }, { headers: { 'retry-after': '1' } });
    }
    this.waiting++;
    const arrived = performance.now();
    try {
      for (;;) {
        const served = this.models.get(model);
        const slot = version === undefined ? served?.front : served?.slots.get(version);
        if (slot === undefined || served!.held || slot.state.status === 'ready' || slot.state.status === 'failed') {
          return this.get(model, version);
        }
        if (this.closed) throw new VitrinaError('runtime-closed', {});
        await before(this.residency.load(slot, true), caller?.deadline);
        if (caller?.gone) throw new VitrinaError('request-abandoned', {});
        if (caller?.deadline !== undefined && performance.now() >= caller.deadline) {
          throw new VitrinaError('deadline-exceeded', { waitedMs: performance.now() - arrived });
        }
      }
    } finally {
      this.waiting--;
    }
  }

  private loadHere(name: string): Promise<void> {
    return this.inTurn(name, async () => {
      const served = this.models.get(name);
      if (served === undefined) throw this.unknown(name);
      this.release(name);
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
    const { maxQueueRows, maxWaitMs, trialMs = 30_000 } = this.options;
    const { cache, converter } = this;
    const timing = more.timing ?? (found.trial === true ? undefined : await this.timingElsewhere(found));
    const ready = await loadVersion(found, found.artefact, {
      cache,
      converter,
      maxQueueRows,
      maxWaitMs,
      trialMs,
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

  /** A slot's state changed, or loading it anew failed. */
  private settled(slot: Slot, failure?: VitrinaError): void {
    this.models.get(slot.model)?.settle();
    if (slot.state.status === 'ready' && failure === undefined) {
      this.cards?.write(slot.found.stamp, cardOf(slot.state.ready));
    }
    const state: VersionState = failure === undefined ? slot.state : { status: 'failed', error: failure };
    this.emit('change', { model: slot.model, version: slot.version, state });
  }

  /** The state of a slot, with what is known of it from an earlier start where it has not been loaded since. */
  private describe(slot: Slot): VersionState {
    const { state } = slot;
    if (state.status !== 'unloaded' || state.card !== undefined || slot.looked) return state;
    slot.looked = true;
    const card: VersionCard | undefined = this.cards?.read(slot.found.stamp);
    if (card !== undefined) slot.state = { ...state, card };
    return slot.state;
  }

  /** The model; an empty one, which nobody else sees, where there is none. */
  private served(model: string): ServedModel {
    return this.models.get(model) ?? new ServedModel(model);
  }

  private release(model: string): void {
    const served = this.models.get(model);
    if (served?.held !== true) return;
    served.held = false;
    for (const slot of served.slots.values()) {
      if (slot.state.status === 'unloaded') slot.state = { ...slot.state, ...unloadedFor(reasons.notYet) };
    }
  }

  private isPinned({ model, found }: Slot): boolean {
    const { pinned = [], pinOnly = false } = this.options;
    return found.yaml.pin === true || pinned.includes(model) || (pinOnly && this.models.size === 1);
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

/** Settles with `work`, or at `deadline` on the clock of `performance.now()`, whichever comes first. */
async function before(work: Promise<void>, deadline: number | undefined): Promise<void> {
  if (deadline === undefined) return work;
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, Math.max(0, deadline - performance.now()));
  });
  await Promise.race([work, late]);
  clearTimeout(timer);
}
