import { type HdbscanOptions, hdbscan } from '../../learn/hdbscan/index.js';
import { compareCodePoints } from './event.js';
import type { PersonEvents } from './people.js';

/** A stretch of time in which somebody used the software. */
export interface UsageSession {
  /** First and last event, milliseconds since 1970. */
  readonly start: number;
  readonly end: number;
  /** Where the first event was; of several in its millisecond, the first by code point. */
  readonly instance: string;
}

/**
 * The clusters of a person's events in time, in order of their starts; noise is in none. Nothing depends on the order in
 * which events of one millisecond come. Errors: `clustering-option-invalid`.
 */
export function usageSessions(person: PersonEvents, options: HdbscanOptions): UsageSession[] {
  const { count, instances: codes, names } = person;
  const times = person.times.subarray(0, count);
  // Clusters are numbered in time.
  const { labels, clusters } = hdbscan(times, options);
  const starts = new Float64Array(clusters).fill(Number.POSITIVE_INFINITY);
  const ends = new Float64Array(clusters).fill(Number.NEGATIVE_INFINITY);
  const instances = new Uint32Array(clusters);
  for (let i = 0; i < count; i++) {
    const cluster = labels[i]!;
    if (cluster === -1) continue;
    const time = times[i]!;
    if (time > ends[cluster]!) ends[cluster] = time;
    if (time > starts[cluster]!) continue;
    const code = codes[i]!;
    const earlier = time < starts[cluster]!;
    if (earlier || compareCodePoints(names[code]!, names[instances[cluster]!]!) < 0) instances[cluster] = code;
    starts[cluster] = time;
  }
  return Array.from(starts, (start, i) => ({ start, end: ends[i]!, instance: names[instances[i]!]! }));
}
