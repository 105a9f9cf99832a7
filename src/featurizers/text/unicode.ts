/** Properties of characters as Python knows them: its tables differ from those of regular expressions in JavaScript. */
import { CodePointSet } from './code-point-set.js';
import { combiningRanges, decimalRanges, spaceRanges, wordRanges } from './unicode-tables.js';

export const wordPoints = CodePointSet.decode(wordRanges);
export const decimalPoints = CodePointSet.decode(decimalRanges);
export const spacePoints = CodePointSet.decode(spaceRanges);
const combiningPoints = CodePointSet.decode(combiningRanges);

const notAscii = /[^\0-\x7f]/;

/** How accents go: `unicode` takes combining marks from the compatibility decomposition, `ascii` all but ASCII. */
export type AccentStripping = 'ascii' | 'unicode' | 'unicode-unless-decomposed';

/**
 * As scikit-learn's `strip_accents_unicode` and `strip_accents_ascii`. Before 0.22 the former left a text alone that
 * was its own decomposition, marks included: `unicode-unless-decomposed`.
 */
export function stripAccents(text: string, how: AccentStripping): string {
  if (!notAscii.test(text)) return text;
  const decomposed = text.normalize('NFKD');
  if (how === 'unicode-unless-decomposed' && decomposed === text) return text;
  let kept = '';
  for (const character of decomposed) {
    const point = character.codePointAt(0)!;
    if (how === 'ascii' ? point < 128 : point < 768 || !combiningPoints.has(point)) kept += character;
  }
  return kept;
}
