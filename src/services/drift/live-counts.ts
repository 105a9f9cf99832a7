import type { Tensor } from '../../tensor.js';
import { binOf, type Profile, type ProfiledFeature } from './profile.js';
import { forEachValue, type Scalar, type Watched } from './watched.js';

/** Parts that a window slides by. */
const slots = 12;
/** Values of one request that are counted; of more, a part evenly spread over its rows. */
const valuesPerRequest = 4_096;
/** Values that one process counts in a second for one version; requests beyond are not looked at. */
const valuesPerSecond = 200_000;

interface Counter {
  readonly watched: Watched;
  /** Where its bins begin among all counts. */
  readonly from: number;
  readonly bin: (value: Scalar | undefined) => number;
}

interface Slot {
  period: number;
  rows: number;
  readonly counts: Uint32Array;
}

/** What the last while brought. Survives `structuredClone`. */
export interface Seen {
  /** Of the profile whose bins these are. */
  readonly profile: string;
  readonly rows: number;
  /** Of all features, bin after bin. */
  readonly counts: Float64Array;
}

/**
 * Counts of what one process sees of a version, by the bins of its profile, over a window that slides in twelve steps:
 * memory is bounded by the profile, and the time of a request by the number of values that are looked at.
 */
export class LiveCounts {
  private readonly counters: readonly Counter[];
  private readonly bins: number;
  private readonly ring: Slot[];
  private readonly slotMs: number;
  private second = 0;
  private spent = 0;

  constructor(
    readonly profile: Profile,
    watched: readonly Watched[],
    windowMs: number,
    private readonly now: () => number = Date.now,
  ) {
    let from = 0;
    const counters: Counter[] = [];
    for (const feature of profile.features) {
      const own = watched.find(({ side, name }) => side === feature.side && name === feature.name);
      if (own !== undefined) counters.push({ watched: own, from, bin: finderOf(feature) });
      from += feature.counts.length;
    }
    this.counters = counters;
    this.bins = from;
    this.slotMs = windowMs / slots;
    this.ring = Array.from({ length: slots }, () => ({ period: -1, rows: 0, counts: new Uint32Array(from) }));
  }

  /** Whether there is time left in this second to count a request. */
  get open(): boolean {
    const second = Math.floor(this.now() / 1_000);
    if (second !== this.second) {
      this.second = second;
      this.spent = 0;
    }
    return this.spent < valuesPerSecond;
  }

  /** Counts the rows of one prediction. */
  count(inputs: Readonly<Record<string, Tensor>>, outputs: Readonly<Record<string, Tensor>>): void {
    const slot = this.slot();
    const { rows, values } = sizeOf(this.counters, inputs, outputs);
    const every = Math.max(1, Math.ceil(values / valuesPerRequest));
    const first = every === 1 ? 0 : Math.floor(Math.random() * Math.min(every, rows));
    const looked = Math.ceil((rows - first) / every);
    // Where one row alone holds too many, a part of its elements is looked at.
    const skip = Math.max(0, Math.ceil(((values / rows) * looked) / valuesPerRequest) - 1);
    const { counts } = slot;
    for (const { watched, from, bin } of this.counters) {
      forEachValue(watched, watched.side === 'input' ? inputs : outputs, first, every, skip, (value) => {
        counts[from + bin(value)]!++;
      });
    }
    slot.rows += looked;
    this.spent += Math.min(values, valuesPerRequest);
  }

  /** The sums over the window. */
  seen(): Seen {
    const period = Math.floor(this.now() / this.slotMs);
    const counts = new Float64Array(this.bins);
    let rows = 0;
    for (const slot of this.ring) {
      if (slot.period <= period - slots) continue;
      rows += slot.rows;
      for (let i = 0; i < counts.length; i++) counts[i]! += slot.counts[i]!;
    }
    return { profile: this.profile.id, rows, counts };
  }

  private slot(): Slot {
    const period = Math.floor(this.now() / this.slotMs);
    const slot = this.ring[period % slots]!;
    if (slot.period !== period) {
      slot.period = period;
      slot.rows = 0;
      slot.counts.fill(0);
    }
    return slot;
  }
}

function sizeOf(
  counters: readonly Counter[],
  inputs: Readonly<Record<string, Tensor>>,
  outputs: Readonly<Record<string, Tensor>>,
): { rows: number; values: number } {
  let rows = 1;
  let values = 0;
  for (const { watched } of counters) {
    const tensor = (watched.side === 'input' ? inputs : outputs)[watched.tensor];
    if (tensor === undefined) continue;
    if (watched.batched) rows = Math.max(rows, tensor.shape[0] ?? 1);
    values += watched.classes === undefined ? tensor.data.length / watched.step : (tensor.shape[0] ?? 1);
  }
  return { rows, values };
}

/** The bin of a value among those of its feature. */
function finderOf(feature: ProfiledFeature): (value: Scalar | undefined) => number {
  const missing = feature.counts.length - 1;
  if (feature.kind === 'numeric') {
    const edges = Float64Array.from(feature.edges);
    return (value) => (value === undefined ? missing : binOf(edges, Number(value)));
  }
  const places = new Map(feature.values.map((value, place) => [value, place]));
  return (value) => (value === undefined ? missing : (places.get(value) ?? missing - 1));
}

/** Counts by feature, in the profile's order. */
export function* countsByFeature(
  { features }: Profile,
  counts: Float64Array,
): Generator<{ feature: ProfiledFeature; seen: Float64Array }> {
  let from = 0;
  for (const feature of features) {
    yield { feature, seen: counts.subarray(from, from + feature.counts.length) };
    from += feature.counts.length;
  }
}
