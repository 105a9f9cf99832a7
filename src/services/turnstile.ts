import type { Priority } from './priority.js';
import { PriorityQueue, type Queued } from './priority-queue.js';

/** Milliseconds that one turn of the event loop should take at most, so that everybody else is answered meanwhile. */
const turnMs = 20;
/** Requests a turn before anything has been measured, and the least and the most that a measurement can make of it. */
const firstQuota = 100;
const leastQuota = 4;
const mostQuota = 4096;
/** A turn with fewer requests says little of what one costs. */
const worthMeasuring = 4;
/** How much of a new measurement counts. */
const weight = 0.2;
/** Requests that may be held back; each keeps a connection and up to 64 kB of its body. */
const mostHeld = 10_000;

/** A request whose head has been read, and whose body has not. */
export interface Held extends Queued {
  /** Whether nobody waits for it any more. */
  readonly unwanted: boolean;
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
 * is read: that costs little, and by what a request has cost lately it is known for how long.
 */
export class Turnstile {
  private readonly held = new PriorityQueue<Held>();
  private quota = firstQuota;
  private costMs = turnMs / firstQuota;
  private admitted = 0;
  private ticking = false;
  private lastTurn = 0;
  private lastAdmitted = 0;

  /** Requests that wait here. */
  get length(): number {
    return this.held.length;
  }

  /** True when the request may go on at once; it is counted then. */
  pass(): boolean {
    if (this.held.length > 0 || this.admitted >= this.quota) return false;
    this.admitted++;
    if (!this.ticking) this.tick();
    return true;
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
      least.turnAway();
    }
    this.held.push(request);
    if (!this.ticking) this.tick();
    return true;
  }

  private tick(): void {
    this.ticking = true;
    setImmediate(() => this.turn());
  }

  private turn(): void {
    const now = performance.now();
    if (this.lastAdmitted >= worthMeasuring) this.measure((now - this.lastTurn) / this.lastAdmitted);
    this.lastTurn = now;
    this.lastAdmitted = this.admitted;
    this.admitted = 0;
    while (this.admitted < this.quota) {
      const request = this.held.shift(now);
      if (request === undefined) break;
      if (request.unwanted) request.turnAway();
      else {
        this.admitted++;
        request.enter();
      }
    }
    this.ticking = false;
    // A turn of the loop more than there are requests: its length is what they cost.
    if (this.admitted > 0 || this.lastAdmitted >= worthMeasuring) this.tick();
    else this.lastAdmitted = 0;
  }

  private measure(costMs: number): void {
    this.costMs += weight * (Math.min(costMs, 10 * this.costMs) - this.costMs);
    this.quota = Math.min(mostQuota, Math.max(leastQuota, Math.floor(turnMs / this.costMs)));
  }
}
