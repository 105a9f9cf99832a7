import { MersenneTwister } from '../../index.js';

/** A screen that somebody opened. */
export interface UsageEvent {
  /** Whole milliseconds since 1970, UTC. */
  readonly timestamp: number;
  readonly util: string;
  readonly ecran: string;
  readonly instance: string;
  /** Which session of the person it was made in, 0 on: what clustering should find, and a store does not know. */
  readonly session: number;
}

export interface UsageOptions {
  /** A whole number from 0 to 2³² − 1; the same one gives the same events. */
  readonly seed: number;
  readonly people: number;
  /** The first midnight, milliseconds since 1970, UTC. */
  readonly from: number;
  readonly days: number;
  /** Installations of the software, of which each person uses one or two; 4. */
  readonly instances?: number;
  /** Screens that there are; 40. */
  readonly screens?: number;
}

const minute = 60_000;
const hour = 60 * minute;
const day = 24 * hour;

interface Person {
  readonly util: string;
  readonly instances: readonly string[];
  /** When the working day begins and how long it is, in milliseconds. */
  readonly begins: number;
  readonly length: number;
  /** Mean milliseconds between two screens. */
  readonly pace: number;
  sessions: number;
}

/**
 * People at work, in order of time: a working day of their own, hardly any at weekends; in it sessions with pauses of half
 * an hour and more between them; in a session, bursts of screens seconds apart, some in the same millisecond, with a
 * minute or two to read between the bursts. Memory is that of one day.
 */
export function* syntheticUsage(options: UsageOptions): Generator<UsageEvent> {
  const { seed, people, from, days, instances = 4, screens = 40 } = options;
  const random = new MersenneTwister(seed);
  const everybody = Array.from({ length: people }, (_, i) => personOf(random, i, instances));
  for (let i = 0; i < days; i++) {
    const midnight = from + i * day;
    const weekend = [0, 6].includes(new Date(midnight).getUTCDay());
    const events: UsageEvent[] = [];
    for (const person of everybody) {
      if (chance(random, weekend ? 0.05 : 0.9)) events.push(...dayOf(random, person, midnight, screens));
    }
    // Stable: what happens in one millisecond stays in the order of people.
    yield* events.sort((a, b) => a.timestamp - b.timestamp);
  }
}

function personOf(random: MersenneTwister, index: number, instances: number): Person {
  const home = random.upTo(instances - 1);
  const other = random.upTo(instances - 1);
  return {
    util: `util-${String(index + 1).padStart(4, '0')}`,
    instances: [...new Set([home, ...(chance(random, 0.4) ? [other] : [])])].map((i) => `instance-${i + 1}`),
    begins: 7 * hour + random.upTo(3 * hour),
    length: 6 * hour + random.upTo(4 * hour),
    pace: 2000 + random.upTo(10_000),
    sessions: 0,
  };
}

function* dayOf(random: MersenneTwister, person: Person, midnight: number, screens: number): Generator<UsageEvent> {
  const { util, instances, pace } = person;
  const end = midnight + person.begins + person.length;
  let now = midnight + person.begins + random.upTo(30 * minute);
  while (now < end) {
    const session = person.sessions++;
    const instance = instances[chance(random, 0.8) ? 0 : instances.length - 1]!;
    const bursts = 1 + random.upTo(7);
    for (let burst = 0; burst < bursts; burst++) {
      const count = 3 + random.upTo(17);
      for (let i = 0; i < count && now < end; i++) {
        yield { timestamp: now, util, ecran: `ecran-${1 + random.upTo(screens - 1)}`, instance, session };
        if (!chance(random, 0.03)) now += 200 + about(random, pace);
      }
      now += 20_000 + about(random, minute);
    }
    now += 30 * minute + about(random, hour);
  }
}

const chance = (random: MersenneTwister, probability: number): boolean => random.next() < probability * 2 ** 32;

/** A waiting time, exponential with this mean, in whole numbers. */
const about = (random: MersenneTwister, mean: number): number =>
  Math.floor(-mean * Math.log((random.next() + 1) / 2 ** 32));
