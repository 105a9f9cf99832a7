/** What happens to texts on their way into a telephone. */
import type { Random } from './random.js';

/** As people write in a hurry: no capitals, no accents, short spellings, a smiley, a line of its own. */
export function hurry(text: string, short: Readonly<Record<string, string>>, random: Random): string {
  let written = text;
  if (random.chance(0.6)) written = written.toLowerCase();
  if (random.chance(0.4)) written = withoutAccents(written);
  written = written.replace(/[\p{L}’]+/gu, (word) => {
    const spelling = short[word.toLowerCase()];
    return spelling !== undefined && random.chance(0.7) ? spelling : word;
  });
  if (random.chance(0.3)) written = written.replace(/[.,]/g, '');
  if (random.chance(0.2)) written = `${written} ${random.pick(['😂', ':)', '❤️', '😅', ':(', '👍', '…', '<3'])}`;
  if (random.chance(0.05)) written = written.replace(/ (?=[^ ]+ [^ ]+$)/, '\n');
  return written;
}

/** As those write who want to be read by people and not by filters. */
export function disguise(text: string, random: Random): string {
  switch (random.below(5)) {
    case 0:
      return text.toUpperCase();
    case 1:
      return text.replace(/[!.]/g, '!!!');
    case 2:
      return withoutAccents(text).replace(/[oO](?=[a-z])/g, () => (random.chance(0.3) ? '0' : 'o'));
    case 3:
      return text.replace(/\p{L}{5,}/gu, (word) => (random.chance(0.15) ? [...word].join('.') : word));
    default:
      return `${random.pick(['***', '>>', '★', '✔', '"'])} ${text} ${random.pick(['***', '<<', '★', '✔', '"'])}`;
  }
}

/** One letter too few, too many, or in its neighbour's place. */
export function slip(text: string, random: Random): string {
  const at = 1 + random.below(Math.max(1, text.length - 2));
  // Not within a character that takes two units.
  if (/[^\p{L}]/u.test(text.slice(at, at + 2))) return text;
  const [a, b] = [text[at], text[at + 1]];
  const changed = random.pick([`${b}${a}`, `${a}`, `${a}${a}${b}`]);
  return text.slice(0, at) + changed + text.slice(at + 2);
}

const withoutAccents = (text: string) => text.normalize('NFD').replace(/\p{M}(?<!\uFE0F)/gu, '');
