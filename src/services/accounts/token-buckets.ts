/** Failures that are let through at once, and the milliseconds after which one more is. */
export interface Rate {
  readonly burst: number;
  readonly refill: number;
}

interface Bucket {
  tokens: number;
  /** When `tokens` was true, epoch milliseconds. */
  at: number;
}

/** Token buckets by key, at most `entries` of them. A bucket that is full again is the same as none. */
export class BucketTable {
  readonly #rate: Rate;
  readonly #entries: number;
  readonly #buckets = new Map<string, Bucket>();

  constructor(rate: Rate, entries: number) {
    this.#rate = rate;
    this.#entries = entries;
  }

  get size(): number {
    return this.#buckets.size;
  }

  /** Milliseconds until a token is there; 0 when one is. */
  wait(key: string, now: number): number {
    const tokens = this.#tokens(this.#buckets.get(key), now);
    return tokens >= 1 ? 0 : Math.ceil((1 - tokens) * this.#rate.refill);
  }

  take(key: string, now: number): void {
    this.#put(key, this.#tokens(this.#buckets.get(key), now) - 1, now);
  }

  giveBack(key: string, now: number): void {
    const bucket = this.#buckets.get(key);
    if (bucket !== undefined) this.#put(key, Math.min(this.#rate.burst, this.#tokens(bucket, now) + 1), now);
  }

  reset(key: string): void {
    this.#buckets.delete(key);
  }

  #tokens(bucket: Bucket | undefined, now: number): number {
    if (bucket === undefined) return this.#rate.burst;
    // A clock that is set back refills nothing, and must not stop the refilling until it has caught up either.
    if (now < bucket.at) bucket.at = now;
    return Math.min(this.#rate.burst, bucket.tokens + (now - bucket.at) / this.#rate.refill);
  }

  #put(key: string, tokens: number, now: number): void {
    this.#buckets.delete(key);
    if (tokens >= this.#rate.burst) return;
    this.#buckets.set(key, { tokens, at: now });
    if (this.#buckets.size <= this.#entries) return;
    for (const oldest of this.#buckets.keys()) {
      this.#buckets.delete(oldest);
      break;
    }
  }
}
