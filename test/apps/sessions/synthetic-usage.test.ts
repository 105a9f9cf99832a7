import { describe, expect, it } from 'vitest';
import { syntheticUsage, type UsageEvent } from '../../../src/apps/sessions/synthetic-usage.js';
import { hdbscan } from '../../../src/index.js';

const hour = 3_600_000;
const monday = Date.UTC(2024, 0, 1);
const options = { seed: 3, people: 12, from: monday, days: 14 };
const events = [...syntheticUsage(options)];

const byPerson = new Map<string, UsageEvent[]>();
for (const event of events) byPerson.set(event.util, [...(byPerson.get(event.util) ?? []), event]);

describe('synthetic usage', () => {
  it('is the same for the same seed, and another for another', () => {
    expect([...syntheticUsage(options)]).toEqual(events);
    expect([...syntheticUsage({ ...options, seed: 4 })]).not.toEqual(events);
  });

  it('comes in order of time, in whole milliseconds of the days asked for', () => {
    for (const [i, { timestamp }] of events.entries()) {
      expect(Number.isSafeInteger(timestamp)).toBe(true);
      expect(timestamp).toBeGreaterThanOrEqual(events[i - 1]?.timestamp ?? monday);
      expect(timestamp).toBeLessThan(monday + 14 * 24 * hour);
    }
  });

  it('is of people at work: by day, and hardly at weekends', () => {
    expect(byPerson.size).toBe(12);
    for (const { timestamp } of events) {
      const time = new Date(timestamp).getUTCHours();
      expect(time).toBeGreaterThanOrEqual(7);
      expect(time).toBeLessThan(20);
    }
    const days = new Set(
      events.map(({ util, timestamp }) => `${util} ${Math.floor((timestamp - monday) / (24 * hour))}`),
    );
    const atWeekends = [...days].filter((name) => Number(name.split(' ')[1]) % 7 >= 5);
    expect(days.size).toBeGreaterThan(12 * 10 * 0.75);
    expect(atWeekends.length).toBeLessThan(12 * 4 * 0.25);
  });

  it('is of several instances: one a session, one or two a person', () => {
    expect(new Set(events.map(({ instance }) => instance)).size).toBeGreaterThan(2);
    const perPerson = [...byPerson.values()].map((own) => new Set(own.map(({ instance }) => instance)).size);
    expect(new Set(perPerson)).toEqual(new Set([1, 2]));
    for (const own of byPerson.values()) {
      const pairs = new Set(own.map(({ session, instance }) => `${session} ${instance}`));
      expect(pairs.size).toBe(new Set(own.map(({ session }) => session)).size);
    }
  });

  it('has bursts with equal milliseconds in them, and sessions with pauses between them', () => {
    let equal = 0;
    const within: number[] = [];
    for (const own of byPerson.values()) {
      for (const [i, event] of own.entries()) {
        const before = own[i - 1];
        if (before === undefined) continue;
        const gap = event.timestamp - before.timestamp;
        if (gap === 0) equal++;
        if (event.session === before.session) within.push(gap);
        else expect(gap).toBeGreaterThanOrEqual(hour / 2);
      }
    }
    expect(equal).toBeGreaterThan(events.length / 100);
    expect(within.sort((a, b) => a - b)[within.length >> 1]).toBeLessThan(20_000);
  });

  it('has the sessions that clustering finds when it keeps together what is less than twenty minutes apart', () => {
    const given = { minSamples: 1, clusterSelectionMethod: 'leaf', clusterSelectionEpsilon: hour / 3 } as const;
    for (const own of byPerson.values()) {
      const { labels, clusters } = hdbscan(
        own.map(({ timestamp }) => timestamp),
        given,
      );
      const sizes = new Map<number, number>();
      for (const { session } of own) sizes.set(session, (sizes.get(session) ?? 0) + 1);
      const large = [...sizes].filter(([, size]) => size >= 5).map(([session]) => session);
      expect(clusters).toBe(large.length);
      // The few events of a smaller one are noise, or hang on to a neighbour.
      for (const [i, { session }] of own.entries()) {
        if (large.includes(session)) expect(labels[i]).toBe(large.indexOf(session));
      }
    }
  });
});
