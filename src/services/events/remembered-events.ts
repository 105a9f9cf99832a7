import type { EventBatch, MadeTexts, NameCodes } from './event.js';

/** A time and a code. */
export const eventBytes = 12;
/** What an entry, a part or a text takes by itself, about. */
const ownBytes = 200;

interface EventSpan {
  /** Milliseconds since 1970; both are included. */
  readonly from: number;
  readonly to: number;
  /** [events] milliseconds since 1970, ascending */
  readonly times: Float64Array;
  /** [events] codes of `names` */
  readonly instances: Uint32Array;
  readonly names: NameCodes;
}

/** All events of one person in a span of time as columns, and the texts that were made of parts of it. */
export class RememberedEvents {
  readonly from: number;
  readonly to: number;
  readonly times: Float64Array;
  readonly instances: Uint32Array;
  readonly names: NameCodes;
  /** By the places of the first event and of the one after the last, then by what they are. */
  private readonly parts = new Map<string, Map<string, string>>();

  constructor(
    span: EventSpan,
    private readonly grow: (bytes: number) => void = () => undefined,
  ) {
    ({ from: this.from, to: this.to, times: this.times, instances: this.instances, names: this.names } = span);
  }

  /** Those from `from` to `to`, without copying, and what was made of exactly these. */
  between(from: number, to: number): Omit<EventBatch, 'util'> {
    const first = firstFrom(this.times, from);
    const end = firstFrom(this.times, to + 1);
    return {
      times: this.times.subarray(first, end),
      instances: this.instances.subarray(first, end),
      screens: new Uint32Array(0),
      names: this.names.names,
      made: this.madeOf(`${first}-${end}`),
    };
  }

  forgetParts(): void {
    this.parts.clear();
  }

  private madeOf(part: string): MadeTexts {
    return {
      find: (what) => this.parts.get(part)?.get(what),
      keep: (what, text) => {
        const texts = this.parts.get(part) ?? new Map<string, string>();
        // Who asked at the same time has made the same.
        if (texts.has(what)) return;
        this.parts.set(part, texts.set(what, text));
        this.grow(2 * text.length + ownBytes);
      },
    };
  }
}

interface Entry {
  readonly revision: number;
  readonly events: RememberedEvents;
  readonly columnBytes: number;
  bytes: number;
}

/**
 * Events of the people that were asked for last, and the texts made of them, up to so many bytes. An entry counts only as
 * long as the person's events have the revision that they had before the entry was read.
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
  keep(util: string, revision: number, span: EventSpan): void {
    this.forget(util);
    if (!this.takes(span.times.length)) return;
    const bytes = span.times.length * eventBytes + util.length * 2 + ownBytes;
    const events = new RememberedEvents(span, (more) => {
      if (this.entries.get(util) === entry) this.grow(entry, more);
    });
    const entry: Entry = { revision, events, columnBytes: bytes, bytes: 0 };
    this.entries.set(util, entry);
    this.grow(entry, bytes);
  }

  /** Whether so many events of a person would be kept. */
  takes(count: number): boolean {
    return count * eventBytes <= this.limit / 4;
  }

  private grow(entry: Entry, bytes: number): void {
    entry.bytes += bytes;
    this.bytes += bytes;
    // The events are worth more than what can be made of them again.
    if (entry.bytes > this.limit / 4) {
      entry.events.forgetParts();
      this.bytes -= entry.bytes - entry.columnBytes;
      entry.bytes = entry.columnBytes;
    }
    for (const util of this.entries.keys()) {
      if (this.bytes <= this.limit) return;
      this.forget(util);
    }
  }

  private forget(util: string): void {
    this.bytes -= this.entries.get(util)?.bytes ?? 0;
    this.entries.delete(util);
  }
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
): Pick<EventSpan, 'times' | 'instances'> {
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
