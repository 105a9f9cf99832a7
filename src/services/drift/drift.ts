import type { FastifyBaseLogger } from 'fastify';
import { VitrinaError } from '../../errors.js';
import type { Collector } from '../metrics/exposition.js';
import { keepInputs } from '../predictions/kept-tensors.js';
import type { Prediction, PredictionObserver, PredictionRequest } from '../predictions/prediction-service.js';
import type { ModelRepository } from '../repository/model-repository.js';
import type { ReadyVersion } from '../repository/ready-version.js';
import type { Siblings } from '../siblings.js';
import { type DriftView, viewDrift } from './drift-view.js';
import { LiveCounts, type Seen } from './live-counts.js';
import { type Profile, readProfile } from './profile.js';
import { ProfileBuilder } from './profile-builder.js';
import { ProfileStore } from './profile-store.js';
import { watchedOf } from './watched.js';

/** How often the file of a profile is looked at again: another server may have written it. */
const lookMs = 2_000;
/** How old the figures may be that a scrape shows. */
const scrapeMs = 5_000;
/** Features of a version that metrics show: those that drifted most. */
const mostGauges = 100;

export interface DriftOptions {
  readonly models: ModelRepository;
  /** Folder of the profiles. */
  readonly folder: string;
  readonly siblings: Siblings;
  readonly log: FastifyBaseLogger;
  readonly windowMs: number;
  /** Rows of live traffic that become the profile of a version without one; 0 for none. */
  readonly referenceRows: number;
  readonly now?: () => number;
}

/** What one process watches of one version, also while it is unloaded. */
interface Watch {
  readonly model: string;
  readonly version: string;
  /** Where the profile was found, and what the file was then. */
  readonly stamp: string;
  readonly counts: LiveCounts | undefined;
  /** Gathers the first rows, where the setting asks for it. */
  builder: ProfileBuilder | undefined;
  lookedAt: number;
}

/**
 * Watches whether the inputs and the predictions of versions are still distributed as in their reference profile.
 *
 * A version without a profile costs a look into a map. With one, every prediction adds to a few counters; what comes of
 * them is computed when somebody asks, from the counts of all processes.
 */
export class Drift implements PredictionObserver {
  private readonly store: ProfileStore;
  private readonly watches = new Map<string, Watch>();
  /** The same, where every prediction looks. */
  private byReady = new WeakMap<ReadyVersion, Watch>();
  private readonly now: () => number;
  private scraped: readonly DriftView[] = [];
  private scrapedAt = Number.NEGATIVE_INFINITY;

  constructor(private readonly options: DriftOptions) {
    const { models, folder, siblings, now = Date.now } = options;
    this.store = new ProfileStore(folder);
    this.now = now;
    siblings.answer('drift-changed', (key) => this.forget(key as string));
    siblings.answer('drift-counts', (key) => this.watches.get(key as string)?.counts?.seen());
    models.on('change', ({ model, version, state }) => {
      if (state === undefined) this.forget(keyOf(model, version));
    });
  }

  asked({ inputs }: PredictionRequest, ready: ReadyVersion): ((prediction: Prediction) => void) | undefined {
    const watch = this.watchOf(ready);
    const { counts, builder } = watch;
    if (counts?.open === true) {
      const kept = keepInputs(ready, inputs);
      return ({ outputs }) => counts.count(kept, outputs);
    }
    if (builder === undefined) return undefined;
    const kept = keepInputs(ready, inputs);
    return ({ outputs }) => this.gather(watch, builder, kept, outputs);
  }

  /** What drifted, by version; all versions that have a profile unless one is named. Errors: `model-not-found`, `version-not-found`. */
  async view(model: string, version?: string): Promise<{ model: string; versions: DriftView[] }> {
    const versions = this.readyVersions(model, version);
    const views = await Promise.all(versions.map((ready) => this.viewWatch(this.watchOf(ready))));
    return { model, versions: views };
  }

  /** The reference profile of a version. Errors: those of `ModelRepository.acquire`, `profile-not-found`. */
  async profile(model: string, version: string): Promise<Profile> {
    const ready = await this.options.models.acquire(model, version);
    const profile = this.watchOf(ready).counts?.profile;
    if (profile === undefined) throw new VitrinaError('profile-not-found', { model, version });
    return profile;
  }

  /** Takes a profile for the reference of its version, in all processes. */
  async put(profile: Profile): Promise<void> {
    const { model, version } = profile;
    this.store.write(
      profile,
      this.options.models.versions(model).map((entry) => entry.version),
    );
    await this.changed(model, version);
  }

  /** Errors: `model-not-found`, `version-not-found`. */
  async remove(model: string, version: string): Promise<void> {
    const known = this.options.models.versions(model).map((entry) => entry.version);
    if (!known.includes(version)) throw new VitrinaError('version-not-found', { model, version, known });
    this.store.remove(model, version);
    await this.changed(model, version);
  }

