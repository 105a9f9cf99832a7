import type { EventBatch, NameCodes } from './event.js';

/** All events of one person from `from` to `to`, both included, as columns. */
export interface RememberedEvents {
  readonly from: number;
  readonly to: number;
  /** [events] milliseconds since 1970, ascending */
  readonly times: Float64Array;
  /** [events] codes of `names` */
  readonly instances: Uint32Array;
  readonly names: NameCodes;
  /** Parts that were asked for, so that equal questions get one and the same object. */
  readonly parts: Map<number, Omit<EventBatch, 'util'>>;
}

/** Parts of one person that are known again. */
const mostParts = 4;

interface Entry {
  readonly revision: number;
  readonly events: RememberedEvents;
  readonly bytes: number;
}

/** A time and a code. */
export const eventBytes = 12;

/**
 * Events of the people that were asked for last, up to so many bytes. An entry counts only as long as the person's events
 * have the revision that they had before the entry was read.
 */
export class EventMemory {
  /** The one that was used last at the end. */
  private readonly entries = new Map<string, Entry>();
  private bytes = 0;

  constructor(private readonly limit: number) {}

  find(util: string, revision: number): RememberedEvents | undefined {
    const entry = this.entries.get(util);
    if (entry === undefined) return undefined;
    this.entries.delete(util);
    if (entry.revision === revision) {
      this.entries.set(util, entry);
      return entry.events;
    }
    this.bytes -= entry.bytes;
    return undefined;
  }

  /** Forgets those that were not used for longest; keeps nothing that is larger than a quarter of the room by itself. */
  keep(util: string, revision: number, events: RememberedEvents): void {
    const before = this.entries.get(util);
    if (before !== undefined) {
      this.bytes -= before.bytes;
      this.entries.delete(util);
    }
    // Beside the columns: names, and what an entry takes by itself.
    const bytes = events.times.length * eventBytes + util.length * 2 + 1_000;
    if (!this.takes(events.times.length)) return;
    this.entries.set(util, { revision, events, bytes });
    this.bytes += bytes;
    for (const [oldest, { bytes: freed }] of this.entries) {
      if (this.bytes <= this.limit) return;
      this.entries.delete(oldest);
      this.bytes -= freed;
    }
  }

  /** Whether so many events of a person would be kept. */
  takes(count: number): boolean {
    return count * eventBytes <= this.limit / 4;
  }
}

/** Those of `events` from `from` to `to`, without copying. For the same events, the same object. */
export function between(
  { times, instances, names, parts }: RememberedEvents,
  from: number,
  to: number,
): Omit<EventBatch, 'util'> {
  const first = firstFrom(times, from);
  const end = firstFrom(times, to + 1);
  const key = first * (times.length + 1) + end;
  const known = parts.get(key);
  if (known !== undefined) return known;
  const part = {
    times: times.subarray(first, end),
    instances: instances.subarray(first, end),
    screens: new Uint32Array(0),
    names: names.names,
  };
  // What was found in a part is kept with it, at most as large as the events themselves.
  if (parts.size >= mostParts) parts.clear();
  parts.set(key, part);
  return part;
}

/** The place of the first time that is not before `time`; times are whole. */
function firstFrom(times: Float64Array, time: number): number {
  let low = 0;
  let high = times.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (times[middle]! < time) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The columns of batches that follow each other in time. */
export function joinColumns(
  batches: readonly Pick<EventBatch, 'times' | 'instances'>[],
): Pick<RememberedEvents, 'times' | 'instances'> {
  const count = batches.reduce((sum, { times }) => sum + times.length, 0);
  const times = new Float64Array(count);
  const instances = new Uint32Array(count);
  let at = 0;
  for (const batch of batches) {
    times.set(batch.times, at);
    instances.set(batch.instances, at);
    at += batch.times.length;
  }
  return { times, instances };
}
