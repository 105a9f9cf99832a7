import { type Priority, priorities } from './priority.js';

/** What waits in a `PriorityQueue`. */
export interface Queued {
  /** On the clock of `performance.now()`. */
  readonly arrived: number;
  readonly priority: Priority;
  readonly rows: number;
}

/** For how many milliseconds a request gives way to all that are more urgent. */
export const yieldMs: Readonly<Record<Priority, number>> = Object.freeze({ high: 0, normal: 100, low: 500 });

/** Of so many requests that leave, one may be of those that have given way for long enough. */
const turnOfPatient = 8;

/**
 * First in, first out among equals, the most urgent first; but whoever has given way for `yieldMs` gets one place in
 * eight, the one who has waited longest first. So nobody waits for ever, however many urgent ones keep coming, and the
 * urgent never wait long for the others.
 */
export class PriorityQueue<T extends Queued> {
  private readonly lanes: Readonly<Record<Priority, Lane<T>>> = {
    high: new Lane(),
    normal: new Lane(),
    low: new Lane(),
  };
  private count = 0;
  /** Requests that have left past less urgent ones since one of those had its turn. */
  private passed = 0;

  get length(): number {
    return this.count;
  }

  /** Rows of everything that waits. */
  get rows(): number {
    const { high, normal, low } = this.lanes;
    return high.rows + normal.rows + low.rows;
  }

  push(item: T): void {
    this.lanes[item.priority].push(item);
    this.count++;
  }

  /** The one that leaves next. */
  peek(now: number): T | undefined {
    return this.next(now)?.head();
  }

  shift(now: number): T | undefined {
    const lane = this.next(now);
    if (lane === undefined) return undefined;
    this.count--;
    const item = lane.shift();
    if (this.countAbove(item.priority) > 0) this.passed = 0;
    else if (this.count > lane.length) this.passed++;
    return item;
  }

  /** Rows that leave before a request of this priority that comes now. */
  rowsBefore(priority: Priority): number {
    const { high, normal, low } = this.lanes;
    if (priority === 'low') return this.rows;
    const equal = priority === 'high' ? high.rows : high.rows + normal.rows;
    const below = priority === 'high' ? normal.rows + low.rows : low.rows;
    return equal + Math.min(below, equal / (turnOfPatient - 1));
  }

  /** Rows of requests less urgent than `priority`, but for `kept` rows of each priority. */
  rowsBelow(priority: Priority, kept: number): number {
    let rows = 0;
    for (const lower of lowerThan[priority]) rows += Math.max(0, this.lanes[lower].rows - kept);
    return rows;
  }

  /** Takes out the newest of the least urgent below `priority`, as long as its priority keeps `kept` rows. */
  popBelow(priority: Priority, kept: number): T | undefined {
    for (const lower of lowerThan[priority]) {
      const lane = this.lanes[lower];
      const newest = lane.last();
      if (newest === undefined || lane.rows - newest.rows < kept) continue;
      this.count--;
      return lane.pop();
    }
    return undefined;
  }

  /** Takes out, in their order, all that `unwanted` says. */
  sweep(unwanted: (item: T) => boolean): T[] {
    const swept = priorities.flatMap((priority) => this.lanes[priority].sweep(unwanted));
    this.count -= swept.length;
    return swept;
  }

  private countAbove(priority: Priority): number {
    const { high, normal } = this.lanes;
    return priority === 'high' ? 0 : priority === 'normal' ? high.length : high.length + normal.length;
  }

  private next(now: number): Lane<T> | undefined {
    const { high, normal, low } = this.lanes;
    // Most servers know one priority.
    if (this.count === normal.length) return this.count === 0 ? undefined : normal;
    const urgent = high.length > 0 ? high : normal.length > 0 ? normal : low;
    if (urgent.length === 0) return undefined;
    if (this.passed < turnOfPatient - 1 || this.count === urgent.length) return urgent;
    const since = urgent === high ? patience(normal, 'normal', now) : 0;
    const sinceLow = patience(low, 'low', now);
    if (since <= 0 && sinceLow <= 0) return urgent;
    return since >= sinceLow ? normal : low;
  }
}

/** For how long the first of a lane has waited beyond what it gives way for. */
function patience(lane: Lane<Queued>, priority: Priority, now: number): number {
  const head = lane.head();
  return head === undefined ? 0 : now - head.arrived - yieldMs[priority];
}

/** The least urgent first. */
const lowerThan: Readonly<Record<Priority, readonly Priority[]>> = {
  high: ['low', 'normal'],
  normal: ['low'],
  low: [],
};

/** An array that is taken from at its front without moving the rest each time. */
class Lane<T extends Queued> {
  rows = 0;
  private items: (T | undefined)[] = [];
  private from = 0;

  get length(): number {
    return this.items.length - this.from;
  }

  head(): T | undefined {
    return this.items[this.from];
  }

  last(): T | undefined {
    return this.items.length > this.from ? this.items.at(-1) : undefined;
  }

  push(item: T): void {
    this.items.push(item);
    this.rows += item.rows;
  }

  shift(): T {
    const item = this.items[this.from]!;
    this.items[this.from++] = undefined;
    this.rows -= item.rows;
    if (this.from >= 1024 && this.from * 2 >= this.items.length) this.reset(this.items.slice(this.from));
    return item;
  }

  pop(): T {
    const item = this.items.pop()!;
    this.rows -= item.rows;
    return item;
  }

  sweep(unwanted: (item: T) => boolean): T[] {
    const swept: T[] = [];
    const kept: T[] = [];
    for (let i = this.from; i < this.items.length; i++) {
      const item = this.items[i]!;
      if (!unwanted(item)) kept.push(item);
      else {
        swept.push(item);
        this.rows -= item.rows;
      }
    }
    this.reset(kept);
    return swept;
  }

  private reset(items: (T | undefined)[]): void {
    this.items = items;
    this.from = 0;
  }
}
