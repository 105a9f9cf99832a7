import { describe, expect, it, vi } from 'vitest';
import { CredentialCache } from '../../../src/services/accounts/credential-cache.js';
import type { Principal } from '../../../src/services/accounts/principal.js';

const principal = (userId: number): Principal =>
  Object.freeze({
    kind: 'token',
    userId,
    username: `user ${userId}`,
    role: 'user',
    scopes: [],
    keyId: null,
    priority: 'normal',
    limits: null,
    family: null,
  });
const valid =
  (userId: number, expiresAt = Number.POSITIVE_INFINITY) =>
  async () => ({
    principal: principal(userId),
    expiresAt,
  });

describe('the cache of credentials', () => {
  it('remembers for its lifetime and not a millisecond longer', async () => {
    const cache = new CredentialCache({ lifetime: 5_000, size: 10 });
    expect(cache.get('a', 0)).toBeUndefined();
    const found = await cache.load('a', 0, valid(1));
    expect(cache.get('a', 4_999)?.principal).toBe(found);
    expect(cache.get('a', 5_000)).toBeUndefined();
  });

  it('never outlives the credential', async () => {
    const cache = new CredentialCache({ lifetime: 5_000, size: 10 });
    await cache.load('a', 0, valid(1, 1_000));
    expect(cache.get('a', 999)).toBeDefined();
    expect(cache.get('a', 1_000)).toBeUndefined();
  });

  it('asks once for those who ask at the same time', async () => {
    const cache = new CredentialCache({ lifetime: 5_000, size: 10 });
    const verify = vi.fn(valid(1));
    await Promise.all(Array.from({ length: 64 }, () => cache.load('a', 0, verify)));
    expect(verify).toHaveBeenCalledOnce();
  });

  it('does not remember a refusal', async () => {
    const cache = new CredentialCache({ lifetime: 5_000, size: 10 });
    await expect(cache.load('a', 0, () => Promise.reject(new Error('no')))).rejects.toThrow('no');
    expect(cache.get('a', 0)).toBeUndefined();
    await cache.load('a', 0, valid(1));
    expect(cache.get('a', 0)).toBeDefined();
  });

  it('does not keep what was being verified when somebody’s rights changed', async () => {
    const cache = new CredentialCache({ lifetime: 5_000, size: 10 });
    const { promise, resolve } = deferred();
    const loading = cache.load('a', 0, () => promise.then(valid(1)));
    cache.forget();
    const fresh = vi.fn(valid(2));
    // Nobody who comes after the change shares the look that began before it.
    const second = cache.load('a', 0, fresh);
    resolve();
    await Promise.all([loading, second]);
    expect(fresh).toHaveBeenCalledOnce();
    expect(cache.get('a', 0)?.principal.userId).toBe(2);
  });

  it('lets go of what is kept elsewhere, in time and when somebody’s rights changed', async () => {
    const cache = new CredentialCache({ lifetime: 5_000, size: 10 });
    await cache.load('a', 0, valid(1));
    const kept = cache.get('a', 0)!;
    expect(cache.isFresh(kept, 4_999)).toBe(true);
    expect(cache.isFresh(kept, 5_000)).toBe(false);
    cache.forget();
    expect(cache.isFresh(kept, 0)).toBe(false);
  });

  it('holds so many, and of more drops the one verified longest ago', async () => {
    const cache = new CredentialCache({ lifetime: 5_000, size: 3 });
    for (const id of [1, 2, 3]) await cache.load(`k${id}`, 0, valid(id));
    await cache.load('k1', 0, valid(1));
    await cache.load('k4', 0, valid(4));
    expect(['k1', 'k2', 'k3', 'k4'].map((key) => cache.get(key, 0) !== undefined)).toEqual([true, false, true, true]);
  });
});

function deferred(): { promise: Promise<void>; resolve: () => void } {
  let resolve = () => {};
  const promise = new Promise<void>((done) => {
    resolve = done;
  });
  return { promise, resolve };
}
