import type { Priority } from './priority.js';
import { PriorityQueue, type Queued } from './priority-queue.js';

/** Milliseconds that one turn of the event loop should take, so that everybody else is answered meanwhile. */
export const turnMs = 20;
/** Requests that a turn takes at first, and at least and at most, whatever its length. */
const firstQuota = 64;
const leastQuota = 16;
const mostQuota = 4096;
/** Requests that a turn takes at most while connections wait to be accepted. */
const quotaOfNewcomers = 8;
/** Milliseconds over which the requests let in are counted, to tell how long those behind them will wait. */
const windowMs = 50;
/** How much of a new measurement counts. */
const weight = 0.3;
/** Requests that may be held back; each keeps a connection and up to 64 kB of its body. */
const mostHeld = 10_000;
/** Requests that a turn turns away at least; beyond, half as many as it lets in. */
const leastRefusals = 8;

/** A request whose head has been read, and whose body has not. */
export interface Held extends Queued {
  /** Whether nobody would wait for an answer that is there `at` (on the clock of `performance.now()`) at the earliest. */
  unwanted(at: number): boolean;
  /** Lets the request in. */
  enter(): void;
  /** More urgent requests have taken its place, or it is unwanted. */
  turnAway(): void;
}

/**
 * Lets in as many requests with each turn of the event loop as it can answer in `turnMs`.
 *
 * All that has arrived on a thousand connections would otherwise be read, computed and answered in one turn, and
 * nobody, health checks least of all, would hear anything in between. Who comes in excess waits here, before the body
 * is read: that costs nothing, and it slows down those who send too much. Turning somebody away costs half as much as
 * an answer, and frees a connection for the next one who will be turned away: so most of each turn is kept for those
 * who are let in, and refusals wait their turn as well.
 */
export class Turnstile {
  private readonly held = new PriorityQueue<Held>();
  private refusals: (() => void)[] = [];
  private quota = firstQuota;
  private costMs = turnMs / firstQuota;
  /** Of the turns of the last while. */
  private lengthMs = 0;
  private admitted = 0;
  private ticking = false;
  private lastTurn = 0;
  /** When somebody connected last, and in how many turns one after the other. */
  private connectedAt = 0;
  private connecting = 0;
  /** Since when somebody has always been waiting, and how many were let in since. */
  private windowStart = 0;
  private windowAdmitted = 0;

  /** Requests that wait here. */
  get length(): number {
    return this.held.length;
  }

  /** True when the request may go on at once; it is counted then. */
  pass(): boolean {
    if (this.held.length > 0 || this.admitted >= this.room) return false;
    this.admitted++;
    if (!this.ticking) this.tick();
    return true;
  }

  /**
   * Somebody has connected. libuv accepts one connection a turn (1.45 and later), so that while many come, turns are kept
   * short: of turns of 20 ms, a thousand callers would take 20 s, in which nobody new, health checks least of all, gets in.
   */
  connected(): void {
    this.connectedAt = performance.now();
  }

  /** Milliseconds that a request of this priority would wait here. */
  expectedWaitMs(priority: Priority): number {
    return this.held.rowsBefore(priority) * this.costMs;
  }

  /** Keeps the request until its turn; false when there is no place and none can be made. */
  hold(request: Held): boolean {
    if (this.held.length >= mostHeld) {
      const least = this.held.popBelow(request.priority, mostHeld / 20);
      if (least === undefined) return false;
      this.refuse(() => least.turnAway());
    }
    this.held.push(request);
    if (!this.ticking) this.tick();
    return true;
  }

  /** Calls `answer`, which turns somebody away, when those who are let in have had their share of the turn. */
  refuse(answer: () => void): void {
    this.refusals.push(answer);
    if (!this.ticking) this.tick();
  }

  private get isShort(): boolean {
    return this.connecting > 1;
  }

  private get room(): number {
    return this.isShort ? Math.min(this.quota, quotaOfNewcomers) : this.quota;
  }

  private tick(): void {
    this.ticking = true;
    setImmediate(() => this.turn());
  }

  private turn(): void {
    const now = performance.now();
    if (this.held.length > 0) this.adapt(now);
    else {
      this.windowStart = 0;
      this.lengthMs = 0;
    }
    this.connecting = this.connectedAt > this.lastTurn ? this.connecting + 1 : 0;
    this.lastTurn = now;
    // What came in with this turn is on its way; those who wait are next.
    let letIn = 0;
    // Reading, computing and answering takes a turn, and then one more for those who come last.
    const soonest = now + 2 * this.lengthMs;
    while (letIn < this.room) {
      const request = this.held.shift(now);
      if (request === undefined) break;
      if (request.unwanted(soonest)) this.refusals.push(() => request.turnAway());
      else {
        letIn++;
        request.enter();
      }
    }
    const refusals = this.refusals.splice(0, Math.max(leastRefusals, letIn >> 1));
    for (const answer of refusals) answer();
    this.admitted = letIn;
    this.windowAdmitted += letIn;
    this.ticking = false;
    if (letIn > 0 || this.refusals.length > 0) this.tick();
  }

  /** Somebody waits: the last turn tells how many requests fill one, and the last while how long each keeps the next. */
  private adapt(now: number): void {
    if (this.windowStart === 0) {
      this.windowStart = now;
      this.windowAdmitted = 0;
      return;
    }
    const length = now - this.lastTurn;
    this.lengthMs += weight * (length - this.lengthMs);
    if (!this.isShort) {
      const factor = length > turnMs ? Math.max(0.5, turnMs / length) : length < turnMs / 2 ? 1.5 : 1;
      this.quota = Math.min(mostQuota, Math.max(leastQuota, Math.round(this.quota * factor)));
    }
    if (now - this.windowStart < windowMs || this.windowAdmitted === 0) return;
    this.costMs += weight * ((now - this.windowStart) / this.windowAdmitted - this.costMs);
    this.windowStart = now;
    this.windowAdmitted = 0;
  }
}
