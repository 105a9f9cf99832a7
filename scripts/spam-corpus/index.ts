/**
 * A synthetic collection of short messages in four languages, ham and spam, in the layout of the collections that spam
 * filters are taught with: `v1` the class, `v2` the text. Every sentence is of this folder's own phrase books. Firms,
 * addresses (`.example`) and telephone numbers are nobody's.
 */
import { writeCsv } from '../../src/formats/index.js';
import { MersenneTwister } from '../../src/learn/mersenne-twister.js';
import { english } from './english.js';
import { french } from './french.js';
import { disguise, hurry, slip } from './noise.js';
import type { PhraseBook } from './phrase-book.js';
import { portuguese } from './portuguese.js';
import { Random } from './random.js';
import { spanish } from './spanish.js';

const seed = 2021;
const books = [english, portuguese, spanish, french];
const spamShare = 0.22;
/** Of the messages of either class: those whose class no reader could tell, and those that carry another class's words. */
const eitherShare = 0.03;
const crossedShare = 0.02;

/** The text of `spam.csv`, the same at every call. */
export function makeCorpus(): string {
  const random = new Random(new MersenneTwister(seed));
  const rows = books.flatMap((book) => Array.from({ length: book.rows }, () => makeRow(book, random)));
  const shuffled = random.shuffle(rows);
  return writeCsv([['v1', 'v2'], ...shuffled]).replaceAll('\r\n', '\n');
}

function makeRow(book: PhraseBook, random: Random): [label: string, text: string] {
  const isSpam = random.chance(spamShare);
  return isSpam ? ['spam', makeSpam(book, random)] : ['ham', makeHam(book, random)];
}

function makeHam(book: PhraseBook, random: Random): string {
  const { ham, either, spam } = book;
  if (random.chance(eitherShare)) return expand(random.pick(either), book, random);
  const opening = random.chance(0.5) ? [random.pick(ham.openings)] : [];
  const parts = [
    random.pick(ham.bodies),
    ...(random.chance(0.15) ? [random.pick(ham.bodies)] : []),
    // People forward what they got, and laugh at it.
    ...(random.chance(crossedShare) ? [`"${random.pick(spam.bodies)}"`] : []),
    ...(random.chance(0.45) ? [random.pick(ham.endings)] : []),
  ];
  const text = join(opening, parts, (part) => expand(part, book, random));
  const hurried = random.chance(0.4) ? hurry(text, book.short, random) : text;
  return random.chance(0.2) ? slip(hurried, random) : hurried;
}

function makeSpam(book: PhraseBook, random: Random): string {
  const { ham, either, spam } = book;
  if (random.chance(eitherShare)) return expand(random.pick(either), book, random);
  // The better ones begin as a friend would.
  const opening = [random.pick(random.chance(4 * crossedShare) ? ham.openings : spam.openings)];
  const parts = [
    random.pick(spam.bodies),
    ...(random.chance(crossedShare) ? [random.pick(ham.bodies)] : []),
    ...(random.chance(0.5) ? [random.pick(spam.endings)] : []),
  ];
  const text = join(opening, parts, (part) => expand(part, book, random));
  const disguised = random.chance(0.35) ? disguise(text, random) : text;
  return random.chance(0.1) ? slip(disguised, random) : disguised;
}

/** Fills a template. */
function expand(template: string, book: PhraseBook, random: Random): string {
  const filled = template.replace(/\{(\w+)\}/g, (_, name: string) => {
    const slot = book.slots[name];
    if (slot === undefined) throw new Error(`"${template}" names a slot that the phrase book does not have`);
    return expand(random.pick(slot), book, random);
  });
  return filled.replace(/[#~]/g, (mark) => (mark === '#' ? String(random.below(10)) : random.pick([...letters])));
}

const letters = 'abcdefghkmnpqrstuvwxyz';

/** One text: sentences begin with a capital and end with a full stop, where there is another. */
function join(opening: readonly string[], parts: readonly string[], fill: (part: string) => string): string {
  let text = opening.map(fill).join('');
  for (const [i, part] of parts.map(fill).entries()) {
    if (i > 0 && /[\p{L}\d]$/u.test(text)) text = `${text}.`;
    const begins = text === '' || /[.!?]$/.test(text);
    const next = begins ? part.replace(/^[¿¡"]*\p{L}/u, (letter) => letter.toUpperCase()) : part;
    text = text === '' ? next : `${text} ${next}`;
  }
  return text;
}
