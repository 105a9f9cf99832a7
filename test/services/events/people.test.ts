import { describe, expect, it } from 'vitest';
import { compareCodePoints, type EventBatch } from '../../../src/services/events/event.js';
import { byPerson } from '../../../src/services/events/people.js';
import { usageSessions } from '../../../src/services/events/usage-sessions.js';

function batch(util: string, times: readonly number[], names: readonly string[] = ['a']): EventBatch {
  const codes = Uint32Array.from(times, (_, i) => i % names.length);
  return { util, times: Float64Array.from(times), screens: codes, instances: codes, names };
}
async function* stream(...batches: EventBatch[]): AsyncGenerator<EventBatch> {
  yield* batches;
}
async function collect(batches: AsyncIterable<EventBatch>, limit = 1000) {
  const people: [string, number[]][] = [];
  for await (const { util, times, count } of byPerson(batches, limit))
    people.push([util, [...times.subarray(0, count)]]);
  return people;
}

describe('people', () => {
  it('are put together of their batches', async () => {
    const many = Array.from({ length: 9 }, (_, i) => batch('b', [i, i + 0.5]));
    expect(await collect(stream(batch('a', [1, 2]), ...many, batch('c', [])))).toEqual([
      ['a', [1, 2]],
      ['b', Array.from({ length: 18 }, (_, i) => i / 2)],
      ['c', []],
    ]);
  });

  it('are refused when they come back, or have too many events', async () => {
    const back = stream(batch('a', [1]), batch('b', [1]), batch('a', [2]));
    await expect(collect(back)).rejects.toMatchObject({ code: 'events-refused' });
    await expect(collect(stream(batch('a', [1, 2]), batch('a', [3])), 2)).rejects.toMatchObject({
      code: 'events-over-limit',
      fields: { util: 'a', limit: 2 },
    });
  });

  it('have sessions where their events are close, whose instance is that of the first', () => {
    const times = [0, 0, 1, 2, 100, 101, 102];
    const person = { ...batch('a', times, ['z', 'y', 'x']), count: times.length };
    expect(usageSessions(person, { minClusterSize: 2 })).toEqual([
      { start: 0, end: 2, instance: 'y' },
      { start: 100, end: 102, instance: 'y' },
    ]);
    for (const few of [[], [7]]) expect(usageSessions({ ...batch('a', few), count: few.length }, {})).toEqual([]);
  });

  it('are ordered by code point', () => {
    const names = ['\u{1f600}', '\uff5e', 'b', 'B', 'é', '10', '9', ''];
    const byPoints = (a: string, b: string) => {
      const [x, y] = [[...a], [...b]].map((text) =>
        text.map((one) => String(one.codePointAt(0)).padStart(7, '0')).join(),
      );
      return x! < y! ? -1 : x! > y! ? 1 : 0;
    };
    expect([...names].sort(compareCodePoints)).toEqual([...names].sort(byPoints));
  });
});
