import { afterEach, describe, expect, it, vi } from 'vitest';
import { Retries } from '../../src/services/quotas/retries.js';

const opened: Retries[] = [];
const open = () => {
  const retries = new Retries();
  opened.push(retries);
  return retries;
};
afterEach(() => Promise.all(opened.splice(0).map((retries) => retries.close())));

/** An act that fails so many times, and counts how often it is tried. */
function failing(times: number) {
  const act = vi.fn(async () => {
    if (act.mock.calls.length <= times) throw new Error('The database is away');
  });
  return act;
}

describe('retries', () => {
  it('repeat what fails until it does not, and no longer', async () => {
    const act = failing(3);
    await open().attempt('a', act);
    await vi.waitFor(() => expect(act).toHaveBeenCalledTimes(4), 5_000);
    await new Promise((resolve) => setTimeout(resolve, 600));
    expect(act).toHaveBeenCalledTimes(4);
  });

  it('forget nothing that comes while others are being repeated', async () => {
    const retries = open();
    let finish = () => {};
    const slow = vi.fn(() => new Promise<void>((resolve) => (finish = resolve)));
    retries.later('slow', slow);
    await vi.waitFor(() => expect(slow).toHaveBeenCalled(), 5_000);
    const late = failing(1);
    await retries.attempt('late', late);
    // Longer than it would take if nothing else were under way.
    await new Promise((resolve) => setTimeout(resolve, 600));
    finish();
    await vi.waitFor(() => expect(late).toHaveBeenCalledTimes(2), 5_000);
  });

  it('let others through beside one that always fails', async () => {
    const retries = open();
    await retries.attempt('never', failing(Number.POSITIVE_INFINITY));
    const acts = [failing(1), failing(1), failing(2)];
    await Promise.all(acts.map((act, i) => retries.attempt(`${i}`, act)));
    await vi.waitFor(() => expect(acts.map((act) => act.mock.calls.length)).toEqual([2, 2, 3]), 10_000);
  });

  it('try what is left once more at the end', async () => {
    const retries = open();
    const act = failing(1);
    await retries.attempt('a', act);
    await retries.close();
    expect(act).toHaveBeenCalledTimes(2);
  });
});
