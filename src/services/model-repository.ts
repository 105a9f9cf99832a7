import { EventEmitter } from 'node:events';
import { resolve } from 'node:path';
import { VitrinaError } from '../errors.js';
import { ConversionCache } from './conversion-cache.js';
import { Converter } from './converter.js';
import { loadVersion } from './load-version.js';
import type { ReadyVersion } from './ready-version.js';
import { type FoundVersion, scanRepository } from './repository-scan.js';

export type VersionState =
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
  private closed = false;

  constructor(private readonly options: RepositoryOptions) {
    super();
    this.cache = options.cacheFolder === undefined ? undefined : new ConversionCache(options.cacheFolder);
  }

  /** Brings the repository in step with the disk. Errors: `path-unusable` for a path that is not there. */
  refresh(): Promise<void> {
    this.refreshing = this.refreshing.catch(() => undefined).then(() => this.compare());
    return this.refreshing;
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
    const reason = state.status === 'failed' ? state.error.message : 'it is still loading.';
    throw new VitrinaError('model-not-ready', { model, version: number, reason });
  }

  /** True when nothing is loading and every model has a version that answers. */
  get ready(): boolean {
    return this.names().every((model) => this.versions(model).some(({ state }) => state.status === 'ready'));
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

  private async compare(): Promise<void> {
    const found = this.options.paths.flatMap((path) => scanRepository(resolve(path)));
    const seen = new Set<string>();
    const loads: Promise<void>[] = [];
    for (const version of found) {
      const key = `${version.model}/${version.version}`;
      if (seen.has(key)) continue;
      seen.add(key);
      const slot = this.slots.get(version.model)?.get(version.version);
      if (slot?.found.stamp !== version.stamp) loads.push(this.load(version, slot));
    }
    for (const { model, version } of this.list()) {
      if (!seen.has(`${model}/${version}`)) this.remove(model, version);
    }
    await Promise.all(loads);
  }

  private async load(found: FoundVersion, previous: Slot | undefined): Promise<void> {
    const { model, version } = found;
    const slot = previous ?? { found, state: { status: 'loading' } as VersionState };
    slot.found = found;
    if (previous === undefined) {
      const versions = this.slots.get(model) ?? new Map<string, Slot>();
      this.slots.set(model, versions.set(version, slot));
    }
    const state = await this.open(found);
    const old = slot.state;
    // A reload that failed leaves the version that works where it is; the event tells why.
    if (state.status === 'ready' || old.status !== 'ready') slot.state = state;
    this.emit('change', { model, version, state });
    if (state.status === 'ready' && old.status === 'ready') await retire(old.ready);
    if (this.closed && state.status === 'ready') await state.ready.close();
  }

  private async open(found: FoundVersion): Promise<VersionState> {
    try {
      if (found.artefact instanceof VitrinaError) throw found.artefact;
      const ready = await loadVersion(found, found.artefact, this.cache, this.converter, this.options.maxQueueRows);
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
