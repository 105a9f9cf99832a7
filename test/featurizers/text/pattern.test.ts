import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compileFindAll, PatternError } from '../../../src/featurizers/text/pattern/index.js';

interface PatternCases {
  readonly texts: readonly string[];
  readonly refused: readonly string[];
  readonly patterns: readonly { readonly pattern: string; readonly found: readonly (readonly string[])[] }[];
}

const file = join(import.meta.dirname, '../../fixtures/text/patterns.json');
const { texts, refused, patterns } = JSON.parse(readFileSync(file, 'utf8')) as PatternCases;

function findAll(pattern: string, text: string): string[] {
  const found: string[] = [];
  compileFindAll(pattern)(text, (start, end) => found.push(text.slice(start, end)));
  return found;
}

describe('compileFindAll', () => {
  it.each(patterns)('finds what re.findall($pattern) finds', ({ pattern, found }) => {
    expect(texts.map((text) => findAll(pattern, text))).toEqual(found);
  });

  it.each(refused)('refuses %j', (pattern) => {
    expect(() => compileFindAll(pattern)).toThrow(PatternError);
  });

  it('agrees with JavaScript where both languages mean the same', () => {
    const letter = fc.constantFrom('a', 'b', 'c', '.', '[ab]', '[^a]', '(?:a|bc)', '(?:ab|a|b)');
    const piece = fc
      .tuple(letter, fc.constantFrom('', '', '+', '+?', '{2}', '{1,3}', '{1,3}?'))
      .map((parts) => parts.join(''));
    const pattern = fc
      .tuple(fc.array(piece, { minLength: 1, maxLength: 4 }), fc.array(piece, { maxLength: 3 }))
      .map(([first, second]) => (second.length === 0 ? first.join('') : `${first.join('')}|${second.join('')}`));
    const text = fc.string({ unit: fc.constantFrom('a', 'b', 'c', ' '), maxLength: 24 });
    fc.assert(
      fc.property(pattern, text, (source, value) => {
        expect(findAll(source, value)).toEqual(value.match(new RegExp(source, 'g')) ?? []);
      }),
      { numRuns: 400 },
    );
  });

  it('takes any text for a pattern, or refuses it', () => {
    const syntax = fc.constantFrom(...'ab\\wds()[]{}|*+?^$.-,12:=!<>P#n');
    fc.assert(
      fc.property(fc.string({ unit: syntax, maxLength: 16 }), (source) => {
        try {
          findAll(source, 'ab12 ba-b');
        } catch (error) {
          expect(error).toBeInstanceOf(PatternError);
        }
      }),
      { numRuns: 2000 },
    );
  });

  it.each(['(?:a+)+b', '(?:a|a|ab)+c', '(?:\\w+\\s?)+x', '\\w+\\w+\\w+\\d'])(
    'takes time in proportion to the text for %s',
    (pattern) => {
      const started = performance.now();
      expect(findAll(pattern, 'a'.repeat(50_000))).toEqual([]);
      expect(performance.now() - started).toBeLessThan(5000);
    },
  );
});
