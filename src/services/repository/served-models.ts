import { VitrinaError } from '../../errors.js';
import type { ReadyVersion } from './ready-version.js';
import type { RepositoryCatalogue } from './repository-catalogue.js';
import type { FoundVersion } from './repository-scan.js';
import { type Residency, reasons, unloadedFor } from './residency.js';
import { ServedModel, type Slot, type VersionState } from './served-model.js';
import { cardOf, type VersionCard, type VersionCards } from './version-cards.js';

/** What the models of a process are made of. */
export interface ServedModelsHost {
  readonly catalogue: RepositoryCatalogue;
  readonly residency: Residency;
  readonly cards: VersionCards | undefined;
  readonly isPinned: (slot: Slot) => boolean;
  readonly changed: (event: { model: string; version: string; state: VersionState | undefined }) => void;
}

/**
 * The models of this process. Whatever brings a change, `follow` brings the model in step with the disk: what is new is
 * loaded beside what answers, and what is gone leaves when something else answers.
 */
export class ServedModels {
  private readonly models = new Map<string, ServedModel>();
  /** Whether versions wait until they are asked for. */
  lazy = false;
  /** Nothing is loaded any more. */
  closed = false;

  constructor(private readonly host: ServedModelsHost) {}

  get(model: string): ServedModel | undefined {
    return this.models.get(model);
  }

  /** Names of the models, sorted. */
  names(): string[] {
    return [...this.models.keys()].sort();
  }

  all(): ServedModel[] {
    return [...this.models.values()];
  }

  get count(): number {
    return this.models.size;
  }

  clear(): void {
    this.models.clear();
  }

  /** Brings one model in step with the disk, and gives the revision of what was found there. */
  async follow(model: string): Promise<number> {
    const { versions, chosen, revision } = this.host.catalogue.of(model);
    const served = this.of(model);
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
      await this.host.residency.load(slot, false);
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
      void this.host.residency.unload(answered, reasons.superseded);
    }
    this.host.changed({ model: served.name, version: front.version, state: front.state });
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
      this.host.changed({ model: served.name, version: found.version, state: slot.state });
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
      if (slot === successor) return serving || !this.lazy || this.host.isPinned(slot);
      // Uploads that were superseded wait on disk; so does what was in memory before.
      return !this.lazy && found.uploaded !== true && slot.used === 0;
    });
  }

  private removeSlot(served: ServedModel, slot: Slot): void {
    served.slots.delete(slot.version);
    this.host.changed({ model: slot.model, version: slot.version, state: undefined });
    void this.host.residency.drop(slot);
  }

  seat(found: FoundVersion, ready: ReadyVersion, chosen: ServedModel['chosen']): void {
    const served = this.of(found.model);
    const answered = served.front;
    this.models.set(found.model, served);
    const old = served.slots.get(found.version);
    if (old !== undefined) this.removeSlot(served, old);
    this.addSlot(served, found, false);
    served.chosen = chosen;
    const slot = served.slots.get(found.version)!;
    this.host.residency.adopt(slot, ready);
    this.settled(slot);
    this.supersede(served, answered);
  }

  /** A slot's state changed, or loading it anew failed. */
  settled(slot: Slot, failure?: VitrinaError): void {
    this.models.get(slot.model)?.settle();
    if (slot.state.status === 'ready' && failure === undefined) {
      this.host.cards?.write(slot.found.stamp, cardOf(slot.state.ready));
    }
    const state: VersionState = failure === undefined ? slot.state : { status: 'failed', error: failure };
    this.host.changed({ model: slot.model, version: slot.version, state });
  }

  /** The state of a slot, with what is known of it from an earlier start where it has not been loaded since. */
  describe(slot: Slot): VersionState {
    const { state } = slot;
    if (state.status !== 'unloaded' || state.card !== undefined || slot.looked) return state;
    slot.looked = true;
    const card: VersionCard | undefined = this.host.cards?.read(slot.found.stamp);
    if (card !== undefined) slot.state = { ...state, card };
    return slot.state;
  }

  /** The model; an empty one, which nobody else sees, where there is none. */
  of(model: string): ServedModel {
    return this.models.get(model) ?? new ServedModel(model);
  }

  release(model: string): void {
    const served = this.models.get(model);
    if (served?.held !== true) return;
    served.held = false;
    for (const slot of served.slots.values()) {
      if (slot.state.status === 'unloaded') slot.state = { ...slot.state, ...unloadedFor(reasons.notYet) };
    }
  }
}
