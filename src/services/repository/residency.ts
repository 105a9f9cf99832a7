import { VitrinaError } from '../../errors.js';
import type { ReadyVersion } from './ready-version.js';
import type { Slot } from './served-model.js';
import { cardOf } from './version-cards.js';

export interface ResidencyOptions {
  /** Bytes that loaded versions may take; beyond, the least recently used are unloaded. No limit unless given. */
  readonly budget: number | undefined;
  /** Models that are never unloaded to make room. */
  readonly isPinned: (slot: Slot) => boolean;
  readonly open: (slot: Slot) => Promise<ReadyVersion>;
  /** Called when a slot's state changed, or when loading it anew failed. */
  readonly changed: (slot: Slot, failure?: VitrinaError) => void;
}

/** Loads that go on at once: enough that one slow conversion does not keep the others waiting. */
const loadsAtOnce = 8;
/** Milliseconds after which room is made of what was busy. */
const retryMs = 50;
/** What a session takes beside its graph, and a thread beside its session: measured, see docs/architecture.md. */
const sessionBytes = 160 * 1024;
const besideBytes = { inline: 0, worker: 24 * 2 ** 20, process: 80 * 2 ** 20 };

export const reasons = {
  notYet: 'it is not in memory; it loads when it is asked for.',
  room: 'it was unloaded to make room; it loads when it is asked for.',
  superseded: 'another version took over; it loads when it is asked for.',
  held: 'it was unloaded by name; load the model to have it answer again.',
} as const;

/** The part of an unloaded state that follows from its reason. */
export const unloadedFor = (reason: (typeof reasons)[keyof typeof reasons]) => ({
  reason,
  onDemand: reason !== reasons.held,
});

/** What is in memory: loads versions, each once however many ask for it, and unloads those that nobody uses. */
export class Residency {
  private readonly resident = new Map<Slot, number>();
  /** Loads that wait for their turn: those that somebody asked for go first. */
  private readonly demanded: (() => void)[] = [];
  private readonly others: (() => void)[] = [];
  private later: NodeJS.Timeout | undefined;
  private running = 0;
  private total = 0;
  private clock = 0;
  private closed = false;

  constructor(private readonly options: ResidencyOptions) {}

  /** Bytes that the loaded versions are reckoned to take. */
  get bytes(): number {
    return this.total;
  }

  /** Versions in memory. */
  get count(): number {
    return this.resident.size;
  }

  touch(slot: Slot): void {
    slot.used = ++this.clock;
  }

  /** Loads the version, or joins the load that is under way; what is loaded already is loaded anew. Never rejects. */
  load(slot: Slot, demanded: boolean): Promise<void> {
    slot.loading ??= this.take(slot, demanded).finally(() => {
      slot.loading = undefined;
    });
    return slot.loading;
  }

  /** Takes the version out of memory once it has answered what it had accepted. */
  async unload(slot: Slot, reason: (typeof reasons)[keyof typeof reasons]): Promise<void> {
    // Without a turn where there is nothing to wait for: whoever makes room counts what is left.
    if (slot.loading !== undefined) await slot.loading;
    const { state } = slot;
    if (state.status === 'ready') {
      slot.state = { status: 'unloaded', ...unloadedFor(reason), card: cardOf(state.ready) };
      this.options.changed(slot);
      await this.retire(slot, state.ready);
    } else if (state.status === 'unloaded') slot.state = { ...state, ...unloadedFor(reason) };
  }

  /** The version is no longer served: closed once it has answered what it had accepted. */
  async drop(slot: Slot): Promise<void> {
    slot.gone = true;
    await slot.loading;
    if (slot.state.status === 'ready') await this.retire(slot, slot.state.ready);
  }

  /** Takes over a version that is loaded already. */
  adopt(slot: Slot, ready: ReadyVersion): void {
    slot.state = { status: 'ready', ready };
    slot.timing = ready.timing;
    this.account(slot, reckon(ready));
    this.touch(slot);
    this.makeRoom();
  }

  async close(): Promise<void> {
    this.closed = true;
    clearTimeout(this.later);
    const loading = [...this.resident.keys()].map((slot) => this.drop(slot));
    await Promise.all(loading);
  }

  private async take(slot: Slot, demanded: boolean): Promise<void> {
    slot.demanded = demanded;
    const before = slot.state;
    if (before.status !== 'ready') slot.state = { status: 'loading' };
    if (this.running >= loadsAtOnce) {
      await new Promise<void>((next) => (demanded ? this.demanded : this.others).push(next));
    } else this.running++;
    try {
      await this.open(slot, before);
    } finally {
      const next = this.demanded.shift() ?? this.others.shift();
      if (next === undefined) this.running--;
      else next();
    }
  }

  private async open(slot: Slot, before: Slot['state']): Promise<void> {
    const { changed } = this.options;
    if (slot.gone || this.closed) return;
    try {
      const ready = await this.options.open(slot);
      if (slot.gone || this.closed) {
        await ready.close();
        return;
      }
      slot.newcomer = false;
      this.adopt(slot, ready);
      changed(slot);
      if (before.status === 'ready') await drain(before.ready);
    } catch (error) {
      const failure = asVitrinaError(error, slot.model);
      slot.newcomer = false;
      // A reload that failed leaves the version that works where it is; the event tells why.
      if (before.status !== 'ready') slot.state = { status: 'failed', error: failure };
      changed(slot, failure);
    }
  }

  private async retire(slot: Slot, ready: ReadyVersion): Promise<void> {
    this.account(slot, 0);
    await drain(ready);
  }

  private account(slot: Slot, bytes: number): void {
    this.total += bytes - (this.resident.get(slot) ?? 0);
    if (bytes === 0) this.resident.delete(slot);
    else this.resident.set(slot, bytes);
  }

  /** Unloads the least recently used, never one that is computing, nor the one that was used last. */
  private makeRoom(): void {
    const { budget, isPinned } = this.options;
    if (budget === undefined || this.total <= budget || this.closed) return;
    const byUse = [...this.resident.keys()].filter((slot) => !isPinned(slot)).sort((a, b) => a.used - b.used);
    const candidates = byUse.slice(0, -1);
    const idle = candidates.filter((slot) => slot.loading === undefined && !isBusy(slot));
    for (const slot of idle) {
      if (this.total <= budget) return;
      void this.unload(slot, reasons.room);
    }
    // Those that were computing will be idle in a moment.
    if (this.total > budget && candidates.length > idle.length) {
      this.later ??= setTimeout(() => {
        this.later = undefined;
        this.makeRoom();
      }, retryMs).unref();
    }
  }
}

/** What a version takes in memory: measured, see docs/architecture.md. */
export function reckon({ graphBytes, placement }: ReadyVersion): number {
  // Beside a thread or a process the graph is kept, to start it again when it dies.
  return sessionBytes + besideBytes[placement] + (placement === 'inline' ? 2 : 3) * graphBytes;
}

const isBusy = ({ state }: Slot) => state.status === 'ready' && state.ready.batcher.busy;

async function drain(version: ReadyVersion): Promise<void> {
  await version.batcher.drained();
  await version.close();
}

function asVitrinaError(error: unknown, model: string): VitrinaError {
  if (error instanceof VitrinaError) return error;
  const problem = error instanceof Error ? error.message : String(error);
  return new VitrinaError('path-unusable', { path: model, problem }, { cause: error });
}