  /** Adds what was found at the last scrape to this one, and looks anew: sums of all processes take a moment. */
  collect(into: Collector): void {
    if (this.now() - this.scrapedAt >= scrapeMs) {
      this.scrapedAt = this.now();
      void this.viewAll().then(
        (views) => {
          this.scraped = views;
        },
        (error: unknown) => this.options.log.error({ err: error }, 'Drift cannot be summed up'),
      );
    }
    const there = new Set(this.watches.keys());
    for (const { model, version, window, features } of this.scraped) {
      if (!there.has(keyOf(model, version))) continue;
      into.add('vitrina_drift_rows', { model, version }, window.rows);
      const known = features.filter(({ index }) => index !== null).sort((a, b) => b.index! - a.index!);
      for (const { side, name, index } of known.slice(0, mostGauges)) {
        into.add('vitrina_drift_index', { model, version, side, feature: name.slice(0, 100) }, index!);
      }
    }
  }

  private async viewAll(): Promise<DriftView[]> {
    const watched = [...this.watches.values()].filter(({ counts }) => counts !== undefined);
    return Promise.all(watched.map((watch) => this.viewWatch(watch)));
  }

  private async viewWatch(watch: Watch): Promise<DriftView> {
    const { model, version, counts, builder } = watch;
    const { windowMs, siblings, referenceRows } = this.options;
    if (counts === undefined) {
      const gathering = builder === undefined ? undefined : { rows: builder.rows, of: referenceRows };
      return viewDrift(watch, windowMs, undefined, [], gathering);
    }
    const others = (await siblings.ask('drift-counts', keyOf(model, version))) as (Seen | undefined)[];
    const all = [counts.seen(), ...others].filter((seen) => seen?.profile === counts.profile.id) as Seen[];
    return viewDrift(watch, windowMs, counts.profile, all);
  }

  private readyVersions(model: string, version: string | undefined): ReadyVersion[] {
    const { models } = this.options;
    if (version !== undefined) return [models.get(model, version)];
    const all = models.versions(model).flatMap(({ state }) => (state.status === 'ready' ? [state.ready] : []));
    const profiled = all.filter((ready) => this.watchOf(ready).counts !== undefined);
    return profiled.length > 0 ? profiled : all.slice(-1);
  }

  private async changed(model: string, version: string): Promise<void> {
    const key = keyOf(model, version);
    this.forget(key);
    await this.options.siblings.ask('drift-changed', key);
  }

  private forget(key: string): void {
    this.watches.delete(key);
    this.byReady = new WeakMap();
  }

  private watchOf(ready: ReadyVersion): Watch {
    const now = this.now();
    const recent = this.byReady.get(ready);
    if (recent !== undefined && now - recent.lookedAt < lookMs) return recent;
    const key = keyOf(ready.model, ready.version);
    const watch = this.look(ready, this.watches.get(key), now);
    this.watches.set(key, watch);
    this.byReady.set(ready, watch);
    return watch;
  }

  /** Reads the profile where its file is another than it was; goes on counting where it is not. */
  private look(ready: ReadyVersion, known: Watch | undefined, now: number): Watch {
    const { referenceRows, windowMs, log } = this.options;
    const { model, version, sha256 } = ready;
    const own = this.store.pathOf(model, version);
    const path = this.store.stampOf(own) === '' ? ready.companion('profile.json') : own;
    const stamp = `${sha256} ${path === undefined ? '' : `${path} ${this.store.stampOf(path)}`}`;
    if (known !== undefined && known.stamp === stamp) {
      known.lookedAt = now;
      return known;
    }
    let counts: LiveCounts | undefined;
    try {
      const file = path === undefined ? undefined : this.store.read(path);
      if (file !== undefined) {
        const watched = watchedOf(ready);
        const profile = readProfile(path!, file.text, watched);
        if (profile.sha256 === sha256) counts = new LiveCounts(profile, watched, windowMs, this.now);
        else log.warn({ model, version, path }, 'A reference profile belongs to another artefact and is not used');
      }
    } catch (error) {
      log.error({ model, version, err: error }, 'A reference profile cannot be read');
    }
    const builder = counts === undefined && referenceRows > 0 ? new ProfileBuilder(ready) : undefined;
    return { model, version, stamp, counts, builder, lookedAt: now };
  }

  /** The first process that has seen enough writes the profile; the others take it over. */
  private gather(
    watch: Watch,
    builder: ProfileBuilder,
    inputs: PredictionRequest['inputs'],
    outputs: Prediction['outputs'],
  ): void {
    if (watch.builder !== builder) return;
    const { model, version } = watch;
    const rows = Object.values(outputs)[0]?.shape[0] ?? 1;
    builder.add(inputs, outputs, rows);
    if (builder.rows < this.options.referenceRows && !builder.full) return;
    watch.builder = undefined;
    void builder
      .build('live')
      .then(async (profile) => {
        if (this.store.has(model, version)) return this.changed(model, version);
        return this.put(profile);
      })
      .catch((error: unknown) =>
        this.options.log.error({ model, version, err: error }, 'No reference profile was made'),
      );
  }
}

const keyOf = (model: string, version: string) => `${model}/${version}`;
