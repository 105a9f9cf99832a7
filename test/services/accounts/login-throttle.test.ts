import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { VitrinaError } from '../../../src/errors.js';
import { MemoryLoginThrottle, type ThrottleLimits } from '../../../src/services/accounts/login-throttle.js';

const limits: ThrottleLimits = {
  pair: { burst: 3, refill: 10_000 },
  address: { burst: 6, refill: 5_000 },
  user: { burst: 8, refill: 10_000 },
  entries: 50,
};

function throttled() {
  let now = 1_000_000;
  const throttle = new MemoryLoginThrottle(limits, () => now);
  return {
    throttle,
    pass: (milliseconds: number) => {
      now += milliseconds;
    },
    /** Tries once; whether the password was compared at all. */
    async attempt(user: string, address: string, right: boolean): Promise<boolean> {
      try {
        const admission = await throttle.admit(user, address);
        await (right ? admission.succeeded() : admission.failed());
        return true;
      } catch (error) {
        expect(error).toBeInstanceOf(VitrinaError);
        expect((error as VitrinaError).code).toBe('login-throttled');
        return false;
      }
    },
  };
}

const home = '192.0.2.1';
const elsewhere = fc.oneof(
  fc.constantFrom('198.51.100.1', '198.51.100.2', '198.51.100.3'),
  fc.ipV4().filter((address) => address !== home),
  fc.ipV6().map((address) => `2001:db8:${address.slice(0, 4).replace(/[^0-9a-f]/g, '') || '1'}::1`),
);
const users = fc.constantFrom('victim', 'mallory', 'somebody');
const step = fc.oneof(
  { weight: 8, arbitrary: fc.record({ user: users, address: elsewhere, owned: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ wait: fc.integer({ min: 0, max: 20_000 }) }) },
);

describe('the login throttle', () => {
  it('never keeps a user out of a known address, whatever others do from elsewhere', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 200, size: 'max' }), async (steps) => {
        const { attempt, pass } = throttled();
        expect(await attempt('victim', home, true)).toBe(true);
        for (const action of steps) {
          if ('wait' in action) pass(action.wait);
          // An attacker knows the password of an account of the attacker's own, and no other.
          else await attempt(action.user, action.address, action.owned && action.user === 'mallory');
        }
        expect(await attempt('victim', home, true)).toBe(true);
      }),
    );
  });

  it('lets through no more failures on a user than the burst and the refill, from however many addresses', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 300, size: 'max' }), async (steps) => {
        const { attempt, pass } = throttled();
        let compared = 0;
        let elapsed = 0;
        for (const action of steps) {
          if ('wait' in action) {
            pass(action.wait);
            elapsed += action.wait;
          } else if (action.user === 'victim' && (await attempt('victim', action.address, false))) compared++;
        }
        expect(compared).toBeLessThanOrEqual(limits.user.burst + Math.floor(elapsed / limits.user.refill));
      }),
    );
  });

  it('gives an attacker no more guesses for logging in to an account of the attacker’s own', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.boolean(), { maxLength: 200, size: 'max' }), async (owns) => {
        const { attempt } = throttled();
        let guesses = 0;
        for (const [turn, own] of owns.entries()) {
          if (own) await attempt('mallory', '198.51.100.1', true);
          else if (await attempt(`victim${turn}`, '198.51.100.1', false)) guesses++;
        }
        expect(guesses).toBeLessThanOrEqual(limits.address.burst);
      }),
    );
  });

  it('compares no more than the burst of a volley sent at once', async () => {
    const { attempt } = throttled();
    const volley = await Promise.all(Array.from({ length: 100 }, () => attempt('victim', '198.51.100.1', false)));
    expect(volley.filter(Boolean)).toHaveLength(limits.pair.burst);
  });

  it('does not take a volley of right passwords for guessing', async () => {
    const { attempt } = throttled();
    const volley = await Promise.all(Array.from({ length: 60 }, () => attempt('ana', home, true)));
    expect(volley.every(Boolean)).toBe(true);
  });

  it('forgets the failures of a pair with the right password', async () => {
    const { attempt } = throttled();
    for (const _ of [1, 2]) expect(await attempt('ana', home, false)).toBe(true);
    expect(await attempt('ana', home, true)).toBe(true);
    for (const _ of [1, 2, 3]) expect(await attempt('ana', home, false)).toBe(true);
    expect(await attempt('ana', home, true)).toBe(false);
  });

  it('says after how many seconds to try again, and means it', async () => {
    const { throttle, attempt, pass } = throttled();
    for (const _ of [1, 2, 3]) await attempt('ana', home, false);
    const error = await throttle.admit('ana', home).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ status: 429, headers: { 'Retry-After': '10' } });
    pass(9_999);
    expect(await attempt('ana', home, true)).toBe(false);
    pass(1);
    expect(await attempt('ana', home, true)).toBe(true);
  });

  it('counts a /64 of IPv6 as one address', async () => {
    const { attempt } = throttled();
    const compared: boolean[] = [];
    for (let host = 1; host <= 20; host++) compared.push(await attempt('ana', `2001:db8::${host.toString(16)}`, false));
    expect(compared.filter(Boolean)).toHaveLength(limits.pair.burst);
  });

  it('does not count a login that never came to a comparison', async () => {
    const { throttle, attempt } = throttled();
    for (let turn = 0; turn < 10; turn++) await (await throttle.admit('ana', home)).withdraw();
    for (const _ of [1, 2, 3]) expect(await attempt('ana', home, false)).toBe(true);
  });

  it('goes on refilling when the clock is set back', async () => {
    const { attempt, pass } = throttled();
    for (const _ of [1, 2, 3]) await attempt('ana', home, false);
    pass(-3_600_000);
    expect(await attempt('ana', home, true)).toBe(false);
    pass(10_000);
    expect(await attempt('ana', home, true)).toBe(true);
  });

  it('holds a bounded number of entries, whatever comes', async () => {
    const { throttle, attempt } = throttled();
    for (let turn = 0; turn < 2_000; turn++) {
      await attempt(`user${turn}`, `10.0.${turn >> 8}.${turn & 255}`, turn % 3 === 0);
    }
    for (let turn = 0; turn < 500; turn++) await attempt('ana', `10.1.${turn >> 8}.${turn & 255}`, true);
    expect(throttle.size).toBeLessThanOrEqual(4 * limits.entries);
  });
});
