/** Properties of characters as Python knows them: its tables differ from those of regular expressions in JavaScript. */
import { CodePointSet } from './code-point-set.js';
import { combiningRanges, decimalRanges, spaceRanges, wordRanges } from './unicode-tables.js';

export const wordPoints = CodePointSet.decode(wordRanges);
export const decimalPoints = CodePointSet.decode(decimalRanges);
export const spacePoints = CodePointSet.decode(spaceRanges);
const combiningPoints = CodePointSet.decode(combiningRanges);

const firstCombining = 0x300;

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
  let from = 0;
  for (let at = 0; at < decomposed.length; ) {
    const point = decomposed.codePointAt(at)!;
    const next = at + (point > 0xffff ? 2 : 1);
    if (how === 'ascii' ? point > 127 : point >= firstCombining && combiningPoints.has(point)) {
      kept += decomposed.slice(from, at);
      from = next;
    }
    at = next;
  }
  return kept + decomposed.slice(from);
}
