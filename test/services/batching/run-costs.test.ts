import { describe, expect, it } from 'vitest';
import { RunCosts } from '../../../src/services/batching/run-costs.js';

const timing = { singleMs: 0.1, batchMs: 0.8, batchRows: 16 };

describe('what runs cost', () => {
  it('is first what was measured when the version was loaded', () => {
    const costs = new RunCosts(timing);
    expect([costs.run(1), costs.run(16), costs.runDirectly(16), costs.least]).toEqual([0.1, 0.8, 0.8, 0.1]);
    // Of sizes that nobody tried, by the rows of the next smaller one.
    expect(costs.run(8)).toBeCloseTo(0.8);
    expect(new RunCosts(undefined).run(4)).toBe(0);
  });

  it('follows what is measured, and takes one pause for no trend', () => {
    const costs = new RunCosts(timing);
    costs.ran(1, 1_000, false);
    expect(costs.run(1)).toBeLessThan(0.2);
    for (let i = 0; i < 100; i++) costs.ran(1, 0.3, false);
    expect(costs.run(1)).toBeCloseTo(0.3);
  });

  it('knows apart what is computed directly and what was handed over', () => {
    const costs = new RunCosts(timing);
    for (let i = 0; i < 100; i++) costs.ran(16, 3, true);
    expect(costs.run(16)).toBeCloseTo(3);
    expect(costs.runDirectly(16)).toBe(0.8);
    for (let i = 0; i < 100; i++) costs.ran(16, 0.2, false);
    expect(costs.runDirectly(16)).toBeCloseTo(0.2);
  });
});
