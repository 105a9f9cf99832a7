import type { VitrinaError } from '../../errors.js';
import type { Timing } from '../../runtime/index.js';
import type { ReadyVersion } from './ready-version.js';
import type { FoundVersion } from './repository-scan.js';
import type { VersionCard } from './version-cards.js';

export type VersionState =
  | UnloadedState
  | { readonly status: 'loading' }
  | { readonly status: 'ready'; readonly ready: ReadyVersion }
  | { readonly status: 'failed'; readonly error: VitrinaError };

/** Not in memory. */
export interface UnloadedState {
  readonly status: 'unloaded';
  readonly reason: string;
  /** Whether it loads when it is asked for; it does not where somebody unloaded its model by name. */
  readonly onDemand: boolean;
  /** What is known of it from before. */
  readonly card?: VersionCard | undefined;
}

/** One version of a model in this process: what lies on the disk, and what is in memory. */
export interface Slot {
  readonly model: string;
  readonly version: string;
  found: FoundVersion;
  state: VersionState;
  /** Came while another version answered, which goes on until this one has loaded. */
  newcomer: boolean;
  /** Loads because somebody asked for it, not because it has to be there. */
  demanded: boolean;
  /** Position in the order of use. */
  used: number;
  /** What its graph cost when it was loaded last. */
  timing: Timing | undefined;
  /** Set while it loads; never rejects. */
  loading: Promise<void> | undefined;
  /** Whether a card of it was looked for on disk. */
  looked: boolean;
  /** It is no longer served: what still loads is closed when it is there. */
  gone: boolean;
}

/** A model in this process: its versions, and which of them answers where none is named. */
export class ServedModel {
  readonly slots = new Map<string, Slot>();
  chosen: { readonly version: string; readonly of: number } | undefined;
  /** Somebody unloaded it by name: it stays unloaded until it is loaded by name. */
  held = false;
  private answering: Slot | undefined;

  constructor(readonly name: string) {}

  /** The version that answers where none is named; it may have to be loaded first. Nothing where none can. */
  get front(): Slot | undefined {
    return this.answering;
  }

  /** Whether a version is in memory, or comes when it is asked for. */
  get answers(): boolean {
    for (const { state, demanded } of this.slots.values()) {
      if (
        state.status === 'ready' ||
        (state.status === 'unloaded' && state.onDemand) ||
        (state.status === 'loading' && demanded)
      )
        return true;
    }
    return false;
  }

  /** To be called when versions came or went or changed their states. */
  settle(): void {
    const order = this.inOrder().filter(({ state }) => state.status !== 'failed');
    this.answering = order.find((slot) => !slot.newcomer || slot.state.status === 'ready') ?? order[0];
  }

  /** The version that should answer, once it has loaded. */
  get successor(): Slot | undefined {
    return this.inOrder().find(({ state }) => state.status !== 'failed');
  }

  /** In order of number. */
  sorted(): Slot[] {
    return [...this.slots.values()].sort((a, b) => Number(a.version) - Number(b.version));
  }

  /** What was chosen, unless something newer came since; then by number, the highest first. */
  private inOrder(): Slot[] {
    const slots = this.sorted().reverse();
    const { chosen } = this;
    if (chosen === undefined) return slots;
    const rank = (slot: Slot) => (Number(slot.version) > chosen.of ? 0 : slot.version === chosen.version ? 1 : 2);
    return slots.sort((a, b) => rank(a) - rank(b));
  }
}
