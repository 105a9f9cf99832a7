import { VitrinaError } from '../../errors.js';
import { partyOf } from './addresses.js';
import { BucketTable, type Rate } from './token-buckets.js';

/** A login that may go ahead, counted as if it had failed already. One of the three must be called, once. */
export interface Admission {
  /** Whether this user has logged in from this address before. */
  readonly known: boolean;
  /** The password was right: takes the count back and remembers the address. */
  succeeded(): Promise<void>;
  /** The password was wrong: the count stays. */
  failed(): Promise<void>;
  /** The password was never compared: takes the count back. */
  withdraw(): Promise<void>;
}

/** Decides whether a login may go ahead. Counts before the password is compared, so that a volley cannot slip by. */
export interface LoginThrottle {
  /**
   * @param user the key of the user name, whether such a user exists or not
   * @throws VitrinaError `login-throttled` with `Retry-After`
   */
  admit(user: string, address: string): Promise<Admission>;
}

export interface ThrottleLimits {
  /** Failures of one user from one address. */
  readonly pair: Rate;
  /** Failures from one address, whoever is tried, where that user has never logged in from it. */
  readonly address: Rate;
  /** Failures of one user from all addresses that the user has never logged in from. */
  readonly user: Rate;
  /** Entries kept of each kind; the one that has rested longest goes first. */
  readonly entries: number;
}

export const defaultThrottleLimits: ThrottleLimits = Object.freeze({
  pair: { burst: 10, refill: 10_000 },
  address: { burst: 30, refill: 5_000 },
  user: { burst: 50, refill: 10_000 },
  entries: 20_000,
});

/** Addresses remembered of one user. */
const KNOWN_ADDRESSES = 16;
/** Logins from one address that may wait for the outcome of others before them. */
const WAITING = 256;

/** Logins from one address whose password is being compared, and those who wait for how that ends. */
interface Pending {
  count: number;
  waiting: (() => void)[];
}

/**
 * Token buckets in memory; the workers of one server ask the same.
 *
 * - From an address where the user has logged in before, only that pair's own failures count. So whatever others do
 *   from elsewhere, to this user or to any, it cannot keep the user out.
 * - From any other address three buckets must all have room: the pair's, the address's (guessing through many
 *   users), and the user's (guessing from many addresses).
 * - A right password gives back what it took and no more: logging in to an account of one's own buys no guesses.
 * - A login that finds no room while others from its address are being compared waits for them: they may be right,
 *   and then a program that opens sixty connections at once is not taken for a guesser.
 */
export class MemoryLoginThrottle implements LoginThrottle {
  readonly #limits: ThrottleLimits;
  readonly #clock: () => number;
  readonly #pairs: BucketTable;
  readonly #addresses: BucketTable;
  readonly #users: BucketTable;
  readonly #pending = new Map<string, Pending>();
  /** user → the addresses with a right password, latest last. */
  readonly #known = new Map<string, Set<string>>();

  constructor(limits: ThrottleLimits, clock: () => number) {
    this.#limits = limits;
    this.#clock = clock;
    this.#pairs = new BucketTable(limits.pair, limits.entries);
    this.#addresses = new BucketTable(limits.address, limits.entries);
    this.#users = new BucketTable(limits.user, limits.entries);
  }

  async admit(user: string, address: string): Promise<Admission> {
    const party = partyOf(address);
    const pair = `${party}\n${user}`;
    for (;;) {
      const now = this.#clock();
      const known = this.#known.get(user)?.has(party) === true;
      const counted: (readonly [BucketTable, string])[] = [[this.#pairs, pair]];
      if (!known) counted.push([this.#addresses, party], [this.#users, user]);
      const wait = Math.max(...counted.map(([table, key]) => table.wait(key, now)));
      if (wait > 0) {
        await this.#outcome(party, wait);
        continue;
      }
      for (const [table, key] of counted) table.take(key, now);
      this.#begin(party);
      const giveBack = () => {
        for (const [table, key] of counted) table.giveBack(key, this.#clock());
      };
      return {
        known,
        failed: async () => this.#end(party),
        withdraw: async () => {
          giveBack();
          this.#end(party);
        },
        succeeded: async () => {
          giveBack();
          this.#pairs.reset(pair);
          this.#remember(user, party);
          this.#end(party);
        },
      };
    }
  }

  /** Entries held at present, of all kinds. */
  get size(): number {
    return this.#pairs.size + this.#addresses.size + this.#users.size + this.#known.size + this.#pending.size;
  }

  #begin(party: string): void {
    const pending = this.#pending.get(party);
    if (pending === undefined) this.#pending.set(party, { count: 1, waiting: [] });
    else pending.count++;
  }

  #end(party: string): void {
    const pending = this.#pending.get(party);
    if (pending === undefined) return;
    if (--pending.count === 0) this.#pending.delete(party);
    for (const resume of pending.waiting.splice(0)) resume();
  }

  /** Resolves when a login from this address has ended; with none under way there is only the refusal. */
  async #outcome(party: string, wait: number): Promise<void> {
    const pending = this.#pending.get(party);
    if (pending !== undefined && pending.waiting.length < WAITING) {
      return new Promise((resolve) => pending.waiting.push(resolve));
    }
    const retryAfter = Math.ceil(wait / 1000);
    throw new VitrinaError('login-throttled', { retryAfter }, { headers: { 'Retry-After': String(retryAfter) } });
  }

  #remember(user: string, party: string): void {
    const parties = this.#known.get(user) ?? new Set();
    parties.delete(party);
    parties.add(party);
    if (parties.size > KNOWN_ADDRESSES) parties.delete(first(parties));
    this.#known.delete(user);
    this.#known.set(user, parties);
    if (this.#known.size > this.#limits.entries) this.#known.delete(first(this.#known.keys()));
  }
}

function first<T>(items: Iterable<T>): T {
  for (const item of items) return item;
  throw new RangeError('empty');
}
