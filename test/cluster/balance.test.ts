import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { surplusOf } from '../../src/cluster/balance.js';

const of = (...loads: [connections: number, busy: number][]) =>
  surplusOf(loads.map(([connections, busy]) => ({ connections, busy })));

describe('connections are given up', () => {
  it('by a busy worker that holds more than its share, half of the surplus at a time', () => {
    expect(of([16, 1], [0, 0])).toEqual([4, 0]);
    expect(of([30, 0.9], [30, 0.9], [0, 0.1])).toEqual([5, 5, 0]);
  });

  it('by nobody while nobody is busy, all are, or the shares are about equal', () => {
    expect(of([16, 0.5], [0, 0])).toEqual([0, 0]);
    expect(of([16, 1], [2, 0.9])).toEqual([0, 0]);
    expect(of([9, 1], [7, 0.2])).toEqual([0, 0]);
    expect(of([1, 1], [0, 0])).toEqual([0, 0]);
  });

  it('until the shares are about equal, whatever they were', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(500), { minLength: 2, maxLength: 16 }), (counts) => {
        const held = [...counts];
        for (let second = 0; second < 100; second++) {
          const fair = held.reduce((sum, count) => sum + count, 0) / held.length;
          // Those with many are busy; what is given up goes to the one with fewest.
          const given = surplusOf(held.map((connections) => ({ connections, busy: connections > fair ? 1 : 0 })));
          if (given.every((count) => count === 0)) break;
          for (const [i, count] of given.entries()) {
            held[i]! -= count;
            for (let one = 0; one < count; one++) held[held.indexOf(Math.min(...held))]! += 1;
          }
        }
        const fair = held.reduce((sum, count) => sum + count, 0) / held.length;
        expect(Math.max(...held)).toBeLessThanOrEqual(1.25 * fair + 1);
      }),
    );
  });
});
