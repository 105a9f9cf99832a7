import type { Tensor } from '../../tensor.js';
import { binOf, type Profile, type ProfiledFeature } from './profile.js';
import { forEachValue, type Scalar, type Side, type Watched } from './watched.js';

/** Parts that a window slides by. */
const slots = 12;
/** Values of one request that are counted; of more, a part evenly spread over its rows. */
const valuesPerRequest = 4_096;
/** Values that one process counts in a second for one version; requests beyond are not looked at. */
const valuesPerSecond = 100_000;

interface Counter {
  readonly watched: Watched;
  /** Where its bins begin among all counts. */
  readonly from: number;
  readonly bin: (value: Scalar | undefined) => number;
  /** Where numbers are compared with edges: the common case, which needs no call for each value. */
  readonly edges: Float64Array | undefined;
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
  /** Those that the counters read, each once. */
  private readonly tensors: readonly { readonly side: Side; readonly name: string; readonly batched: boolean }[];
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
      const edges = feature.kind === 'numeric' ? Float64Array.from(feature.edges) : undefined;
      if (own !== undefined) counters.push({ watched: own, from, bin: finderOf(feature), edges });
      from += feature.counts.length;
    }
    this.counters = counters;
    const tensors = counters.map(({ watched: { side, tensor, batched } }) => ({ side, name: tensor, batched }));
    this.tensors = tensors.filter(
      ({ side, name }, i) => tensors.findIndex((other) => other.side === side && other.name === name) === i,
    );
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
    let rows = 1;
    let values = 0;
    for (const { side, name, batched } of this.tensors) {
      const tensor = (side === 'input' ? inputs : outputs)[name];
      if (tensor === undefined) continue;
      values += tensor.data.length;
      if (batched) rows = Math.max(rows, tensor.shape[0] ?? 1);
    }
    const every = Math.max(1, Math.ceil(values / valuesPerRequest));
    const first = every === 1 ? 0 : Math.floor(Math.random() * Math.min(every, rows));
    const looked = Math.ceil((rows - first) / every);
    // Where one row alone holds too many, a part of its elements is looked at.
    const skip = Math.max(0, Math.ceil(((values / rows) * looked) / valuesPerRequest) - 1);
    const { counts } = slot;
    for (const { watched, from, bin, edges } of this.counters) {
      const tensors = watched.side === 'input' ? inputs : outputs;
      const data = tensors[watched.tensor]?.data;
      if (every === 1 && edges !== undefined && (data instanceof Float64Array || data instanceof Float32Array)) {
        countNumbers(counts, from, edges, data, watched);
        continue;
      }
      forEachValue(watched, tensors, first, every, skip, (value) => {
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

/** Every value: what `forEachValue` and `finderOf` come to for floats. */
function countNumbers(
  counts: Uint32Array,
  from: number,
  edges: Float64Array,
  data: Float64Array | Float32Array,
  { offset, step }: Watched,
): void {
  for (let at = offset; at < data.length; at += step) {
    const value = data[at]!;
    if (Number.isNaN(value)) {
      counts[from + edges.length + 1]!++;
      continue;
    }
    let bin = 0;
    while (bin < edges.length && edges[bin]! < value) bin++;
    counts[from + bin]!++;
  }
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
