import { readdirSync, readFileSync } from 'node:fs';
import { getPriority } from 'node:os';
import { hash as argon2Hash } from '@node-rs/argon2';
import { hash as bcryptHash } from '@node-rs/bcrypt';
import { describe, expect, it } from 'vitest';
import { checkPassword, checkPasswordHash, PasswordHasher } from '../../../src/services/accounts/passwords.js';

const hasher = new PasswordHasher({ hashing: 2, hashingQueue: 8 });

describe('passwords', () => {
  it('are hashed with argon2id as OWASP advises, each with a salt of its own', async () => {
    const [one, two] = await Promise.all([hasher.hash('correct horse'), hasher.hash('correct horse')]);
    expect(one).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$/);
    expect(one).not.toBe(two);
    expect(await hasher.verify(one, 'correct horse')).toBe(true);
    expect(await hasher.verify(one, 'correct horse ')).toBe(false);
    expect(hasher.isOutdated(one, 'correct horse')).toBe(false);
  });

  it.runIf(process.platform === 'linux')('are hashed by threads of a lower priority than any other', async () => {
    await Promise.all([hasher.hash('correct horse'), hasher.hash('correct horse')]);
    const threads = readdirSync('/proc/self/task').map((id) => readFileSync(`/proc/self/task/${id}/stat`, 'utf8'));
    // proc(5): the 19th field, counted from behind the name.
    const niceness = threads.map((stat) => Number(stat.split(') ').at(-1)!.split(' ')[16]));
    expect(niceness.filter((one) => one === 10 + getPriority())).toHaveLength(2);
    expect(niceness.filter((one) => one === getPriority()).length).toBeGreaterThan(2);
  });

  it('that cannot be read are errors, and the next is compared all the same', async () => {
    await expect(hasher.verify('$argon2id$nonsense', 'correct horse')).rejects.toThrow();
    expect(await hasher.verify(await hasher.hash('correct horse'), 'correct horse')).toBe(true);
  });

  it('of nobody fit nothing, and take as long as a wrong one', async () => {
    const stored = await hasher.hash('correct horse');
    expect(await hasher.verify(null, 'correct horse')).toBe(false);
    const time = async (hash: string | null) => {
      const started = performance.now();
      await hasher.verify(hash, 'wrong horse');
      return performance.now() - started;
    };
    // The least of many: on a busy machine some take long, and none less than it computes.
    const unknown: number[] = [];
    const known: number[] = [];
    for (let turn = 0; turn < 25; turn++) {
      unknown.push(await time(null));
      known.push(await time(stored));
    }
    expect(Math.min(...unknown)).toBeGreaterThan(Math.min(...known) / 2);
    expect(Math.min(...unknown)).toBeLessThan(Math.min(...known) * 2);
  });

  it('hashed by others are verified, and known to be outdated', async () => {
    // For texts like this one the three versions differ in name only.
    for (const version of ['2a', '2b', '2y']) {
      const stored = (await bcryptHash('correct horse', 4)).replace(/^\$2y/, () => `$${version}`);
      expect(stored.startsWith(`$${version}$04$`)).toBe(true);
      checkPasswordHash(stored);
      expect(await hasher.verify(stored, 'correct horse')).toBe(true);
      expect(await hasher.verify(stored, 'wrong horse')).toBe(false);
      expect(hasher.isOutdated(stored, 'correct horse')).toBe(true);
    }
    const weak = await argon2Hash('correct horse', { memoryCost: 8192, timeCost: 1, parallelism: 1 });
    checkPasswordHash(weak);
    expect(await hasher.verify(weak, 'correct horse')).toBe(true);
    expect(hasher.isOutdated(weak, 'correct horse')).toBe(true);
  });

  it('longer than bcrypt reads are not made binding by a match of their beginning', async () => {
    const long = 'x'.repeat(80);
    expect(hasher.isOutdated(await bcryptHash(long, 4), long)).toBe(false);
  });

  it('are hashed a bounded number at a time, and the rest is told to come back', async () => {
    const outcomes = await Promise.allSettled(Array.from({ length: 40 }, () => hasher.hash('correct horse')));
    const refused = outcomes.filter((outcome) => outcome.status === 'rejected');
    expect(outcomes.length - refused.length).toBe(10);
    expect(refused[0]?.reason).toMatchObject({ code: 'login-busy', status: 503, headers: { 'Retry-After': '1' } });
  });

  it.each([
    ['too short', 'sevench', 'fewer than 8'],
    ['too long', 'x'.repeat(1025), '1024 bytes'],
    ['half a character', 'abcdefgh\ud800', 'Unicode'],
  ])('%s are refused', (_what, password, words) => {
    expect(() => checkPassword(password, 8)).toThrow(words);
  });

  it('are counted in characters', () => {
    expect(() => checkPassword('😀😀😀😀😀😀😀😀', 8)).not.toThrow();
    expect(() => checkPassword('😀😀😀😀', 8)).toThrow();
  });

  it.each([
    '',
    'secret',
    '$1$abc$def',
    '$2x$10$abcdefghijklmnopqrstuuABCDEFGHIJKLMNOPQRSTUVWXYZ01234',
    `$2b$31$${'a'.repeat(53)}`,
    '$argon2i$v=19$m=19456,t=2,p=1$c2FsdHNhbHRzYWx0$aGFzaGhhc2hoYXNoaGFzaGhhc2hoYXNo',
    '$argon2id$v=19$m=999999,t=2,p=1$c2FsdHNhbHRzYWx0$aGFzaGhhc2hoYXNoaGFzaGhhc2hoYXNo',
    '$argon2id$v=19$m=19456,t=99,p=1$c2FsdHNhbHRzYWx0$aGFzaGhhc2hoYXNoaGFzaGhhc2hoYXNo',
  ])('with the hash "%s" are not taken over', (hash) => {
    expect(() => checkPasswordHash(hash)).toThrow(expect.objectContaining({ code: 'password-hash-invalid' }));
  });
});
