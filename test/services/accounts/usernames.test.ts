import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkUsername, usernameKey } from '../../../src/services/accounts/usernames.js';

describe('user names', () => {
  it.each(['ana', 'Ana María', 'o’neill', 'ana@example.org', '王', 'x'.repeat(128)])('%s can be used', (name) => {
    expect(() => checkUsername(name)).not.toThrow();
  });

  it.each([
    ['an empty one', ''],
    ['129 characters', 'x'.repeat(129)],
    ['a space at the end', 'ana '],
    ['a line break', 'ana\nroot'],
    ['a NUL', 'ana\0'],
    ['an escape sequence', '\u001b[31mana'],
    ['zero width', 'a\u200bna'],
    ['a turned direction', 'a\u202ena'],
    ['half a character', 'a\ud800'],
    ['a line separator', 'a\u2028b'],
    ['one that NFKC makes longer than 128', 'ﷺ'.repeat(100)],
  ])('%s is refused', (_what, name) => {
    expect(() => checkUsername(name)).toThrow(expect.objectContaining({ code: 'username-invalid' }));
  });

  it.each([
    ['Ana', 'ana'],
    ['ﬁn', 'fin'],
    ['ＡＮＡ', 'ana'],
    ['e\u0301', '\u00e9'],
  ])('%s is the same as %s', (one, other) => {
    expect(usernameKey(one)).toBe(usernameKey(other));
  });

  it('have a key that is its own key', () => {
    const names = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 40 });
    fc.assert(
      fc.property(names, (name) => usernameKey(usernameKey(name)) === usernameKey(name)),
      { numRuns: 1000 },
    );
  });
});
