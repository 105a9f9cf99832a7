import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { CodePointSet } from '../../../src/featurizers/text/code-point-set.js';
import { decimalPoints, spacePoints, stripAccents, wordPoints } from '../../../src/featurizers/text/unicode.js';
import { combiningRanges } from '../../../src/featurizers/text/unicode-tables.js';

interface Characters {
  readonly digests: Readonly<Record<string, string>>;
  readonly lower: readonly (readonly [point: number, lowered: string])[];
  readonly sentences: readonly (readonly [text: string, lowered: string, unicode: string, ascii: string])[];
}

const file = join(import.meta.dirname, '../../fixtures/text/characters.json');
const { digests, lower, sentences } = JSON.parse(readFileSync(file, 'utf8')) as Characters;

describe('characters', () => {
  it.each([
    ['word', wordPoints],
    ['decimal', decimalPoints],
    ['space', spacePoints],
    ['combining', CodePointSet.decode(combiningRanges)],
  ] as const)('of the set %s are those that Python counts to it, every one', (name, set) => {
    const line = Array.from({ length: 0x110000 }, (_, point) => (set.has(point) ? '1' : '0')).join('');
    expect(createHash('sha256').update(line).digest('hex')).toBe(digests[name]);
  });

  it('become lower case as in Python', () => {
    const got = lower.map(([point]) => [point, String.fromCodePoint(point).toLowerCase()]);
    expect(got).toEqual(lower);
  });

  it.each(sentences)('of %j lose case and accents as in Python', (text, lowered, unicode, ascii) => {
    expect(text.toLowerCase()).toBe(lowered);
    expect(stripAccents(text, 'unicode')).toBe(unicode);
    expect(stripAccents(text, 'ascii')).toBe(ascii);
  });

  it('that are decomposed already keep their marks before 0.22', () => {
    expect(stripAccents('e\u0301te\u0301', 'unicode-unless-decomposed')).toBe('e\u0301te\u0301');
    expect(stripAccents('\u00e9te\u0301', 'unicode-unless-decomposed')).toBe('ete');
  });
});

describe('CodePointSet', () => {
  it('joins, complements and compares ranges', () => {
    const set = CodePointSet.of([
      [5, 9],
      [1, 3],
      [4, 4],
      [0x10000, 0x10010],
    ]);
    expect(set.ranges).toEqual([
      [1, 9],
      [0x10000, 0x10010],
    ]);
    expect([0, 1, 9, 10, 0xffff, 0x10000, 0x10010, 0x10011].map((point) => set.has(point))).toEqual([
      ...[false, true, true, false, false, true, true, false],
    ]);
    expect(set.complement().complement().ranges).toEqual(set.ranges);
  });
});
